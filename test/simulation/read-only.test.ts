import { describe, expect, test } from 'vitest';
import { asSequence } from '../../src/base/ids.ts';
import type { ClientId } from '../../src/base/ids.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import { UNCHANGED } from '../../src/byzantine/index.ts';
import type { Behaviour } from '../../src/byzantine/index.ts';
import { decodeFrame, resultDigest } from '../../src/messages/index.ts';
import type { Reply } from '../../src/messages/index.ts';
import { ScenarioWorld } from '../../src/simulation/scenario-world.ts';
import { lose, settle, trouble } from '../support/scenes.ts';

// Read-only requests, led to where one rule decides. Without the rule somebody is told what no order of all calls explains, and the checker of
// linearizability says so: these runs are how the mutants of the rules are seen.

const get = { operation: 'get', key: 'x' };
const put = (value: string): object => ({ operation: 'put', key: 'x', value });

/** What the ledger answers to `get x`. */
function got(value: string): Uint8Array {
  const bytes = encodeUtf8(JSON.stringify({ key: 'x', found: true, value }));
  if (bytes === undefined) throw new Error('a text that is UTF-8');
  return bytes;
}

const AFTER_A_REPLY = { kind: 'output', of: 'reply', count: 1, receivers: undefined, survivors: 0 } as const;
/** No node hears another; clients reach all. */
const ALONE = 'partition node1 | node2 | node3 | node4';

/** Four nodes that answer reads. */
function makeScene(): ScenarioWorld {
  return new ScenarioWorld({ readOnlyRequests: true, clientCount: 4 });
}

/** How the reads ended: `client2 v at 1`, `client2 undecided: conflict`. */
function readsOf(scene: ScenarioWorld): readonly string[] {
  return scene.reads.map(({ client, verdict }) => {
    if (verdict.kind === 'undecided') return `client${client} undecided: ${verdict.why}`;
    const { value } = JSON.parse(new TextDecoder().decode(verdict.result)) as { value: string };
    return `client${client} ${value} at ${verdict.sequence}`;
  });
}

/** Up to which number each node has executed. Requires: all are up. */
function executedOf(scene: ScenarioWorld): readonly number[] {
  return scene.world.nodes.map(({ status }) => status.lastExecuted);
}

/** The id of `client1 …`. */
function clientOf(scene: ScenarioWorld, client: number): ClientId {
  const id = scene.world.cluster.clients[client - 1];
  if (id === undefined) throw new Error(`there is no client${client}`);
  return id;
}

/** Runs until so many reads have ended. */
function runUntilRead(scene: ScenarioWorld, count: number): void {
  scene.runUntil(() => scene.reads.length >= count, 1_000_000);
}

/** Says to reads of each client what is `told`, true at all numbers. Votes like anybody, and lies to nobody else. */
function liarTo(scene: ScenarioWorld, told: ReadonlyMap<ClientId, Uint8Array>): Behaviour {
  const lie = (reply: Reply): Reply => {
    const result = told.get(reply.client);
    if (reply.outcome !== 'read' || result === undefined) return reply;
    const digest = resultDigest(scene.world.codec, result);
    return { ...reply, since: asSequence(0), sequence: asSequence(1000), result, resultDigest: digest };
  };
  return {
    ...UNCHANGED,
    name: 'wrong-reply',
    rewrite: (_now, outputs) =>
      outputs.map((output) => (output.kind === 'reply' ? { ...output, reply: lie(output.reply) } : output)),
  };
}

/** Loses votes and proposals for this number for which `isLost` says so. */
function loseVotes(scene: ScenarioWorld, sequence: number, isLost: (type: string, to: string) => boolean): void {
  const { network, codec } = scene.world;
  network.addRule((_from, to, frame) => {
    const decoded = decodeFrame(frame, codec);
    if (!decoded.ok) return undefined;
    const { message } = decoded.value;
    const isVote = message.type === 'pre-prepare' || message.type === 'prepare' || message.type === 'commit';
    return isVote && message.sequence === sequence && isLost(message.type, to) ? 'drop' : undefined;
  });
}

describe('a replica answers no read below what it may have answered for before a crash', () => {
  /**
   * x = new is acknowledged by nodes 1 to 3, which lose their power as soon as their replies have left: that it is executed is on no disk, that it is
   * prepared is. Node 4 has not heard of it. All four are up again and at x = old, none hears another, and a client reads.
   */
  test('three that crashed after their replies, and one that was behind, agree on nothing old', () => {
    const scene = makeScene();
    scene.request(1, put('old'));
    expect(scene.runUntilAnswered()).toBe(true);
    trouble(scene, 'cut node4');
    const crashing = [1, 2, 3].map((index) => scene.node(index));
    for (const node of crashing) node.setTrap(AFTER_A_REPLY);
    scene.request(1, put('new'));
    expect(scene.runUntilAnswered()).toBe(true);
    expect(scene.answers.at(-1)?.outcome).toMatchObject({ kind: 'executed', sequence: 2, replies: [0, 1, 2] });
    expect(crashing.map(({ isUp }) => isUp)).toEqual([false, false, false]);

    trouble(scene, ALONE);
    for (const node of crashing) scene.world.restart(node);
    expect(executedOf(scene)).toEqual([1, 1, 1, 1]);
    scene.read(2, get);
    runUntilRead(scene, 1);
    scene.linearizability.check();
    expect(readsOf(scene)).toEqual(['client2 undecided: timeout']);

    trouble(scene, 'heal');
    expect(settle(scene)).toBe(true);
    scene.read(3, get);
    expect(settle(scene)).toBe(true);
    expect(readsOf(scene).at(-1)).toMatch(/^client3 new /);
  });

  /**
   * Node 2 lies to the reader. Node 3 hears no vote and executes x = new because nodes 1 and 2 say that it is decided; these three acknowledge it. Node 4 has
   * voted for it and does not learn that it is decided. The power of node 3 goes as its reply leaves.
   */
  test('of a number that it executed without having prepared it, too', () => {
    const scene = makeScene();
    const reader = clientOf(scene, 2);
    scene.request(1, put('old'));
    expect(scene.runUntilAnswered()).toBe(true);
    scene.behave(2, 'wrong-reply');
    scene.node(2).behaviour = liarTo(scene, new Map([[reader, got('old')]]));
    loseVotes(scene, 2, (type, to) => to === (type === 'prepare' ? 'node3' : 'node4'));
    loseVotes(scene, 2, (type, to) => type === 'commit' && to === 'node3');
    lose(scene, ['decided'], (_from, to) => to === 'node4');
    scene.node(3).setTrap(AFTER_A_REPLY);
    scene.request(1, put('new'));
    expect(scene.runUntilAnswered()).toBe(true);
    expect(scene.answers.at(-1)?.outcome).toMatchObject({ kind: 'executed', sequence: 2, replies: [0, 1, 2] });
    expect(scene.node(3).isUp).toBe(false);

    trouble(scene, ALONE);
    scene.world.restart(scene.node(3));
    scene.read(2, get);
    runUntilRead(scene, 1);
    scene.linearizability.check();
    expect(readsOf(scene)).toEqual(['client2 undecided: conflict']);
    expect(executedOf(scene)).toEqual([2, 2, 2, 1]);

    scene.node(2).behaviour = undefined;
    trouble(scene, 'heal');
    expect(settle(scene)).toBe(true);
  });
});

describe('equal results are not enough: they must have been true at one number', () => {
  /**
   * x was v at 1, u from 2 on, and is v again from 3 on. That it is u was acknowledged by nodes 1, 2 and 4. Node 3 is still at 1, node 1 alone at 3, and
   * node 4 lies: to the first reader it says v, to the second, who asks when node 3 has come to 2, u. First v, then u: no order of the writes explains it.
   */
  test('a value that changes and changes back is not read from before and after', () => {
    const scene = makeScene();
    scene.request(1, put('v'));
    expect(scene.runUntilAnswered()).toBe(true);
    scene.behave(4, 'wrong-reply');
    const told = new Map([
      [clientOf(scene, 3), got('v')],
      [clientOf(scene, 4), got('u')],
    ]);
    scene.node(4).behaviour = liarTo(scene, told);
    const unclog = scene.world.clog((from, to) => from.startsWith('node') && to === 'node3', 1_000_000);
    scene.request(1, put('u'));
    expect(scene.runUntilAnswered()).toBe(true);
    loseVotes(scene, 3, (type, to) => to === 'node3' || (to === 'node2' && type === 'commit'));
    scene.request(2, put('v'));
    expect(scene.runUntil(() => scene.node(1).status.lastExecuted === 3, 20_000)).toBe(true);
    expect(executedOf(scene).slice(0, 3)).toEqual([3, 2, 1]);

    scene.read(3, get);
    runUntilRead(scene, 1);
    unclog();
    expect(scene.runUntil(() => scene.node(3).status.lastExecuted === 2, 20_000)).toBe(true);
    scene.read(4, get);
    runUntilRead(scene, 2);
    expect(executedOf(scene).slice(0, 3)).toEqual([3, 2, 2]);
    scene.linearizability.check();
    expect(readsOf(scene)).toEqual(['client3 undecided: conflict', 'client4 u at 2']);

    scene.node(4).behaviour = undefined;
    trouble(scene, 'heal');
    expect(settle(scene)).toBe(true);
  });
});

describe('beside reads a write is acknowledged by a quorum', () => {
  /** Node 1 executes x = new, and node 4, which lies to the reader alone. Nodes 2 and 3 have voted for it and do not learn that it is decided. */
  test('what one correct node has executed and two have not is not acknowledged: those two and a liar read the old value', () => {
    const scene = makeScene();
    scene.request(1, put('old'));
    expect(scene.runUntilAnswered()).toBe(true);
    scene.behave(4, 'wrong-reply');
    scene.node(4).behaviour = liarTo(scene, new Map([[clientOf(scene, 2), got('old')]]));
    const isBehind = (to: string): boolean => to === 'node2' || to === 'node3';
    loseVotes(scene, 2, (type, to) => type === 'commit' && isBehind(to));
    lose(scene, ['decided'], (_from, to) => isBehind(to));
    scene.request(1, put('new'));
    scene.run(50_000);
    expect(executedOf(scene)).toEqual([2, 1, 1, 2]);

    scene.read(2, get);
    runUntilRead(scene, 1);
    expect(readsOf(scene)).toEqual(['client2 old at 1']);
    scene.linearizability.check();
    expect(scene.answers).toHaveLength(1);

    scene.node(4).behaviour = undefined;
    trouble(scene, 'heal');
    expect(settle(scene)).toBe(true);
    expect(scene.answers.at(-1)?.outcome).toMatchObject({ kind: 'executed', sequence: 2 });
  });
});
