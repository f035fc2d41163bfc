import { describe, expect, test } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import type { BrokenInvariant } from './broken-invariant.ts';
import { failureScenario } from './failure-scenario.ts';
import { makeOptions } from './options.ts';
import type { SwarmOptions } from './options.ts';
import { PLAIN_OPTIONS, writeOptions } from './options-json.ts';
import { shrink } from './shrink.ts';

const BROKEN: BrokenInvariant = { invariant: 'agreement', message: 'two batches at 3' };

/** Shrinks what breaks whenever `isBroken`. */
function shrinkWhile(
  options: SwarmOptions,
  isBroken: (options: SwarmOptions) => boolean,
  runsAtMost = 500,
): ReturnType<typeof shrink> {
  return shrink(options, BROKEN, { run: (tried) => (isBroken(tried) ? BROKEN : undefined), runsAtMost });
}

const kindsOf = ({ faults }: SwarmOptions): readonly string[] => faults.map(({ kind }) => kind);

describe('what remains is what it takes', () => {
  test('nothing, where everything breaks', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const { options } = shrinkWhile(makeOptions(seed), () => true);
      expect(options).toEqual({ ...PLAIN_OPTIONS, seed, replicaCount: 1 });
    }
  });

  test('one liar of two, two faults of five, eleven requests, a lossy network', () => {
    const seven = makeOptions(3, { replicaCount: 7 });
    const liar = { replica: asReplicaId(5), behaviour: 'lie', variant: 7 } as const;
    const start: SwarmOptions = {
      ...seven,
      liars: [{ replica: asReplicaId(2), behaviour: 'forge', variant: 3 }, liar],
      faults: [
        { kind: 'storm', loss: 0.3, forUs: 100 },
        { kind: 'crash-all', downUs: 1000, survivors: 1 },
        { kind: 'faulty-client', fault: 'gap' },
        { kind: 'storm', loss: 0.6, forUs: 100 },
        { kind: 'clock-jump', replica: asReplicaId(1), byMs: 1, forUs: 1 },
      ],
      network: { ...seven.network, loss: 0.15, duplication: 0.2 },
    };
    const { options } = shrinkWhile(
      start,
      (tried) =>
        tried.liars.some(({ replica }) => replica === 5) &&
        kindsOf(tried).includes('crash-all') &&
        kindsOf(tried).includes('faulty-client') &&
        tried.clientCount * tried.requestsPerClient >= 11 &&
        tried.network.loss > 0,
    );
    expect(options).toEqual({
      ...PLAIN_OPTIONS,
      seed: 3,
      replicaCount: 6,
      liars: [{ ...liar, variant: 0 }],
      faults: start.faults.slice(1, 3),
      clientCount: 1,
      requestsPerClient: 11,
      network: { ...PLAIN_OPTIONS.network, loss: 0.15 },
    });
  });
});

describe('only the same failure counts', () => {
  test('another invariant is another failure', () => {
    const run = ({ liars }: SwarmOptions): BrokenInvariant =>
      liars.length > 0 ? BROKEN : { invariant: 'liveness', message: 'waits' };
    const start = makeOptions(1, { liar: { behaviour: 'lie', isPrimary: true } });
    const { options, violation } = shrink(start, BROKEN, { run, runsAtMost: 300 });
    expect(options.liars).toHaveLength(1);
    expect(violation).toEqual(BROKEN);
  });

  test('of assertions, another rule is another failure; the stack below it is not', () => {
    const first = { invariant: 'assertion', message: 'InvariantViolation: h rises\n  at here' };
    const run = ({ faults, clientCount }: SwarmOptions): BrokenInvariant =>
      faults.length > 0
        ? { invariant: 'assertion', message: `InvariantViolation: h rises\n  at ${clientCount}` }
        : { invariant: 'assertion', message: 'InvariantViolation: q votes\n  at here' };
    const { options } = shrink(makeOptions(1), first, { run, runsAtMost: 300 });
    expect(options.faults).toHaveLength(1);
  });
});

test('it ends after so many runs, with the simplest so far; nothing is run twice', () => {
  const seen: string[] = [];
  const start = makeOptions(5);
  const run = (options: SwarmOptions): BrokenInvariant | undefined => {
    seen.push(writeOptions(options));
    return options.requestsPerClient > 20 ? BROKEN : undefined;
  };
  const { runs, options } = shrink(start, BROKEN, { run, runsAtMost: 9 });
  expect([runs, seen.length, new Set(seen).size]).toEqual([9, 9, 9]);
  expect(options.requestsPerClient).toBeGreaterThan(20);
  expect(options.requestsPerClient).toBeLessThan(start.requestsPerClient);
});

test('a failure reads as a scenario', () => {
  const options = { ...PLAIN_OPTIONS, seed: 17, clientCount: 2 };
  const violation = { invariant: 'assertion', message: 'InvariantViolation: h rises\n    at a file' };
  expect(failureScenario('17@abc1234', { options, violation, runs: 8 }, 'pbft replay FILE').split('\n')).toEqual([
    expect.stringMatching(/^# Seed 17@abc1234 broke the invariant "assertion": shrunk in 8 runs\./) as string,
    expect.stringMatching(/^# /) as string,
    '> swarm {"seed":17,"clientCount":2}',
    '> verdict',
    'assertion: InvariantViolation: h rises',
    '',
  ]);
});
