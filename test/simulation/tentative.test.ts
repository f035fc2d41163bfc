import { describe, expect, test } from 'vitest';
import { asReplicaId } from '../../src/base/ids.ts';
import { UNCHANGED } from '../../src/byzantine/index.ts';
import type { Behaviour } from '../../src/byzantine/index.ts';
import { decodeFrame } from '../../src/messages/index.ts';
import type { Reply } from '../../src/messages/index.ts';
import { PERFECT_LINK } from '../../src/simulation/network.ts';
import { ScenarioWorld } from '../../src/simulation/scenario-world.ts';
import { lose, record, settle, transfers, trouble } from '../support/scenes.ts';

// Tentative execution, led to where one rule decides: these runs are how mutants of the rules are seen.

const get = { operation: 'get', key: 'x' };
const put = (value: string): object => ({ operation: 'put', key: 'x', value });
const AFTER_A_REPLY = { kind: 'output', of: 'reply', count: 1, receivers: undefined, survivors: 0 } as const;

/** Four nodes that tell clients before they commit; x is old, and client1 has a session open. */
function makeScene({ readOnlyRequests = false } = {}): ScenarioWorld {
  const scene = new ScenarioWorld({ tentativeExecution: true, readOnlyRequests, clientCount: 3 });
  scene.request(1, put('old'));
  expect(scene.runUntilAnswered()).toBe(true);
  expect(settle(scene)).toBe(true);
  return scene;
}

/** Votes like anybody, and tells a client what `told` says, as its own tentative reply, as soon as that is there. */
function liarWith(told: () => Reply | undefined, self: number): Behaviour {
  const liar = asReplicaId(self - 1);
  return {
    ...UNCHANGED,
    name: 'wrong-reply',
    rewrite: (_now, outputs) => {
      const reply = told();
      return reply === undefined
        ? outputs
        : [...outputs, { kind: 'reply', isSigned: false, reply: { ...reply, replica: liar } }];
    },
  };
}

describe('clients are told', () => {
  test('when a batch is prepared, and it is committed with the next vote or a moment later', () => {
    const scene = makeScene();
    const told = record(scene, 'tentatively-executed');
    const executed = record(scene, 'executed');
    scene.request(1, put('new'));
    expect(scene.runUntilAnswered()).toBe(true);
    expect(scene.answers.at(-1)?.outcome).toMatchObject({ kind: 'executed', sequence: 2, isTentative: true });
    expect([told.length >= 3, executed.length]).toEqual([true, 0]);
    expect(scene.runUntil(() => executed.length === 4, 50_000)).toBe(true);
    expect(settle(scene)).toBe(true);
  });

  test('what survives the loss of power at all who have told it', () => {
    const scene = makeScene();
    trouble(scene, 'cut node4');
    const crashing = [1, 2, 3].map((index) => scene.node(index));
    for (const node of crashing) node.setTrap(AFTER_A_REPLY);
    scene.request(1, put('new'));
    expect(scene.runUntilAnswered()).toBe(true);
    expect(scene.answers.at(-1)?.outcome).toMatchObject({ sequence: 2, isTentative: true, replies: [0, 1, 2] });
    expect(crashing.map(({ isUp }) => isUp)).toEqual([false, false, false]);

    trouble(scene, 'heal');
    for (const node of crashing) scene.world.restart(node);
    expect(crashing.map(({ status }) => status.lastExecuted)).toEqual([1, 1, 1]);
    scene.request(2, get);
    expect(settle(scene)).toBe(true);
    const { outcome } = scene.answers.at(-1) ?? {};
    const result = outcome?.kind === 'executed' ? new TextDecoder().decode(outcome.result) : '';
    expect(result).toContain('"new"');
  });
});

describe('what fewer than a quorum say may be taken back', () => {
  /**
   * Node 2 alone hears the votes for x = new and prepares it. It tells the client, and so does node 4, which lies: it has prepared nothing. Node 2 is cut
   * off, and the others go on to a view that knows of nothing prepared at that number.
   */
  test('one that has prepared it and a liar are not believed', () => {
    const scene = makeScene();
    const { network, codec } = scene.world;
    network.addRule((_from, to, frame) => {
      const decoded = decodeFrame(frame, codec);
      if (!decoded.ok || decoded.value.message.type !== 'prepare') return undefined;
      const { view, sequence } = decoded.value.message;
      return view === 0 && sequence === 2 && to !== 'node2' ? 'drop' : undefined;
    });
    let told: Reply | undefined;
    scene.world.addObserver({
      released: (node, output) => {
        if (node.id === 1 && output.kind === 'reply' && output.reply.outcome === 'tentative') told = output.reply;
      },
    });
    scene.behave(4, 'wrong-reply');
    scene.node(4).behaviour = liarWith(() => told, 4);
    scene.request(1, put('new'));
    expect(scene.runUntil(() => told !== undefined, 1_000_000)).toBe(true);
    scene.run(200_000);
    trouble(scene, 'cut node2');
    expect(scene.runUntil(() => scene.node(1).status.lastExecuted >= 2, 20_000_000)).toBe(true);
    scene.node(4).behaviour = undefined;
    trouble(scene, 'heal');
    expect(settle(scene)).toBe(true);
    expect(scene.answers).toHaveLength(2);
    expect(scene.answers.at(-1)?.outcome).not.toMatchObject({ sequence: 2, digest: told?.digest });
  });
});

describe('beside read-only requests', () => {
  test('whoever reads after an answer that is tentative reads what it said', () => {
    const scene = makeScene({ readOnlyRequests: true });
    scene.request(1, put('new'));
    expect(scene.runUntilAnswered()).toBe(true);
    expect(scene.answers.at(-1)?.outcome).toMatchObject({ isTentative: true });
    scene.read(2, get);
    expect(scene.runUntil(() => scene.reads.length > 0, 1_000_000)).toBe(true);
    scene.linearizability.check();
    const [read] = scene.reads;
    expect(read?.verdict).toMatchObject({ kind: 'read', sequence: 2 });
    expect(settle(scene)).toBe(true);
  });

  test('a node whose view has ended since does not answer for what it told', () => {
    const scene = makeScene({ readOnlyRequests: true });
    lose(scene, ['commit', 'view-change'], () => true);
    scene.request(1, put('new'));
    expect(scene.runUntilAnswered()).toBe(true);
    scene.run(3_000_000);
    expect([1, 2, 3, 4].map((index) => scene.node(index).status.inViewChange)).toContain(true);
    scene.read(2, get);
    expect(scene.runUntil(() => scene.reads.length > 0, 1_000_000)).toBe(true);
    expect(scene.reads.map(({ verdict }) => verdict.kind)).toEqual(['undecided']);
    trouble(scene, 'heal');
    expect(settle(scene)).toBe(true);
    scene.linearizability.check();
  });
});

describe('the primary is judged as ever', () => {
  /** Signed and shown to all, one after the other: each comes to backups while the one before it is only told. */
  const shown = { tentativeExecution: true, clientCount: 1, shownShare: 1, tuning: { fullResultBytes: 4096 } };

  test('one that is slow is found out', () => {
    const scene = new ScenarioWorld({ ...shown, network: { ...PERFECT_LINK, minDelayUs: 1000, maxDelayUs: 1000 } });
    transfers(scene, 3);
    expect(scene.runUntilAnswered()).toBe(true);
    scene.behave(1, 'slow');
    scene.node(1).behaviour = { ...UNCHANGED, name: 'slow', delayUs: 50_000 };
    const left = record(scene, 'view-change-started');
    transfers(scene, 100);
    expect(scene.runUntilAnswered(20_000_000)).toBe(true);
    expect(left.map(({ event }) => event.reason)).toContain('slow-primary');
    expect(left.every(({ event }) => event.view === 1)).toBe(true);
  });

  test('one that is far away is not called slow', () => {
    const near = { ...PERFECT_LINK, minDelayUs: 30_000, maxDelayUs: 30_000 };
    const scene = new ScenarioWorld({ ...shown, thinkUs: 400_000, network: near });
    const { network } = scene.world;
    const set = (one: string, other: string, us: number): void => {
      for (const [from, to] of [
        [one, other],
        [other, one],
      ] as const)
        network.setLinkQuality(from, to, { ...PERFECT_LINK, minDelayUs: us, maxDelayUs: us });
    };
    for (const other of ['node2', 'node3', 'node4', 'client1']) set('node1', other, 52_000);
    set('client1', 'node2', 500);
    const left = record(scene, 'view-change-started');
    transfers(scene, 100);
    expect(scene.runUntilAnswered(300_000_000)).toBe(true);
    expect(left).toEqual([]);
  });
});
