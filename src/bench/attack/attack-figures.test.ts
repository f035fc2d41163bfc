import { describe, expect, test } from 'vitest';
import { cpuShareOf, reportAttacks, trialName } from './attack-figures.ts';
import type { AttackRun, MeasuredTrial, Trial } from './attack-figures.ts';

const RUN: AttackRun = {
  opsPerS: 1000,
  p50Us: 5000,
  p99Us: 10_000,
  viewChanges: 0,
  replacedAfterS: undefined,
  opsPerSAfter: undefined,
  attacker: undefined,
  checkedOperations: 5000,
};

const FREE: Trial = { kind: 'fault-free' };
const SLOW: Trial = { kind: 'attack', attack: 'slow-10ms' };
const FLOOD: Trial = { kind: 'attack', attack: 'client-flood' };
const BURN: Trial = { kind: 'burn', attack: 'client-flood' };

function measured(trial: Trial, ...runs: readonly Partial<AttackRun>[]): MeasuredTrial {
  return { trial, outcomes: runs.map((run) => ({ kind: 'measured', run: { ...RUN, ...run } })) };
}

describe('figures of attacks', () => {
  test('medians and spread of all runs; what happened in some is of those', () => {
    const [report] = reportAttacks([
      measured(SLOW, { opsPerS: 400 }, { opsPerS: 600, viewChanges: 1, replacedAfterS: 1.5, opsPerSAfter: 900 }),
    ]);
    expect(report).toMatchObject({
      name: 'slow-10ms',
      opsPerS: { median: 500, min: 400, max: 600 },
      viewChanges: { min: 0, max: 1 },
      replacedAfterS: { median: 1.5, min: 1.5, max: 1.5 },
      opsPerSAfter: { median: 900 },
      against: undefined,
    });
  });

  test('an attack is held against the fault-free trial, what came after it too', () => {
    const slow = measured(SLOW, { opsPerS: 500, p99Us: 30_000, viewChanges: 1, replacedAfterS: 1, opsPerSAfter: 900 });
    const [free, report] = reportAttacks([measured(FREE, {}), slow]);
    expect(free?.against).toBeUndefined();
    expect(report?.against).toEqual({ name: 'fault-free', opsPerS: 0.5, p99Us: 3, opsPerSAfter: 0.9 });
  });

  test('a flood is held against the trial that was robbed of as much CPU, and that one against the fault-free one', () => {
    const trials = [measured(FREE, {}), measured(FLOOD, { opsPerS: 720 }), measured(BURN, { opsPerS: 800 })];
    const [, flood, burn] = reportAttacks(trials);
    expect(flood?.against).toMatchObject({ name: 'fault-free, CPU of client-flood', opsPerS: 0.9 });
    expect(burn?.against).toMatchObject({ name: 'fault-free', opsPerS: 0.8 });
  });

  test('a failed run leaves no figures, and nothing is held against it', () => {
    const failed: MeasuredTrial = {
      trial: FREE,
      outcomes: [
        { kind: 'measured', run: RUN },
        { kind: 'failed', reason: 'node2 has another state than node1' },
      ],
    };
    const [free, slow] = reportAttacks([failed, measured(SLOW, {})]);
    expect(free).toMatchObject({ failures: ['node2 has another state than node1'], opsPerS: undefined });
    expect(slow).toMatchObject({ failures: [], opsPerS: { median: 1000 }, against: undefined });
  });

  test('names say what is held against what', () => {
    expect([FREE, SLOW, BURN].map(trialName)).toEqual(['fault-free', 'slow-10ms', 'fault-free, CPU of client-flood']);
  });

  test('what a flood took of a core is the median of its runs, and nothing where nobody flooded', () => {
    const attacker = (cpuShare: number): AttackRun => ({ ...RUN, attacker: { cpuShare, framesPerS: 10_000 } });
    expect(cpuShareOf([attacker(0.1), attacker(0.4), attacker(0.2)])).toBe(0.2);
    expect(cpuShareOf([RUN])).toBe(0);
  });
});
