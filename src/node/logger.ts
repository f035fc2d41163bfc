/**
 * The process's logger: one JSON object a line, structured fields, no secrets. Policy: `error` = an operator must act; `warn` = may become
 * one; `info` = a rare change (view, stable checkpoint, start and stop, a link up or down); `debug` = per message.
 */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

export type { Logger } from 'pino';

/** From the most to the least important; `silent` writes nothing. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields that never reach a log, wherever they stand one or two levels deep: keys, tokens and what may carry them. */
const SECRETS = ['secret', 'token', 'password', 'authorization', 'cookie', 'privateKey'];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** In every line, such as `{ node_id: 'node1' }`. */
  readonly fields: Readonly<Record<string, string | number>>;
  /** Default: standard output, synchronously, so that the last words of a dying process are there. */
  readonly destination?: DestinationStream;
}

/** Lines that standard output does not take at once, at most; further ones are dropped. */
const WAITING_BYTES = 1024 * 1024;

/** A full disk under the log of a node costs lines of that log, never the node. */
function standardOutput(): DestinationStream {
  const output = pino.destination({ fd: 1, sync: true, maxLength: WAITING_BYTES });
  output.on('error', () => undefined);
  return output;
}

/** `time` is ISO 8601 in UTC, `level` its name, an Error under `err` has its type, message and stack. */
export function makeLogger({ level, fields, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { ...fields },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[secret]' },
  };
  return pino(options, destination ?? standardOutput());
}
