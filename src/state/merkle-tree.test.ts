import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex } from '../base/bytes.ts';
import { asDigest, digestOf } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import { bitOf, emptyRoot, firstDifferingBit, leafHash, nodeHash } from './merkle-hash.ts';
import type { Sha256 } from './merkle-hash.ts';
import { MerkleTree } from './merkle-tree.ts';

const sha256: Sha256 = (bytes) => asDigest(hash('sha256', bytes, 'hex'));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const digest = (value: string): Digest => sha256(text(value));

/** The definition in merkle-hash.ts, word for word, over all entries at once. */
function definedRoot(entries: readonly (readonly [Digest, Digest])[]): Digest {
  const [first, ...others] = entries;
  if (first === undefined) return emptyRoot(sha256);
  const bits = others.map(([key]) => firstDifferingBit(first[0], key) ?? 256);
  if (bits.length === 0) return leafHash(sha256, ...first);
  const bit = Math.min(...bits);
  const side = (wanted: 0 | 1): Digest => definedRoot(entries.filter(([key]) => bitOf(key, bit) === wanted));
  return nodeHash(sha256, bit, side(0), side(1));
}

describe('merkle hash', () => {
  it('finds bits from the most significant one', () => {
    const low = asDigest('0'.repeat(64));
    expect(bitOf(asDigest(`8${'0'.repeat(63)}`), 0)).toBe(1);
    expect(bitOf(asDigest(`${'0'.repeat(63)}1`), 255)).toBe(1);
    expect(firstDifferingBit(low, asDigest(`8${'0'.repeat(63)}`))).toBe(0);
    expect(firstDifferingBit(low, asDigest(`00a${'f'.repeat(61)}`))).toBe(8);
    expect(firstDifferingBit(low, asDigest(`${'0'.repeat(63)}1`))).toBe(255);
    expect(firstDifferingBit(low, low)).toBeUndefined();
  });

  it('is SHA-256 over domain, bit and digests, and nothing else', () => {
    const [left, right] = [digest('a'), digest('b')];
    const raw = concatBytes(fromHex(left) ?? text(''), fromHex(right) ?? text(''));
    expect(emptyRoot(sha256)).toBe(digest('pbft-state-empty:'));
    expect(leafHash(sha256, left, right)).toBe(sha256(concatBytes(text('pbft-state-leaf:'), raw)));
    const bit = new Uint8Array([200]);
    expect(nodeHash(sha256, 200, left, right)).toBe(sha256(concatBytes(text('pbft-state-node:'), bit, raw)));
  });

  it('hashes leaf, node and sides apart', () => {
    const [left, right] = [digest('a'), digest('b')];
    const all = [
      leafHash(sha256, left, right),
      leafHash(sha256, right, left),
      nodeHash(sha256, 0, left, right),
      nodeHash(sha256, 1, left, right),
      nodeHash(sha256, 0, right, left),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('MerkleTree', () => {
  const name = fc.integer({ min: 0, max: 40 }).map(String);
  const history = fc.array(fc.record({ key: name, value: fc.option(name, { nil: undefined }) }), { maxLength: 80 });

  it('has the root the definition gives for its content, after any history', () => {
    fc.assert(
      fc.property(history, (changes) => {
        const model = new Map<Digest, Digest>();
        let tree = MerkleTree.empty(sha256);
        for (const { key, value } of changes) {
          const keyDigest = digest(key);
          if (value === undefined) {
            model.delete(keyDigest);
            tree = tree.without(keyDigest);
          } else {
            model.set(keyDigest, digest(value));
            tree = tree.with(keyDigest, digest(value));
          }
          if (key === '7') tree.root();
        }
        expect(tree.root()).toBe(definedRoot([...model]));
      }),
    );
  });

  it('hashes only the path to what changed', () => {
    let hashed = 0;
    let tree = MerkleTree.empty((bytes) => {
      hashed += 1;
      return sha256(bytes);
    });
    for (let i = 0; i < 4096; i += 1) tree = tree.with(digest(`k${i}`), digest('v'));
    tree.root();
    expect(hashed).toBe(2 * 4096 - 1);
    hashed = 0;
    const changed = tree.with(digest('k17'), digest('w'));
    changed.root();
    expect(hashed).toBeLessThan(30);
    hashed = 0;
    tree.root();
    changed.root();
    expect(hashed).toBe(0);
  });

  it('gives itself for a change that changes nothing', () => {
    const tree = MerkleTree.empty(sha256).with(digest('a'), digest('1')).with(digest('b'), digest('2'));
    expect(tree.with(digest('a'), digest('1'))).toBe(tree);
    expect(tree.without(digest('c'))).toBe(tree);
  });

  it('survives keys whose digests share long prefixes', () => {
    const digests = Array.from({ length: 256 }, (_, bit) => {
      const bytes = new Uint8Array(32);
      bytes[bit >> 3] = 128 >> (bit & 7);
      return digestOf(bytes);
    });
    let tree = MerkleTree.empty(sha256);
    for (const keyDigest of digests) tree = tree.with(keyDigest, digest('v'));
    expect(tree.root()).toBe(definedRoot(digests.map((keyDigest) => [keyDigest, digest('v')] as const)));
    for (const keyDigest of digests) tree = tree.without(keyDigest);
    expect(tree.root()).toBe(emptyRoot(sha256));
  });
});
