import { describe, expect, test } from 'vitest';
import { cpuCost } from './cpu-cost.ts';
import { reportRows } from './figures.ts';
import type { RunOutcome } from './figures.ts';
import { BASE_ROW, baseFor } from './row.ts';
import type { Row } from './row.ts';

const ran = (ops: number, more: object = {}): RunOutcome => ({
  kind: 'measured',
  run: { figures: { ops_per_s: ops, ...more }, peakRssBytes: [], checkedOperations: 1 },
});
const failed: RunOutcome = { kind: 'failed', reason: 'node3 executed 9 of 10' };
const alone = baseFor('unreplicated');

const reportOf = (...measured: readonly (readonly [Row, ...RunOutcome[]])[]): ReturnType<typeof reportRows> =>
  reportRows(measured.map(([row, ...outcomes]) => ({ row, outcomes })));

describe('the runs of a row', () => {
  test('come to median and spread of each figure that they have', () => {
    const [report] = reportOf([BASE_ROW, ran(30, { p50_us: 1 }), ran(10, { p50_us: 3 }), ran(20, { p50_us: 2 })]);
    expect(report).toMatchObject({ name: 'pbft', failures: [], against: undefined });
    expect(report?.summary).toEqual({
      ops_per_s: { median: 20, min: 10, max: 30 },
      p50_us: { median: 2, min: 1, max: 3 },
    });
  });

  test('one that failed takes all figures of its row with it', () => {
    const [report] = reportOf([BASE_ROW, ran(30), failed]);
    expect(report?.summary).toEqual({});
    expect(report?.failures).toEqual(['node3 executed 9 of 10']);
  });
});

describe('against the unreplicated server', () => {
  test('each median as a multiple of the other', () => {
    const own = ran(10, { p50_us: 300, primary_cpu_us: 50, backup_cpu_us: 30 });
    const [report] = reportOf([BASE_ROW, own], [alone, ran(40, { p50_us: 100, primary_cpu_us: 10 })]);
    expect(report?.against).toEqual({
      name: 'unreplicated',
      ratios: { ops_per_s: 0.25, p50_us: 3, primary_cpu_us: 5, backup_cpu_us: 3 },
    });
  });

  test.each([
    { durability: 'memory' as const },
    { request: 1 },
    { reply: 1 },
    { sessions: 1 },
    { clients: 'independent' as const },
    { rate: 5 },
  ])('only where the load and durability are the same: %o', (difference) => {
    const [report] = reportOf([BASE_ROW, ran(10)], [{ ...alone, ...difference }, ran(40)]);
    expect(report?.against).toBeUndefined();
  });

  test('whatever the number of nodes and the settings; of two the one with the same authentication', () => {
    const signed: Row = { ...BASE_ROW, mode: 'signature', nodes: 7, tuning: { pipeline: 1 } };
    const [only] = reportOf([signed, ran(10)], [alone, ran(40)]);
    expect(only?.against?.ratios).toEqual({ ops_per_s: 0.25 });
    const [better] = reportOf([signed, ran(10)], [alone, ran(40)], [{ ...alone, mode: 'signature' }, ran(20)]);
    expect(better?.against?.ratios).toEqual({ ops_per_s: 0.5 });
  });

  test('never where either has failed, and not for what is no cluster of ours', () => {
    const [own, baseline] = reportOf([BASE_ROW, ran(10)], [alone, ran(40), failed]);
    expect([own?.against, baseline?.against]).toEqual([undefined, undefined]);
    const [broken] = reportOf([BASE_ROW, failed], [alone, ran(40)]);
    expect(broken?.against?.ratios).toEqual({});
  });
});

describe('CPU time for a request', () => {
  const servers = [{ role: 'primary' }, { role: 'backup' }, { role: 'backup' }] as const;

  test('is that of the window over the requests that it answered; of backups their mean', () => {
    const report = { measured: 10, clientCpuUs: 100, serverCpuUs: [500, 200, 400] };
    expect(cpuCost(servers, report)).toEqual({ client_cpu_us: 10, primary_cpu_us: 50, backup_cpu_us: 30 });
  });

  test('who is not there has none', () => {
    const report = { measured: 10, clientCpuUs: 100, serverCpuUs: [500] };
    expect(cpuCost([{ role: 'primary' }], report)).toEqual({ client_cpu_us: 10, primary_cpu_us: 50 });
  });
});
