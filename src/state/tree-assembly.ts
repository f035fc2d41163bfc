/**
 * A Merkle tree that comes piece by piece, from peers of whom some lie. It begins as one missing node, of which the certified root is the
 * hash; what is taken hashes to what is missing, so nothing wrong gets in, and a tree without missing nodes is the one that was certified.
 * What earlier trees have is adopted, not asked for. Takes what peers sent: wrong content is an answer, never an exception.
 */
import type { Digest, Sequence } from '../base/ids.ts';
import { asDigest } from '../base/ids.ts';
import { StateDamaged } from '../base/key-value.ts';
import type { Assembly, Entry, SubtreeAddress, SubtreeContent, SubtreeNode } from '../base/key-value.ts';
import { PATH_BITS, bitOf, emptyRoot, firstDifferingBit, leafHash, nodeHash } from './merkle-hash.ts';
import type { Sha256 } from './merkle-hash.ts';
import { hashOf, isComplete, isMissing, makeInner, makeLeaf, makeMissing } from './merkle-node.ts';
import type { Inner, Leaf, Node, NodeStore } from './merkle-node.ts';
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from './usage-error.ts';

/** How many nodes of an earlier tree are looked at, past the place where a subtree hangs, to find it: others may have hung beside it there. */
const SEARCH_NODES = 32;

/** One inner node on the way down, and the side taken. */
export interface Fork {
  readonly bit: number;
  readonly side: 0 | 1;
}

interface Reached {
  readonly forks: readonly Fork[];
  readonly at: Node;
  readonly node: Node;
}

export interface AssemblyParts {
  readonly sha256: Sha256;
  readonly store: NodeStore;
  readonly sequence: Sequence;
  readonly root: Digest;
  /** Whole trees or unfinished ones, whose subtrees are adopted. */
  readonly earlier: readonly Node[];
  /** An earlier assembly of this very root, to go on with. */
  readonly begun?: { readonly node: Node | undefined; readonly takenBytes: number };
  /** Told of each node that is replaced by one with more below it. */
  readonly onReplaced: (node: Inner) => void;
}

export class TreeAssembly implements Assembly {
  readonly sequence: Sequence;
  readonly root: Digest;
  readonly #parts: AssemblyParts;
  /** Undefined: the tree without entries. */
  #node: Node | undefined;
  #takenBytes: number;
  /** The hashes of parts that earlier trees seem to have and that cannot be read. */
  readonly #lost = new Set<Digest>();

  constructor(parts: AssemblyParts) {
    this.#parts = parts;
    this.sequence = parts.sequence;
    this.root = parts.root;
    this.#takenBytes = parts.begun?.takenBytes ?? 0;
    if (parts.begun !== undefined) this.#node = parts.begun.node;
    else this.#node = parts.root === emptyRoot(parts.sha256) ? undefined : this.#adopted(makeMissing(parts.root), []);
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** The tree as far as it is there; undefined: without entries. */
  get node(): Node | undefined {
    return this.#node;
  }

  get isComplete(): boolean {
    return this.#node === undefined || isComplete(this.#node);
  }

  /** The tree `before` is stored, and `after` stands for it; nothing changes if more has been taken meanwhile. */
  onStored(before: Node | undefined, after: Node | undefined): void {
    if (this.#node === before) this.#node = after;
  }

  wanted(limit: number, isAsked: (address: SubtreeAddress) => boolean): readonly SubtreeAddress[] {
    const found: SubtreeAddress[] = [];
    const visit = (at: Node, forks: readonly Fork[]): void => {
      if (found.length >= limit || isComplete(at)) return;
      const node = this.#opened(at);
      if (node.kind === 'inner') {
        visit(node.left, [...forks, { bit: node.bit, side: 0 }]);
        visit(node.right, [...forks, { bit: node.bit, side: 1 }]);
      } else if (isMissing(node)) {
        const address = addressOf(node.hash, forks);
        if (!isAsked(address)) found.push(address);
      }
    };
    if (this.#node !== undefined) visit(this.#node, []);
    return found;
  }

  take(address: SubtreeAddress, content: SubtreeContent): 'taken' | 'wrong' | 'unknown' {
    if (this.#node === undefined) return 'unknown';
    const forks = this.#wayTo(address);
    if (forks === undefined) return 'unknown';
    const built =
      content.kind === 'entries'
        ? this.#fromEntries(content.entries, forks)
        : this.#fromNodes(content.nodes, address.hash, forks.at(-1)?.bit ?? -1);
    if (built === undefined || hashOf(this.#parts.sha256, built) !== address.hash) return 'wrong';
    const placed = content.kind === 'entries' ? built : this.#adopted(built, forks);
    this.#node = this.#placed(this.#node, forks, 0, placed);
    if (content.kind === 'entries') {
      for (const { key, value } of content.entries) this.#takenBytes += key.length + value.length;
    }
    return 'taken';
  }

  /** What is at `address` cannot be read, and is missing again; nothing changes if it is not there. */
  lose(address: SubtreeAddress): void {
    if (this.#node === undefined) return;
    const { forks, at } = this.#reached(this.#node, address);
    if (isMissing(at) || hashOf(this.#parts.sha256, at) !== address.hash) return;
    this.#lost.add(address.hash);
    this.#node = this.#placed(this.#node, forks, 0, makeMissing(address.hash));
  }

  /** The forks on the way to the missing node at `address`; undefined if there is none. */
  #wayTo(address: SubtreeAddress): readonly Fork[] | undefined {
    if (this.#node === undefined) return undefined;
    const { forks, node } = this.#reached(this.#node, address);
    return isMissing(node) && node.hash === address.hash ? forks : undefined;
  }

  /** What is at a place, as the tree has it and as it is when it is read, and the forks on the way to it. */
  #reached(root: Node, { path, depth }: SubtreeAddress): Reached {
    const forks: Fork[] = [];
    let at = root;
    for (;;) {
      const node = this.#opened(at);
      if (node.kind !== 'inner' || node.bit >= depth) return { forks, at, node };
      const side = bitOf(path, node.bit);
      forks.push({ bit: node.bit, side });
      at = side === 0 ? node.left : node.right;
    }
  }

  /** `at` with `placed` where the forks from the `from`th on lead. */
  #placed(at: Node, forks: readonly Fork[], from: number, placed: Node): Node {
    const fork = forks[from];
    const node = this.#opened(at);
    if (fork === undefined || node.kind !== 'inner') return placed;
    this.#parts.onReplaced(node);
    const { bit, left, right } = node;
    const changed =
      fork.side === 0
        ? makeInner(bit, this.#placed(left, forks, from + 1, placed), right)
        : makeInner(bit, left, this.#placed(right, forks, from + 1, placed));
    changed.hash = node.hash;
    return changed;
  }

  /** A node of the tree as it is taken apart: what the store lost of it is missing again. */
  #opened(node: Node): Node {
    if (node.kind !== 'stub' || node.id === undefined) return node;
    return readable(this.#parts.store, node) ?? makeMissing(node.hash);
  }

  /** The canonical subtree of these entries, or undefined if they are not in order, not within the bounds, or not of this place. */
  #fromEntries(entries: readonly Entry[], forks: readonly Fork[]): Node | undefined {
    const leaves: Leaf[] = [];
    for (const { key, value } of entries) {
      if (key.length < 1 || key.length > MAX_KEY_BYTES || value.length > MAX_VALUE_BYTES) return undefined;
      const { sha256 } = this.#parts;
      const keyDigest = sha256(key);
      const before = leaves.at(-1);
      if (before !== undefined && before.keyDigest >= keyDigest) return undefined;
      if (!forks.every(({ bit, side }) => bitOf(keyDigest, bit) === side)) return undefined;
      const entry = { key: new Uint8Array(key), value: new Uint8Array(value) };
      leaves.push(makeLeaf(keyDigest, leafHash(sha256, keyDigest, sha256(value)), entry));
    }
    return canonicalTree(leaves, 0, leaves.length);
  }

  /** The subtree with these upper nodes, its other nodes missing; undefined if the list is not one. `above`: the bit of the node above. */
  #fromNodes(nodes: readonly SubtreeNode[], hash: Digest, above: number): Node | undefined {
    const { sha256 } = this.#parts;
    let next = 0;
    let isWrong = false;
    const build = (wantedHash: Digest, bitAbove: number): Node => {
      const node = nodes[next];
      if (node === undefined || !isBit(node.bit) || nodeHash(sha256, node.bit, node.left, node.right) !== wantedHash) {
        return makeMissing(wantedHash);
      }
      next += 1;
      if (node.bit <= bitAbove) {
        isWrong = true;
        return makeMissing(wantedHash);
      }
      const left = build(node.left, node.bit);
      const inner = makeInner(node.bit, left, build(node.right, node.bit));
      inner.hash = wantedHash;
      return inner;
    };
    const built = build(hash, above);
    return isWrong || next === 0 || next < nodes.length ? undefined : built;
  }

  /** A subtree of nodes that have just come, with all that an earlier tree has too taken from there. */
  #adopted(node: Node, forks: readonly Fork[]): Node {
    const known = this.#inEarlier(hashOf(this.#parts.sha256, node), forks);
    if (known !== undefined) return known;
    if (node.kind !== 'inner') return node;
    const left = this.#adopted(node.left, [...forks, { bit: node.bit, side: 0 }]);
    const right = this.#adopted(node.right, [...forks, { bit: node.bit, side: 1 }]);
    if (left === node.left && right === node.right) return node;
    const adopted = makeInner(node.bit, left, right);
    adopted.hash = node.hash;
    return adopted;
  }

  #inEarlier(hash: Digest, forks: readonly Fork[]): Node | undefined {
    if (this.#lost.has(hash)) return undefined;
    for (const tree of this.#parts.earlier) {
      const found = this.#searched(tree, hash, forks);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The node with this hash where `forks` lead in an earlier tree, which may fork elsewhere too: then both sides are looked at, near ones first. */
  #searched(tree: Node, hash: Digest, forks: readonly Fork[]): Node | undefined {
    const ahead: { readonly at: Node; readonly fork: number }[] = [{ at: tree, fork: 0 }];
    let unknown = 0;
    for (let i = 0; i < ahead.length && unknown <= SEARCH_NODES; i += 1) {
      const { at, fork } = ahead[i] ?? { at: tree, fork: 0 };
      if (!isMissing(at) && hashOf(this.#parts.sha256, at) === hash) return at;
      const node = at.kind === 'stub' ? readable(this.#parts.store, at) : at;
      if (node?.kind !== 'inner') continue;
      let next = fork;
      while ((forks[next]?.bit ?? PATH_BITS) < node.bit) next += 1;
      const side = forks[next]?.bit === node.bit ? forks[next]?.side : undefined;
      if (side === undefined) unknown += 1;
      if (side !== 1) ahead.push({ at: node.left, fork: next });
      if (side !== 0) ahead.push({ at: node.right, fork: next });
    }
    return undefined;
  }
}

/** The node behind a stub; undefined where it is missing, or the store has lost it. */
function readable(store: NodeStore, stub: Node & { readonly kind: 'stub' }): Inner | undefined {
  if (stub.id === undefined) return undefined;
  try {
    return store.node(stub);
  } catch (error) {
    if (error instanceof StateDamaged) return undefined;
    throw error;
  }
}

function isBit(bit: number): boolean {
  return Number.isInteger(bit) && bit >= 0 && bit < PATH_BITS;
}

/** The tree that merkle-hash.ts defines for `leaves[from … to)`, which ascend by their keys' digests; undefined for none. */
function canonicalTree(leaves: readonly Leaf[], from: number, to: number): Node | undefined {
  const [first, last] = [leaves[from], leaves[to - 1]];
  if (first === undefined || last === undefined || from >= to) return undefined;
  const bit = firstDifferingBit(first.keyDigest, last.keyDigest);
  if (bit === undefined) return first;
  let middle = from + 1;
  for (let end = to - 1; middle < end;) {
    const half = (middle + end) >> 1;
    const leaf = leaves[half];
    if (leaf !== undefined && bitOf(leaf.keyDigest, bit) === 0) middle = half + 1;
    else end = half;
  }
  const [left, right] = [canonicalTree(leaves, from, middle), canonicalTree(leaves, middle, to)];
  return left === undefined || right === undefined ? undefined : makeInner(bit, left, right);
}

/** The address of the node to which the forks lead. Bits at which nothing forks on the way are 0, so that every replica names it alike. */
export function addressOf(hash: Digest, forks: readonly Fork[]): SubtreeAddress {
  const nibbles: number[] = Array.from({ length: PATH_BITS / 4 }, () => 0);
  for (const { bit, side } of forks) if (side === 1) nibbles[bit >> 2] = (nibbles[bit >> 2] ?? 0) | (8 >> (bit & 3));
  const path = asDigest(nibbles.map((nibble) => nibble.toString(16)).join(''));
  return { path, depth: (forks.at(-1)?.bit ?? -1) + 1, hash };
}
