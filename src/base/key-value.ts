/**
 * The ordered key-value state as its users see it: the protocol (client table, roots, snapshots), applications (transactions), and
 * queries (snapshots). Implemented by src/state. Keys: 1 … 1,024 bytes, ordered as unsigned bytes; values: 0 … 1 MiB.
 */
import type { Bytes } from './bytes.ts';
import type { Digest } from './ids.ts';

/** One key with its value. */
export interface Entry {
  readonly key: Bytes;
  readonly value: Bytes;
}

/** Reading one fixed content. */
export interface Reader {
  /** The value, or undefined. The caller must not change it. */
  get(key: Bytes): Bytes | undefined;
  /** Entries with `from` ≤ key < `to` in key order, at most `limit` of them; `to` undefined = to the end. */
  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[];
}

/** Reading and changing; what it reads includes its own changes. */
export interface Transaction extends Reader {
  put(key: Bytes, value: Bytes): void;
  delete(key: Bytes): void;
}

/** A transaction whose changes are taken over or dropped as a whole. Transactions nest: an inner one commits into its parent. */
export interface OpenTransaction extends Transaction {
  /** A transaction on top of this one; this one must not be used until the inner one has ended. */
  begin(): OpenTransaction;
  /** Requires: not ended. Effects: its changes are its parent's (at the outermost level, the state's); it has ended. */
  commit(): void;
  /** Requires: not ended. Effects: its changes are gone; it has ended. */
  rollback(): void;
}

/** A content that stands still while the state goes on: what a checkpoint announced. */
export interface Snapshot extends Reader {
  readonly root: Digest;
  readonly entryCount: number;
}

/** The authenticated state of one replica. One owner; changed only through transactions and `restore`. */
export interface AuthenticatedState extends Reader {
  begin(): OpenTransaction;
  /** Merkle root over the whole present content: a function of the content alone, never of its history. Cost O(changed · log size). */
  root(): Digest;
  /** The present content, immutable; cheap (copy on write). */
  snapshot(): Snapshot;
  /** Replaces the whole content by these entries (any order, distinct keys). */
  restore(entries: Iterable<Entry>): void;
}
