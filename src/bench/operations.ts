/** The operations that the load submits, and what their results must look like. Owns nothing but the last value of each session. */
import { concatBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import { LIMITS } from '../messages/limits.ts';
import { encodedSlab } from '../messages/schema/slab.ts';
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

/** One session of {@link Puts}: what of its operations and results is always the same is made once, so that the load costs little beside the client. */
class PutSession {
  readonly key: string;
  readonly #valueStart: string;
  readonly #valueBytes: number;
  /** A put whose value has room for the count. */
  readonly #put: Bytes;
  readonly #countAt: number;
  readonly #resultStart: Bytes;
  /** How many values it has put. */
  count = 0;
  /** Its last operation was a get. */
  isGetting = false;

  constructor(session: number, valueBytes: number) {
    this.key = `bench/${session}`;
    this.#valueStart = `${session}.`;
    this.#valueBytes = valueBytes;
    const put = { operation: 'put', key: this.key, value: this.#valueStart.padEnd(valueBytes, '.') };
    this.#put = utf8(JSON.stringify(put));
    this.#countAt = this.#put.length - '"}'.length - valueBytes + this.#valueStart.length;
    this.#resultStart = utf8(`{"key":${JSON.stringify(this.key)},"created":`);
  }

  /** The value that was put last. */
  get value(): string {
    return `${this.#valueStart}${this.count}`.padEnd(this.#valueBytes, '.');
  }

  put(): Bytes {
    this.count += 1;
    const operation = encodedSlab.copyOf(this.#put, 0, this.#put.length);
    const digits = String(this.count);
    for (let at = 0; at < digits.length; at += 1) operation[this.#countAt + at] = digits.charCodeAt(at);
    return operation;
  }

  get(): Bytes {
    return utf8(JSON.stringify({ operation: 'get', key: this.key }));
  }

  judgePut(result: Bytes): string | undefined {
    const start = this.#resultStart;
    for (let at = 0; at < start.length; at += 1)
      if (result[at] !== start[at]) return `a put came to ${(decodeUtf8(result) ?? 'no text').slice(0, 200)}`;
    return undefined;
  }
}

/** Each session puts values under a key of its own, no value twice; or only the first, and gets it from then on. */
class Puts implements Operations {
  readonly #valueBytes: number;
  readonly #isReading: boolean;
  readonly #sessions = new Map<number, PutSession>();

  constructor(valueBytes: number, isReading: boolean) {
    this.#valueBytes = valueBytes;
    this.#isReading = isReading;
  }

  isRead(session: number): boolean {
    return this.#session(session).isGetting;
  }

  next(session: number): Bytes {
    const of = this.#session(session);
    of.isGetting = this.#isReading && of.count > 0;
    return of.isGetting ? of.get() : of.put();
  }

  judge(session: number, result: Bytes): string | undefined {
    const of = this.#session(session);
    return of.isGetting ? judgeReadBack(readBack(of), result) : of.judgePut(result);
  }

  readBacks(): readonly ReadBack[] {
    const written = [...this.#sessions.values()].filter(({ count }) => count > 0);
    return written.slice(0, READ_BACKS).map(readBack);
  }

  #session(number: number): PutSession {
    const known = this.#sessions.get(number);
    if (known !== undefined) return known;
    const made = new PutSession(number, this.#valueBytes);
    this.#sessions.set(number, made);
    return made;
  }
}

function readBack(session: PutSession): ReadBack {
  const { key, value } = session;
  return { key, operation: session.get(), value };
}

/** What is wrong with the result of a {@link ReadBack}; undefined if nothing is. */
export function judgeReadBack({ key, value }: ReadBack, result: Bytes): string | undefined {
  const text = decodeUtf8(result) ?? 'no text';
  return text.includes(`"value":${JSON.stringify(value)}`)
    ? undefined
    : `${key} was read back as ${text.slice(0, 200)}, and ${value} was put there last`;
}

function utf8(text: string): Bytes {
  return encodeUtf8(text) ?? new Uint8Array(0);
}
