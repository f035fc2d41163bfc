import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readLink } from '../../lab/link.ts';
import type { SwarmOverrides } from '../../simulation/options.ts';
import { runSeeds } from '../../simulation/run-seeds.ts';
import type { CryptoChoice } from './node-crypto.ts';
import { printReport, printReportAsJson } from './seed-report.ts';
import type { SeedsDone } from './seed-report.ts';

// Where a failing seed opens in the lab. The seed is a good one: what it is said to have broken is made up.

const SEED = 69;
const VIOLATION = { invariant: 'agreement', message: 'two of them' };

let stdout = '';
beforeEach(() => {
  stdout = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

function done(overrides: SwarmOverrides, crypto: CryptoChoice): SeedsDone {
  const failures: SeedsDone['report']['failures'][number][] = [];
  const range = { from: SEED, count: 1, stride: 1, failuresAtMost: 1 };
  const report = runSeeds(range, { overrides: { replicaCount: 1 } }, (seed) => {
    failures.push({ ...seed, violation: VIOLATION });
  });
  return {
    version: '1a2b3c4',
    choices: { crypto, overrides },
    from: SEED,
    report: { ...report, failures },
    missing: [],
    seconds: 1,
    one: undefined,
  };
}

describe('a failing seed', () => {
  const overrides: SwarmOverrides = {
    replicaCount: 7,
    liar: { behaviour: 'lie', isPrimary: false },
    lostDisks: true,
    reads: true,
  };
  const wanted = { ok: true, value: { build: '1a2b3c4', source: { kind: 'seed', seed: SEED, overrides }, at: 0 } };

  test('says where the same run opens in the lab', () => {
    printReport(done(overrides, 'ideal'), { isQuiet: true, hasTail: false });
    const path = /^open in the lab: \/lab(?<fragment>#\S+)$/m.exec(stdout)?.groups?.['fragment'];
    expect(readLink(path ?? '')).toMatchObject(wanted);
  });

  test('and says so to programs', () => {
    printReportAsJson(done(overrides, 'ideal'), new Map());
    const { failures } = JSON.parse(stdout) as { failures: readonly { readonly lab: string }[] };
    expect(readLink(failures[0]?.lab.replace('/lab', '') ?? '')).toMatchObject(wanted);
  });

  test('with real keys opens nowhere: a run in a browser has none', () => {
    printReport(done(overrides, 'real'), { isQuiet: true, hasTail: false });
    expect(stdout).toContain('again: pbft simulate --seed 69');
    expect(stdout).not.toContain('open in the lab');
  });

  test('that the lab would not open is not said to open there', () => {
    printReport(done({ ...overrides, replicaCount: 3 }, 'ideal'), { isQuiet: true, hasTail: false });
    expect(stdout).toContain('again: pbft simulate --seed 69');
    expect(stdout).not.toContain('open in the lab');
  });
});
