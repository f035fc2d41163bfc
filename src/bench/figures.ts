/** The figures of one row: of one run, and of all runs as median and spread, also against another row. Pure. */
import { rowName } from './row.ts';
import type { Row } from './row.ts';
import { summarize } from './statistics.ts';
import type { Summary } from './statistics.ts';

/** What is measured of every system, in order. CPU time and memory of whom a system does not have are left out. */
export const FIGURES = [
  'ops_per_s',
  'p50_us',
  'p99_us',
  'client_cpu_us',
  'primary_cpu_us',
  'backup_cpu_us',
  'batch_requests',
  'peak_rss_bytes',
] as const;
export type Figure = (typeof FIGURES)[number];

/** One run of one row, which has passed its check. CPU times are µs for each request that was answered within the window. */
export interface RunFigures {
  /** `peak_rss_bytes`: that of the replica with most. */
  readonly figures: Readonly<Partial<Record<Figure, number>>>;
  /** Of each replica, in order. */
  readonly peakRssBytes: readonly number[];
  /** Operations that were acknowledged and found to be executed once, warm-up and drain included; undefined where nobody can count them. */
  readonly checkedOperations: number | undefined;
  /** Reads that had to be ordered after all; undefined where nothing is read. */
  readonly readsOrdered?: number;
}

export type RunOutcome =
  | { readonly kind: 'measured'; readonly run: RunFigures }
  | { readonly kind: 'failed'; readonly reason: string };

/** All runs of one row. A row with a failed run has no figures. */
export interface RowReport {
  readonly row: Row;
  readonly name: string;
  readonly runs: readonly RunFigures[];
  /** Why it has no figures: one line for each run that failed. */
  readonly failures: readonly string[];
  readonly summary: Readonly<Partial<Record<Figure, Summary>>>;
  /** The unreplicated row of the same runs that it is held against, and each median as a multiple of that one's. */
  readonly against: { readonly name: string; readonly ratios: Readonly<Partial<Record<Figure, number>>> } | undefined;
}

/** A row and what its runs came to. */
export interface MeasuredRow {
  readonly row: Row;
  readonly outcomes: readonly RunOutcome[];
}

/** The reports, in order, each held against the unreplicated row that fits, if one was measured. */
export function reportRows(measured: readonly MeasuredRow[]): readonly RowReport[] {
  const reports = measured.map(({ row, outcomes }): RowReport => {
    const failures = outcomes.flatMap((outcome) => (outcome.kind === 'failed' ? [outcome.reason] : []));
    const runs = outcomes.flatMap((outcome) => (outcome.kind === 'measured' ? [outcome.run] : []));
    const summary = failures.length > 0 ? {} : summarizeRuns(runs);
    return { row, name: rowName(row), runs, failures, summary, against: undefined };
  });
  return reports.map((report) => {
    const baseline = baselineOf(report, reports);
    return baseline === undefined ? report : { ...report, against: compare(report, baseline) };
  });
}

function summarizeRuns(runs: readonly RunFigures[]): RowReport['summary'] {
  const summary: Partial<Record<Figure, Summary>> = {};
  for (const figure of FIGURES) {
    const values = runs.flatMap(({ figures }) => figures[figure] ?? []);
    if (values.length > 0) summary[figure] = summarize(values);
  }
  return summary;
}

const SAME_LOAD = ['durability', 'app', 'request', 'reply', 'clients', 'reads', 'sessions', 'rate'] as const;

/** The unreplicated row with the same durability and load; of several the one with the same authentication and MACs. */
function baselineOf({ row }: RowReport, reports: readonly RowReport[]): RowReport | undefined {
  if (row.system !== 'pbft') return undefined;
  const fitting = reports.filter(
    (other) =>
      other.row.system === 'unreplicated' &&
      other.failures.length === 0 &&
      other.runs.length > 0 &&
      SAME_LOAD.every((field) => other.row[field] === row[field]),
  );
  const sameMode = fitting.filter((other) => other.row.mode === row.mode);
  return sameMode.find((other) => other.row.mac === row.mac) ?? sameMode[0] ?? fitting[0];
}

/** What a backup costs is held against the one server as well: without replication there would be no other. */
function compare({ summary }: RowReport, baseline: RowReport): NonNullable<RowReport['against']> {
  const ratios: Partial<Record<Figure, number>> = {};
  for (const figure of FIGURES) {
    const own = summary[figure]?.median;
    const other = baseline.summary[figure === 'backup_cpu_us' ? 'primary_cpu_us' : figure]?.median;
    if (own !== undefined && other !== undefined && other > 0) ratios[figure] = own / other;
  }
  return { name: baseline.name, ratios };
}
