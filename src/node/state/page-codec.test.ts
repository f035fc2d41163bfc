import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asDigest } from '../../base/ids.ts';
import { leafHash, makeInner, makeMissing } from '../../state/index.ts';
import type { Leaf, Node, Sha256, Stub } from '../../state/index.ts';
import { PageLeaf, innerText, leafText, parseNode, stubText } from './page-codec.ts';

const sha256: Sha256 = (bytes) => asDigest(hash('sha256', bytes, 'hex'));
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(sha256);
const id = fc.nat({ max: 2 ** 40 });

const stored: fc.Arbitrary<Leaf> = fc.record({
  kind: fc.constant('leaf' as const),
  keyDigest: digest,
  hash: digest,
  entry: fc.constant(undefined),
  id,
});
const short: fc.Arbitrary<Leaf> = fc
  .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.uint8Array({ maxLength: 100 }))
  .map(([key, value]) => {
    const keyDigest = sha256(key);
    return {
      kind: 'leaf',
      keyDigest,
      hash: leafHash(sha256, keyDigest, sha256(value)),
      entry: { key, value },
      id: undefined,
    };
  });
const stub: fc.Arbitrary<Stub> = fc.record({
  kind: fc.constant('stub' as const),
  hash: digest,
  id,
  size: fc.nat({ max: 2 ** 38 }),
  complete: fc.boolean(),
});
const outer: fc.Arbitrary<Node> = fc.oneof(stored, short, stub, digest.map(makeMissing));

function textOf(node: Node): string {
  if (node.kind === 'leaf') return leafText(node);
  if (node.kind === 'stub') return stubText(node);
  return innerText(node.bit, node.hash ?? sha256(new Uint8Array(0)), textOf(node.left), textOf(node.right));
}

const tree = (depth: number): fc.Arbitrary<Node> =>
  depth === 4
    ? outer
    : fc.oneof(
        outer,
        fc.tuple(tree(depth + 1), tree(depth + 1), digest).map(([left, right, each]) => {
          const inner = makeInner(depth * 60, left, right);
          inner.hash = each;
          return inner;
        }),
      );

/** What a node says, its entries read. */
function said(node: Node): unknown {
  if (node.kind === 'inner') {
    const { bit, hash: each, size, complete } = node;
    return { bit, each, size, complete, left: said(node.left), right: said(node.right) };
  }
  if (node.kind === 'stub') return node;
  const entry = node instanceof PageLeaf ? node.read() : node.entry;
  return { keyDigest: node.keyDigest, hash: node.hash, id: node.id, entry };
}

describe('the text of a page', () => {
  it('says all that the nodes say', () => {
    fc.assert(
      fc.property(tree(0), (node) => {
        const parsed = parseNode(sha256, textOf(node));
        expect(parsed && said(parsed)).toEqual(said(node));
        expect(parsed && textOf(parsed)).toBe(textOf(node));
      }),
    );
  });

  it('is nothing when it is cut, longer, or of another kind', () => {
    fc.assert(
      fc.property(tree(0), fc.nat(), (node, at) => {
        const text = textOf(node);
        expect(parseNode(sha256, text.slice(0, at % text.length))).toBeUndefined();
        expect(parseNode(sha256, `${text}00`)).toBeUndefined();
        expect(parseNode(sha256, `07${text.slice(2)}`)).toBeUndefined();
      }),
    );
  });

  it('is nothing when bits do not rise from a node to those below it', () => {
    const [left, right] = [makeMissing(sha256(new Uint8Array(1))), makeMissing(sha256(new Uint8Array(2)))];
    const lower = innerText(9, left.hash, stubText(left), stubText(right));
    expect(parseNode(sha256, innerText(8, left.hash, lower, stubText(right)))).toBeDefined();
    expect(parseNode(sha256, innerText(9, left.hash, lower, stubText(right)))).toBeUndefined();
  });
});
