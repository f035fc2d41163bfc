import { describe, expect, test } from 'vitest';
import { coverageTable, EXPECTATIONS, missingFrom } from './expectations.ts';
import { mergeReports, runSeeds } from './run-seeds.ts';
import { simulateSeed } from './simulate.ts';

describe('a seed', () => {
  test.each([88, 86])(
    '%i gives the same run every time',
    (seed) => {
      const first = simulateSeed(seed);
      const second = simulateSeed(seed);
      expect(second.traceHash).toBe(first.traceHash);
      expect(second).toEqual(first);
    },
    60_000,
  );

  test('another seed gives another run', () => {
    expect(simulateSeed(86).traceHash).not.toBe(simulateSeed(88).traceHash);
  }, 60_000);

  test('a listener changes nothing', () => {
    let lines = 0;
    const traced = simulateSeed(88, { onTrace: () => (lines += 1) });
    expect(traced.traceHash).toBe(simulateSeed(88).traceHash);
    expect(lines).toBe(traced.steps);
  }, 60_000);
});

test('a few seeds hold all invariants, and orders what it must', () => {
  const report = runSeeds({ from: 86, count: 4, stride: 1, failuresAtMost: 1 });
  expect(report.failures).toEqual([]);
  expect(report.answered).toBeGreaterThanOrEqual(4 * 200);
}, 60_000);

test('ranges shared among workers give what one worker would', () => {
  const range = { from: 86, count: 3, stride: 1, failuresAtMost: 9 };
  const shares = [0, 1].map((index) => runSeeds({ ...range, from: 86 + index, count: 3 - index, stride: 2 }));
  expect(mergeReports(shares)).toEqual(runSeeds(range));
}, 60_000);

describe('expectations', () => {
  test('a kind that never happened is missing, an exempt one is not', () => {
    const missing = missingFrom({ event: { executed: 1 } });
    expect(missing).toContain('event: prepared');
    expect(missing).not.toContain('event: executed');
    expect(missing).not.toContain('event: diverged');
  });

  test('nothing is missing where everything happened once', () => {
    const all = Object.fromEntries(
      Object.entries(EXPECTATIONS).map(([category, names]) => [
        category,
        Object.fromEntries(Object.keys(names).map((name) => [name, 1])),
      ]),
    );
    expect(missingFrom(all)).toEqual([]);
  });

  test('the table tells reasons and zeros', () => {
    const table = coverageTable({ event: { executed: 3 } }).join('\n');
    expect(table).toMatch(/3 {2}executed\n/);
    expect(table).toMatch(/0 {2}prepared {2}NEVER HAPPENED/);
    expect(table).toMatch(/0 {2}diverged {2}exempt: /);
  });
});
