/**
 * The Merkle tree defined in merkle-hash.ts, persistent and hashed lazily: a change copies the path to one leaf, and `root` hashes only
 * nodes that are new since it was last asked. Its nodes may be stored elsewhere (merkle-node.ts). Recursion is bounded by the 256 bits of a path.
 */
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import type { Entry, ProofStep, StateProof, SubtreeAddress, SubtreeContent, SubtreeLimits } from '../base/key-value.ts';
import { bitOf, emptyRoot, firstDifferingBit, leafHash } from './merkle-hash.ts';
import type { Sha256 } from './merkle-hash.ts';
import { NO_STORE, entryOf, hashOf, loaded, makeInner, makeLeaf, sizeOf } from './merkle-node.ts';
import type { Inner, Leaf, Node, NodeStore } from './merkle-node.ts';
import { contentOf, nodeAt } from './subtree.ts';

/** What a tree works with. */
export interface TreeParts {
  readonly sha256: Sha256;
  readonly store: NodeStore;
  /** Told of each node that a change leaves out of the tree it makes: it was in the tree that was changed. */
  readonly onReplaced: (node: Leaf | Inner) => void;
}

/** An immutable Merkle tree over entries. */
export class MerkleTree {
  readonly #parts: TreeParts;
  /** Undefined: no entry. */
  readonly node: Node | undefined;

  constructor(parts: TreeParts, node: Node | undefined) {
    this.#parts = parts;
    this.node = node;
  }

  /** The tree without entries, whole in memory. */
  static empty(sha256: Sha256): MerkleTree {
    return MerkleTree.of(sha256, undefined);
  }

  /** A tree of nodes that are all in memory. */
  static of(sha256: Sha256, node: Node | undefined): MerkleTree {
    return new MerkleTree({ sha256, store: NO_STORE, onReplaced: () => undefined }, node);
  }

  /** How many entries it has. */
  get size(): number {
    return this.node === undefined ? 0 : sizeOf(this.node);
  }

  /** This tree, of which `node` is the root as it has been stored. */
  stored(node: Node): MerkleTree {
    return new MerkleTree(this.#parts, node);
  }

  /** This tree with the entry added, or its value replaced; itself when it has that very entry. `keyDigest`: if it is known already. */
  with(entry: Entry, keyDigest: Digest = this.#parts.sha256(entry.key)): MerkleTree {
    const { sha256 } = this.#parts;
    const leaf = makeLeaf(keyDigest, leafHash(sha256, keyDigest, sha256(entry.value)), entry);
    if (this.node === undefined) return new MerkleTree(this.#parts, leaf);
    const nearest = this.#nearestLeaf(this.node, keyDigest);
    if (nearest.hash === leaf.hash) return this;
    return new MerkleTree(this.#parts, this.#placed(this.node, leaf, firstDifferingBit(nearest.keyDigest, keyDigest)));
  }

  /** This tree without the entry; itself when it is not there. */
  without(key: Bytes, keyDigest: Digest = this.#parts.sha256(key)): MerkleTree {
    if (this.node === undefined || this.#nearestLeaf(this.node, keyDigest).keyDigest !== keyDigest) return this;
    return new MerkleTree(this.#parts, this.#removed(this.node, keyDigest));
  }

  /** The leaf of the key, or undefined. */
  leaf(key: Bytes): Leaf | undefined {
    if (this.node === undefined) return undefined;
    const keyDigest = this.#parts.sha256(key);
    const nearest = this.#nearestLeaf(this.node, keyDigest);
    return nearest.keyDigest === keyDigest ? nearest : undefined;
  }

  /** The root hash. O(nodes new since it was last asked of this tree or of one it came from). */
  root(): Digest {
    return this.node === undefined ? emptyRoot(this.#parts.sha256) : hashOf(this.#parts.sha256, this.node);
  }

  /** The proof, against `root()`, that the key is here or that it is not. */
  prove(key: Bytes): StateProof {
    const { sha256, store } = this.#parts;
    if (this.node === undefined) return { kind: 'absent', path: [], other: undefined };
    const keyDigest = sha256(key);
    const path: ProofStep[] = [];
    let node = loaded(store, this.node);
    while (node.kind === 'inner') {
      const isLeft = bitOf(keyDigest, node.bit) === 0;
      path.push({ bit: node.bit, sibling: hashOf(sha256, isLeft ? node.right : node.left) });
      node = loaded(store, isLeft ? node.left : node.right);
    }
    if (node.keyDigest === keyDigest) return { kind: 'present', path };
    const valueDigest = sha256(entryOf(store, node).value);
    return { kind: 'absent', path, other: { keyDigest: node.keyDigest, valueDigest } };
  }

  /** The subtree at `address` as far as `limits` allow; undefined if there is none there with that hash. */
  subtree(address: SubtreeAddress, limits: SubtreeLimits): SubtreeContent | undefined {
    const { sha256, store } = this.#parts;
    if (this.node === undefined) {
      const isHere = address.depth === 0 && address.hash === emptyRoot(sha256);
      return isHere ? { kind: 'entries', entries: [] } : undefined;
    }
    const node = nodeAt(store, this.node, address);
    if (node === undefined || hashOf(sha256, node) !== address.hash) return undefined;
    return contentOf(sha256, store, node, limits);
  }

  /** The leaf to which the bits of `keyDigest` lead: the key's own if it is in the tree, and else one that shares the most bits with it. */
  #nearestLeaf(root: Node, keyDigest: Digest): Leaf {
    let node = loaded(this.#parts.store, root);
    while (node.kind === 'inner') {
      node = loaded(this.#parts.store, bitOf(keyDigest, node.bit) === 0 ? node.left : node.right);
    }
    return node;
  }

  /** `leaf` put under `node`; `newBit` is the first bit in which it differs from its nearest leaf, undefined when it replaces that one. */
  #placed(at: Node, leaf: Leaf, newBit: number | undefined): Node {
    const node = loaded(this.#parts.store, at);
    if (node.kind === 'inner' && (newBit === undefined || node.bit < newBit)) {
      this.#parts.onReplaced(node);
      return bitOf(leaf.keyDigest, node.bit) === 0
        ? makeInner(node.bit, this.#placed(node.left, leaf, newBit), node.right)
        : makeInner(node.bit, node.left, this.#placed(node.right, leaf, newBit));
    }
    if (newBit === undefined) {
      if (node.kind === 'leaf') this.#parts.onReplaced(node);
      return leaf;
    }
    return bitOf(leaf.keyDigest, newBit) === 0 ? makeInner(newBit, leaf, at) : makeInner(newBit, at, leaf);
  }

  /** `at` without the leaf of `keyDigest`, which is in it; the sibling takes the place of a node that has lost a side. */
  #removed(at: Node, keyDigest: Digest): Node | undefined {
    const node = loaded(this.#parts.store, at);
    this.#parts.onReplaced(node);
    if (node.kind === 'leaf') return undefined;
    if (bitOf(keyDigest, node.bit) === 0) {
      const left = this.#removed(node.left, keyDigest);
      return left === undefined ? node.right : makeInner(node.bit, left, node.right);
    }
    const right = this.#removed(node.right, keyDigest);
    return right === undefined ? node.left : makeInner(node.bit, node.left, right);
  }
}
