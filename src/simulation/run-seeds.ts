/** Many seeds, one after the other: what failed, and what happened in all of them together. Pure: a function of the range alone. */
import { Coverage } from './coverage.ts';
import type { CoverageCounts } from './coverage.ts';
import { simulateSeed } from './simulate.ts';
import type { SeedReport, SimulationModules } from './simulate.ts';

export interface SeedRange {
  /** First seed. */
  readonly from: number;
  /** How many. */
  readonly count: number;
  /** Every how many-th seed of the range is run: so that workers share one range. */
  readonly stride: number;
  /** Stops after so many failures. */
  readonly failuresAtMost: number;
}

/** Plain data, so that workers can send it. */
export interface RangeReport {
  readonly seeds: number;
  readonly failures: readonly SeedReport[];
  readonly answered: number;
  readonly batches: number;
  readonly steps: number;
  readonly virtualUs: number;
  /** Of all traces together, 16 hexadecimal characters, in whatever order they came: equal where all seeds ran the same. */
  readonly traceHash: string;
  readonly coverage: CoverageCounts;
}

/** Runs the seeds `from, from + stride, …` below `from + count`. `onSeed` is told each report as it comes. */
export function runSeeds(
  range: SeedRange,
  modules: SimulationModules = {},
  onSeed?: (report: SeedReport) => void,
): RangeReport {
  const coverage = new Coverage();
  const failures: SeedReport[] = [];
  let traceHash = sumOfHashes([]);
  const sums = { seeds: 0, answered: 0, batches: 0, steps: 0, virtualUs: 0 };
  for (let seed = range.from; seed < range.from + range.count; seed += range.stride) {
    const report = simulateSeed(seed, modules);
    onSeed?.(report);
    coverage.add(report.coverage);
    sums.seeds += 1;
    sums.answered += report.answered;
    sums.batches += report.batches;
    sums.steps += report.steps;
    sums.virtualUs += report.virtualUs;
    traceHash = sumOfHashes([traceHash, report.traceHash]);
    if (report.violation !== undefined) failures.push(report);
    if (failures.length >= range.failuresAtMost) break;
  }
  return { ...sums, failures, traceHash, coverage: coverage.counts() };
}

/** Modulo 2^64, and therefore the same in every order. */
function sumOfHashes(hashes: readonly string[]): string {
  const sum = hashes.reduce((total, hash) => total + BigInt(`0x${hash}`), 0n);
  return BigInt.asUintN(64, sum).toString(16).padStart(16, '0');
}

/** Several reports as one. */
export function mergeReports(reports: readonly RangeReport[]): RangeReport {
  const coverage = new Coverage();
  for (const report of reports) coverage.add(report.coverage);
  const sum = (of: (report: RangeReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
  return {
    seeds: sum((report) => report.seeds),
    answered: sum((report) => report.answered),
    batches: sum((report) => report.batches),
    steps: sum((report) => report.steps),
    virtualUs: sum((report) => report.virtualUs),
    traceHash: sumOfHashes(reports.map((report) => report.traceHash)),
    failures: reports.flatMap((report) => report.failures).toSorted((left, right) => left.seed - right.seed),
    coverage: coverage.counts(),
  };
}
