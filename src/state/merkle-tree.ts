/**
 * The Merkle tree defined in merkle-hash.ts, persistent and hashed lazily: a change copies the path to one leaf, and `root` hashes only
 * nodes that are new since it was last asked. Holds digests only, no keys and no values. Recursion is bounded by the 256 bits of a path.
 */
import type { Digest } from '../base/ids.ts';
import { bitOf, emptyRoot, firstDifferingBit, leafHash, nodeHash } from './merkle-hash.ts';
import type { Sha256 } from './merkle-hash.ts';
import type { ProofStep, StateProof } from './proof.ts';

interface Leaf {
  readonly kind: 'leaf';
  readonly keyDigest: Digest;
  readonly valueDigest: Digest;
  /** Filled when first asked for, as in `Inner`: nothing else of a node ever changes. */
  hash: Digest | undefined;
}

interface Inner {
  readonly kind: 'inner';
  readonly bit: number;
  readonly left: Node;
  readonly right: Node;
  hash: Digest | undefined;
}

type Node = Leaf | Inner;

/** An immutable Merkle tree over (SHA-256 of key → SHA-256 of value). */
export class MerkleTree {
  readonly #sha256: Sha256;
  readonly #root: Node | undefined;

  private constructor(sha256: Sha256, root: Node | undefined) {
    this.#sha256 = sha256;
    this.#root = root;
  }

  static empty(sha256: Sha256): MerkleTree {
    return new MerkleTree(sha256, undefined);
  }

  /** This tree with the entry added, or its value replaced. */
  with(keyDigest: Digest, valueDigest: Digest): MerkleTree {
    const leaf: Leaf = { kind: 'leaf', keyDigest, valueDigest, hash: undefined };
    if (this.#root === undefined) return new MerkleTree(this.#sha256, leaf);
    const nearest = nearestLeaf(this.#root, keyDigest);
    if (nearest.keyDigest === keyDigest && nearest.valueDigest === valueDigest) return this;
    return new MerkleTree(this.#sha256, placed(this.#root, leaf, firstDifferingBit(nearest.keyDigest, keyDigest)));
  }

  /** This tree without the entry; itself when it is not there. */
  without(keyDigest: Digest): MerkleTree {
    if (this.#root === undefined || nearestLeaf(this.#root, keyDigest).keyDigest !== keyDigest) return this;
    return new MerkleTree(this.#sha256, removed(this.#root, keyDigest));
  }

  /** The root hash. O(nodes new since it was last asked of this tree or of one it came from). */
  root(): Digest {
    return this.#root === undefined ? emptyRoot(this.#sha256) : hashOf(this.#sha256, this.#root);
  }

  /** The proof, against `root()`, that the key is here or that it is not. */
  prove(keyDigest: Digest): StateProof {
    if (this.#root === undefined) return { kind: 'absent', path: [], other: undefined };
    const path: ProofStep[] = [];
    let node: Node = this.#root;
    while (node.kind === 'inner') {
      const [next, sibling]: [Node, Node] =
        bitOf(keyDigest, node.bit) === 0 ? [node.left, node.right] : [node.right, node.left];
      path.push({ bit: node.bit, sibling: hashOf(this.#sha256, sibling) });
      node = next;
    }
    if (node.keyDigest === keyDigest) return { kind: 'present', path };
    return { kind: 'absent', path, other: { keyDigest: node.keyDigest, valueDigest: node.valueDigest } };
  }
}

/** The leaf to which the bits of `keyDigest` lead: the key's own if it is in the tree, and else one that shares the most bits with it. */
function nearestLeaf(root: Node, keyDigest: Digest): Leaf {
  let node = root;
  while (node.kind === 'inner') node = bitOf(keyDigest, node.bit) === 0 ? node.left : node.right;
  return node;
}

/** `leaf` put under `node`; `newBit` is the first bit in which it differs from its nearest leaf, undefined when it replaces that one. */
function placed(node: Node, leaf: Leaf, newBit: number | undefined): Node {
  if (node.kind === 'inner' && (newBit === undefined || node.bit < newBit)) {
    return bitOf(leaf.keyDigest, node.bit) === 0
      ? inner(node.bit, placed(node.left, leaf, newBit), node.right)
      : inner(node.bit, node.left, placed(node.right, leaf, newBit));
  }
  if (newBit === undefined) return leaf;
  return bitOf(leaf.keyDigest, newBit) === 0 ? inner(newBit, leaf, node) : inner(newBit, node, leaf);
}

/** `node` without the leaf of `keyDigest`, which is in it; the sibling takes the place of a node that has lost a side. */
function removed(node: Node, keyDigest: Digest): Node | undefined {
  if (node.kind === 'leaf') return undefined;
  if (bitOf(keyDigest, node.bit) === 0) {
    const left = removed(node.left, keyDigest);
    return left === undefined ? node.right : inner(node.bit, left, node.right);
  }
  const right = removed(node.right, keyDigest);
  return right === undefined ? node.left : inner(node.bit, node.left, right);
}

function inner(bit: number, left: Node, right: Node): Inner {
  return { kind: 'inner', bit, left, right, hash: undefined };
}

function hashOf(sha256: Sha256, node: Node): Digest {
  node.hash ??=
    node.kind === 'leaf'
      ? leafHash(sha256, node.keyDigest, node.valueDigest)
      : nodeHash(sha256, node.bit, hashOf(sha256, node.left), hashOf(sha256, node.right));
  return node.hash;
}
