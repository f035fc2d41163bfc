import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex } from '../base/bytes.ts';
import { asDigest, digestOf } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { Entry } from '../base/key-value.ts';
import { bitOf, emptyRoot, firstDifferingBit, leafHash, nodeHash } from './merkle-hash.ts';
import type { Sha256 } from './merkle-hash.ts';
import { MerkleTree } from './merkle-tree.ts';

const sha256: Sha256 = (bytes) => asDigest(hash('sha256', bytes, 'hex'));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const entry = (key: string, value: string): Entry => ({ key: text(key), value: text(value) });
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
            tree = tree.without(text(key));
          } else {
            model.set(keyDigest, digest(value));
            tree = tree.with(entry(key, value));
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
    for (let i = 0; i < 4096; i += 1) tree = tree.with(entry(`k${i}`, 'v'));
    hashed = 0;
    tree.root();
    expect(hashed).toBe(4096 - 1);
    hashed = 0;
    const changed = tree.with(entry('k17', 'w'));
    changed.root();
    expect(hashed).toBeLessThan(30);
    hashed = 0;
    tree.root();
    changed.root();
    expect(hashed).toBe(0);
  });

  it('gives itself for a change that changes nothing', () => {
    const tree = MerkleTree.empty(sha256).with(entry('a', '1')).with(entry('b', '2'));
    expect(tree.with(entry('a', '1'))).toBe(tree);
    expect(tree.without(text('c'))).toBe(tree);
  });

  it('survives keys whose digests share long prefixes', () => {
    // A hash that leaves what has its own length as it is, so that keys can be chosen by their digests.
    const hashed: Sha256 = (bytes) => (bytes.length === 32 ? digestOf(bytes) : sha256(bytes));
    const keys = Array.from({ length: 256 }, (_, bit) => {
      const bytes = new Uint8Array(32);
      bytes[bit >> 3] = 128 >> (bit & 7);
      return bytes;
    });
    let tree = MerkleTree.empty(hashed);
    for (const key of keys) tree = tree.with({ key, value: text('v') });
    expect(tree.root()).toBe(definedRoot(keys.map((key) => [digestOf(key), digest('v')] as const)));
    for (const key of keys) {
      expect(tree.leaf(key)?.entry?.key).toBe(key);
      tree = tree.without(key);
      expect(tree.leaf(key)).toBeUndefined();
    }
    expect(tree.root()).toBe(emptyRoot(sha256));
  });
});
