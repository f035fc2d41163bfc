/** One signature for many replies: whatever proves a reply proves that one, at its place in that tree, and nothing else. */
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLUSTER, context } from '../../test/support/arbitrary-messages.ts';
import { must } from '../../test/support/must.ts';
import { plainReply } from '../../test/support/plain-reply.ts';
import { InvariantViolation } from '../base/assert.ts';
import { toHex } from '../base/bytes.ts';
import { asClientId, asDigest, asReplicaId, asSequence, asView } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import { encodeMessage } from './frame.ts';
import { CodecContext, LIMITS, ReplyTree, readStatement, receiptStatement, replyTreeBytes } from './index.ts';
import type { Reply } from './index.ts';
import { replyLeaf } from './reply-tree.ts';
import type { TreePlace } from './tree-signature.ts';

const D = asDigest('d1'.repeat(32));
const SIGNATURE = new Uint8Array(64).fill(7);

const replies = (count: number): readonly Reply[] => Array.from({ length: count }, (_, index) => plainReply(index + 1));
const treeOf = (count: number): ReplyTree => ReplyTree.over(context, replies(count));
const placeIn = (tree: ReplyTree, position: number, count = 1): TreePlace => ({
  leaves: tree.leaves,
  position,
  siblings: tree.siblings(position, count),
});

/** What has to be signed for these replies to stand there; undefined where no tree has them there. */
function signedFor(some: readonly Reply[], place: TreePlace): string | undefined {
  const tree = ReplyTree.around(context, some, place);
  return tree === undefined ? undefined : toHex(replyTreeBytes(context, tree.leaves, tree.root));
}
const signedBy = (tree: ReplyTree): string => toHex(replyTreeBytes(context, tree.leaves, tree.root));

const sha256 = (...hexParts: readonly string[]): string => hash('sha256', Buffer.from(hexParts.join(''), 'hex'), 'hex');
const domain = (name: string): string =>
  Buffer.from(name).length.toString(16).padStart(2, '0') + Buffer.from(name).toString('hex') + CLUSTER;

describe('the definition, written out', () => {
  const contentOf = (one: Reply): string => {
    const { bytes, contentEnd } = encodeMessage(one);
    return toHex(bytes.slice(1, contentEnd));
  };
  const leaf = (one: Reply, position: number): string =>
    sha256(domain('pbft/1/reply-leaf'), position.toString(16).padStart(16, '0'), contentOf(one));
  const node = (left: string, right: string): string => sha256(domain('pbft/1/reply-node'), left, right);

  test('one reply: its leaf is the root', () => {
    expect(treeOf(1).root).toBe(leaf(plainReply(1), 0));
    expect(treeOf(1).siblings(0, 1)).toEqual([]);
  });

  test('five replies: paired from the left, and the last goes up alone', () => {
    const [a, b, c, d, e] = replies(5).map(leaf);
    if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined)
      throw new Error('five leaves');
    const left = node(node(a, b), node(c, d));
    expect(treeOf(5).root).toBe(node(left, e));
    expect(treeOf(5).siblings(2, 1)).toEqual([d, node(a, b), e]);
    expect(treeOf(5).siblings(4, 1)).toEqual([left]);
    expect(treeOf(5).siblings(1, 3)).toEqual([a, e]);
  });

  test('what is attached is not covered: the result is, by its digest', () => {
    const result = new Uint8Array(3);
    const receipt = { leaves: 1, position: 0, siblings: [], signature: SIGNATURE };
    expect(replyLeaf(context, plainReply(1, { result, receipt }), 0)).toBe(replyLeaf(context, plainReply(1), 0));
  });
});

describe('every row of every tree', () => {
  const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33];

  test.each(sizes)('of %d: leads to its root, and gives each reply the way that the whole tree gives it', (size) => {
    const all = replies(size);
    const tree = treeOf(size);
    for (let from = 0; from < size; from += 1) {
      for (let count = 1; from + count <= size; count += 1) {
        const known = ReplyTree.around(context, all.slice(from, from + count), placeIn(tree, from, count));
        if (known?.root !== tree.root) throw new Error(`${count} from ${from} of ${size}`);
        for (let at = from; at < from + count; at += 1) expect(known.siblings(at, 1)).toEqual(tree.siblings(at, 1));
      }
    }
    expect(tree.siblings(0, size)).toEqual([]);
  });

  test('of the largest size: at most one hash a floor', () => {
    const tree = treeOf(LIMITS.repliesPerTree);
    expect(tree.siblings(1234, 1)).toHaveLength(12);
    expect(signedFor([plainReply(1235)], placeIn(tree, 1234))).toBe(signedBy(tree));
  });

  test('none, or more than the largest size, is a mistake of ours', () => {
    expect(() => treeOf(0)).toThrow(InvariantViolation);
    expect(() => treeOf(LIMITS.repliesPerTree + 1)).toThrow(InvariantViolation);
    expect(() => ReplyTree.around(context, [plainReply(4)], placeIn(treeOf(8), 3))?.siblings(6, 1)).toThrow(
      InvariantViolation,
    );
  });
});

describe('attacks', () => {
  const other = (digest: Digest): Digest => context.sha256(Buffer.from(digest, 'hex'));

  test.each([1, 2, 3, 5, 8, 13])('a reply of a tree of %d, at any other position of any tree', (size) => {
    const tree = treeOf(size);
    const places = Array.from({ length: 17 }, (_, index) => index + 1).flatMap((leaves) =>
      Array.from({ length: leaves }, (_, position) => ({ leaves, position })),
    );
    for (let at = 0; at < size; at += 1) {
      const place = placeIn(tree, at);
      const proven = places.filter(
        (other) => signedFor([plainReply(at + 1)], { ...place, ...other }) === signedBy(tree),
      );
      expect(proven).toEqual([{ leaves: size, position: at }]);
    }
  });

  test('equal replies side by side: the position of one is not that of the other', () => {
    const twins = [plainReply(1), plainReply(1)];
    const tree = ReplyTree.over(context, twins);
    const place = placeIn(tree, 0);
    expect(signedFor([plainReply(1)], place)).toBe(signedBy(tree));
    expect(signedFor([plainReply(1)], { ...place, position: 1 })).not.toBe(signedBy(tree));
  });

  test('another reply, in any field of its content', () => {
    const tree = treeOf(6);
    const changes: readonly Partial<Reply>[] = [
      { view: asView(2) },
      { sequence: asSequence(10) },
      { digest: asDigest('d2'.repeat(32)) },
      { replica: asReplicaId(3) },
      { client: asClientId('ac'.repeat(32)) },
      { session: 6 },
      { timestamp: 4 },
      { requestDigest: asDigest('d2'.repeat(32)) },
      { outcome: 'replayed' },
      { resultDigest: asDigest('d2'.repeat(32)) },
      { outcome: 'read', since: asSequence(9) },
    ];
    for (const change of changes) expect(signedFor([plainReply(3, change)], placeIn(tree, 2))).not.toBe(signedBy(tree));
  });

  test('a way that is cut, longer, turned round, or that of another reply or tree', () => {
    const tree = treeOf(7);
    const place = placeIn(tree, 2);
    const ways: readonly (readonly Digest[])[] = [
      [],
      place.siblings.slice(1),
      place.siblings.slice(0, -1),
      [...place.siblings, D],
      [D, ...place.siblings],
      place.siblings.toReversed(),
      tree.siblings(3, 1),
      tree.siblings(6, 1),
      treeOf(8).siblings(2, 1),
      ReplyTree.over(context, replies(7).toReversed()).siblings(2, 1),
      ...place.siblings.map((_, index) => place.siblings.map((each, at) => (at === index ? other(each) : each))),
    ];
    for (const siblings of ways) expect(signedFor([plainReply(3)], { ...place, siblings })).not.toBe(signedBy(tree));
  });

  test('a way of the wrong length leads nowhere, whatever was signed', () => {
    const tree = treeOf(7);
    const place = placeIn(tree, 2);
    for (const siblings of [place.siblings.slice(1), [...place.siblings, D]])
      expect(ReplyTree.around(context, [plainReply(3)], { ...place, siblings })).toBeUndefined();
  });

  test('an inner node is no leaf: the tree above it, taken for a smaller tree, is not what was signed', () => {
    // The upper floors of a tree of four are a tree of two whose "leaves" are the nodes. Its signature names four leaves, and no content hashes to a node.
    const tree = treeOf(4);
    const [, upper] = tree.siblings(0, 1);
    if (upper === undefined) throw new Error('two floors');
    const forged = replies(4).map((each) => signedFor([each], { leaves: 2, position: 0, siblings: [upper] }));
    expect(forged).not.toContain(signedBy(tree));
    expect(toHex(replyTreeBytes(context, 2, tree.root))).not.toBe(signedBy(tree));
  });

  test('the last leaf once more makes another tree', () => {
    const three = ReplyTree.over(context, replies(3));
    const four = ReplyTree.over(context, [...replies(3), plainReply(3)]);
    expect(four.root).not.toBe(three.root);
    expect(signedBy(four)).not.toBe(signedBy(three));
    expect(signedFor([plainReply(3)], { ...placeIn(three, 2), leaves: 4, position: 3 })).toBeUndefined();
  });

  test('a row with a reply less, one more, one changed or two exchanged', () => {
    const tree = treeOf(9);
    const row = replies(9).slice(2, 6);
    const place = placeIn(tree, 2, 4);
    expect(signedFor(row, place)).toBe(signedBy(tree));
    const rows: readonly (readonly Reply[])[] = [
      [],
      row.slice(1),
      row.slice(0, -1),
      [...row, plainReply(7)],
      [...row, plainReply(6)],
      [plainReply(2), ...row],
      row.toReversed(),
      row.map((each, index) => (index === 1 ? plainReply(99) : each)),
    ];
    for (const some of rows) expect(signedFor(some, place)).not.toBe(signedBy(tree));
  });

  test('a row that would reach beyond the tree', () => {
    const tree = treeOf(3);
    expect(signedFor([plainReply(3), plainReply(4)], placeIn(tree, 2))).toBeUndefined();
    expect(signedFor(replies(4), { leaves: 3, position: 0, siblings: [] })).toBeUndefined();
  });

  test('the tree of another cluster', () => {
    const elsewhere = new CodecContext(D, context.sha256);
    expect(ReplyTree.over(elsewhere, replies(4)).root).not.toBe(treeOf(4).root);
  });

  test('whatever replies, place and hashes: a tree or none, never an exception, and the true root for the true ones alone', () => {
    const tree = treeOf(11);
    fc.assert(
      fc.property(
        fc.array(fc.nat(14), { maxLength: 12 }),
        fc.nat(16),
        fc.nat(16),
        fc.array(fc.constantFrom(...tree.siblings(4, 1), ...tree.siblings(7, 2), D), { maxLength: 8 }),
        (timestamps, leaves, position, siblings) => {
          const some = timestamps.map((timestamp) => plainReply(timestamp));
          if (signedFor(some, { leaves, position, siblings }) !== signedBy(tree)) return;
          expect(leaves).toBe(11);
          expect(timestamps).toEqual(timestamps.map((_, index) => position + index + 1));
          expect(siblings).toEqual(tree.siblings(position, timestamps.length));
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('a receipt as a statement', () => {
  const tree = treeOf(6);
  const statementOf = (position: number): Uint8Array =>
    receiptStatement(context, plainReply(position + 1, { result: new Uint8Array(9) }), {
      ...placeIn(tree, position),
      signature: SIGNATURE,
    });

  test('carries all that it takes: content, signature, and what that covers', () => {
    const read = must(readStatement(context, statementOf(4)));
    const { result, receipt, ...content } = plainReply(5);
    expect(read).toMatchObject({ content, signature: SIGNATURE });
    expect(toHex(read.signed)).toBe(signedBy(tree));
    expect([result, receipt]).toEqual([undefined, undefined]);
  });

  test('two replies under one signature are two statements', () => {
    const [one, two] = [0, 1].map((position) => must(readStatement(context, statementOf(position))));
    expect(one?.signed).toEqual(two?.signed);
    expect(one?.said).not.toEqual(two?.said);
  });

  test('whose hashes lead to no root is none', () => {
    const place = { leaves: 6, position: 4, siblings: [] };
    const bytes = receiptStatement(context, plainReply(5), { ...place, signature: SIGNATURE });
    expect(readStatement(context, bytes)).toEqual({
      ok: false,
      error: { code: 'malformed', reason: 'its hashes lead to no root' },
    });
  });

  test('with any byte changed or missing is none, or says or covers something else', () => {
    const good = statementOf(4);
    for (let at = 64; at < good.length; at += 1) {
      const altered = good.map((byte, index) => (index === at ? byte ^ 1 : byte));
      const read = readStatement(context, altered);
      expect(read.ok ? toHex(read.value.signed) : 'none').not.toBe(signedBy(tree));
      expect(readStatement(context, good.slice(0, at)).ok).toBe(false);
    }
  });
});
