import { expect, test } from 'vitest';
import { BASE_ROW } from '../row.ts';
import { reportAttacks } from './attack-figures.ts';
import type { AttackRun } from './attack-figures.ts';
import { attacksJson, formatAttacks } from './attack-report.ts';

const RUN: AttackRun = {
  opsPerS: 2000,
  p50Us: 5000,
  p99Us: 10_000,
  viewChanges: 0,
  replacedAfterS: undefined,
  opsPerSAfter: undefined,
  attacker: undefined,
  checkedOperations: 10_000,
};

const REPLACED: AttackRun = { ...RUN, opsPerS: 1500, viewChanges: 1, replacedAfterS: 1.25, opsPerSAfter: 1900 };

const reports = reportAttacks([
  { trial: { kind: 'fault-free' }, outcomes: [{ kind: 'measured', run: RUN }] },
  {
    trial: { kind: 'attack', attack: 'slow-100ms' },
    outcomes: [
      { kind: 'measured', run: REPLACED },
      { kind: 'measured', run: { ...RUN, opsPerS: 500, p99Us: 110_000 } },
    ],
  },
  { trial: { kind: 'attack', attack: 'silent-backup' }, outcomes: [{ kind: 'failed', reason: 'node2 ended' }] },
]);

test('one line for each trial: medians, spread, ratios, what became of the view; `-` where there is nothing', () => {
  expect(formatAttacks(reports)).toEqual([
    'ATTACK         OPS/S      MIN–MAX  P99 MS  × OPS/S  × P99  VIEWS  AFTER S  OPS/S THEN      ×',
    'fault-free     2,000  2,000–2,000    10.0        -      -      0        -           -      -',
    'slow-100ms     1,000    500–1,500    60.0    0.500   6.00    0–1     1.25       1,900  0.950',
    'silent-backup  FAILED: node2 ended',
  ]);
});

test('the JSON holds every run, and null where there is nothing', () => {
  const machine = { cpu: 'c', cores: 2, memoryBytes: 1, node: 'v24', kernel: 'k', isDataInMemory: false };
  const about = { commit: 'abc', machine, runs: 2, seconds: 5, warmUpSeconds: 2, leftOut: [] };
  const json = attacksJson(about, BASE_ROW, reports);
  expect(json).toMatchObject({
    format: 1,
    commit: 'abc',
    row: { name: 'pbft', rate: null, sessions: 64 },
    attacks: [
      { name: 'fault-free', attack: null, kind: 'fault-free', against: null, runs: [{ attacker: null }] },
      {
        name: 'slow-100ms',
        attack: 'slow-100ms',
        kind: 'attack',
        figures: { ops_per_s: { median: 1000, min: 500, max: 1500 }, replaced_after_s: { median: 1.25 } },
        against: { name: 'fault-free', ops_per_s: 0.5, p99_us: 6, ops_per_s_after: 0.95 },
        runs: [
          { view_changes: 1, replaced_after_s: 1.25, checked_operations: 10_000 },
          { view_changes: 0, replaced_after_s: null, ops_per_s_after: null },
        ],
      },
      { name: 'silent-backup', failures: ['node2 ended'], figures: {}, against: null, runs: [] },
    ],
  });
});
