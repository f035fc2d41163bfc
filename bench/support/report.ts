/** How a benchmark of one part says what it has measured: a table for people, or with `--json` one object. */
import { cpus } from 'node:os';

/** The machine and the time that figures are of. */
export interface Host {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly date: string;
}

export function describeHost(): Host {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  };
}

type Cell = string | number;

/** What was measured; all rows have the same fields. */
export interface Report extends Host {
  readonly benchmark: string;
  readonly rows: readonly Readonly<Record<string, Cell>>[];
}

/** Prints the report, with what else belongs to it: with `--json` as it is, else `title` and the rows as a table. */
export function print(report: Report & Readonly<Record<string, unknown>>, title: string): void {
  if (process.argv.includes('--json')) return console.log(JSON.stringify(report, undefined, 2));
  console.log(`${report.cpu}, ${report.cores} cores, Node ${report.node}, ${report.date}`);
  console.log(title);
  for (const line of tableOf(report.rows)) console.log(line);
}

/** Names above, figures below, to the right. */
function tableOf(rows: readonly Readonly<Record<string, Cell>>[]): readonly string[] {
  const names = Object.keys(rows[0] ?? {});
  const cells = [names, ...rows.map((row) => names.map((name) => shown(row[name] ?? '')))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells.map((line) => line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '));
}

function shown(cell: Cell): string {
  if (typeof cell === 'string' || Number.isInteger(cell)) return String(cell);
  return cell.toFixed(Math.abs(cell) < 100 ? 2 : 0);
}
