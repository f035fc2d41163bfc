/** The figures of attacks for people and for programs. Owns nothing. */
import { machineJson } from '../machine.ts';
import type { RunAbout } from '../report-json.ts';
import { digits } from '../report-table.ts';
import { rowName } from '../row.ts';
import type { Row } from '../row.ts';
import type { Summary } from '../statistics.ts';
import type { AttackReport, AttackRun } from './attack-figures.ts';
import { FAULT_FREE } from './attack-figures.ts';

const HEADING = ['ATTACK', 'OPS/S', 'MIN–MAX', 'P99 MS', '× OPS/S', '× P99', 'VIEWS', 'AFTER S', 'OPS/S THEN', '×'];
const GAP = '  ';
const NONE = '-';
const US_PER_MS = 1000;

/** A heading, and one line for each trial; one that failed says why. */
export function formatAttacks(reports: readonly AttackReport[]): readonly string[] {
  const rows = [HEADING, ...reports.map(cellsOf)];
  const widths = HEADING.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const aligned = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join(GAP)
      .trimEnd();
  return [
    aligned(HEADING),
    ...reports.map((report) =>
      report.failures.length > 0 ? `${report.name}  FAILED: ${report.failures.join('; ')}` : aligned(cellsOf(report)),
    ),
  ];
}

function cellsOf(report: AttackReport): readonly string[] {
  const { name, failures, opsPerS, p99Us, viewChanges, replacedAfterS, opsPerSAfter, against } = report;
  if (failures.length > 0) return [name];
  const median = (summary: Summary | undefined, divisor = 1): string =>
    summary === undefined ? NONE : digits(summary.median / divisor);
  const spread = opsPerS === undefined ? NONE : `${digits(opsPerS.min)}–${digits(opsPerS.max)}`;
  const ratio = (value: number | undefined): string => (value === undefined ? NONE : digits(value));
  return [
    name,
    median(opsPerS),
    spread,
    median(p99Us, US_PER_MS),
    ratio(against?.opsPerS),
    ratio(against?.p99Us),
    viewChanges === undefined ? NONE : viewChangesOf(viewChanges),
    median(replacedAfterS),
    median(opsPerSAfter),
    ratio(against?.opsPerSAfter),
  ];
}

/** In each run; `0–1` where runs differ. */
function viewChangesOf({ min, max }: Summary): string {
  return min === max ? String(max) : `${min}–${max}`;
}

/** One plain object, in the spelling of all JSON of this project. `rows` are the trials. */
export function attacksJson(about: RunAbout, row: Row, reports: readonly AttackReport[]): object {
  const { rate, ...fields } = row;
  return {
    format: 1,
    commit: about.commit,
    machine: machineJson(about.machine),
    runs: about.runs,
    seconds: about.seconds,
    warm_up_seconds: about.warmUpSeconds,
    row: { name: rowName(row), ...fields, rate: rate ?? null },
    attacks: reports.map(reportJson),
  };
}

function reportJson(report: AttackReport): object {
  const { trial, name, runs, failures, against } = report;
  return {
    name,
    attack: trial.kind === 'fault-free' ? null : trial.attack,
    kind: trial.kind === 'attack' ? 'attack' : FAULT_FREE,
    failures,
    figures:
      failures.length > 0
        ? {}
        : {
            ops_per_s: report.opsPerS ?? null,
            p99_us: report.p99Us ?? null,
            view_changes: report.viewChanges ?? null,
            replaced_after_s: report.replacedAfterS ?? null,
            ops_per_s_after: report.opsPerSAfter ?? null,
          },
    against:
      against === undefined
        ? null
        : {
            name: against.name,
            ops_per_s: against.opsPerS,
            p99_us: against.p99Us,
            ops_per_s_after: against.opsPerSAfter ?? null,
          },
    runs: failures.length > 0 ? [] : runs.map(runJson),
  };
}

function runJson(run: AttackRun): object {
  const { attacker } = run;
  return {
    ops_per_s: run.opsPerS,
    p50_us: run.p50Us,
    p99_us: run.p99Us,
    view_changes: run.viewChanges,
    replaced_after_s: run.replacedAfterS ?? null,
    ops_per_s_after: run.opsPerSAfter ?? null,
    attacker: attacker === undefined ? null : { cpu_share: attacker.cpuShare, frames_per_s: attacker.framesPerS },
    checked_operations: run.checkedOperations,
  };
}
