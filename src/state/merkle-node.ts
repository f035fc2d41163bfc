/**
 * The nodes of the Merkle tree defined in merkle-hash.ts, as a tree holds them: whole in memory, or with stubs for what is stored elsewhere
 * (a database) or not there yet (an assembly). Nodes are immutable, but for what is filled in later without changing what they mean: a hash,
 * and, by whoever stores them, where they are stored. Every function that walks is bounded by the 256 bits of a path or by a bound it takes.
 */
import { assert } from '../base/assert.ts';
import type { Digest } from '../base/ids.ts';
import type { Entry } from '../base/key-value.ts';
import { nodeHash } from './merkle-hash.ts';
import type { Sha256 } from './merkle-hash.ts';

/** One entry. At least one of `entry` and `id` is there. */
export interface Leaf {
  readonly kind: 'leaf';
  readonly keyDigest: Digest;
  readonly hash: Digest;
  /** Undefined: the store has it. */
  entry: Entry | undefined;
  /** Where the store has it. */
  id: number | undefined;
}

export interface Inner {
  readonly kind: 'inner';
  readonly bit: number;
  left: Node;
  right: Node;
  /** Filled when first asked for. */
  hash: Digest | undefined;
  /** Where the store has it, if it stands there as the first of what is stored together. */
  id: number | undefined;
  /** How the store writes it with all that is stored together below it, once that is known. */
  encoded: string | undefined;
  /** How many entries are below, as far as they are there. */
  readonly size: number;
  /** Nothing below is missing. */
  readonly complete: boolean;
}

/** An inner node that is stored (`id`), or a node of which only the hash is known (`id` undefined). */
export interface Stub {
  readonly kind: 'stub';
  readonly hash: Digest;
  readonly id: number | undefined;
  readonly size: number;
  readonly complete: boolean;
}

export type Node = Leaf | Inner | Stub;

/** What is stored elsewhere. Whatever it gives has been checked; it throws `StateDamaged` for what cannot be read or differs. */
export interface NodeStore {
  /** The node of a stub with an id. */
  node(stub: Stub): Inner;
  /** The entry of a leaf with an id. */
  entry(leaf: Leaf): Entry;
}

/** The store of a tree that is whole in memory. */
export const NO_STORE: NodeStore = {
  node: () => missingFromMemory(),
  entry: () => missingFromMemory(),
};

function missingFromMemory(): never {
  assert(false, 'a tree in memory has no node that is stored elsewhere');
}

export function makeLeaf(keyDigest: Digest, hash: Digest, entry: Entry): Leaf {
  return { kind: 'leaf', keyDigest, hash, entry, id: undefined };
}

export function makeInner(bit: number, left: Node, right: Node): Inner {
  const size = sizeOf(left) + sizeOf(right);
  return {
    kind: 'inner',
    bit,
    left,
    right,
    hash: undefined,
    id: undefined,
    encoded: undefined,
    size,
    complete: isComplete(left) && isComplete(right),
  };
}

/** A node that is not there. */
export function makeMissing(hash: Digest): Stub {
  return { kind: 'stub', hash, id: undefined, size: 0, complete: false };
}

export function sizeOf(node: Node): number {
  return node.kind === 'leaf' ? 1 : node.size;
}

/** Nothing is missing at or below the node. */
export function isComplete(node: Node): boolean {
  return node.kind === 'leaf' || node.complete;
}

export function isMissing(node: Node): node is Stub {
  return node.kind === 'stub' && node.id === undefined;
}

/** The hash of a node, filled in for it and for all below that have none. */
export function hashOf(sha256: Sha256, node: Node): Digest {
  if (node.kind !== 'inner') return node.hash;
  node.hash ??= nodeHash(sha256, node.bit, hashOf(sha256, node.left), hashOf(sha256, node.right));
  return node.hash;
}

/** The node, read from the store if need be. Requires: it is not missing. */
export function loaded(store: NodeStore, node: Node): Leaf | Inner {
  if (node.kind !== 'stub') return node;
  assert(node.id !== undefined, 'a tree with missing nodes is not walked as a whole one');
  return store.node(node);
}

/** The entry of a leaf, read from the store if need be. */
export function entryOf(store: NodeStore, leaf: Leaf): Entry {
  return leaf.entry ?? store.entry(leaf);
}
