/** The operations that the load submits, and what their results must look like. Owns nothing but the last value of each session. */
import { concatBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import { LIMITS } from '../messages/limits.ts';
import type { Row } from './row.ts';

/** An operation of the null application begins with the size of its result, as a 32-bit big-endian number. */
export const NULL_HEADER_BYTES = 4;
/** Room for session and count in a value. */
export const LEAST_VALUE_BYTES = 32;
/** What else stands in a put has at most so many bytes. */
const PUT_BYTES = 256;
export const MOST_VALUE_BYTES = LIMITS.operationBytes - PUT_BYTES;

/** What one benchmark submits. `session`: from 0. */
export interface Operations {
  /** The next operation of a session. */
  next(session: number): Bytes;
  /** Is the one that it was given last to be sent as a read-only request? */
  isRead(session: number): boolean;
  /** What is wrong with the result of an operation of that session; undefined if it is as it must be. */
  judge(session: number, result: Bytes): string | undefined;
  /** Once nothing is under way: operations that read back what some sessions wrote last, with the text that their results must hold. */
  readBacks(): readonly ReadBack[];
}

export interface ReadBack {
  readonly key: string;
  readonly operation: Bytes;
  /** What the key must hold. */
  readonly value: string;
}

/** So many keys are read back. */
const READ_BACKS = 16;

/** The operations of a row. */
export function makeOperations({
  app,
  request,
  reply,
  reads,
}: Pick<Row, 'app' | 'request' | 'reply' | 'reads'>): Operations {
  return app === 'null' ? nullOperations(request, reply, reads === 'only') : new Puts(request, reads === 'only');
}

/** The size of a result as an operation of the null application names it; 0 where it names none. */
export function resultSize(operation: Bytes): number {
  if (operation.length < NULL_HEADER_BYTES) return 0;
  let size = 0;
  for (let at = 0; at < NULL_HEADER_BYTES; at += 1) size = size * 256 + (operation[at] ?? 0);
  return size;
}

function nullOperations(requestBytes: number, replyBytes: number, areReads: boolean): Operations {
  const header = new Uint8Array(NULL_HEADER_BYTES);
  new DataView(header.buffer).setUint32(0, replyBytes);
  const operation = concatBytes(header, new Uint8Array(requestBytes));
  return {
    next: () => operation,
    isRead: () => areReads,
    judge: (_session, { length }) =>
      length === replyBytes ? undefined : `a result has ${length} bytes instead of ${replyBytes}`,
    readBacks: () => [],
  };
}

/** Each session puts values under a key of its own, no value twice; or only the first, and gets it from then on. */
class Puts implements Operations {
  readonly #valueBytes: number;
  /** How many values each session has put. */
  readonly #counts = new Map<number, number>();
  readonly #isReading: boolean;
  /** Those whose last operation was a get. */
  readonly #getting = new Set<number>();

  constructor(valueBytes: number, isReading: boolean) {
    this.#valueBytes = valueBytes;
    this.#isReading = isReading;
  }

  isRead(session: number): boolean {
    return this.#getting.has(session);
  }

  next(session: number): Bytes {
    if (this.#isReading && this.#counts.has(session)) {
      this.#getting.add(session);
      return utf8(JSON.stringify({ operation: 'get', key: keyOf(session) }));
    }
    const count = (this.#counts.get(session) ?? 0) + 1;
    this.#counts.set(session, count);
    return utf8(JSON.stringify({ operation: 'put', key: keyOf(session), value: this.#value(session, count) }));
  }

  judge(session: number, result: Bytes): string | undefined {
    const text = decodeUtf8(result) ?? 'no text';
    if (this.isRead(session)) {
      const value = this.#value(session, this.#counts.get(session) ?? 0);
      return judgeReadBack({ key: keyOf(session), operation: new Uint8Array(0), value }, result);
    }
    return text.includes(`"key":"${keyOf(session)}"`) && text.includes('"created":')
      ? undefined
      : `a put came to ${text.slice(0, 200)}`;
  }

  readBacks(): readonly ReadBack[] {
    const sessions = [...this.#counts].slice(0, READ_BACKS);
    return sessions.map(([session, count]) => ({
      key: keyOf(session),
      operation: utf8(JSON.stringify({ operation: 'get', key: keyOf(session) })),
      value: this.#value(session, count),
    }));
  }

  #value(session: number, count: number): string {
    return `${session}.${count}`.padEnd(this.#valueBytes, '.');
  }
}

/** What is wrong with the result of a {@link ReadBack}; undefined if nothing is. */
export function judgeReadBack({ key, value }: ReadBack, result: Bytes): string | undefined {
  const text = decodeUtf8(result) ?? 'no text';
  return text.includes(`"value":${JSON.stringify(value)}`)
    ? undefined
    : `${key} was read back as ${text.slice(0, 200)}, and ${value} was put there last`;
}

function keyOf(session: number): string {
  return `bench/${session}`;
}

function utf8(text: string): Bytes {
  return encodeUtf8(text) ?? new Uint8Array(0);
}
