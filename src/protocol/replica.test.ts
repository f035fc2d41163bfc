import { describe, expect, test } from 'vitest';
import { Bench } from '../../test/support/bench.ts';
import { contradictionsIn } from '../../test/support/contradictions.ts';
import { SESSION, replica } from '../../test/support/core-kit.ts';
import { Liar } from '../../test/support/liar.ts';
import { Rig } from '../../test/support/rig.ts';
import { effectsOf } from '../../test/support/transcript.ts';
import { Random } from '../simulation/random.ts';

describe('the normal case', () => {
  const cases = [1, 2, 3, 4, 5, 6, 7].flatMap((n) => (['mac', 'signature'] as const).map((mode) => [n, mode] as const));

  test.each(cases)(
    '%i replicas, %s mode: all execute all of it once, in one order, and agree on checkpoints',
    (n, authentication) => {
      const bench = new Bench({ n, cluster: { authentication } });
      for (let timestamp = 1; timestamp <= 9; timestamp += 1) {
        const make = (session: number): ReturnType<typeof bench.kit.signed> => {
          const options = { timestamp, session };
          return authentication === 'mac' ? bench.kit.authenticated('x', options) : bench.kit.signed('x', options);
        };
        bench.send([make(SESSION)]);
        bench.send([make(SESSION + 1)]);
        bench.run();
        expect(bench.isAnswered(make(SESSION).digest)).toBe(true);
      }
      bench.pass(5_000_000);
      expect(bench.nodes.map((node) => node.count('x'))).toEqual(bench.nodes.map(() => 18));
      const statuses = bench.nodes.map((node) => node.status);
      expect(
        new Set(
          statuses.map(
            ({ stateRoot, stateRootSequence, lastExecuted, lowWaterMark }) =>
              `${stateRoot} ${stateRootSequence} ${lastExecuted} ${lowWaterMark}`,
          ),
        ).size,
      ).toBe(1);
      expect(statuses.every(({ stateRootSequence, lastExecuted }) => stateRootSequence === lastExecuted)).toBe(true);
      expect(statuses.flatMap(({ suspicions }) => suspicions)).toEqual([]);
      expect(bench.refusals).toEqual([]);
    },
  );

  test.each([2, 3, 4, 5, 6, 7])(
    '%i replicas: with n − q of them switched off it goes on, with one more it waits and then goes on',
    (n) => {
      const bench = new Bench({ n });
      const { quorum } = bench.node(0).status.quorums;
      for (let off = n - 1; off >= quorum; off -= 1) bench.node(off).crash();
      bench.execute(bench.kit.authenticated('x'));
      bench.node(quorum - 1).crash();
      bench.send([bench.kit.authenticated('y', { session: SESSION + 1 })]);
      bench.pass(5_000_000);
      expect(bench.isAnswered(bench.kit.authenticated('y', { session: SESSION + 1 }).digest)).toBe(false);
      for (const node of bench.nodes) if (!node.isUp) node.start();
      bench.until(() => bench.nodes.every((node) => node.count('y') === 1), 'all have executed it');
    },
  );
});

describe('the demonstration rule 2f+1', () => {
  test('three nodes: each is a quorum by itself, and its status says so', () => {
    const bench = new Bench({ n: 3, cluster: { quorumRule: '2f+1' } });
    expect(bench.node(0).status.quorums).toMatchObject({ quorum: 1, faultLimit: 0, rule: '2f+1' });
    bench.lose = ({ from, to }) => from !== to && typeof from === 'number';
    bench.send([bench.kit.authenticated('x', { replier: 0 })]);
    bench.run();
    expect(bench.node(0).count('x')).toBe(1);
  });

  test('one PRE-PREPARE to each of two nodes, and the log has forked: what the intersecting quorum prevents', () => {
    const batches = (rig: Rig): readonly ReturnType<typeof rig.kit.batchOf>[] => [
      rig.kit.batchOf('a'),
      rig.kit.batchOf('b'),
    ];
    const executedBy = (quorumRule: '2f+1' | 'intersecting'): readonly number[] =>
      [1, 2].map((self) => {
        const rig = new Rig({ n: 3, self, cluster: { quorumRule } });
        const batch = batches(rig)[self - 1];
        rig.receive(rig.kit.prePrepare(1, batch));
        return rig.status.lastExecuted;
      });
    expect(executedBy('2f+1')).toEqual([1, 1]);
    expect(executedBy('intersecting')).toEqual([0, 0]);
  });
});

describe('what a driver relies on', () => {
  test('a start greets all and asks what was missed; nothing comes before it', () => {
    const rig = new Rig();
    expect(effectsOf(rig.started)).toEqual(['send status h0 e0 [] → 0 2 3']);
    expect(rig.replica.nextTimeout()).toBe(rig.monotonic + rig.kit.tuning.statusIntervalUs);
  });

  test('a timeout at any other time is harmless', () => {
    const rig = new Rig();
    rig.pass(10);
    expect(rig.step({ kind: 'timeout' })).toEqual([]);
  });

  test('a monotonic clock that runs backwards stops the replica: timers would lie', () => {
    const rig = new Rig();
    rig.monotonic -= 1;
    expect(() => rig.step({ kind: 'timeout' })).toThrow('never runs backwards');
  });

  test('a wall clock that jumps moves no timer', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    const next = rig.replica.nextTimeout();
    rig.wall += 86_400_000;
    rig.step({ kind: 'timeout' });
    rig.wall -= 2 * 86_400_000;
    rig.step({ kind: 'timeout' });
    expect(rig.replica.nextTimeout()).toBe(next);
  });
});

describe('a replica that says anything at all', () => {
  const SEEDS = Array.from({ length: 10 }, (_, index) => index + 1);

  function live(seed: number, liarIs: number): Bench {
    const bench = new Bench({ cluster: { checkpointInterval: 4 } });
    const liar = new Liar(bench, liarIs, seed);
    for (let timestamp = 1; timestamp <= 12; timestamp += 1) {
      const request = bench.kit.authenticated('x', { timestamp });
      bench.send([request]);
      for (let lies = 0; lies < 25; lies += 1) {
        liar.lie();
        bench.run(() => lies % 3 !== 0);
        bench.pass(2_000);
      }
      if (liarIs !== 0) bench.execute(request);
    }
    bench.pass(5_000_000);
    return bench;
  }

  const certainAgainst = (bench: Bench, honest: (node: number) => boolean, liar: number): readonly string[] =>
    bench.nodes
      .filter(({ id }) => id !== liar)
      .flatMap((node) =>
        node.status.suspicions.filter(({ certainty, node: accused }) => certainty === 'certain' && honest(accused)),
      )
      .map(({ node, kind, evidence }) => `${node} ${kind} ${evidence.summary}`);

  test.each(SEEDS)(
    'seed %i, a backup: nothing throws, all agree, everything executes, no correct replica is called certain',
    (seed) => {
      const bench = live(seed, 3);
      const honest = [0, 1, 2];
      bench.until(
        () => honest.every((node) => bench.node(node).count('x') === 12),
        'the correct ones have executed all',
      );
      expect(certainAgainst(bench, (node) => node !== 3, 3)).toEqual([]);
      expect(honest.every((node) => bench.node(node).status.diverged)).toBe(false);
      expect(honest.every((node) => bench.node(node).status.openSlots <= 16)).toBe(true);
      expect(
        bench.nodes.some((node) => node.status.suspicions.some(({ node: accused }) => accused === replica(3))),
      ).toBe(true);
    },
  );

  test.each(SEEDS)(
    'seed %i, a backup, while another backup loses a third of its frames: that one catches up too',
    (seed) => {
      const bench = new Bench({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
      const liar = new Liar(bench, 3, seed);
      const random = new Random(seed, 'loss');
      bench.lose = ({ from, to }) => (from === 2 || to === 2) && random.chance(0.35);
      for (let timestamp = 1; timestamp <= 12; timestamp += 1) {
        const request = bench.kit.authenticated('x', { timestamp });
        bench.send([request]);
        for (let lies = 0; lies < 10; lies += 1) {
          liar.lie();
          bench.pass(2_000);
        }
        bench.execute(request);
      }
      bench.lose = () => false;
      const honest = [0, 1, 2];
      bench.until(
        () => honest.every((node) => bench.node(node).count('x') === 12),
        'the correct ones have executed all',
      );
      expect(certainAgainst(bench, (node) => node !== 3, 3)).toEqual([]);
      expect(honest.every((node) => !bench.node(node).status.diverged)).toBe(true);
    },
  );

  test.each(SEEDS)('seed %i, the primary: nothing throws, all agree, no correct replica is called certain', (seed) => {
    const bench = live(seed, 0);
    expect(certainAgainst(bench, (node) => node !== 0, 0)).toEqual([]);
    expect(contradictionsIn(bench).filter((line) => !line.startsWith('pre-prepare') && !/of 0 /.test(line))).toEqual(
      [],
    );
  });
});
