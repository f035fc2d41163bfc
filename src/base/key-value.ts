/**
 * The ordered, authenticated key-value state as its users see it: the protocol (client table, checkpoints, state transfer), applications
 * (transactions), and queries. Implemented by src/state (in memory) and src/node (in a database). Keys: 1 … 1,024 bytes, ordered as unsigned
 * bytes; values: 0 … 1 MiB. Interfaces, and what is thrown where they are used wrongly or cannot be read.
 */
import type { Bytes } from './bytes.ts';
import type { Digest, Sequence } from './ids.ts';

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

/** Where a subtree of the state's tree hangs, and what it must hash to. The root: depth 0. */
export interface SubtreeAddress {
  /** Bits that lead there from the root. Those at which no node on the way forks are 0 (whoever asks knows no others), and none counts there. */
  readonly path: Digest;
  /** 1 + the bit of the node above: 0 … 256. */
  readonly depth: number;
  readonly hash: Digest;
}

/** An inner node of the tree: the first bit in which the digests of its keys differ, and the hashes of the entries with 0 and with 1 there. */
export interface SubtreeNode {
  readonly bit: number;
  readonly left: Digest;
  readonly right: Digest;
}

/**
 * What a subtree holds: all of its entries, in order of the digests of their keys; or, where they are too many, its upper inner nodes in preorder:
 * each node, then what is known below its left, then below its right side. A child whose node is not among them is to be asked for by its own address.
 */
export type SubtreeContent =
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  | { readonly kind: 'nodes'; readonly nodes: readonly SubtreeNode[] };

/** How much of a subtree is given at once: `entries` where these bounds allow, else `nodes` of at most `levels` levels. At least one entry or node. */
export interface SubtreeLimits {
  readonly entries: number;
  readonly bytes: number;
  readonly levels: number;
}

/** One step from the root to a key: the bit at which the path forks, and the hash of the other side. */
export interface ProofStep {
  readonly bit: number;
  readonly sibling: Digest;
}

/**
 * That a key is there, or is not, under a root. `path` goes from the root down. `present`: it ends at the key's leaf. `absent`: following the key's
 * bits it ends at the leaf of another key (`other`), where the key would have to be: a node commits to its bit, so there is one such way.
 */
export type StateProof =
  | { readonly kind: 'present'; readonly path: readonly ProofStep[] }
  | {
      readonly kind: 'absent';
      readonly path: readonly ProofStep[];
      /** Undefined for an empty tree. */
      readonly other: { readonly keyDigest: Digest; readonly valueDigest: Digest } | undefined;
    };

/** The content after a checkpoint, hashed and durable: it stands still while the state goes on. Throws {@link StateDamaged} where it cannot be read. */
export interface Version {
  readonly sequence: Sequence;
  readonly root: Digest;
  get(key: Bytes): Bytes | undefined;
  /** The proof that the key has the value `get` gives, or that it is absent. */
  prove(key: Bytes): StateProof;
  /** The subtree at `address`, or undefined if this version has none there with that hash. */
  subtree(address: SubtreeAddress, limits: SubtreeLimits): SubtreeContent | undefined;
}

/** What is stored differs from what was written, or cannot be read: the owner stops using the state and repairs it by a transfer. */
export class StateDamaged extends Error {
  override readonly name = 'StateDamaged';
}

export type StateUsageCode = 'key_size' | 'value_size' | 'range_limit' | 'transaction_ended';

/**
 * The state was used outside its contract: an application's mistake. The same call on the same content throws it on every replica, so that the
 * replica can answer a deterministic error and undo the operation; unlike an `InvariantViolation` it must not stop the process.
 */
export class StateUsageError extends Error {
  override readonly name = 'StateUsageError';
  readonly code: StateUsageCode;

  constructor(code: StateUsageCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A content that comes from elsewhere, piece by piece, each checked against the root. What the present content has already is not asked for. */
export interface Assembly {
  readonly sequence: Sequence;
  readonly root: Digest;
  /** What has been taken, in bytes of keys and values. */
  readonly takenBytes: number;
  /** Up to `limit` subtrees that are missing, not those for which `isAsked` says true; none when nothing is missing, or is not known to be. */
  wanted(limit: number, isAsked: (address: SubtreeAddress) => boolean): readonly SubtreeAddress[];
  /** `wrong`: not what hashes to the address. `unknown`: it is not missing here (any more). Else what it lacks is wanted next. */
  take(address: SubtreeAddress, content: SubtreeContent): 'taken' | 'wrong' | 'unknown';
  /**
   * All is there and `install` may be called. With a database that can be some time after the last piece was taken, while nothing is wanted: whoever
   * made the state is told then, and tells the owner.
   */
  readonly isComplete: boolean;
}

/**
 * The authenticated state of one replica. One owner. Three things follow each other: transactions change the present content; `seal` freezes it as the
 * version of a checkpoint; once that is hashed and durable, it is among the versions. The last takes time: whoever made the state is told then, and
 * tells the owner. Reading may throw {@link StateDamaged}.
 */
export interface AuthenticatedState extends Reader {
  /** Requires: no other transaction on the state is open, and no assembly under way. */
  begin(): OpenTransaction;
  /**
   * The present content becomes the version of `sequence`. Takes no longer for a large state. Requires: no transaction is open, no assembly under way,
   * `sequence` is above every one sealed before (or there is none above it any more, see `assemble`).
   */
  seal(sequence: Sequence): void;
  /**
   * What the sealed content of `sequence` and those before it rest on is durable: they may become so now, and not before. A state that outlived the
   * votes it came from would be one that nobody agreed on.
   */
  store(sequence: Sequence): void;
  /**
   * So much is sealed and not yet durable that nothing more should be executed until some of it is: what waits is held in memory. Ends with a version,
   * of which the owner is told.
   */
  readonly isFull: boolean;
  /** Hashed and durable, ascending. One that has been collected must not be read any more. */
  versions(): readonly Version[];
  /** The versions below `sequence` may go; the highest stays in any case. */
  collect(sequence: Sequence): void;
  /**
   * Begins to replace the present content by that of `root`, a certified checkpoint at `sequence`, or goes on with it after a restart; another one under
   * way goes over into it. From here on the present content is not readable, restarts included, until `install`. Versions stay. Seals under way are given up.
   */
  assemble(sequence: Sequence, root: Digest): Assembly;
  /** An assembly is under way, perhaps since before a restart. */
  readonly assembling: Assembly | undefined;
  /** Requires: the assembly is complete. The present content is readable; it becomes a version as after `seal`, versions above it having gone. */
  install(): void;
}
