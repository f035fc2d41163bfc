// Graves G19 and G20: the log and the state beside it. What is in one and not in the other after a crash; and a state that is not what was written.
import { describe, expect, test } from 'vitest';
import { Bench } from '../support/bench.ts';
import { DamageableState } from '../support/damageable-state.ts';
import { Rig } from '../support/rig.ts';
import {
  answerAll,
  answerOf,
  batchAt,
  certify,
  counterKey,
  lagging,
  largeApp,
  makeSource,
  newKit,
  questionsIn,
} from '../support/transfer-kit.ts';
import { effectsOf, eventsOfKind } from '../support/transcript.ts';

const SECOND = 1_000_000;

describe('G19: a state in which something is not as it was written', () => {
  test.each([0, 3])(
    'node%i (from 0) meets it at the next read, is repaired by the others, and is needed and right again',
    (victim) => {
      const bench = new Bench({ cluster: { checkpointInterval: 4 }, application: largeApp(200) });
      for (let timestamp = 1; timestamp <= 6; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
      bench.node(victim).state.damage(counterKey('x'));
      for (let timestamp = 7; timestamp <= 9; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
      bench.until(() => bench.node(victim).status.mayExecute && bench.isConverged(), 'it is repaired', 30 * SECOND);
      const { events } = bench.node(victim);
      expect(events.filter(({ kind }) => kind === 'state-damaged')).toHaveLength(1);
      expect(events.filter(({ kind }) => kind === 'transferred')).toHaveLength(1);
      bench.node((victim + 1) % 4).crash();
      bench.execute(bench.kit.signed('x', { timestamp: 10 }), 60 * SECOND);
      bench.until(() => bench.isConverged(), 'the three others agree');
      expect(bench.up.map((node) => node.count('x'))).toEqual([10, 10, 10]);
      const accused = bench.up.flatMap((node) => node.suspicions.filter((line) => line.startsWith('certain')));
      expect(accused).toEqual([]);
    },
  );

  test('a scrub finds it while nobody asks for anything: it is repaired all the same', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 4 } });
    for (let timestamp = 1; timestamp <= 4; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
    bench.node(2).state.damage(counterKey('x'));
    bench.node(2).step({ kind: 'damaged', reason: 'a scrub has found it' });
    expect(bench.node(2).status.mayExecute).toBe(false);
    bench.until(() => bench.node(2).status.mayExecute, 'it is repaired', 30 * SECOND);
    expect(bench.node(2).count('x')).toBe(4);
  });
});

describe('G20: traffic stops', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'after request %i, of which the last replica got nothing: it gets it all the same',
    (last) => {
      const bench = new Bench({ cluster: { checkpointInterval: 4 } });
      for (let timestamp = 1; timestamp <= last; timestamp += 1) {
        bench.lose = ({ to }) => to === 3 && timestamp === last;
        bench.execute(bench.kit.signed('x', { timestamp }));
      }
      bench.lose = () => false;
      bench.until(() => bench.isConverged(), 'node4 has caught up');
      bench.pass(5 * SECOND);
      const statuses = bench.nodes.map(({ status }) => status);
      expect(new Set(statuses.map(({ stateRoot }) => stateRoot)).size).toBe(1);
      expect(statuses.every(({ lastExecuted, lowWaterMark }) => lowWaterMark === lastExecuted)).toBe(true);
      expect(bench.nodes.map((node) => node.count('x'))).toEqual([last, last, last, last]);
    },
  );

  test('and every node stops, and starts again: nothing is lost, and it goes on', () => {
    for (const durable of ['at-once', 'when-settled'] as const) {
      const bench = new Bench({ cluster: { checkpointInterval: 4 }, durable });
      for (let timestamp = 1; timestamp <= 6; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
      for (const node of bench.nodes) node.crash();
      for (const node of bench.nodes) node.start();
      bench.execute(bench.kit.signed('x', { timestamp: 7 }));
      bench.until(() => bench.isConverged(), 'all go on');
      expect(bench.nodes.map((node) => node.count('x'))).toEqual([7, 7, 7, 7]);
    }
  });
});

describe('G20: a crash between the two stores', () => {
  const kit = newKit();
  const source = makeSource(kit);
  const root = source.status.stateRoot;

  test('the log is not cut at a stable checkpoint before the own state there is durable', () => {
    const state = new DamageableState('when-settled');
    const rig = new Rig({ state }, kit);
    rig.settle();
    rig.decide(1, batchAt(kit, 1));
    const early = certify(rig, 1, root);
    expect(effectsOf(early).filter((line) => /stable|truncate/.test(line))).toEqual([]);
    expect(rig.status.lowWaterMark).toBe(0);
    // So a crash here loses nothing: the batch is still in the log, and is executed again.
    const again = rig.restarted(rig.replica.records());
    expect(again.status).toMatchObject({ lastExecuted: 1, lowWaterMark: 0 });
    expect(effectsOf(rig.settle()).some((line) => line.startsWith('truncate'))).toBe(true);
  });

  test('while a fetched state is being assembled nothing is executed, though what was missed comes after all', () => {
    const application = largeApp(500);
    const large = makeSource(kit, 1, application);
    const { rig, asked } = lagging(kit, large.status.stateRoot);
    const begun = questionsIn(asked).flatMap((question) => rig.receive(answerOf(large, question)));
    expect(rig.state.assembling).toBeDefined();
    const missed = [...rig.decide(1, batchAt(kit, 1)), ...rig.decide(2, batchAt(kit, 2))];
    expect(eventsOfKind(missed, 'executed')).toEqual([]);
    const { outputs } = answerAll(rig, large, begun);
    expect(eventsOfKind(outputs, 'executed').map(({ sequence }) => sequence)).toEqual([2]);
  });

  test('while a fetched state is being made durable nothing is executed, though what was missed comes after all', () => {
    const { rig, asked } = lagging(kit, root, { state: new DamageableState('when-settled') });
    rig.settle();
    answerAll(rig, source, asked);
    expect(rig.state.unsettled()).toEqual([1]);
    const missed = [...rig.decide(1, batchAt(kit, 1)), ...rig.decide(2, batchAt(kit, 2))];
    expect(eventsOfKind(missed, 'executed')).toEqual([]);
    const told = rig.settle();
    expect(eventsOfKind(told, 'executed').map(({ sequence }) => sequence)).toEqual([2]);
    rig.settle();
    expect(rig.checkpoints.get(2)).toBe(makeSource(kit, 2).status.stateRoot);
  });

  test('at every moment of a transfer, and again at every moment of the next: it comes to its end, and no CHECKPOINT is ahead of its state', () => {
    for (let cut = 1; cut <= 12; cut += 1) {
      const bench = new Bench({
        cluster: { checkpointInterval: 4 },
        application: largeApp(100),
        durable: 'when-settled',
      });
      const settleAll = (): void => {
        for (const node of bench.up) while (node.isUp && node.state.unsettled().length > 0) node.settle();
      };
      settleAll();
      bench.lose = ({ from, to }) => from === 3 || to === 3;
      for (let timestamp = 1; timestamp <= 14; timestamp += 1) {
        bench.execute(bench.kit.signed('x', { timestamp }));
        settleAll();
        bench.run();
      }
      bench.lose = () => false;
      const away = bench.node(3);
      for (let round = 0; round < 2; round += 1) {
        away.cutAfter = away.outputs + cut;
        for (let wait = 0; wait < 40 && away.isUp; wait += 1) {
          bench.pass(25_000);
          // Now before the state is durable, now after.
          if ((wait + round) % 2 === 0) settleAll();
        }
        if (!away.isUp) away.start();
        away.cutAfter = undefined;
      }
      bench.until(
        () => {
          settleAll();
          return bench.isConverged() && away.status.mayExecute;
        },
        `cut after ${cut} outputs`,
        30 * SECOND,
      );
      expect(away.count('x')).toBe(14);
      expect(away.suspicions.filter((line) => line.startsWith('certain'))).toEqual([]);
    }
  });
});
