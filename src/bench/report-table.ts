/** The figures for people: medians, their spread below them, and what they are of those without replication. Owns nothing. */
import { FIGURES } from './figures.ts';
import type { Figure, RowReport } from './figures.ts';
import type { Summary } from './statistics.ts';

interface Column {
  readonly heading: string;
  /** The unit of the figure in the unit of the column. */
  readonly divisor: number;
}

const MIB = 1024 * 1024;

const COLUMNS: Readonly<Record<Figure, Column>> = {
  ops_per_s: { heading: 'OPS/S', divisor: 1 },
  p50_us: { heading: 'P50 MS', divisor: 1000 },
  p99_us: { heading: 'P99 MS', divisor: 1000 },
  client_cpu_us: { heading: 'CLIENT µS', divisor: 1 },
  primary_cpu_us: { heading: 'PRIMARY µS', divisor: 1 },
  backup_cpu_us: { heading: 'BACKUP µS', divisor: 1 },
  batch_requests: { heading: 'BATCH', divisor: 1 },
  peak_rss_bytes: { heading: 'RSS MIB', divisor: MIB },
};

const GAP = '  ';
const MEDIAN = '  median';
const SPREAD = '  min–max';
const RATIO = '  × unreplicated';
const NONE = '-';

/** As wide as the lines may be; where the names of rows make them wider, they get lines of their own. */
const MOST_COLUMNS = 120;

/** Lines for each row: median, spread where there was more than one run, ratio where there is one; one line for a row that failed. */
export function formatReport(rows: readonly RowReport[]): readonly string[] {
  const heading = ['ROW', ...FIGURES.map((figure) => COLUMNS[figure].heading)];
  const lines = rows.map((row) => ({ name: row.name, failures: row.failures, cells: cellsOf(row) }));
  const widths = heading.map((_, column) =>
    Math.max(...[heading, ...lines.flatMap(({ cells }) => cells)].map((cells) => cells[column]?.length ?? 0)),
  );
  const names = Math.max(widths[0] ?? 0, ...rows.map(({ name }) => name.length));
  const isApart = widths.slice(1).reduce((sum, width) => sum + GAP.length + width, names) > MOST_COLUMNS;
  if (!isApart) widths[0] = names;
  const aligned = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join(GAP)
      .trimEnd();
  const body = lines.flatMap(({ name, failures, cells: [medians = [], ...more] }) => {
    if (failures.length > 0) return [`${name}  FAILED: ${failures.join('; ')}`];
    const first = isApart ? [name, aligned(medians)] : [aligned([name, ...medians.slice(1)])];
    return [...first, ...more.map(aligned)];
  });
  return [aligned(heading), ...body];
}

/** Their first cell says which. */
function cellsOf({ runs, failures, summary, against }: RowReport): readonly (readonly string[])[] {
  if (failures.length > 0) return [];
  const cells = (first: string, cell: (figure: Figure) => string | undefined): readonly string[] => [
    first,
    ...FIGURES.map((figure) => cell(figure) ?? NONE),
  ];
  const median = (figure: Figure): string | undefined => {
    const found = summary[figure];
    return found === undefined ? undefined : digits(found.median / COLUMNS[figure].divisor);
  };
  const spread = (figure: Figure): string | undefined => {
    const found = summary[figure];
    return found === undefined ? undefined : spreadOf(found, COLUMNS[figure].divisor);
  };
  const ratio = (figure: Figure): string | undefined => {
    const found = against?.ratios[figure];
    return found === undefined ? undefined : digits(found);
  };
  return [
    cells(MEDIAN, median),
    ...(runs.length > 1 ? [cells(SPREAD, spread)] : []),
    ...(against === undefined ? [] : [cells(RATIO, ratio)]),
  ];
}

function spreadOf({ min, max }: Summary, divisor: number): string {
  return `${short(min / divisor)}–${short(max / divisor)}`;
}

const THOUSAND = 1000;

/** Three digits that count, and `k` for thousands. */
function short(value: number): string {
  return value < THOUSAND ? digits(value) : `${digits(value / THOUSAND)}k`;
}

const DIGITS = 3;

/** Three digits that count, or all before the point: `0.0123`, `1.23`, `12.3`, `123`, `12,345`. */
export function digits(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value === 0 ? '0' : value.toPrecision(DIGITS);
}
