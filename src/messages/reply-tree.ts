/**
 * The tree that a replica signs instead of each of its replies. The definition: a leaf is the hash of its position and the content of a reply; a
 * node is the hash of the two below it; on each floor hashes are paired from the left, and one that is left over goes up as it is. So the number
 * of leaves decides the shape, no leaf counts twice, and position and number of leaves say how many hashes lead to the root, and from which side
 * each comes. Leaf, node and what is signed have domains of their own: none can stand for another. What is signed names the number of leaves.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import { DOMAINS } from './codec-context.ts';
import type { CodecContext } from './codec-context.ts';
import { LIMITS } from './limits.ts';
import type { ReplyContent } from './reply.ts';
import { REPLY_CONTENT_MAX_BYTES, reply } from './reply.ts';
import { HEX_BYTES } from './schema/hex.ts';
import { count, digest as digestSchema } from './schema/scalars.ts';
import { Writer } from './schema/writer.ts';
import type { TreePlace } from './tree-signature.ts';

const position = count(LIMITS.repliesPerTree - 1);
const leafCount = count(LIMITS.repliesPerTree);

/** One floor of a tree, as far as it is known: `hashes` in a row from `start` on, of `width` in all. */
interface Floor {
  readonly start: number;
  readonly hashes: readonly Digest[];
  readonly width: number;
}

// Of one leaf; meaningless between calls.
const leaf = new Writer(position.maxBytes + REPLY_CONTENT_MAX_BYTES);

/** The hash of a reply at a position, from 0. Attached fields are not covered. */
export function replyLeaf(context: CodecContext, value: ReplyContent, at: number): Digest {
  leaf.restart();
  position.write(leaf, at);
  reply.content.write(leaf, value);
  return leaf.digest(context, DOMAINS.replyLeaf, 0);
}

/** The bytes that a replica signs for all replies of a tree. */
export function replyTreeBytes(context: CodecContext, leaves: number, root: Digest): Bytes {
  const writer = new Writer(leafCount.maxBytes + HEX_BYTES);
  leafCount.write(writer, leaves);
  digestSchema.write(writer, root);
  return context.bound(DOMAINS.replyTree, writer.finish());
}

/** A tree, whole or as far as it can be known around some of its leaves. */
export class ReplyTree {
  readonly #floors: readonly Floor[];

  private constructor(floors: readonly Floor[]) {
    this.#floors = floors;
  }

  /** The whole tree over 1 to `LIMITS.repliesPerTree` replies. */
  static over(context: CodecContext, replies: readonly ReplyContent[]): ReplyTree {
    assert(replies.length >= 1 && replies.length <= LIMITS.repliesPerTree, 'a tree has a leaf, and not too many');
    const floors = climb(context, replies, { leaves: replies.length, position: 0, siblings: [] });
    assert(floors !== undefined, 'a whole tree needs no hash from elsewhere');
    return new ReplyTree(floors);
  }

  /** What these replies and the hashes beside them make of a tree; undefined unless they fit together in exactly one way. */
  static around(context: CodecContext, replies: readonly ReplyContent[], place: TreePlace): ReplyTree | undefined {
    const floors = climb(context, replies, place);
    return floors === undefined ? undefined : new ReplyTree(floors);
  }

  get leaves(): number {
    return this.#floors[0]?.width ?? 0;
  }

  get root(): Digest {
    const root = this.#floors.at(-1)?.hashes[0];
    assert(root !== undefined, 'a tree has a root');
    return root;
  }

  /** The hashes that lead from so many leaves in a row to the root. Requires: they are among those it was made of. */
  siblings(first: number, leaves: number): readonly Digest[] {
    const siblings: Digest[] = [];
    let [start, end] = [first, first + leaves];
    for (const floor of this.#floors) {
      const need = (at: number): void => {
        const hash = floor.hashes[at - floor.start];
        assert(hash !== undefined, 'leaves that the tree was made of');
        siblings.push(hash);
      };
      if (hasLeft(start)) need(start - 1);
      if (hasRight(end, floor.width)) need(end);
      [start, end] = [start >> 1, (end + 1) >> 1];
    }
    return siblings;
  }
}

/** Is there a hash on the left of a row that begins at `start`, with which its first is paired? */
function hasLeft(start: number): boolean {
  return start % 2 === 1;
}

/** Is there a hash on the right of a row that ends before `end`, with which its last is paired? */
function hasRight(end: number, width: number): boolean {
  return end % 2 === 1 && end < width;
}

/** The floors from the leaves to the root, each completed to pairs; undefined when a hash is missing or left over, or there is no such place. */
function climb(
  context: CodecContext,
  replies: readonly ReplyContent[],
  { leaves, position: first, siblings }: TreePlace,
): readonly Floor[] | undefined {
  if (replies.length === 0 || first + replies.length > leaves || leaves > LIMITS.repliesPerTree) return undefined;
  const floors: Floor[] = [];
  let hashes = replies.map((each, index) => replyLeaf(context, each, first + index));
  let start = first;
  let used = 0;
  for (let width = leaves; width > 1; width = (width + 1) >> 1) {
    const end = start + hashes.length;
    const left = hasLeft(start) ? siblings[used++] : undefined;
    const right = hasRight(end, width) ? siblings[used++] : undefined;
    if (used > siblings.length) return undefined;
    if (left !== undefined) {
      hashes.unshift(left);
      start -= 1;
    }
    if (right !== undefined) hashes.push(right);
    floors.push({ start, hashes, width });
    hashes = paired(context, hashes);
    start >>= 1;
  }
  floors.push({ start, hashes, width: 1 });
  return used === siblings.length ? floors : undefined;
}

/** The floor above hashes that begin at an even place. */
function paired(context: CodecContext, hashes: readonly Digest[]): Digest[] {
  const above: Digest[] = [];
  for (let i = 0; i < hashes.length; i += 2) {
    const [left, right] = [hashes[i] as Digest, hashes[i + 1]];
    above.push(right === undefined ? left : replyNode(context, left, right));
  }
  return above;
}

// Of one node; meaningless between calls.
const node = new Writer(2 * HEX_BYTES);

function replyNode(context: CodecContext, left: Digest, right: Digest): Digest {
  node.restart();
  digestSchema.write(node, left);
  digestSchema.write(node, right);
  return node.digest(context, DOMAINS.replyNode, 0);
}
