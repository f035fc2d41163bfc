/** What the client table keeps per session, and its rows in the system tables `clients` and `sessions` of the replicated state. */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { asSequence } from '../base/ids.ts';
import type { ClientId, Digest, Sequence } from '../base/ids.ts';
import type { Reader } from '../base/key-value.ts';
import { SYSTEM_TABLE, systemEntries, systemKey } from './state-layout.ts';
import { HEX_BYTES, RowReader, RowWriter, hexBytes } from './table-row.ts';

/** What a request's execution came to: enough to send the same REPLY again from any replica. */
export interface StoredReply {
  readonly outcome: 'executed' | 'replayed' | 'table-error';
  /** Where it was executed; for `replayed` where its first outcome was. */
  readonly sequence: Sequence;
  /** Digest of the batch there. */
  readonly digest: Digest;
  readonly result: Bytes;
}

/** A place in the order of execution, and the agreed time there. */
export interface ExecutionPoint {
  readonly sequence: Sequence;
  /** Place in the batch, from 0. */
  readonly index: number;
  /** µs since 1970. */
  readonly agreedTime: number;
}

/** Negative if `left` was executed before `right`, 0 if they are the same execution. */
export function comparePoints(left: ExecutionPoint, right: ExecutionPoint): number {
  return left.sequence - right.sequence || left.index - right.index;
}

/** The last request of a session, the reply to it, and when it was executed. */
export interface LastRequest {
  readonly timestamp: number;
  readonly requestDigest: Digest;
  readonly reply: StoredReply;
  readonly lastUse: ExecutionPoint;
}

/** One session of the table. */
export interface SessionRow extends LastRequest {
  readonly client: ClientId;
  readonly session: number;
}

/** Key of a client's floor. */
export function clientKey(client: ClientId): Bytes {
  return systemKey(SYSTEM_TABLE.clients, hexBytes(client));
}

/** Key of a session. */
export function sessionKey(client: ClientId, session: number): Bytes {
  const row = new RowWriter(HEX_BYTES + 8);
  row.digest(client);
  row.number(session);
  return systemKey(SYSTEM_TABLE.sessions, row.end());
}

/** Code of an outcome in a row: its place in this list. Only ever appended to. */
const OUTCOMES: readonly StoredReply['outcome'][] = ['executed', 'replayed', 'table-error'];

/** Bytes of a row before the result: timestamp, request digest, point of last use, outcome, sequence, batch digest. */
const SESSION_HEAD_BYTES = 8 + 32 + (8 + 8 + 8) + 1 + 8 + 32;

/** Value of a session's row. */
export function encodeSession({ timestamp, requestDigest, reply, lastUse }: LastRequest): Bytes {
  const row = new RowWriter(SESSION_HEAD_BYTES + reply.result.length);
  row.number(timestamp);
  row.digest(requestDigest);
  row.number(lastUse.sequence);
  row.number(lastUse.index);
  row.number(lastUse.agreedTime);
  row.byte(OUTCOMES.indexOf(reply.outcome));
  row.number(reply.sequence);
  row.digest(reply.digest);
  row.bytes(reply.result);
  return row.end();
}

function decodeSession(value: Bytes): LastRequest {
  const row = new RowReader(value);
  const timestamp = row.number();
  const requestDigest = row.digest();
  const lastUse = { sequence: asSequence(row.number()), index: row.number(), agreedTime: row.number() };
  const outcome = OUTCOMES[row.byte()];
  assert(outcome !== undefined, 'a session row holds a known outcome');
  const sequence = asSequence(row.number());
  const digest = row.digest();
  return { timestamp, requestDigest, reply: { outcome, sequence, digest, result: row.bytes() }, lastUse };
}

/** The sessions in the state, in key order. */
export function* readSessions(reader: Reader): Generator<SessionRow, void, undefined> {
  for (const { key, value } of systemEntries(reader, SYSTEM_TABLE.sessions)) {
    const row = new RowReader(key);
    const client = row.client();
    const session = row.number();
    row.end();
    yield { client, session, ...decodeSession(value) };
  }
}

/** The session floors in the state, in key order; a client without a row has floor 0. */
export function* readFloors(
  reader: Reader,
): Generator<{ readonly client: ClientId; readonly floor: number }, void, undefined> {
  for (const { key, value } of systemEntries(reader, SYSTEM_TABLE.clients)) {
    const keyRow = new RowReader(key);
    const client = keyRow.client();
    keyRow.end();
    const row = new RowReader(value);
    const floor = row.number();
    row.end();
    yield { client, floor };
  }
}
