/** What seeds came to, for people and for programs. */
import type { SwarmOverrides } from '../../simulation/options.ts';
import { coverageTable } from '../../simulation/expectations.ts';
import type { RangeReport } from '../../simulation/run-seeds.ts';
import { terminal } from '../terminal.ts';

export interface SeedsDone {
  /** Of the source. */
  readonly version: string;
  readonly overrides: SwarmOverrides;
  readonly from: number;
  readonly report: RangeReport;
  /** What was expected to happen and never did; empty when nothing was demanded. */
  readonly missing: readonly string[];
  readonly seconds: number;
  /** Of a run of one seed alone. */
  readonly one: { readonly traceHash: string; readonly tail: readonly string[] } | undefined;
}

export function describeLiar({ behaviour, isPrimary }: NonNullable<SwarmOverrides['liar']>): string {
  return `${behaviour}:${isPrimary ? 'primary' : 'backup'}`;
}

/** The command line that runs this seed again. */
function againLine(seed: number, { liar, replicaCount, lostDisks }: SwarmOverrides): string {
  const nodes = replicaCount === undefined ? '' : ` --nodes ${replicaCount}`;
  const disks = lostDisks === true ? ' --lost-disks' : '';
  return `pbft simulate --seed ${seed} --trace${nodes}${disks}${liar === undefined ? '' : ` --liar ${describeLiar(liar)}`}`;
}

/** `isQuiet`: failures and the last line only. `hasTail`: what happened last was not printed yet. */
export function printReport(done: SeedsDone, { isQuiet, hasTail }: { isQuiet: boolean; hasTail: boolean }): void {
  const { report, version, overrides, missing, one, seconds } = done;
  if (one === undefined && !isQuiet) for (const line of coverageTable(report.coverage)) terminal.line(line);
  if (one !== undefined && report.failures.length === 0 && hasTail && !isQuiet) terminal.line(one.tail.join('\n'));
  for (const { seed, violation, tail } of report.failures) {
    const what = `${violation?.invariant ?? ''}: ${violation?.message ?? ''}`;
    terminal.line(`\n${terminal.style('red', `seed ${seed}@${version}:`)} ${what}`);
    if (hasTail) terminal.line(tail.join('\n'));
    terminal.line(`again: ${againLine(seed, overrides)}`);
  }
  if (missing.length > 0) terminal.line(`\nnever happened: ${missing.join('; ')}`);
  const worked = `${report.answered} requests answered, ${report.batches} batches, ${report.steps} steps`;
  const time = `${(report.virtualUs / 1_000_000).toFixed(0)} virtual seconds in ${seconds.toFixed(1)} s`;
  if (one === undefined) {
    const seeds = `${report.seeds} seeds from ${done.from}, ${report.failures.length} failed`;
    terminal.line(`\n${seeds}, ${worked}, ${time}`);
  } else {
    const verdict = report.failures.length === 0 ? 'no violation' : 'failed';
    terminal.line(`\nseed ${done.from}@${version}: ${verdict}, ${worked}, ${time}, trace ${one.traceHash}`);
  }
}

/** One JSON document. `files`: seed → shrunk scenario. */
export function printReportAsJson(done: SeedsDone, files: ReadonlyMap<number, string>): void {
  const { report, version, overrides, missing, one, seconds } = done;
  terminal.json({
    version,
    from: done.from,
    seeds: report.seeds,
    ...(overrides.replicaCount === undefined ? {} : { nodes: overrides.replicaCount }),
    ...(overrides.liar === undefined ? {} : { liar: describeLiar(overrides.liar) }),
    ...(overrides.lostDisks === true ? { lost_disks: true } : {}),
    failures: report.failures.map(({ seed, violation, traceHash, tail }) => ({
      seed,
      ...violation,
      trace_hash: traceHash,
      file: files.get(seed),
      again: againLine(seed, overrides),
      tail,
    })),
    missing,
    ...(one === undefined ? {} : { trace_hash: one.traceHash }),
    answered: report.answered,
    batches: report.batches,
    steps: report.steps,
    virtual_seconds: report.virtualUs / 1_000_000,
    seconds,
    coverage: report.coverage,
  });
}
