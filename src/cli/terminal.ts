/** The one place that writes to the terminal: results on stdout, errors and progress on stderr. Never colours a pipe, nor with NO_COLOR. */
import { styleText } from 'node:util';
import type { ExitCode } from './exit-code.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const USUAL_COLUMNS = 80;

/** Writes lines; a reader that has gone (`| head`) is no error. */
export const terminal = {
  /** One line of the result. */
  line(text = ''): void {
    process.stdout.write(`${text}\n`);
  },
  /** The result for programs: one JSON document. */
  json(value: unknown): void {
    process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
  },
  /** What went wrong; `code` is what the command ends with. Further lines say more or what to do. */
  fail(code: ExitCode, first: string, ...more: readonly string[]): ExitCode {
    process.stderr.write(`${styleText('red', 'pbft:', { stream: process.stderr })} ${first}\n`);
    for (const line of more) process.stderr.write(`  ${line}\n`);
    return code;
  },
  warn(text: string): void {
    process.stderr.write(`${styleText('yellow', 'warning:', { stream: process.stderr })} ${text}\n`);
  },
  /** Something for people that is no part of the result. */
  note(text: string): void {
    process.stderr.write(`${text}\n`);
  },
  /** Whether {@link live} makes sense: somebody watches. */
  get isLive(): boolean {
    return process.stderr.isTTY && process.env['TERM'] !== 'dumb';
  },
  /** Replaces the last line of the terminal, as far as it is wide; the empty text takes it away. */
  live(text: string): void {
    // A terminal that does not know how wide it is says 0.
    const width = process.stderr.columns > 0 ? process.stderr.columns : USUAL_COLUMNS;
    process.stderr.write(`\r\u001B[K${text.slice(0, width - 1)}`);
  },
  /** `text` in a style, where stdout is a terminal that shows it. */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stdout });
  },
} as const;

/** What a file or a node says must not steer a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\u{fffd}');
}

/** One line of the result, for who takes a listener. */
export function printLine(text: string): void {
  terminal.line(text);
}
