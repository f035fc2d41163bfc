// Graves G22, G23, G25 and G27: hostile input, unbounded buffers, calls that never end, keys in the box.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFrame, encodeFrame, encodeMessage, toJson } from '../../src/messages/index.ts';
import type { Message, Proof } from '../../src/messages/index.ts';
import { decodeRecord } from '../../src/protocol/record-codec.ts';
import { generateCluster } from '../../src/server/config/index.ts';
import { MESSAGE_OF_TYPE, message as anyMessage, proof as anyProof } from '../support/arbitrary-messages.ts';
import { Bench } from '../support/bench.ts';
import {
  CAP,
  T,
  TIMEOUT,
  give,
  newSession,
  outcomeOf,
  replyTo,
  sendingOf,
  submit,
} from '../support/client-session-kit.ts';
import { ALICE, BOB, SESSION, clientId, replica, seq } from '../support/core-kit.ts';
import { must } from '../support/must.ts';
import { Rig } from '../support/rig.ts';
import { refusalsOf, sentOf } from '../support/transcript.ts';
import type { ReplicaMessage } from '../../src/protocol/input.ts';

const SEED = 20_240_801;

/** A bench that still serves: one more request, executed by all. */
function checkServes(bench: Bench, session: number): void {
  bench.execute(bench.kit.authenticated('after', { session: SESSION + session }));
  bench.until(() => bench.nodes.every((node) => node.count('after') >= 1), 'all still serve');
}

describe('G22: no input throws past its link', () => {
  const bench = new Bench();

  test('any bytes are opened or refused, with a reason, over any link', () => {
    const { intake } = bench.node(1);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom(0, 1, 3, 200, ALICE, clientId(9)),
        (bytes, from) => {
          const link =
            typeof from === 'number'
              ? ({ kind: 'replica', replica: replica(from) } as const)
              : ({ kind: 'client', client: from } as const);
          const opened = intake.open(bytes, link);
          expect(opened.ok || opened.error.reason.length > 0).toBe(true);
        },
      ),
      { seed: SEED, numRuns: 2000 },
    );
  });

  test('any well-formed message under any proof is opened or refused, as bytes and as JSON', () => {
    const { intake } = bench.node(1);
    fc.assert(
      fc.property(anyMessage, anyProof, (message: Message, proof: Proof) => {
        const frame = encodeFrame(encodeMessage(message), proof);
        expect(intake.open(frame, { kind: 'replica', replica: replica(0) })).toHaveProperty('ok');
        expect(intake.openJson(JSON.parse(JSON.stringify(toJson(message, proof))))).toHaveProperty('ok');
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  test('any JSON value is refused or opened', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(bench.node(1).intake.openJson(value)).toHaveProperty('ok');
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });

  test('every frame of a run with any bit changed is refused, and the receiver goes on', () => {
    const run = new Bench();
    run.execute(run.kit.authenticated('x'));
    for (const { from, to, frame } of run.history.slice(0, 60)) {
      for (const at of [0, 1, 9, 17, Math.floor(frame.length / 2), frame.length - 1]) {
        const bad = frame.slice();
        bad[at] = (bad[at] ?? 0) ^ 0x40;
        run.node(to).onFrame(bad, from);
      }
    }
    checkServes(run, 1);
  });

  const authored = Object.entries(MESSAGE_OF_TYPE).filter(
    ([type]) => !['reply', 'replies', 'requests', 'simulate-byzantine'].includes(type),
  );
  test.each(authored)('a replica takes any well-formed %s from an authentic peer without a throw', (_, arbitrary) => {
    const rigs = [new Rig({ self: 0 }), new Rig(), new Rig({ cluster: { authentication: 'signature' } })];
    for (const rig of rigs) rig.requests([rig.kit.signed('x')]);
    fc.assert(
      fc.property(arbitrary, fc.constantFrom(2, 3), (message, sender) => {
        for (const rig of rigs) {
          const authentic: ReplicaMessage = Object.assign(
            { ...message },
            'replica' in message ? { replica: replica(sender) } : {},
          ) as ReplicaMessage;
          // Its author is the primary of its view; the intake lets nobody hear itself.
          const isPrimarys = authentic.type === 'pre-prepare' || authentic.type === 'new-view';
          if (isPrimarys && authentic.view % 4 === rig.status.self) continue;
          rig.receive(authentic, { signature: new Uint8Array(64) });
        }
      }),
      { seed: SEED, numRuns: 200 },
    );
    for (const rig of rigs) expect(rig.status.lowWaterMark).toBe(0);
  });

  test('any bytes are a record or damage, never a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(decodeRecord(bytes, bench.kit.codec)).toHaveProperty('ok');
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  test('an unsigned, foreign, read-only or strange request does not disturb the primary, nor cost another client its reply', () => {
    const run = new Bench();
    const { kit } = run;
    run.send([kit.authenticated('x', {}, [0, 1, 2, 3])]);
    run.send([kit.signed('x', { client: BOB })]);
    run.send([kit.signed('x', { flags: 1 })]);
    run.send([kit.signed('', { session: 0, timestamp: 0 })]);
    run.send([kit.signed('x', { session: Number.MAX_SAFE_INTEGER, timestamp: Number.MAX_SAFE_INTEGER })]);
    run.send([kit.signed('x', { replier: 200, session: SESSION + 5 })]);
    run.execute(kit.authenticated('honest', { client: BOB }));
    expect(run.nodes.map((node) => node.count('honest'))).toEqual([1, 1, 1, 1]);
  });

  test('one client that floods the primary leaves room for another', () => {
    const rig = new Rig({ self: 0, tuning: { pipeline: 1 } });
    let refused = 0;
    for (let at = 0; at < 20_000 && refused < 10; at += 1) {
      refused += refusalsOf(
        rig.requests([rig.kit.authenticated('spam', { session: SESSION + at })], ALICE, 'mac'),
      ).length;
    }
    expect(refused).toBe(10);
    expect(refusalsOf(rig.requests([rig.kit.authenticated('honest', { client: BOB })], BOB, 'mac'))).toEqual([]);
  });
});

describe('G23: what a peer sends takes bounded memory', () => {
  test('votes, claims and complaints for any number and view: slots exist for two windows, and no more', () => {
    const rig = new Rig();
    const digest = rig.kit.digestOfBatch(undefined);
    for (let at = 0; at < 5000; at += 1) {
      rig.receive(rig.kit.prepare(3, at * 3, digest, at));
      rig.receive(rig.kit.commit(3, at * 3, digest, at));
      rig.receive({ type: 'decided', replica: replica(3), decisions: [{ sequence: seq(at), digest }] });
      rig.receive({
        type: 'complaint',
        replica: replica(3),
        view: rig.status.view,
        sequence: seq(at),
        digest,
        requests: [digest],
      });
    }
    expect(rig.replica.slots(seq(0), seq(Number.MAX_SAFE_INTEGER)).length).toBeLessThanOrEqual(16);
    expect(rig.status.openSlots).toBeLessThanOrEqual(16);
  });

  test('suspicions: one per node, kind and certainty, however often', () => {
    const rig = new Rig();
    for (let at = 0; at < 1000; at += 1) {
      rig.step({
        kind: 'refused',
        link: replica(3),
        refusal: { code: 'malformed', reason: `${at}`, decode: undefined },
      });
      rig.receive(rig.kit.prepare(3, 1 + (at % 8), rig.kit.digestOfBatch(rig.kit.batchOf(`${at}`))));
    }
    expect(rig.status.suspicions.length).toBeLessThanOrEqual(4);
    expect(rig.records.filter(({ kind }) => kind === 'suspicion').length).toBeLessThanOrEqual(2);
  });

  test('answers: a peer that asks without end is sent a bounded amount', () => {
    const rig = new Rig();
    const batch = rig.kit.batch([rig.kit.signed('x'.repeat(60_000))]);
    const digest = rig.kit.digestOfBatch(batch);
    rig.receive(rig.kit.prePrepare(1, batch));
    let sent = 0;
    for (let at = 0; at < 500; at += 1) {
      sent += sentOf(rig.receive(rig.kit.status(3))).length;
      sent += sentOf(
        rig.receive({ type: 'fetch', replica: replica(3), wanted: [{ sequence: seq(1), digest }] }),
      ).length;
    }
    expect(sent).toBeLessThan(100);
  });

  test('clients: queues are bounded in number and bytes, at primary and backup', () => {
    for (const self of [0, 1]) {
      const rig = new Rig({
        self,
        cluster: { openClients: true },
        tuning: { queueRequests: 100, clientQueueBytes: 50_000, pipeline: 1 },
      });
      for (let at = 0; at < 2000; at += 1) {
        const client = clientId(at % 16);
        rig.requests([rig.kit.signed('x'.repeat(1000), { client, session: SESSION + at })], client);
      }
      expect(rig.status.queuedRequests).toBeLessThanOrEqual(100);
      expect(rig.status.queuedBytes).toBeLessThanOrEqual(16 * 50_000);
    }
  });
});

describe('G25: every call ends', () => {
  test('with no reply at all: as unknown, at its deadline', () => {
    const session = newSession();
    submit(session);
    let outcome: unknown;
    for (let now = 0; outcome === undefined && now <= TIMEOUT; now += 10) outcome = outcomeOf(session.onTimeout(now));
    expect(outcome).toMatchObject({ kind: 'unknown' });
    expect(session.nextTimeout()).toBeUndefined();
  });

  test('with replies that never agree: the same', () => {
    const session = newSession();
    const sending = submit(session);
    for (const from of [0, 1, 2, 3]) give(session, replyTo(sending, from, { result: Uint8Array.of(from) }));
    let outcome: unknown;
    for (let now = 0; outcome === undefined && now <= TIMEOUT; now += CAP) outcome = outcomeOf(session.onTimeout(now));
    outcome ??= outcomeOf(session.onTimeout(TIMEOUT));
    expect(outcome).toMatchObject({ kind: 'unknown' });
  });

  test('a later retry is the very same request, so it is exactly once', () => {
    const session = newSession();
    const sending = submit(session);
    session.onTimeout(TIMEOUT);
    const again = sendingOf(session.retry(TIMEOUT + T, TIMEOUT));
    expect(again.digest).toBe(sending.digest);
    expect(again.signed).toBe(true);
    give(session, replyTo(again, 0));
    expect(outcomeOf(give(session, replyTo(again, 1)))).toMatchObject({ kind: 'executed' });
  });
});

describe('G27: no keys in the box', () => {
  test('one call makes all files of a cluster, with keys that no other cluster has', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pbft-grave-'));
    try {
      const nodes = [0, 1, 2, 3].map((index) => ({
        host: '127.0.0.1',
        peerPort: 7001 + index,
        httpPort: 8001 + index,
      }));
      const secretsOf = (name: string): ReadonlySet<string> => {
        must(generateCluster(join(folder, name), { nodes }));
        const files = readdirSync(join(folder, name), { recursive: true, encoding: 'utf8' }).filter((file) =>
          file.endsWith('.key'),
        );
        expect(files).toHaveLength(8);
        return new Set(
          files.flatMap((file) => readFileSync(join(folder, name, file), 'utf8').match(/[0-9a-f]{64}/g) ?? []),
        );
      };
      const [first, second] = [secretsOf('first'), secretsOf('second')];
      expect([...first].filter((secret) => second.has(secret))).toEqual([]);
      expect(first.size).toBeGreaterThanOrEqual(16);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('the repository holds no key file, and no source spells one out', () => {
    const root = join(import.meta.dirname, '../..');
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /\.(key|pem)$/.test(file))).toEqual([]);
    const sources = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
    expect(sources.length).toBeGreaterThan(100);
    const spelled = sources.filter((file) =>
      /['"`][0-9a-f]{64}['"`]|BEGIN (?:RSA |EC )?PRIVATE KEY/.test(readFileSync(join(root, 'src', file), 'utf8')),
    );
    expect(spelled).toEqual([]);
  });
});

test('G22: frames of a run decode to what they were made of', () => {
  const bench = new Bench();
  bench.execute(bench.kit.authenticated('x'));
  for (const { frame, message } of bench.history)
    expect(must(decodeFrame(frame, bench.kit.codec)).message.type).toBe(message.type);
});
