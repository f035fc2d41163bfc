import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cryptoModules } from '../../src/cli/seeds/node-crypto.ts';
import { simulateSeed } from '../../src/simulation/simulate.ts';

// One seed and one source are one run, byte for byte, whatever the machine is set to. Here: time zone, locale, options of Node, and whose
// SHA-256 it is.

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

/** Some seconds, on a machine that may be busy. */
const PATIENCE_MS = 300_000;

const PLAIN = { TZ: 'UTC', LC_ALL: 'C', NODE_OPTIONS: '' };
const FAR = {
  TZ: 'Asia/Kathmandu',
  LC_ALL: 'tr_TR.UTF-8',
  NODE_OPTIONS: '--stack-trace-limit=1 --max-semi-space-size=1',
};

async function runNode(args: readonly string[], env: typeof PLAIN): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 256 * 1024 * 1024, env: { PATH: process.env['PATH'], ...env } };
    execFile(process.execPath, args, options, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
  });
}

const traceOf = async (seed: number, env: typeof PLAIN, ...more: readonly string[]): Promise<string> =>
  runNode([MAIN, 'simulate', '--seed', String(seed), '--trace', ...more], env);
const hashOf = (printed: string): string | undefined => /, trace ([0-9a-f]{16})$/m.exec(printed)?.[1];
/** All but the time it took. */
const untimed = (printed: string): string => printed.replace(/ in [\d.]+ s,/, '');

test('the environment does reach the child', async () => {
  const where =
    '(({ timeZone, locale }) => `${timeZone} ${locale} ${Error.stackTraceLimit}`)(Intl.DateTimeFormat().resolvedOptions())';
  expect(await runNode(['-p', where], FAR)).toMatch(/^Asia\/Kath?mandu tr-TR 1\n$/);
  expect(await runNode(['-p', where], PLAIN)).toMatch(/^UTC en-US\S* 10\n$/);
});

describe('same seed, same run', () => {
  test.each([68, 75])(
    '%i, traced under two environments, and twice in this process',
    async (seed) => {
      const [plain, far] = await Promise.all([traceOf(seed, PLAIN), traceOf(seed, FAR)]);
      const report = simulateSeed(seed);
      expect(hashOf(plain)).toBe(report.traceHash);
      expect(simulateSeed(seed).traceHash).toBe(report.traceHash);
      expect(plain.split('\n').length).toBeGreaterThan(report.steps);
      expect(untimed(far) === untimed(plain), 'every line of the trace is the same').toBe(true);
    },
    PATIENCE_MS,
  );

  test(
    'under real keys as well',
    async () => {
      const real = await traceOf(68, FAR, '--crypto', 'real');
      expect(hashOf(real)).toBe(simulateSeed(68, cryptoModules('real')).traceHash);
    },
    PATIENCE_MS,
  );
});
