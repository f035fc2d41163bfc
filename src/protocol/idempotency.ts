/**
 * The replicated table of idempotency keys: (scope, key) → digest of the operation and its first outcome, for the last `idempotencyKeys` keys by
 * execution, as far as they fit into {@link IDEMPOTENCY_BYTES}. Owns its maps and the system table `idempotency` of the state, which
 * {@link IdempotencyTable.flush} brings up to date. A repeat does not renew a key: what is forgotten follows from first outcomes alone.
 */
import { ChurningMap } from '../base/churning.ts';
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { concatBytes } from '../base/bytes.ts';
import { asSequence } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { Reader, Transaction } from '../base/key-value.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import { comparePoints } from './client-table-rows.ts';
import type { ExecutionPoint, StoredReply } from './client-table-rows.ts';
import type { ClusterConfig } from './config.ts';
import { Recency } from './recency.ts';
import type { Place } from './recency.ts';
import { SYSTEM_TABLE, systemEntries, systemKey } from './state-layout.ts';
import { RowReader, RowWriter } from './table-row.ts';
import { makeTableError, tableErrorResult } from './table-error.ts';

/** Under which key a client wants a request executed at most once: the key is its choice, the scope that of its gateway (per credential). */
export interface IdempotencyKey {
  readonly scope: string;
  readonly key: string;
}

/**
 * All rows together, keys and overhead included: as many as 65,536 outcomes of 1 KiB. Beyond it the oldest go, so fewer keys are remembered
 * when results are long. A constant of the protocol, since all replicas must forget the same.
 */
export const IDEMPOTENCY_BYTES: number = 64 * 1024 * 1024;

export type IdempotencyFinding =
  /** Not remembered: execute, then record. */
  | { readonly kind: 'new' }
  /** The same operation came before: its first outcome. */
  | { readonly kind: 'replay'; readonly reply: StoredReply }
  /** Another operation came before: answer `result`, with the outcome `table-error`. */
  | { readonly kind: 'conflict'; readonly result: Bytes };

export type IdempotencyConfig = Pick<ClusterConfig, 'idempotencyKeys'>;

/** One key with what came of it. */
export interface IdempotencyRow extends IdempotencyKey {
  /** SHA-256 of the operation. */
  readonly operation: Digest;
  /** When its first outcome was executed: its place in the order of forgetting. */
  readonly firstUse: Pick<ExecutionPoint, 'sequence' | 'index'>;
  /** Digest of the batch there. */
  readonly digest: Digest;
  readonly result: Bytes;
}

const NEW: IdempotencyFinding = { kind: 'new' };

export class IdempotencyTable {
  readonly #config: IdempotencyConfig;
  readonly #rows = new Map<string, Place<IdempotencyRow>>();
  readonly #order = new Recency<IdempotencyRow>();
  /** What may differ from the state since the last flush. */
  readonly #changed = new ChurningMap<string, IdempotencyKey>();
  #sizeBytes = 0;

  private constructor(config: IdempotencyConfig) {
    this.#config = config;
  }

  /** The table that was flushed into this content, the order of forgetting included. Empty for a state without it. */
  static load(reader: Reader, config: IdempotencyConfig): IdempotencyTable {
    const table = new IdempotencyTable(config);
    const rows = [...readRows(reader)].toSorted((left, right) => compareUses(left, right));
    for (const row of rows) table.#insert(row);
    return table;
  }

  /** Keys remembered. */
  get size(): number {
    return this.#order.size;
  }

  /** Bytes of all rows. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** What is known under `key`. Changes nothing. `operation`: SHA-256 of the request's operation. */
  find(key: IdempotencyKey, operation: Digest): IdempotencyFinding {
    const row = this.#rows.get(textOf(key))?.item;
    if (row === undefined) return NEW;
    if (row.operation !== operation)
      return { kind: 'conflict', result: tableErrorResult(makeTableError('idempotency_key_reused')) };
    const { firstUse, digest, result } = row;
    return { kind: 'replay', reply: { outcome: 'replayed', sequence: firstUse.sequence, digest, result } };
  }

  /**
   * Remembers the first outcome under `key`, executed at `index` in the batch that `reply` names, and forgets what no longer fits.
   * Requires: `find` says `new`; executed later than everything recorded before.
   */
  record(key: IdempotencyKey, operation: Digest, reply: Omit<StoredReply, 'outcome'>, index: number): void {
    assert(!this.#rows.has(textOf(key)), 'an idempotency key has one first outcome');
    const { sequence, digest, result } = reply;
    const row: IdempotencyRow = {
      scope: key.scope,
      key: key.key,
      operation,
      firstUse: { sequence, index },
      digest,
      result,
    };
    const { newest } = this.#order;
    assert(newest === undefined || compareUses(newest, row) < 0, 'first outcomes are recorded in their order');
    this.#insert(row);
    this.#changed.set(textOf(key), key);
    while (this.#order.size > this.#config.idempotencyKeys || this.#sizeBytes > IDEMPOTENCY_BYTES) this.#forgetOldest();
  }

  /** Writes what changed since the last flush; cost O(changed · log size). How often it is called makes no difference to the content. */
  flush(transaction: Transaction): void {
    for (const [text, key] of this.#changed) {
      const row = this.#rows.get(text)?.item;
      if (row === undefined) transaction.delete(rowKey(key));
      else transaction.put(rowKey(key), encodeRow(row));
    }
    this.#changed.clear();
  }

  /** Every key, first executed first: for inspection. */
  rows(): Generator<IdempotencyRow, void, undefined> {
    return this.#order.items();
  }

  #insert(row: IdempotencyRow): void {
    this.#rows.set(textOf(row), this.#order.add(row));
    this.#sizeBytes += rowSize(row);
  }

  #forgetOldest(): void {
    const { oldest } = this.#order;
    assert(oldest !== undefined, 'a table above its bounds has an oldest row');
    const place = this.#rows.get(textOf(oldest));
    assert(place !== undefined, 'every ordered row is indexed');
    this.#order.remove(place);
    this.#rows.delete(textOf(oldest));
    this.#sizeBytes -= rowSize(oldest);
    this.#changed.set(textOf(oldest), oldest);
  }
}

function compareUses(left: IdempotencyRow, right: IdempotencyRow): number {
  return comparePoints({ ...left.firstUse, agreedTime: 0 }, { ...right.firstUse, agreedTime: 0 });
}

/** One text per (scope, key), whatever characters they hold. */
function textOf({ scope, key }: IdempotencyKey): string {
  return `${scope.length}:${scope}${key}`;
}

/** Bytes of a row before the result: digest of the operation, first use, batch digest. */
const ROW_HEAD_BYTES = 32 + (8 + 8) + 32;

/** What a row counts for: its characters, its fields, its result. */
function rowSize({ scope, key, result }: IdempotencyRow): number {
  return scope.length + key.length + ROW_HEAD_BYTES + result.length;
}

function rowKey({ scope, key }: IdempotencyKey): Bytes {
  const scopeBytes = encodeUtf8(scope);
  const keyBytes = encodeUtf8(key);
  assert(
    scopeBytes !== undefined && scopeBytes.length < 256 && keyBytes !== undefined,
    'scope and key of a request are short, well-formed text',
  );
  return systemKey(SYSTEM_TABLE.idempotency, concatBytes(Uint8Array.of(scopeBytes.length), scopeBytes, keyBytes));
}

function encodeRow({ operation, firstUse, digest, result }: IdempotencyRow): Bytes {
  const row = new RowWriter(ROW_HEAD_BYTES + result.length);
  row.digest(operation);
  row.number(firstUse.sequence);
  row.number(firstUse.index);
  row.digest(digest);
  row.bytes(result);
  return row.end();
}

function* readRows(reader: Reader): Generator<IdempotencyRow, void, undefined> {
  for (const { key: keyBytes, value } of systemEntries(reader, SYSTEM_TABLE.idempotency)) {
    const keyRow = new RowReader(keyBytes);
    const scope = decodeUtf8(keyRow.bytes(keyRow.byte()));
    const key = decodeUtf8(keyRow.bytes());
    assert(scope !== undefined && key !== undefined, 'scope and key of a row are text');
    const row = new RowReader(value);
    const operation = row.digest();
    const firstUse = { sequence: asSequence(row.number()), index: row.number() };
    const digest = row.digest();
    yield { scope, key, operation, firstUse, digest, result: row.bytes() };
  }
}
