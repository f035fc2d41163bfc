/**
 * What the replicated tables answer instead of an execution: deterministic, the same bytes on every replica. A REPLY that carries one has the
 * outcome `table-error`; only ordered execution makes them.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';

/**
 * - `client_unknown`: the client is not listed, and open clients are not admitted.
 * - `too_many_clients`: the part of the table for open clients is full, and none of them has been idle for long enough.
 * - `session_refused`: timestamp 1 of a session that may not open: its number is at or below the floor, or not within the horizon of agreed time.
 * - `session_expired`: a later timestamp of a session the table does not know (any more).
 * - `timestamp_reused`: the session's last timestamp, for another request.
 * - `timestamp_gap`: not the timestamp that follows the session's last one.
 * - `idempotency_key_reused`: the key came before with another operation. Unlike those above it uses up the request's timestamp.
 */
export const TABLE_ERROR_CODES = [
  'client_unknown',
  'too_many_clients',
  'session_refused',
  'session_expired',
  'timestamp_reused',
  'timestamp_gap',
  'idempotency_key_reused',
] as const;

export type TableErrorCode = (typeof TABLE_ERROR_CODES)[number];

/** What a client needs to know to choose its next session number. */
export interface SessionBounds {
  /** Highest session of this client ever evicted: no session at or below it opens. */
  readonly sessionFloor: number;
  /** µs since 1970, of the batch that was executed. */
  readonly agreedTime: number;
}

export interface TableError {
  readonly code: TableErrorCode;
  readonly message: string;
  /** With every error about sessions. */
  readonly bounds: SessionBounds | undefined;
}

const MESSAGES: Readonly<Record<TableErrorCode, string>> = {
  client_unknown: 'this client is not listed in the configuration of the cluster',
  too_many_clients: 'the table of open clients is full; try the same request again later',
  session_refused: 'a session of this number may not open: take one above session_floor and near agreed_time',
  session_expired:
    'the session is not known (any more); whether an earlier sending of this request was executed cannot be told',
  timestamp_reused: 'another request was executed under this timestamp of the session',
  timestamp_gap: 'an earlier timestamp of this session has not been executed',
  idempotency_key_reused: 'the idempotency key was used before with another operation',
};

export function makeTableError(code: TableErrorCode, bounds?: SessionBounds): TableError {
  return { code, message: MESSAGES[code], bounds };
}

/** The result of a REPLY with the outcome `table-error`: UTF-8 JSON, its members always in this order. */
export function tableErrorResult({ code, message, bounds }: TableError): Bytes {
  const described = bounds === undefined ? {} : { session_floor: bounds.sessionFloor, agreed_time: bounds.agreedTime };
  const bytes = encodeUtf8(JSON.stringify({ error: { code, message, ...described } }));
  assert(bytes !== undefined, 'an error is text');
  return bytes;
}

/** The error in a result, or undefined for anything that {@link tableErrorResult} does not write. Never throws. */
export function parseTableError(result: Bytes): TableError | undefined {
  const error = memberOf(parseJson(result), 'error');
  const code = memberOf(error, 'code');
  const message = memberOf(error, 'message');
  const known = TABLE_ERROR_CODES.find((candidate) => candidate === code);
  if (known === undefined || typeof message !== 'string') return undefined;
  const sessionFloor = memberOf(error, 'session_floor');
  const agreedTime = memberOf(error, 'agreed_time');
  if (sessionFloor === undefined && agreedTime === undefined) return { code: known, message, bounds: undefined };
  if (!isCount(sessionFloor) || !isCount(agreedTime)) return undefined;
  return { code: known, message, bounds: { sessionFloor, agreedTime } };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function parseJson(bytes: Bytes): unknown {
  const text = decodeUtf8(bytes);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
