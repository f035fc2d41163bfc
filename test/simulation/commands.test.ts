import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { cryptoModules } from '../../src/cli/seeds/node-crypto.ts';
import { PLAIN_OPTIONS, writeOptions } from '../../src/simulation/options-json.ts';
import { runSeeds } from '../../src/simulation/run-seeds.ts';

// `pbft simulate` and `pbft replay` on a sound core. What they do with a failure: test/mutants/shrink.test.ts.

const SCENARIOS = join(import.meta.dirname, '../scenarios');
const PATIENCE_MS = 120_000;

let folder = '';
let stdout = '';
let stderr = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pbft-simulate-'));
  stdout = '';
  stderr = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

function write(text: string): string {
  const file = join(folder, 'scenario.txt');
  writeFileSync(file, text);
  return file;
}

describe('pbft simulate', () => {
  test(
    'many seeds on several threads: the table and one line, or all of it as JSON, the same both times',
    async () => {
      const seeds = ['simulate', '--seeds', '2', '--from', '69', '--nodes', '1', '--workers', '2'];
      expect(await runCli(seeds)).toBe(0);
      expect(stdout).toMatch(/^ +\d+ {2}executed$/m);
      const answered = /^2 seeds from 69, 0 failed, (\d+) requests answered, /m.exec(stdout)?.[1];
      expect(Number(answered)).toBeGreaterThan(0);
      [stdout, stderr] = ['', ''];
      expect(await runCli([...seeds, '--json', '--workers', '1', '--quiet'])).toBe(0);
      const body = JSON.parse(stdout) as Record<string, unknown>;
      expect(body).toMatchObject({ from: 69, seeds: 2, nodes: 1, failures: [], missing: [] });
      expect(body['answered']).toBe(Number(answered));
      expect(body['version']).toMatch(/^[\w.-]+$/);
      expect(stderr).toBe('');
    },
    PATIENCE_MS,
  );

  test('one seed: its end, its verdict, its trace hash', async () => {
    expect(await runCli(['simulate', '--seed', '69', '--nodes', '1'])).toBe(0);
    expect(stdout).toMatch(/\nseed 69@[\w.-]+: no violation, \d+ requests answered, .*, trace [0-9a-f]{16}\n$/);
    expect(stdout.split('\n').length).toBeLessThan(30);
  });

  test('real keys: no violation, other frames, and the same run every time', async () => {
    const seed = ['simulate', '--seed', '69', '--nodes', '1', '--json'];
    const hash = (): unknown => (JSON.parse(stdout) as Record<string, unknown>)['trace_hash'];
    const hashes = [];
    for (const crypto of ['real', 'real', 'ideal']) {
      stdout = '';
      expect(await runCli([...seed, '--crypto', crypto])).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ crypto, failures: [] });
      hashes.push(hash());
    }
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  test('real keys on other threads', async () => {
    const range = { from: 69, count: 2, stride: 1, failuresAtMost: 1 };
    const { traceHash } = runSeeds(range, { ...cryptoModules('real'), overrides: { replicaCount: 1 } });
    const seeds = ['simulate', '--seeds', '2', '--from', '69', '--nodes', '1', '--workers', '2', '--crypto', 'real'];
    expect(await runCli([...seeds, '--json'])).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ seeds: 2, crypto: 'real', failures: [], trace_hash: traceHash });
  });

  test('what was demanded and never happened is a failure', async () => {
    expect(await runCli(['simulate', '--seed', '69', '--nodes', '1', '--quiet', '--coverage'])).toBe(1);
    expect(stdout).toMatch(/^never happened: .*event: complained/m);
  });

  test('minutes end it', async () => {
    expect(await runCli(['simulate', '--minutes', '0.0001', '--nodes', '1', '--workers', '1', '--quiet'])).toBe(0);
    expect(stdout).toMatch(/^\d seeds from 1, 0 failed/m);
  });

  test.each([
    [['--seed', '-1'], 'An integer from 0'],
    [['--seed', '1.5'], 'An integer from 0'],
    [['--seeds', '0'], 'An integer from 1'],
    [['--seed', '1', '--from', '2'], "'--from <n>'"],
    [['--seed', '1', '--minutes', '2'], "'--minutes <m>'"],
    [['--minutes', '0'], 'A number above 0'],
    [['--minutes', '1e3'], 'A number above 0'],
    [['--nodes', '32'], 'An integer from 1 to 31'],
    [['--liar', 'nobody:primary'], 'equivocate'],
    [['--liar', 'lie'], ':primary or :backup'],
    [['--liar', 'lie:backup', '--nodes', '3'], 'at least 4 nodes'],
    [['--trace'], '--seed'],
    [['--seed', '1', '--trace', '--json'], 'do not go together'],
    [['--crypto', 'none'], 'Allowed choices are ideal, real'],
    [['17'], 'too many arguments'],
  ])('%j is wrong usage', async (args, said) => {
    expect(await runCli(['simulate', ...args])).toBe(2);
    expect(stderr).toContain(said);
    expect(stdout).toBe('');
  });
});

describe('pbft replay', () => {
  test('a scenario that reads as it runs', async () => {
    const file = join(SCENARIOS, 'lost-commit.txt');
    expect(await runCli(['replay', file])).toBe(0);
    expect(stdout).toBe(readFileSync(file, 'utf8'));
    expect(stderr).toContain('reads as it runs');
  });

  test('one that reads otherwise: the first line that differs', async () => {
    const file = write(
      readFileSync(join(SCENARIOS, 'lost-commit.txt'), 'utf8').replace('node2: view 0, h 0', 'node2: view 1, h 0'),
    );
    expect(await runCli(['replay', file])).toBe(1);
    expect(stderr).toMatch(
      /reads otherwise now\n {2}line \d+, in the file: {3}node2: view 1.*\n {2}now: {3}node2: view 0/,
    );
  });

  test('a told scenario reads the same under real keys', async () => {
    const file = join(SCENARIOS, 'equivocating-primary.txt');
    expect(await runCli(['replay', file, '--crypto', 'real'])).toBe(0);
    expect(stdout).toBe(readFileSync(file, 'utf8'));
  });

  test('line ends of another system are none of its business', async () => {
    const text = readFileSync(join(SCENARIOS, 'lost-commit.txt'), 'utf8');
    expect(await runCli(['replay', write(text.replaceAll('\n', '\r\n'))])).toBe(0);
  });

  test('a swarm that does not fail any more', async () => {
    const text = `> swarm ${writeOptions({ ...PLAIN_OPTIONS, seed: 5 })}\n> verdict\n`;
    expect(await runCli(['replay', write(`${text}agreement: two batches at 3\n`)])).toBe(0);
    expect(stdout).toBe(`${text}no violation\n`);
    expect(stderr).toContain('does not fail any more');
    expect(await runCli(['replay', write(`${text}no violation\n`), '--trace'])).toBe(0);
    expect(stdout).toContain('node1 starts');
  });

  test('invariants that break: exit code 1, whether the file says so or not', async () => {
    const commands =
      '> cluster nodes 3\n> behave node1 equivocate\n> request client2 {"operation":"transfer","amount":1}\n> run 2s\n';
    expect(await runCli(['replay', write(commands)])).toBe(1);
    expect(stderr).toContain('it fails, not as the file says\n  one prepared digest: node');
    const printed = stdout;
    expect(await runCli(['replay', write(printed)])).toBe(1);
    expect(stderr).toContain('it still fails, as the file says');
  });

  test.each([
    ['no scenario', 'hello\n', /scenario\.txt: no line begins with "> "/],
    ['no such command', '# why\n> cluster\n> dance\n', /scenario\.txt:3: "dance": no such command/],
    ['no JSON', '> swarm {"seed":\n> verdict\n', /scenario\.txt:1: .*no JSON object/],
    [
      'no options',
      '> swarm {"seed":1,"disk":{"size":3}}\n',
      /scenario\.txt:1: swarm: disk\.size: 3; allowed: no such field/,
    ],
    ['not text', '\u0000\u0001', /no line begins with/],
  ])('%s: exit code 2, and the line', async (_, text, said) => {
    expect(await runCli(['replay', write(text)])).toBe(2);
    expect(stderr).toMatch(said);
    expect(stdout).toBe('');
  });

  test('no file', async () => {
    expect(await runCli(['replay', join(folder, 'absent.txt')])).toBe(2);
    expect(stderr).toContain('cannot read');
  });
});
