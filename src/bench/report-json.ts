/** The figures for programs. Owns nothing. */
import type { RowReport } from './figures.ts';
import { machineJson } from './machine.ts';
import type { Machine } from './machine.ts';

/** What was run, besides the rows. */
export interface RunAbout {
  readonly commit: string;
  readonly machine: Machine;
  readonly runs: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Rows of the default suite that were left out, with the reason. */
  readonly leftOut: readonly string[];
}

/** One plain object, in the spelling of all JSON of this project. */
export function reportJson(about: RunAbout, rows: readonly RowReport[]): object {
  const { machine } = about;
  return {
    format: 1,
    commit: about.commit,
    machine: machineJson(machine),
    runs: about.runs,
    seconds: about.seconds,
    warm_up_seconds: about.warmUpSeconds,
    left_out: about.leftOut,
    rows: rows.map(rowJson),
  };
}

function rowJson({ row, name, runs, failures, summary, against }: RowReport): object {
  const { rate, ...fields } = row;
  return {
    name,
    row: { ...fields, rate: rate ?? null },
    failures,
    figures: summary,
    against: against === undefined ? null : { row: against.name, ratios: against.ratios },
    runs:
      failures.length > 0
        ? []
        : runs.map(({ figures, peakRssBytes, checkedOperations, readsOrdered }) => ({
            ...figures,
            peak_rss_bytes_by_replica: peakRssBytes,
            checked_operations: checkedOperations ?? null,
            ...(readsOrdered === undefined ? {} : { reads_ordered: readsOrdered }),
          })),
  };
}
