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

/** Ids of the processes that a process has started and that still run. */
function childrenOf(pid: number): readonly number[] {
  return [...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').matchAll(/\d+/g)].map(Number);
}

function isAttacker(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('attacker-process');
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

interface AttackReport {
  readonly row: { readonly name: string };
  readonly attacks: readonly {
    readonly name: string;
    readonly kind: string;
    readonly attack: string | null;
    readonly failures: readonly string[];
    readonly figures: Readonly<Record<string, { readonly median: number } | null>>;
    readonly against: { readonly name: string; readonly ops_per_s: number } | null;
    readonly runs: readonly { readonly checked_operations: number }[];
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

  test('over HTTP, with reads that nobody orders: what the gateway answered is in the state, once', async () => {
    const rows = ['--row', 'clients=http,sessions=4', '--row', 'clients=http,sessions=4,reads=only,durability=memory'];
    const ended = await run(...rows, ...SHORT, '--json', '--quiet');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const report = JSON.parse(ended.stdout) as Report;
    for (const { failures, figures, runs } of report.rows) {
      expect(failures).toEqual([]);
      expect(figures['ops_per_s']?.median).toBeGreaterThan(0);
      expect(runs[0]?.checked_operations).toBeGreaterThan(0);
    }
    checkNothingIsLeft();
  });

  test('rows that are none are refused, all at once, and nothing is started', async () => {
    const ended = await run('--row', 'sessions=0', '--row', 'nodes=4,mode=none');
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('sessions is "0": allowed is an integer from 1 to 10000');
    expect(ended.stderr).toContain('mode is "none": allowed is one of mac, signature');
    checkNothingIsLeft();
  });

  test('attacks that are none, and what does not go with them, are refused all at once', async () => {
    const ended = await run('--attack', 'silence', 'bad-macs', '--only', 'bad', '--row', 'nodes=3');
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('--attack "silence" is no attack: allowed are bad-macs, client-flood,');
    expect(ended.stderr).toContain('--only chooses rows: name the attacks behind --attack instead');
    expect(ended.stderr).toContain('--row nodes=3: nodes is "3": allowed is 4 or more with --attack');
    checkNothingIsLeft();
  });

  test('attacks by nodes: each is held against the fault-free run, and its load is checked', async () => {
    const ended = await run('--attack', 'equivocating-primary', 'wrong-replies', ...SHORT, '--json', '--quiet');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const report = JSON.parse(ended.stdout) as AttackReport;
    expect(report.row.name).toBe('pbft');
    expect(report.attacks.map(({ name }) => name)).toEqual(['fault-free', 'equivocating-primary', 'wrong-replies']);
    const [free, ...attacked] = report.attacks;
    expect(free).toMatchObject({ kind: 'fault-free', attack: null, against: null });
    for (const { failures, figures, runs } of report.attacks) {
      expect(failures).toEqual([]);
      expect(figures['ops_per_s']?.median).toBeGreaterThan(0);
      expect(runs[0]?.checked_operations).toBeGreaterThan(0);
    }
    for (const { kind, against } of attacked) {
      expect(kind).toBe('attack');
      expect(against?.name).toBe('fault-free');
      expect(against?.ops_per_s).toBeGreaterThan(0);
    }
    checkNothingIsLeft();
  }, 200_000);

  test('attacks by processes beside the nodes, on a row of its own: a table for people', async () => {
    const row = ['--row', 'app=kv,sessions=8,durability=memory'];
    const ended = await run('--attack', 'bad-macs', 'client-flood', 'replica-flood', ...row, ...SHORT);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain('All rows: pbft durability=memory app=kv sessions=8\n');
    const heading = /^ATTACK +OPS\/S +MIN–MAX +P99 MS +× OPS\/S +× P99 +VIEWS +AFTER S +OPS\/S THEN +×$/m;
    expect(ended.stdout).toMatch(heading);
    const flood = /^(?:client|replica)-flood +[\d.,]+ +[\d.,]+–[\d.,]+ +[\d.,]+ +[\d.,]+ +[\d.,]+ +\d/gm;
    expect(ended.stdout.match(flood)).toHaveLength(2);
    expect(ended.stderr).toMatch(/^4 of 6 {2}fault-free, CPU of client-flood: [\d.,]+ operations\/s/m);
    checkNothingIsLeft();
  }, 300_000);

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

  test('SIGTERM ends an attack as well, and who attacks', async () => {
    const running = start('--attack', 'replica-flood', '--row', 'sessions=4', '--runs', '1', '--seconds', '1');
    const processes = await eventually(
      'somebody attacks',
      () => {
        const children = childrenOf(running.pid);
        return children.some(isAttacker) && children;
      },
      120_000,
    );
    running.signal('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 1, stdout: '' });
    expect(processes.filter(isAlive)).toEqual([]);
    checkNothingIsLeft();
  }, 200_000);

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
