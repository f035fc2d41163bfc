/** Columns for people. Owns nothing. */
import { stripVTControlCharacters } from 'node:util';

const shownWidth = (text: string): number => stripVTControlCharacters(text).length;

/** One line per row, columns padded to their widest cell and two spaces apart; the first row is the heading. No trailing spaces. */
export function formatTable(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, shownWidth(cell));
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - shownWidth(cell)))
      .join('  ')
      .trimEnd(),
  );
}
