/** What seeds came to, for people and for programs. */
import { readLink, writeLink } from '../../lab/link.ts';
import type { SwarmOverrides } from '../../simulation/options.ts';
import { coverageTable } from '../../simulation/expectations.ts';
import type { RangeReport } from '../../simulation/run-seeds.ts';
import { terminal } from '../terminal.ts';
import { cryptoArgument } from './node-crypto.ts';
import type { SeedChoices } from './seed-choices.ts';

export interface SeedsDone {
  /** Of the source. */
  readonly version: string;
  readonly choices: SeedChoices;
  readonly from: number;
  readonly report: RangeReport;
  /** What was expected to happen and never did; empty when nothing was demanded. */
  readonly missing: readonly string[];
  readonly seconds: number;
  /** Of a run of one seed alone. */
  readonly one: { readonly tail: readonly string[] } | undefined;
}

export function describeLiar({ behaviour, isPrimary }: NonNullable<SwarmOverrides['liar']>): string {
  return `${behaviour}:${isPrimary ? 'primary' : 'backup'}`;
}

/** The command line that runs this seed again. */
function againLine(seed: number, { crypto, overrides }: SeedChoices): string {
  const { liar, replicaCount, lostDisks, reads, tentative, overlap } = overrides;
  const nodes = replicaCount === undefined ? '' : ` --nodes ${replicaCount}`;
  const disks = lostDisks === true ? ' --lost-disks' : '';
  const reading = `${reads === true ? ' --reads' : ''}${tentative === true ? ' --tentative' : ''}${overlap === true ? ' --overlap' : ''}`;
  const lies = liar === undefined ? '' : ` --liar ${describeLiar(liar)}`;
  return `pbft simulate --seed ${seed} --trace${nodes}${disks}${reading}${lies}${cryptoArgument(crypto)}`;
}

/**
 * The same run in the lab, which every node serves: its address below that of the node. Undefined with real keys, which a browser's run has not, and where
 * the lab would not open it.
 */
function labPath(seed: number, version: string, { crypto, overrides }: SeedChoices): string | undefined {
  if (crypto === 'real') return undefined;
  const source = { kind: 'seed', seed, overrides } as const;
  const link = writeLink({ build: version, source, interventions: [], at: 0 });
  return readLink(link).ok ? `/lab#${link}` : undefined;
}

/** `isQuiet`: failures and the last line only. `hasTail`: what happened last was not printed yet. */
export function printReport(done: SeedsDone, { isQuiet, hasTail }: { isQuiet: boolean; hasTail: boolean }): void {
  const { report, version, choices, missing, one, seconds } = done;
  if (one === undefined && !isQuiet) for (const line of coverageTable(report.coverage)) terminal.line(line);
  if (one !== undefined && report.failures.length === 0 && hasTail && !isQuiet) terminal.line(one.tail.join('\n'));
  for (const { seed, violation, tail } of report.failures) {
    const what = `${violation?.invariant ?? ''}: ${violation?.message ?? ''}`;
    terminal.line(`\n${terminal.style('red', `seed ${seed}@${version}:`)} ${what}`);
    if (hasTail) terminal.line(tail.join('\n'));
    terminal.line(`again: ${againLine(seed, choices)}`);
    const path = labPath(seed, version, choices);
    if (path !== undefined) terminal.line(`open in the lab: ${path}`);
  }
  if (missing.length > 0) terminal.line(`\nnever happened: ${missing.join('; ')}`);
  const worked = `${report.answered} requests answered, ${report.batches} batches, ${report.steps} steps`;
  const time = `${(report.virtualUs / 1_000_000).toFixed(0)} virtual seconds in ${seconds.toFixed(1)} s`;
  if (one === undefined) {
    const seeds = `${report.seeds} seeds from ${done.from}, ${report.failures.length} failed`;
    terminal.line(`\n${seeds}, ${worked}, ${time}`);
  } else {
    const verdict = report.failures.length === 0 ? 'no violation' : 'failed';
    terminal.line(`\nseed ${done.from}@${version}: ${verdict}, ${worked}, ${time}, trace ${report.traceHash}`);
  }
}

/** One JSON document. `files`: seed → shrunk scenario. */
export function printReportAsJson(done: SeedsDone, files: ReadonlyMap<number, string>): void {
  const { report, version, choices, missing, seconds } = done;
  const { crypto, overrides } = choices;
  terminal.json({
    version,
    from: done.from,
    seeds: report.seeds,
    crypto,
    ...(overrides.replicaCount === undefined ? {} : { nodes: overrides.replicaCount }),
    ...(overrides.liar === undefined ? {} : { liar: describeLiar(overrides.liar) }),
    ...(overrides.lostDisks === true ? { lost_disks: true } : {}),
    ...(overrides.reads === true ? { reads: true } : {}),
    ...(overrides.tentative === true ? { tentative: true } : {}),
    ...(overrides.overlap === true ? { overlap: true } : {}),
    failures: report.failures.map(({ seed, violation, traceHash, tail }) => ({
      seed,
      ...violation,
      trace_hash: traceHash,
      file: files.get(seed),
      again: againLine(seed, choices),
      lab: labPath(seed, version, choices),
      tail,
    })),
    missing,
    trace_hash: report.traceHash,
    answered: report.answered,
    batches: report.batches,
    steps: report.steps,
    virtual_seconds: report.virtualUs / 1_000_000,
    seconds,
    coverage: report.coverage,
  });
}
