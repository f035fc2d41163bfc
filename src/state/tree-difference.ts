/** What one Merkle tree has and another has not: nodes and leaves, found by walking only where the two differ. */
import { bitOf } from './merkle-hash.ts';
import { loaded } from './merkle-node.ts';
import type { Inner, Leaf, Node, NodeStore } from './merkle-node.ts';
import { leavesOf } from './subtree.ts';

/** A node of only one of the trees: `gone` of the one before, `new` of the one after. */
export interface Difference {
  readonly side: 'gone' | 'new';
  readonly node: Leaf | Inner;
}

/** Two trees, and when two nodes of them count as the same with all below: having the same hash, or being stored at the same place. */
export interface Compared {
  readonly store: NodeStore;
  readonly before: Node | undefined;
  readonly after: Node | undefined;
  readonly isSame: (before: Node, after: Node) => boolean;
}

/** The differences, each once, as they are asked for. Requires: nothing is missing in either tree. */
export function* treeDifference({ store, before, after, isSame }: Compared): Generator<Difference, void, undefined> {
  const ahead: { readonly before: Node | undefined; readonly after: Node | undefined }[] = [{ before, after }];
  for (let pair = ahead.pop(); pair !== undefined; pair = ahead.pop()) {
    if (pair.before === undefined || pair.after === undefined) {
      if (pair.before !== undefined) yield* allOf(store, pair.before, 'gone');
      if (pair.after !== undefined) yield* allOf(store, pair.after, 'new');
      continue;
    }
    if (isSame(pair.before, pair.after)) continue;
    const [old, young] = [loaded(store, pair.before), loaded(store, pair.after)];
    const [oldBit, youngBit] = [
      old.kind === 'inner' ? old.bit : Infinity,
      young.kind === 'inner' ? young.bit : Infinity,
    ];
    if (oldBit <= youngBit) yield { side: 'gone', node: old };
    if (youngBit <= oldBit) yield { side: 'new', node: young };
    // The node that forks first is taken apart; all keys of the other one are on one side of it, if they are below it at all.
    const oldParts = old.kind === 'inner' && oldBit <= youngBit ? [old.left, old.right] : aside(store, old, youngBit);
    const youngParts =
      young.kind === 'inner' && youngBit <= oldBit ? [young.left, young.right] : aside(store, young, oldBit);
    for (const side of [0, 1]) ahead.push({ before: oldParts[side], after: youngParts[side] });
  }
}

/** A node as the one part, with 0 or with 1 at `bit`, of which all its keys are; for a leaf beside a leaf nothing is left to compare. */
function aside(store: NodeStore, node: Leaf | Inner, bit: number): readonly (Node | undefined)[] {
  if (bit === Infinity) return [];
  const [first] = leavesOf(store, node);
  return first !== undefined && bitOf(first.keyDigest, bit) === 1 ? [undefined, node] : [node, undefined];
}

function* allOf(store: NodeStore, root: Node, side: Difference['side']): Generator<Difference, void, undefined> {
  const ahead: Node[] = [root];
  for (let at = ahead.pop(); at !== undefined; at = ahead.pop()) {
    const node = loaded(store, at);
    yield { side, node };
    if (node.kind === 'inner') ahead.push(node.right, node.left);
  }
}
