/**
 * The key space of the replicated state. One byte parts the protocol's own tables from the application, so that both lie under one root and
 * neither can touch the other. Owns the layout; must never let an application read or write outside its prefix.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { concatBytes, EMPTY } from '../base/bytes.ts';
import type { Entry, Reader, Transaction } from '../base/key-value.ts';

/** First byte of every key of the protocol's own tables. */
export const SYSTEM_PREFIX = 0x00;
/** First byte of every key of the application. */
export const APPLICATION_PREFIX = 0x01;

/** Longest key of an application, in bytes; the store takes 1,024, the rest is ours. */
export const APPLICATION_KEY_BYTES = 1000;
/** Longest value of an application, in bytes: what the store takes. */
export const APPLICATION_VALUE_BYTES = 1024 * 1024;

/** The protocol's tables: second byte of their keys. */
export const SYSTEM_TABLE = {
  /** What the replica keeps about the cluster: sequence, agreed time, configuration. */
  cluster: 0x01,
  /** client (32 bytes) → session floor. */
  clients: 0x02,
  /** client (32 bytes), session (8 bytes) → the session's last request and its reply. */
  sessions: 0x03,
  /** scope, key → the first outcome under an idempotency key. */
  idempotency: 0x04,
  /** replica (1 byte) → its last recovery. */
  recoveries: 0x05,
} as const;

export type SystemTable = (typeof SYSTEM_TABLE)[keyof typeof SYSTEM_TABLE];

/** The key `parts` of a system table. Requires: at most 1,022 bytes in all. */
export function systemKey(table: SystemTable, ...parts: readonly Bytes[]): Bytes {
  return concatBytes(Uint8Array.of(SYSTEM_PREFIX, table), ...parts);
}

const PAGE = 1024;

/** Every entry of a system table in key order, the two prefix bytes taken off its keys. */
export function* systemEntries(reader: Reader, table: SystemTable): Generator<Entry> {
  const end = Uint8Array.of(SYSTEM_PREFIX, table + 1);
  let from = systemKey(table);
  for (;;) {
    const page = reader.range(from, end, PAGE);
    for (const { key, value } of page) yield { key: key.subarray(2), value };
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    from = successor(last.key);
  }
}

/** The least key above `key`. */
function successor(key: Bytes): Bytes {
  return concatBytes(key, Uint8Array.of(0));
}

/**
 * An application asked for a key or value that the state cannot hold. Thrown into the application; what it lets out of `execute` becomes a
 * deterministic error reply with its changes undone, the same on every replica.
 */
export class StateLimitExceeded extends Error {
  override readonly name = 'StateLimitExceeded';
}

/** The key under which the state keeps an application's key. Throws {@link StateLimitExceeded} outside 1 to 1,000 bytes. */
export function applicationKey(key: Bytes): Bytes {
  if (key.length < 1 || key.length > APPLICATION_KEY_BYTES) {
    throw new StateLimitExceeded(`a key has 1 to ${APPLICATION_KEY_BYTES} bytes, not ${key.length}`);
  }
  return prefixed(key);
}

/** Throws {@link StateLimitExceeded} above 1 MiB. */
export function checkApplicationValue(value: Bytes): void {
  if (value.length > APPLICATION_VALUE_BYTES)
    throw new StateLimitExceeded(`a value has at most ${APPLICATION_VALUE_BYTES} bytes, not ${value.length}`);
}

/** A bound is no stored key: it may be empty, and one byte longer than a key, so that the successor of every key is a bound. */
function applicationBound(bound: Bytes): Bytes {
  if (bound.length > APPLICATION_KEY_BYTES + 1) {
    throw new StateLimitExceeded(`a range bound has at most ${APPLICATION_KEY_BYTES + 1} bytes, not ${bound.length}`);
  }
  return prefixed(bound);
}

function prefixed(key: Bytes): Bytes {
  const full = new Uint8Array(key.length + 1);
  full[0] = APPLICATION_PREFIX;
  full.set(key, 1);
  return full;
}

const APPLICATION_START = prefixed(EMPTY);
const APPLICATION_END = Uint8Array.of(APPLICATION_PREFIX + 1);

/** The application's part of `reader`, its keys without the prefix. Throws {@link StateLimitExceeded} at keys outside the limits. */
export function applicationReader(reader: Reader): Reader {
  return {
    get: (key) => reader.get(applicationKey(key)),
    range: (from, to, limit) => applicationRange(reader, { from, to }, limit),
  };
}

/** Entries of the application, as `Reader.range` gives them. Throws {@link StateLimitExceeded} at bounds outside the limits. */
export function applicationRange(
  reader: Reader,
  { from, to }: { readonly from: Bytes; readonly to: Bytes | undefined },
  limit: number,
): readonly Entry[] {
  if (!Number.isSafeInteger(limit) || limit < 0) throw new StateLimitExceeded('a range limit is an integer from 0');
  const start = from.length === 0 ? APPLICATION_START : applicationBound(from);
  const end = to === undefined ? APPLICATION_END : applicationBound(to);
  return reader.range(start, end, limit).map(({ key, value }) => {
    assert(key[0] === APPLICATION_PREFIX, 'a range of the application stays within its prefix');
    return { key: key.subarray(1), value };
  });
}

/** The application's part of `transaction`. Throws {@link StateLimitExceeded} at keys and values outside the limits, changing nothing. */
export function applicationTransaction(transaction: Transaction): Transaction {
  return new ApplicationTransaction(transaction);
}

/** A class, since one is made for each request: an object of closures costs several times as much. */
class ApplicationTransaction implements Transaction {
  readonly #transaction: Transaction;

  constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  get(key: Bytes): Bytes | undefined {
    return this.#transaction.get(applicationKey(key));
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    return applicationRange(this.#transaction, { from, to }, limit);
  }

  put(key: Bytes, value: Bytes): void {
    checkApplicationValue(value);
    this.#transaction.put(applicationKey(key), value);
  }

  delete(key: Bytes): void {
    this.#transaction.delete(applicationKey(key));
  }
}
