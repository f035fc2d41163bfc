// Graves G18 and G21: liars on every field that those who catch up look at, and restarts in the middle of view changes.
import { describe, expect, test } from 'vitest';
import { asDigest, asView } from '../../src/base/ids.ts';
import { checkpointBytes, decodeFrame } from '../../src/messages/index.ts';
import type { Checkpoint, Decided, Message, State, StateSubtree, Status } from '../../src/messages/index.ts';
import type { Output } from '../../src/protocol/output.ts';
import { ScenarioWorld } from '../../src/simulation/scenario-world.ts';
import { Bench } from '../support/bench.ts';
import { contradictionsIn } from '../support/contradictions.ts';
import { bytes, replica, seq } from '../support/core-kit.ts';
import { Rig } from '../support/rig.ts';
import { settle, transfers } from '../support/scenes.ts';
import { largeApp } from '../support/transfer-kit.ts';
import { sentOf } from '../support/transcript.ts';

const SECOND = 1_000_000;
const OTHER = asDigest('0e'.repeat(32));
/** The one that lies, and the one that was away. */
const LIAR = 0;
const AWAY = 3;

const STATUS_LIES: readonly (readonly [string, (message: Status) => Status])[] = [
  ['a view of the far future', (message) => ({ ...message, view: asView(1000) })],
  ['a view change that nobody is in', (message) => ({ ...message, view: asView(7), inViewChange: true })],
  ['an h far above', (message) => ({ ...message, lowWaterMark: seq(4000), lastExecuted: seq(4001) })],
  ['an h of nothing', (message) => ({ ...message, lowWaterMark: seq(0) })],
  ['a height that nobody has', (message) => ({ ...message, lastExecuted: seq(1_000_000) })],
  ['no height', (message) => ({ ...message, lastExecuted: seq(0) })],
  [
    'slots that are not',
    (message) => ({
      ...message,
      slots: [1, 2, 3, 99].map((at) => ({ sequence: seq(at), prepared: true, committed: true })),
    }),
  ],
];

/** The first subtree that has any is given with other entries. */
function withEntries(message: State, change: (entries: StateSubtree['entries']) => StateSubtree['entries']): State {
  const at = message.subtrees.findIndex(({ entries }) => entries.length > 1);
  if (at < 0) return message;
  const subtrees = message.subtrees.map((each, index) =>
    index === at ? { ...each, entries: change(each.entries) } : each,
  );
  return { ...message, subtrees };
}

/** The same for the upper nodes of one. */
function withNodes(message: State, change: (nodes: StateSubtree['nodes']) => StateSubtree['nodes']): State {
  const at = message.subtrees.findIndex(({ nodes }) => nodes.length > 1);
  if (at < 0) return message;
  const subtrees = message.subtrees.map((each, index) =>
    index === at ? { ...each, nodes: change(each.nodes) } : each,
  );
  return { ...message, subtrees };
}

/** What it says, and whether that is a lie about the state, for which it is named. */
const STATE_LIES: readonly (readonly [string, boolean, (message: State) => State])[] = [
  ['another number', false, (message) => ({ ...message, sequence: seq(message.sequence + 4) })],
  ['another root', false, (message) => ({ ...message, root: OTHER })],
  ['that it no longer has it', false, (message) => ({ ...message, held: false, subtrees: [] })],
  ['no subtrees', false, (message) => ({ ...message, subtrees: [] })],
  [
    'another place',
    false,
    (message) => ({
      ...message,
      subtrees: message.subtrees.map((each) => ({
        ...each,
        address: { ...each.address, path: asDigest(`8${'0'.repeat(63)}`), depth: 1 },
      })),
    }),
  ],
  [
    'another hash',
    false,
    (message) => ({
      ...message,
      subtrees: message.subtrees.map((each) => ({ ...each, address: { ...each.address, hash: OTHER } })),
    }),
  ],
  [
    'one subtree twice',
    false,
    (message) => ({ ...message, subtrees: message.subtrees.flatMap((each) => [each, each]) }),
  ],
  ['entries in reverse', true, (message) => withEntries(message, (entries) => entries.toReversed())],
  ['one entry less', true, (message) => withEntries(message, (entries) => entries.slice(1))],
  [
    'one value changed',
    true,
    (message) =>
      withEntries(message, (entries) =>
        entries.map((entry, at) => (at === 0 ? { ...entry, value: bytes('evil') } : entry)),
      ),
  ],
  [
    'one entry more',
    true,
    (message) => withEntries(message, (entries) => [...entries, { key: bytes('~~'), value: bytes('evil') }]),
  ],
  ['nodes in reverse', true, (message) => withNodes(message, (nodes) => nodes.toReversed())],
  [
    'a node with another side',
    true,
    (message) => withNodes(message, (nodes) => nodes.map((node, at) => (at === 0 ? { ...node, left: OTHER } : node))),
  ],
  [
    'nodes more than there are',
    true,
    (message) => withNodes(message, (nodes) => [...nodes, { bit: 200, left: OTHER, right: OTHER }]),
  ],
];

const CHECKPOINT_LIES: readonly (readonly [string, (message: Checkpoint) => Checkpoint])[] = [
  ['another root', (message) => ({ ...message, root: OTHER })],
  ['a higher number', (message) => ({ ...message, sequence: seq(message.sequence + 4) })],
  ['a number far above', (message) => ({ ...message, sequence: seq(message.sequence + 4000), root: OTHER })],
  ['a number below', (message) => ({ ...message, sequence: seq(Math.max(1, message.sequence - 1)) })],
];

const DECIDED_LIES: readonly (readonly [string, (message: Decided) => Decided])[] = [
  [
    'other digests',
    (message) => ({ ...message, decisions: message.decisions.map((decision) => ({ ...decision, digest: OTHER })) }),
  ],
  [
    'other numbers',
    (message) => ({
      ...message,
      decisions: message.decisions.map((decision) => ({ ...decision, sequence: seq(decision.sequence + 1) })),
    }),
  ],
];

/** Rewrites what the liar sends; its CHECKPOINTs are signed anew. */
function lying(bench: Bench, lie: (message: Message) => Message): (outputs: readonly Output[]) => readonly Output[] {
  const { codec } = bench.kit;
  return (outputs) =>
    outputs.map((output) => {
      if (output.kind !== 'send') return output;
      const message = lie(output.message);
      if (message === output.message) return output;
      if (message.type !== 'checkpoint') return { ...output, message };
      return { ...output, message, signature: bench.kit.of(LIAR).sign(checkpointBytes(codec, message)) };
    });
}

/**
 * node4 was away for `requests` and comes back; node1 lies to it, and is the first whose state it asks for. Then a quorum needs node4, since node1
 * is switched off: what was synced must be right and current.
 */
function catchUp(requests: number, lie: (message: Message) => Message): Bench {
  const bench = new Bench({ cluster: { checkpointInterval: 4 }, application: largeApp(100) });
  bench.lose = ({ from, to }) => from === AWAY || to === AWAY;
  for (let timestamp = 1; timestamp <= requests; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
  bench.node(LIAR).rewrite = lying(bench, lie);
  bench.lose = () => false;
  const away = bench.node(AWAY);
  bench.until(() => away.status.mayExecute && away.count('x') === requests, 'node4 has caught up', 60 * SECOND);
  bench.pass(3 * SECOND);
  const views = [1, 2, 3].map((index) => bench.node(index).status.view);
  expect(new Set(views)).toEqual(new Set([0]));
  bench.node(LIAR).crash();
  bench.execute(bench.kit.signed('x', { timestamp: requests + 1 }));
  bench.until(() => bench.isConverged(), 'the three others agree');
  expect(bench.up.map((node) => node.count('x'))).toEqual([requests + 1, requests + 1, requests + 1]);
  expect(bench.up.some((node) => node.status.diverged)).toBe(false);
  const accused = bench.up.flatMap((node) => node.status.suspicions.filter(({ certainty }) => certainty === 'certain'));
  expect(accused.filter(({ node }) => node !== replica(LIAR))).toEqual([]);
  return bench;
}

// Within the window what was decided is asked for; behind it, the state of a checkpoint.
describe.each([
  ['within the window', 3],
  ['behind the window', 14],
])('G18: one liar neither stalls nor splits the catching up, %s', (_, requests) => {
  test.each(STATUS_LIES)('STATUS: %s', (_what, lie) => {
    expect(catchUp(requests, (message) => (message.type === 'status' ? lie(message) : message)).up).toHaveLength(3);
  });

  test.each(CHECKPOINT_LIES)('CHECKPOINT: %s', (_what, lie) => {
    expect(catchUp(requests, (message) => (message.type === 'checkpoint' ? lie(message) : message)).up).toHaveLength(3);
  });

  test.each(DECIDED_LIES)('DECIDED: %s', (_what, lie) => {
    expect(catchUp(requests, (message) => (message.type === 'decided' ? lie(message) : message)).up).toHaveLength(3);
  });
});

describe('G18: one liar among those who have the state', () => {
  test.each(STATE_LIES)('STATE: %s', (_what, isNamed, lie) => {
    let lies = 0;
    const bench = catchUp(30, (message) => {
      if (message.type !== 'state') return message;
      const told = lie(message);
      lies += told === message ? 0 : 1;
      return told;
    });
    expect(lies).toBeGreaterThan(0);
    expect(bench.node(AWAY).events.filter(({ kind }) => kind === 'transferred')).not.toEqual([]);
    const named = bench.node(AWAY).suspicions.filter((line) => line.startsWith('certain wrong-state node1 '));
    expect(named).toHaveLength(isNamed ? 1 : 0);
  });

  test('it does not answer at all', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 4 } });
    bench.lose = ({ from, to }) => from === AWAY || to === AWAY;
    for (let timestamp = 1; timestamp <= 14; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
    bench.lose = ({ from, message }) => from === LIAR && message.type === 'state';
    bench.pass(10 * SECOND);
    expect(bench.node(AWAY).count('x')).toBe(14);
  });
});

describe('G21: restarts in view changes', () => {
  test('after each output of each node: nobody ever says a second thing for one (v, n), in any of its lives', () => {
    const views = new Set<number>();
    for (const victim of [1, 2, 3]) {
      for (let cut = 1; cut <= 24; cut += 1) {
        const bench = new Bench({ cluster: { checkpointInterval: 2 } });
        const request = bench.kit.signed('x');
        bench.execute(request);
        const next = bench.kit.signed('y', { timestamp: 2 });
        bench.send([next], [0, 1, 2, 3]);
        bench.run(({ message }) => message.type !== 'commit');
        bench.take(({ message }) => message.type === 'commit');
        bench.node(0).crash();
        const node = bench.node(victim);
        node.cutAfter = node.outputs + cut;
        bench.pass(1.2 * SECOND);
        for (const index of [victim, 0]) if (!bench.node(index).isUp) bench.node(index).start();
        node.cutAfter = undefined;
        bench.execute(next);
        bench.until(() => bench.isConverged(), `node${victim + 1} cut after ${cut} outputs`);
        expect(contradictionsIn(bench), `node${victim + 1} cut after ${cut} outputs`).toEqual([]);
        expect(bench.nodes.map((each) => each.count('y'))).toEqual([1, 1, 1, 1]);
        views.add(Math.max(...bench.nodes.map((each) => each.status.view)));
      }
    }
    expect(Math.max(...views)).toBeGreaterThan(0);
  });

  test('a backup that starts again and is shown another batch for a number it has voted at does not vote there again', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('a')));
    const again = rig.restarted();
    const outputs = again.receive(again.kit.prePrepare(1, again.kit.batchOf('b')));
    expect(sentOf(outputs).filter(({ type }) => type === 'prepare')).toEqual([]);
    expect(again.status.suspicions).toMatchObject([{ kind: 'equivocation', certainty: 'certain' }]);
  });

  test('one VIEW-CHANGE a view, sent again byte for byte after every restart', () => {
    const scene = new ScenarioWorld();
    const { world } = scene;
    const said = new Map<string, Set<string>>();
    world.addObserver({
      // By whoever: others pass it on.
      delivered: (_from, _to, frame) => {
        const decoded = decodeFrame(frame, world.codec);
        if (!decoded.ok || decoded.value.message.type !== 'view-change') return;
        const { message, proof } = decoded.value;
        const key = `${message.replica} v${message.view}`;
        said.set(key, (said.get(key) ?? new Set()).add(JSON.stringify(proof)));
      },
    });
    transfers(scene, 3);
    scene.run(2000);
    scene.node(1).crash('at rest', 0);
    for (let round = 0; round < 12; round += 1) {
      scene.run(0.2 * SECOND);
      for (const index of [3, 4]) {
        scene.node(index).crash('at rest', 0);
        world.restart(scene.node(index));
      }
    }
    expect(settle(scene, 20 * SECOND)).toBe(true);
    expect(said.size).toBeGreaterThan(2);
    expect([...said].filter(([, proofs]) => proofs.size > 1)).toEqual([]);
  });
});
