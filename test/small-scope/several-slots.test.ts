import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeQuorums } from '../../src/protocol/quorum.ts';
import { Random } from '../../src/simulation/random.ts';
import { Run } from './several-slots.ts';
import type { Happening } from './several-slots.ts';

/** 100,000 runs with four replicas in CI, a tenth where somebody waits; with more replicas a fifth of that. */
const DRAWS = process.env['CI'] === undefined ? 10_000 : 100_000;
const TIMEOUT_MS = 600_000;

const WANTED: readonly Happening[] = [
  'choice of what committed',
  'decision waits',
  'null chosen below something prepared',
  'number not covered',
  'several choices at once',
  'start listed',
  'start proven',
];

test.each([
  [4, DRAWS],
  [5, DRAWS / 5],
  [6, DRAWS / 5],
  [7, DRAWS / 5],
])(
  'n = %i, two slots at a time and checkpoints, %i random runs: what may have committed is chosen or waits, and all correct replicas together always decide',
  (replicaCount, numRuns) => {
    const quorums = makeQuorums(replicaCount);
    const happened = new Set<Happening>();
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const run = new Run(new Random(seed, 'several slots'), quorums);
        expect(run.violation()).toBeUndefined();
        for (const happening of run.happened) happened.add(happening);
      }),
      { numRuns, endOnFailure: true },
    );
    expect([...happened].toSorted()).toEqual(WANTED);
  },
  TIMEOUT_MS,
);
