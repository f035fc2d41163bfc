/** Finding a subtree of a Merkle tree by its address, and giving its content within limits: the serving side of a state transfer. */
import type { Entry, SubtreeAddress, SubtreeContent, SubtreeLimits, SubtreeNode } from '../base/key-value.ts';
import { bitOf } from './merkle-hash.ts';
import type { Sha256 } from './merkle-hash.ts';
import { entryOf, hashOf, loaded, sizeOf } from './merkle-node.ts';
import type { Leaf, Node, NodeStore } from './merkle-node.ts';

/** The node at a place of the tree, whatever its hash: the first on the way that does not fork within the first `depth` bits. */
export function nodeAt(store: NodeStore, root: Node, { path, depth }: Pick<SubtreeAddress, 'path' | 'depth'>): Node {
  let at = root;
  for (;;) {
    const node = loaded(store, at);
    if (node.kind === 'leaf' || node.bit >= depth) return at;
    at = bitOf(path, node.bit) === 0 ? node.left : node.right;
  }
}

/**
 * All entries of the subtree, if `limits` allow; else its upper inner nodes, but not those below a node whose entries can be asked for at once.
 * How many bytes an entry has is known of those that were read to see whether all fit.
 */
export function contentOf(sha256: Sha256, store: NodeStore, node: Node, limits: SubtreeLimits): SubtreeContent {
  const mayFit = sizeOf(node) === 1 || sizeOf(node) <= limits.entries;
  const entries = mayFit ? firstEntries(store, node, limits) : [];
  if (entries.length === sizeOf(node)) return { kind: 'entries', entries };
  const atOnce = mayFit ? entries.length : limits.entries;
  const nodes: SubtreeNode[] = [];
  const add = (at: Node, level: number): void => {
    if (level > 0 && (level >= limits.levels || sizeOf(at) <= atOnce)) return;
    const inner = loaded(store, at);
    if (inner.kind === 'leaf') return;
    nodes.push({ bit: inner.bit, left: hashOf(sha256, inner.left), right: hashOf(sha256, inner.right) });
    add(inner.left, level + 1);
    add(inner.right, level + 1);
  };
  add(node, 0);
  return { kind: 'nodes', nodes };
}

/** The first entries below `node`, in the order of their digests, as many as `limits.bytes` allow; at least one. */
function firstEntries(store: NodeStore, node: Node, limits: SubtreeLimits): readonly Entry[] {
  const entries: Entry[] = [];
  let bytes = 0;
  for (const leaf of leavesOf(store, node)) {
    const entry = entryOf(store, leaf);
    bytes += entry.key.length + entry.value.length;
    if (entries.length > 0 && bytes > limits.bytes) break;
    entries.push(entry);
  }
  return entries;
}

/** The leaves below `node`, in the order of their keys' digests, read as they are asked for. */
export function* leavesOf(store: NodeStore, node: Node): Generator<Leaf, void, undefined> {
  const ahead: Node[] = [node];
  for (let at = ahead.pop(); at !== undefined; at = ahead.pop()) {
    const next = loaded(store, at);
    if (next.kind === 'leaf') yield next;
    else ahead.push(next.right, next.left);
  }
}
