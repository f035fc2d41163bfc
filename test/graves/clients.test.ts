// Graves G17 and G24: what clients can do to the view, and to one another.
import { describe, expect, test } from 'vitest';
import { REQUEST_READ_ONLY, resultDigest } from '../../src/messages/index.ts';
import { CLIENT_FAULTS } from '../../src/simulation/faults.ts';
import { FaultyClient } from '../../src/simulation/faulty-client.ts';
import { Random } from '../../src/simulation/random.ts';
import { ScenarioWorld } from '../../src/simulation/scenario-world.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import type { ClientId, Digest } from '../../src/base/ids.ts';
import type { TuningConfig } from '../../src/protocol/config.ts';
import type { StateMachine } from '../../src/protocol/ports.ts';
import { Bench } from '../support/bench.ts';
import { ALICE, BOB, SESSION, bytes, clientId, replica } from '../support/core-kit.ts';
import { Rig } from '../support/rig.ts';
import { refusalsOf, sentOf } from '../support/transcript.ts';
import { record, settle, transfers } from '../support/scenes.ts';

const SECOND = 1_000_000;
const OPERATION = encodeUtf8('{"operation":"transfer","amount":1}') ?? new Uint8Array(0);

/** A cluster that serves client1 and client2 while client3, listed as they are, does what no correct one does. */
function attacked(
  authentication: 'mac' | 'signature',
  fault: (typeof CLIENT_FAULTS)[number],
  tuning: Partial<TuningConfig> = {},
): ScenarioWorld {
  const scene = new ScenarioWorld({ authentication, clientCount: 3, tuning });
  const { world } = scene;
  const id = world.cluster.clients[2];
  if (id === undefined) throw new Error('client3 is listed');
  const attacker = new FaultyClient(world, id, { fault, random: new Random(7, fault), makeOperation: () => OPERATION });
  world.addClient(attacker, 'client3');
  world.armClient(attacker);
  return scene;
}

describe('G17: with a correct primary and a timely network no client moves the view, signature mode', () => {
  test.each(CLIENT_FAULTS)('%s', (fault) => {
    const scene = attacked('signature', fault);
    const started = record(scene, 'view-change-started');
    const refused = record(scene, 'refused');
    const received = record(scene, 'request-received');
    for (const client of [1, 2]) transfers(scene, 20, client);
    expect(settle(scene)).toBe(true);
    scene.run(3 * SECOND);
    expect(scene.isConverged()).toBe(true);
    expect(started).toEqual([]);
    expect(refused.length + received.length).toBeGreaterThan(20);
  });
});

describe('G17: nor by what a primary has no room for', () => {
  const CASES = (['crowded-primary', 'shown-late'] as const).flatMap((fault) =>
    (['mac', 'signature'] as const).map((mode) => [fault, mode] as const),
  );

  test.each(CASES)('%s, %s mode, a queue of 16', (fault, mode) => {
    const scene = attacked(mode, fault, { queueRequests: 16, batchRequests: 1, pipeline: 1 });
    const started = record(scene, 'view-change-started');
    for (const client of [1, 2]) transfers(scene, 60, client);
    expect(settle(scene)).toBe(true);
    scene.run(3 * SECOND);
    expect(scene.isConverged()).toBe(true);
    expect(started).toEqual([]);
  });
});

describe('G17: in mac mode at most one view change per client identity', () => {
  /** Requests of `clients` whose authenticators are good for the primary alone: its proposals cannot be verified by any backup. */
  function attack(clients: readonly ClientId[], rounds: number): number {
    const bench = new Bench({ cluster: { clients: [ALICE, ...clients] } });
    let session = SESSION;
    for (let round = 1; round <= rounds; round += 1) {
      const primary = Math.max(...bench.nodes.map((node) => node.status.view)) % 4;
      const spoiled = [0, 1, 2, 3].filter((index) => index !== primary);
      for (const client of clients) {
        session += 1;
        bench.send([bench.kit.authenticated('evil', { client, session }, spoiled)], [0, 1, 2, 3], client);
      }
      bench.execute(bench.kit.authenticated('honest', { timestamp: round }));
      bench.pass(200_000);
    }
    // Some of the attacker's requests wait for ever, for a signature that never comes.
    const executed = (): readonly number[] => bench.nodes.map((node) => node.status.lastExecuted);
    bench.until(() => new Set(executed()).size === 1, 'all have executed the same');
    expect(bench.nodes.map((node) => node.count('honest'))).toEqual([rounds, rounds, rounds, rounds]);
    expect(bench.nodes.flatMap(({ suspicions }) => suspicions.filter((line) => line.startsWith('certain')))).toEqual(
      [],
    );
    return Math.max(...bench.nodes.map((node) => node.status.view));
  }

  test('the attack itself: one client, 30 requests: it moves the view once, and then must sign', () => {
    expect(attack([BOB], 30)).toBe(1);
  });

  test('three identities at the same time: at most three view changes', () => {
    const views = attack([BOB, clientId(2), clientId(3)], 12);
    expect(views).toBeGreaterThanOrEqual(1);
    expect(views).toBeLessThanOrEqual(3);
  });

  test.each(CLIENT_FAULTS)('%s: no more than one either', (fault) => {
    const scene = attacked('mac', fault);
    const started = record(scene, 'view-change-started');
    for (const client of [1, 2]) transfers(scene, 20, client);
    expect(settle(scene)).toBe(true);
    scene.run(3 * SECOND);
    expect(scene.isConverged()).toBe(true);
    expect(Math.max(0, ...started.map(({ event }) => event.view))).toBeLessThanOrEqual(
      fault === 'partial-authenticator' ? 1 : 0,
    );
  });
});

/**
 * Berger, Reiser and Bessani, SRDS 2021: with read-only requests a client needs a quorum of replies to every request. A faulty primary lets the others agree
 * without f of the correct ones, and is silent to clients itself: then f+1 correct replicas have executed, and nobody brings up the f that are left out.
 */
describe('G24: a faulty primary that leaves correct replicas out starves no client of its quorum', () => {
  const registers: StateMachine = {
    execute(state, operation) {
      state.put(bytes('x'), operation);
      return operation;
    },
    query: (state) => state.get(bytes('x')) ?? bytes('none'),
  };

  test.each(['mac', 'signature'] as const)('in %s mode: the others bring them up, without it', (authentication) => {
    const bench = new Bench({ cluster: { authentication, readOnlyRequests: true }, application: registers });
    bench.lose = ({ from, to }) => from === replica(0) && to === replica(3);
    const { kit } = bench;
    const correct = [replica(1), replica(2), replica(3)];
    const isAnswered = (digest: Digest): boolean => {
      const repliers = bench.repliers(digest);
      return correct.every((one) => repliers.includes(one));
    };
    for (let at = 0; at < 10; at += 1) {
      const request = kit.signed(`value ${at}`, { session: SESSION + at });
      bench.send([request]);
      // As a client does that has too few replies: again, to all.
      for (let again = 0; again < 20 && !isAnswered(request.digest); again += 1) {
        bench.pass(300_000);
        if (!isAnswered(request.digest)) bench.send([request], [0, 1, 2, 3]);
        bench.run();
      }
      expect(isAnswered(request.digest)).toBe(true);
      const read = kit.signed('', { session: 900 + at, flags: REQUEST_READ_ONLY });
      bench.send([read], [1, 2, 3]);
      bench.run();
      expect(isAnswered(read.digest)).toBe(true);
      const [first] = bench.replies.filter(({ reply }) => reply.requestDigest === read.digest);
      expect(first?.reply.resultDigest).toBe(resultDigest(kit.codec, bytes(`value ${at}`)));
    }
    expect(bench.node(1).replica.status().view).toBe(0);
  });
});

describe('G24: where read-only requests are off, by which correct clients could be starved, they are refused', () => {
  test.each([0, 1])('replica %i, primary or backup, refuses one from a client, in both modes', (self) => {
    for (const authentication of ['mac', 'signature'] as const) {
      const rig = new Rig({ self, cluster: { authentication } });
      const outputs = rig.requests([rig.kit.signed('x', { flags: REQUEST_READ_ONLY })]);
      expect(refusalsOf(outputs)).toEqual(['requests read-only-disabled']);
      expect(sentOf(outputs)).toEqual([]);
      expect(outputs.filter(({ kind }) => kind === 'reply')).toEqual([]);
    }
  });

  test('a backup votes for no batch that holds one', () => {
    const rig = new Rig();
    const { kit } = rig;
    const batch = kit.batch([kit.signed('x'), kit.signed('y', { session: SESSION + 1, flags: REQUEST_READ_ONLY })]);
    const outputs = rig.receive(kit.prePrepare(1, batch));
    expect(refusalsOf(outputs)).toEqual(['pre-prepare read-only-in-batch']);
    expect(sentOf(outputs)).toEqual([]);
  });

  test('a client that sends nothing else starves nobody', () => {
    const scene = attacked('mac', 'read-only');
    const refused = record(scene, 'refused');
    const executed = record(scene, 'executed');
    for (const client of [1, 2]) transfers(scene, 20, client);
    expect(settle(scene, 3 * SECOND)).toBe(true);
    expect(refused.some(({ event }) => event.code === 'read-only-disabled')).toBe(true);
    const served = new Set(executed.flatMap(({ event }) => event.requests.map(({ client }) => client)));
    expect(served).toEqual(new Set(scene.world.cluster.clients.slice(0, 2)));
  });
});
