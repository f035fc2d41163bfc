/** Replies that are signed together: what makes the proof of one reply a proof of that reply alone. */
import { PROTOCOL } from './mutant.ts';
import type { Mutant } from './mutant.ts';

const TREE = 'src/messages/reply-tree.ts';
const TREE_TEST = 'src/messages/reply-tree.test.ts';

export const RECEIPTS: readonly Mutant[] = [
  {
    name: 'replies are taken without the signature of their tree',
    breaks: 'authenticity of replies',
    file: `${PROTOCOL}/receipts.ts`,
    search: ' || !this.#isSigned(first, tree, signature)',
    replace: '',
    seeds: 0,
    test: 'src/protocol/receipts.test.ts',
  },
  {
    name: 'a receipt is taken for any reply of its replica',
    breaks: 'authenticity of replies',
    file: `${PROTOCOL}/receipts.ts`,
    search: '    if (this.#verified.has(receipt)) return true;',
    replace: '    if (receipt.leaves > 1) return true;',
    seeds: 0,
    test: 'src/protocol/receipts.test.ts',
  },
  {
    name: 'a leaf does not bind its position',
    breaks: 'authenticity of replies: one place in one tree',
    file: TREE,
    search: '  position.write(leaf, at);',
    replace: '  position.write(leaf, 0);',
    seeds: 0,
    test: TREE_TEST,
  },
  {
    name: 'the number of leaves is not signed',
    breaks: 'authenticity of replies: one shape for one tree',
    file: TREE,
    search: '  leafCount.write(writer, leaves);',
    replace: '  leafCount.write(writer, 0);',
    seeds: 0,
    test: TREE_TEST,
  },
  {
    name: 'leaves are hashed like nodes',
    breaks: 'authenticity of replies: a node is no leaf',
    file: TREE,
    search: 'leaf.digest(context, DOMAINS.replyLeaf,',
    replace: 'leaf.digest(context, DOMAINS.replyNode,',
    seeds: 0,
    test: TREE_TEST,
  },
  {
    name: 'hashes left over on the way to the root are not missed',
    breaks: 'authenticity of replies: one way to the root',
    file: TREE,
    search: '  return used === siblings.length ? floors : undefined;',
    replace: '  return floors;',
    seeds: 0,
    test: TREE_TEST,
  },
  {
    name: 'the last leaf is doubled',
    breaks: 'authenticity of replies: one list for one root',
    file: TREE,
    search: 'right === undefined ? left : replyNode(context, left, right)',
    replace: 'replyNode(context, left, right ?? left)',
    seeds: 0,
    test: TREE_TEST,
  },
];
