/**
 * One signature of a replica for many replies: over the root of a tree whose leaves they are (reply-tree.ts), with the place of some of them in a
 * row, and the hashes that lead from these to the root. For one reply alone it is its receipt.
 */
import { assert } from '../base/assert.ts';
import { LIMITS } from './limits.ts';
import type { Fault, ObjectOf } from './schema/composites.ts';
import { list, object } from './schema/composites.ts';
import { HEX_BYTES } from './schema/hex.ts';
import { count, digest } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';
import { signature } from './schema/signed-text.ts';

/** On each floor of the largest tree but the root's, at most one hash on either side of the row. */
const SIBLINGS = 24;

assert(LIMITS.repliesPerTree <= 2 ** (SIBLINGS / 2), 'no tree has more floors below its root');

const place = {
  /** Of the whole tree, 1 to `LIMITS.repliesPerTree`. */
  leaves: count(LIMITS.repliesPerTree),
  /** Of the first in the row, from 0. How many there are is known beside it. */
  position: count(LIMITS.repliesPerTree - 1),
  /** From the leaves upwards, on each floor the left one first. */
  siblings: list(digest, SIBLINGS),
};

const rule = ({ leaves, position }: ObjectOf<typeof place>): Fault | undefined =>
  position < leaves ? undefined : { code: 'inconsistent', at: 'position' };

/** Where a row of leaves stands in a tree. */
export const treePlace = object(place, { rule });

/** Where a row of leaves stands in a tree. */
export type TreePlace = ValueOf<typeof treePlace>;

/** The same, and the signature: Ed25519, over the number of leaves and the root. */
export const treeSignature = object({ ...place, signature }, { rule });

/** What of it another row in the same tree has for itself. */
export const placeInTree = object({ position: place.position, siblings: place.siblings });

/** One signature of a replica for some of its replies. */
export type TreeSignature = ValueOf<typeof treeSignature>;

/** Bytes of its encoding. */
export function treeSignatureSize({ siblings }: TreeSignature): number {
  return treeSignature.minBytes + siblings.length * HEX_BYTES;
}
