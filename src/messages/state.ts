/** STATE: subtrees of a checkpoint's state, in answer to FETCH-STATE. Each can be checked by itself: it hashes to the address it is for. */
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import { bounded, list, object } from './schema/composites.ts';
import { count, digest, flag, lengthBytes, sender, sequence } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';
import { stateEntry, stateEntrySize } from './state-entry.ts';
import { PATH_BITS, subtreeAddress } from './subtree-address.ts';

/** An inner node: its bit, and the hashes of its two sides. */
const subtreeNode = object({ bit: count(PATH_BITS - 1), left: digest, right: digest });

/** All entries of a subtree in order of the digests of their keys, or, where they are many, its upper inner nodes in preorder; never both. */
const stateSubtree = object(
  {
    address: subtreeAddress,
    entries: list(stateEntry, LIMITS.stateEntries),
    nodes: list(subtreeNode, LIMITS.stateNodes),
  },
  {
    rule: ({ entries, nodes }) =>
      entries.length > 0 === nodes.length > 0 ? { code: 'inconsistent', at: 'nodes' } : undefined,
  },
);

/** One subtree of a STATE. */
export type StateSubtree = ValueOf<typeof stateSubtree>;

const FIXED_BYTES = subtreeAddress.minBytes + lengthBytes(LIMITS.stateEntries) + lengthBytes(LIMITS.stateNodes);

/** Bytes of an encoded subtree. */
export function stateSubtreeSize({ entries, nodes }: Omit<StateSubtree, 'address'>): number {
  return entries.reduce((sum, entry) => sum + stateEntrySize(entry), FIXED_BYTES + nodes.length * subtreeNode.minBytes);
}

function subtreesSize(subtrees: readonly StateSubtree[]): number {
  return subtrees.reduce((sum, subtree) => sum + stateSubtreeSize(subtree), lengthBytes(LIMITS.subtrees));
}

/** `held`: false when the sender no longer has that state, which is an answer and no fault. `subtrees`: of those asked for as many as fit, in their order. */
export const state = message({
  type: 'state',
  tag: 15,
  content: {
    replica: sender,
    sequence,
    root: digest,
    held: flag,
    subtrees: bounded(list(stateSubtree, LIMITS.subtrees), LIMITS.batchBytes, subtreesSize),
  },
});

/** STATE. */
export type State = ValueOf<typeof state>;
