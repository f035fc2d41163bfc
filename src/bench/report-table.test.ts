import { describe, expect, test } from 'vitest';
import { FIGURES, reportRows } from './figures.ts';
import type { Figure, RunOutcome } from './figures.ts';
import { digits, formatReport } from './report-table.ts';
import { BASE_ROW, baseFor } from './row.ts';
import { defaultSuite } from './suite.ts';

const TYPICAL: Readonly<Record<Figure, number>> = {
  ops_per_s: 12_345,
  p50_us: 3_456,
  p99_us: 12_345,
  client_cpu_us: 45.67,
  primary_cpu_us: 123.4,
  backup_cpu_us: 98.76,
  batch_requests: 60,
  peak_rss_bytes: 150 * 2 ** 20,
};

const ran = (factor: number, without: readonly Figure[] = []): RunOutcome => ({
  kind: 'measured',
  run: {
    figures: Object.fromEntries(
      FIGURES.flatMap((figure) => (without.includes(figure) ? [] : [[figure, TYPICAL[figure] * factor]])),
    ),
    peakRssBytes: [],
    checkedOperations: 1,
  },
});

describe('the table', () => {
  test('one run: the figures, right under their headings', () => {
    const [heading = '', line = '', ...more] = formatReport(reportRows([{ row: BASE_ROW, outcomes: [ran(1)] }]));
    expect(heading.split(/ {2,}/)).toEqual([
      'ROW',
      'OPS/S',
      'P50 MS',
      'P99 MS',
      'CLIENT µS',
      'PRIMARY µS',
      'BACKUP µS',
      'BATCH',
      'RSS MIB',
    ]);
    expect(line.split(/ {2,}/)).toEqual(['pbft', '12,345', '3.46', '12.3', '45.7', '123', '98.8', '60.0', '150']);
    expect(line).toHaveLength(heading.length);
    expect(more).toEqual([]);
  });

  test('several runs: the spread below; with an unreplicated row: the ratio below that', () => {
    const lines = formatReport(
      reportRows([
        { row: BASE_ROW, outcomes: [ran(1), ran(2), ran(3)] },
        { row: baseFor('unreplicated'), outcomes: [ran(2, ['backup_cpu_us'])] },
      ]),
    );
    expect(lines.map((line) => line.trim().split(/ {2,}/).slice(0, 3))).toEqual([
      ['ROW', 'OPS/S', 'P50 MS'],
      ['pbft', '24,690', '6.91'],
      ['min–max', '12.3k–37.0k', '3.46–10.4'],
      ['× unreplicated', '1.00', '1.00'],
      ['unreplicated', '24,690', '6.91'],
    ]);
    expect(lines.at(-1)).toMatch(/ {2}247 {2,}- {2}/);
  });

  test('a row that failed shows its reasons and no figure', () => {
    const outcomes: readonly RunOutcome[] = [ran(1), { kind: 'failed', reason: 'node2 ended' }];
    expect(formatReport(reportRows([{ row: BASE_ROW, outcomes }])).slice(1)).toEqual(['pbft  FAILED: node2 ended']);
  });

  test.each([1, 20, 5000])(
    'the default suite stays within 120 columns, also with figures %i times as large',
    (factor) => {
      const measured = defaultSuite().map((row) => ({
        row,
        outcomes: [ran(factor), ran(1.2 * factor), ran(1.7 * factor)],
      }));
      const widths = formatReport(reportRows(measured)).map((line) => line.length);
      expect(Math.max(...widths)).toBeLessThanOrEqual(120);
    },
  );
});

test.each([
  [0, '0'],
  [0.01234, '0.0123'],
  [1.239, '1.24'],
  [99.44, '99.4'],
  [100, '100'],
  [12_345.6, '12,346'],
])('%d is shown as %s', (value, text) => {
  expect(digits(value)).toBe(text);
});
