// Castro & Liskov, Practical Byzantine Fault Tolerance, OSDI 1999, §4.5 "Correctness": the steps of the argument, each on the real core.
import { describe, expect, test } from 'vitest';
import { NULL_DIGEST } from '../../src/base/ids.ts';
import { ScenarioWorld } from '../../src/simulation/scenario-world.ts';
import { Bench } from '../support/bench.ts';
import { SESSION, seq } from '../support/core-kit.ts';
import { Rig } from '../support/rig.ts';
import { record, settle, transfers, viewsOf } from '../support/scenes.ts';
import { effectsOf, eventsOfKind, refusalsOf } from '../support/transcript.ts';
import { newViewOf, preparedAt, sentNewView, stableAt, tell, viewChangeOf } from '../support/view-messages.ts';

const SECOND = 1_000_000;
const T = 500_000;

/** All sets of `count` of these. */
function choices(items: readonly number[], count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  return items.flatMap((item, at) => choices(items.slice(at + 1), count - 1).map((rest) => [item, ...rest]));
}

describe('OSDI’99 §4.5.1: safety within a view', () => {
  test('if prepared(m, v, n, i) is true, prepared(m’, v, n, j) is false for any correct j and any other m’: two quorums share a correct replica', () => {
    // node1 lies: it proposes x to some, y to the others, and votes for both wherever it can.
    for (const side of [[1], [2], [3], [1, 2], [1, 3], [2, 3]]) {
      const bench = new Bench();
      const { kit } = bench;
      const batches = [kit.batchOf('x'), kit.batchOf('y', { session: SESSION + 1 })] as const;
      bench.node(0).crash();
      const other = [1, 2, 3].filter((index) => !side.includes(index));
      for (const [at, to] of [side, other].entries()) {
        const batch = batches[at];
        bench.forge(0, kit.prePrepare(1, batch), to);
        bench.forge(0, kit.commit(0, 1, kit.digestOfBatch(batch)), to);
      }
      bench.run();
      const prepared = bench.up.flatMap((node) =>
        node.events.flatMap((event) => (event.kind === 'prepared' ? [event.digest] : [])),
      );
      expect(new Set(prepared).size).toBeLessThanOrEqual(1);
    }
  });
});

describe('OSDI’99 §4.5.1: safety across views', () => {
  test('a correct replica accepts no pre-prepare for a view v’ > v without a NEW-VIEW for v’', () => {
    const rig = new Rig();
    const { kit } = rig;
    expect(refusalsOf(rig.receive(kit.prePrepare(1, kit.batchOf('x'), 2)))).toEqual(['pre-prepare other-view']);
    for (const from of [0, 3]) tell(rig, viewChangeOf(kit, from, 2));
    expect(rig.status).toMatchObject({ view: 2, inViewChange: true });
    expect(effectsOf(rig.receive(kit.prePrepare(1, kit.batchOf('x'), 2)))).toEqual([]);
    tell(
      rig,
      newViewOf(
        kit,
        2,
        [0, 2, 3].map((from) => viewChangeOf(kit, from, 2)),
      ),
    );
    expect(effectsOf(rig.receive(kit.prePrepare(1, kit.batchOf('x'), 2)))).toHaveLength(2);
  });

  test('R1, which prepared what committed, and R2, whose VIEW-CHANGEs are in NEW-VIEW, meet: whichever R2 is heard, m is chosen at its number', () => {
    for (const n of [4, 7]) {
      const f = (n - 1) / 3;
      const all = Array.from({ length: n }, (_, index) => index);
      // The last f lie: they say that they know nothing. q−1 others beside the primary of view 1 are heard.
      for (const heard of choices(
        all.filter((index) => index !== 1),
        2 * f,
      )) {
        const rig = new Rig({ n });
        const { kit } = rig;
        const batch = kit.batchOf('m');
        const digest = kit.digestOfBatch(batch);
        rig.receive(kit.prePrepare(1, batch));
        for (const from of all.slice(2, 2 + 2 * f - 1)) rig.receive(kit.prepare(from, 1, digest));
        const said = (from: number): ReturnType<typeof viewChangeOf> =>
          viewChangeOf(kit, from, n + 1, from >= n - f ? {} : preparedAt(1, digest));
        const made = heard.map((from) => sentNewView(tell(rig, said(from)))).find((each) => each !== undefined);
        const slots = made?.newView.slots ?? rig.status.viewChange?.decision;
        // Where liars hide what they know, it is chosen or waited for, never null.
        expect(slots, `n = ${n}, heard ${heard.join(' ')}`).not.toEqual([{ sequence: 1, digest: NULL_DIGEST }]);
        const rest = all.filter((index) => index !== 1 && !heard.includes(index));
        const later = rest.map((from) => sentNewView(tell(rig, said(from)))).find((each) => each !== undefined);
        const chosen = (made ?? later)?.newView.slots;
        expect(chosen, `n = ${n}, heard ${heard.join(' ')} first`).toEqual([{ sequence: 1, digest }]);
      }
    }
  });

  test('unless V has a stable checkpoint at or above n: then no correct replica accepts anything at n in the new view', () => {
    const rig = new Rig();
    const { kit } = rig;
    const root = kit.digestOfBatch(kit.batchOf('some state'));
    const stable = stableAt(kit, 4, root, [0, 2, 3]);
    tell(
      rig,
      newViewOf(
        kit,
        2,
        [0, 2, 3].map((from) => viewChangeOf(kit, from, 2, stable)),
      ),
    );
    expect(rig.status).toMatchObject({ view: 2, lowWaterMark: 4 });
    for (const at of [1, 4])
      expect(refusalsOf(rig.receive(kit.prePrepare(at, kit.batchOf('x'), 2)))).toEqual(['pre-prepare below-window']);
  });

  test('a request that commits at one correct replica commits with the same number at all: executed by one alone, then its view ends', () => {
    for (const only of [0, 1, 2, 3]) {
      const bench = new Bench();
      const request = bench.kit.signed('x');
      bench.lose = ({ to, message }) =>
        message.type === 'decided' || message.type === 'status' || (message.type === 'commit' && to !== only);
      bench.send([request]);
      bench.run();
      expect(bench.nodes.map((node) => node.status.lastExecuted)).toEqual(
        [0, 1, 2, 3].map((at) => (at === only ? 1 : 0)),
      );
      bench.node(only).crash();
      bench.lose = () => false;
      bench.execute(bench.kit.signed('y', { session: SESSION + 1 }));
      bench.node(only).start();
      bench.until(() => bench.isConverged(), 'all have executed the same');
      const digests = bench.nodes.map((node) => node.executions.get(seq(1)));
      expect(new Set(digests)).toEqual(new Set([bench.node(only).executions.get(seq(1))]));
      expect(bench.nodes.map((node) => node.count('x'))).toEqual([1, 1, 1, 1]);
    }
  });
});

describe('OSDI’99 §4.5.2: liveness', () => {
  test('a replica waits for 2f+1 before it starts its timer (deviation: seen in v+1 or higher): alone it never goes on', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    rig.pass(T);
    expect(rig.status).toMatchObject({ view: 1, inViewChange: true, viewChange: { timeoutAtUs: undefined } });
    tell(rig, viewChangeOf(rig.kit, 2, 1));
    rig.pass(100 * T);
    expect(rig.status.view).toBe(1);
  });

  test('if the timer expires before a NEW-VIEW comes, it starts the change for v+2, and waits twice as long before that for v+3', () => {
    const scene = new ScenarioWorld({ replicaCount: 7 });
    const started = record(scene, 'view-change-started');
    transfers(scene, 1);
    scene.run(500);
    for (const index of [1, 2]) scene.node(index).crash('at rest', 0);
    expect(settle(scene, 20 * SECOND)).toBe(true);
    const own = started.filter(({ node }) => node === 5);
    expect(own.map(({ event }) => event.view)).toEqual([1, 2]);
    const [first, second] = own.map(({ time }) => time);
    expect(Math.round(((second ?? 0) - (first ?? 0)) / 100_000)).toBe(10);
  });

  test('if it has f+1 valid VIEW-CHANGEs for views above its own, it sends one even if its timer has not expired (deviation: for the (f+1)-th highest)', () => {
    const rig = new Rig({ n: 7 });
    for (const [from, view] of [
      [2, 9],
      [3, 4],
    ] as const)
      tell(rig, viewChangeOf(rig.kit, from, view));
    expect(rig.status.view).toBe(0);
    const outputs = tell(rig, viewChangeOf(rig.kit, 4, 5));
    expect(eventsOfKind(outputs, 'view-change-started')).toEqual([
      { kind: 'view-change-started', view: 4, reason: 'joined' },
    ]);
  });

  test('faulty replicas cannot force view changes: it takes f+1', () => {
    const rig = new Rig({ n: 7 });
    for (let view = 1; view <= 20; view += 1) for (const from of [5, 6]) tell(rig, viewChangeOf(rig.kit, from, view));
    expect(rig.status).toMatchObject({ view: 0, inViewChange: false });
  });

  test('the primary cannot be faulty for more than f consecutive views: after that there is progress', () => {
    const scene = new ScenarioWorld({ replicaCount: 7 });
    for (const liar of [1, 2]) scene.behave(liar, 'silent');
    transfers(scene, 3);
    expect(settle(scene, 10 * SECOND)).toBe(true);
    expect(new Set(viewsOf(scene))).toEqual(new Set([2]));
  });
});
