import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CliProcess, eventually, isAlive } from './local-cluster.ts';
import type { Ended } from './local-cluster.ts';

// That it measures, checks and leaves nothing behind. How fast anything is, no test says.

/** Ids of processes whose command line names a folder. */
function processesIn(folder: string): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(folder) ? [Number(name)] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

interface Report {
  readonly commit: string;
  readonly machine: Readonly<Record<string, unknown>>;
  readonly left_out: readonly string[];
  readonly rows: readonly {
    readonly name: string;
    readonly failures: readonly string[];
    readonly figures: Readonly<Record<string, { readonly median: number; readonly min: number; readonly max: number }>>;
    readonly against: { readonly row: string; readonly ratios: Readonly<Record<string, number>> } | null;
    readonly runs: readonly {
      readonly checked_operations: number;
      readonly peak_rss_bytes_by_replica: readonly number[];
    }[];
  }[];
}

const SHORT = ['--runs', '1', '--seconds', '1', '--warm-up', '0.5'];

describe('pbft bench', () => {
  let folder: string;
  let temporary: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pbft-e2e-'));
    temporary = mkdtempSync(join(folder, 'tmp-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (...args: readonly string[]): CliProcess =>
    new CliProcess(['bench', ...args], { cwd: folder, env: { TMPDIR: temporary, PATH: '/nowhere' } });
  const run = async (...args: readonly string[]): Promise<Ended> => start(...args).ended;

  const left = (): readonly number[] => processesIn(temporary);

  const checkNothingIsLeft = (): void => {
    expect(readdirSync(temporary).filter((name) => name.startsWith('pbft-'))).toEqual([]);
    expect(left().filter(isAlive)).toEqual([]);
  };

  test('a cluster and the server without replication: figures that are there and checked', async () => {
    const rows = ['--row', 'sessions=8,app=kv', '--row', 'system=unreplicated,sessions=8,app=kv'];
    const ended = await run(...rows, ...SHORT, '--json', '--quiet');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const report = JSON.parse(ended.stdout) as Report;
    expect(report.rows.map(({ name }) => name)).toEqual(['pbft app=kv sessions=8', 'unreplicated app=kv sessions=8']);
    const [cluster, alone] = report.rows;
    for (const row of report.rows) {
      expect(row.failures).toEqual([]);
      for (const { median } of Object.values(row.figures)) expect(median).toBeGreaterThan(0);
    }
    const shared = ['client_cpu_us', 'ops_per_s', 'p50_us', 'p99_us', 'peak_rss_bytes', 'primary_cpu_us'];
    expect(Object.keys(cluster?.figures ?? {}).toSorted()).toEqual(['backup_cpu_us', 'batch_requests', ...shared]);
    expect(Object.keys(alone?.figures ?? {}).toSorted()).toEqual(shared);
    expect(cluster?.runs[0]?.peak_rss_bytes_by_replica).toHaveLength(4);
    expect(cluster?.runs[0]?.checked_operations).toBeGreaterThan(0);
    expect(alone?.runs[0]?.checked_operations).toBeGreaterThan(0);
    expect(cluster?.against?.row).toBe('unreplicated app=kv sessions=8');
    expect(cluster?.against?.ratios['ops_per_s']).toBeGreaterThan(0);
    expect(report.machine).toMatchObject({ node: process.version });
    checkNothingIsLeft();
  });

  test('independent clients in an open loop, in memory, signed: a table for people', async () => {
    const row = 'durability=memory,clients=independent,sessions=4,rate=20,mode=signature,nodes=1,reply=16';
    const ended = await run('--row', row, ...SHORT);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toMatch(/^ROW +OPS\/S +P50 MS +P99 MS +CLIENT µS +PRIMARY µS +BACKUP µS +BATCH +RSS MIB$/m);
    expect(ended.stderr).toMatch(/^1 of 1 {2}pbft nodes=1 .*: [\d.,]+ operations\/s$/m);
    checkNothingIsLeft();
  });

  test('rows that are none are refused, all at once, and nothing is started', async () => {
    const ended = await run('--row', 'sessions=0', '--row', 'nodes=4,mode=none');
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('sessions is "0": allowed is an integer from 1 to 1024');
    expect(ended.stderr).toContain('mode is "none": allowed is one of mac, signature');
    checkNothingIsLeft();
  });

  test('what cannot run says why: no etcd, no such row', async () => {
    expect(await run('--only', 'etcd')).toMatchObject({
      code: 2,
      stderr: 'pbft: etcd sessions=256 is left out: there is no program `etcd` in PATH\n',
    });
    const ended = await run('--only', 'nothing like it');
    expect(ended).toMatchObject({ code: 2 });
    expect(ended.stderr).toContain('--only nothing like it: no row has that in its name');
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends everything', async (signal) => {
    const running = start('--row', 'sessions=4', '--seconds', '60');
    await eventually('the nodes and the load run', () => left().length >= 4);
    const processes = left();
    running.signal(signal);
    expect(await running.ended).toMatchObject({ code: 1, stdout: '' });
    expect(processes.filter(isAlive)).toEqual([]);
    checkNothingIsLeft();
  });

  test('when it is killed, its processes end by themselves', async () => {
    const running = start('--row', 'sessions=4', '--seconds', '60');
    await eventually('the nodes and the load run', () => left().length >= 4);
    const processes = left();
    running.signal('SIGKILL');
    await running.ended;
    await eventually('no process is left', () => !processes.some(isAlive), 30_000);
    expect(left()).toEqual([]);
  });
});
