import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asDigest, asSequence } from '../base/ids.ts';
import type { Entry, StateProof, Version } from '../base/key-value.ts';
import { MemoryState } from './memory-state.ts';
import type { Sha256 } from './merkle-hash.ts';
import { verifyStateProof } from './proof.ts';

const sha256: Sha256 = (bytes) => asDigest(hash('sha256', bytes, 'hex'));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function versionOf(entries: readonly Entry[]): Version {
  const state = new MemoryState(sha256);
  const transaction = state.begin();
  for (const { key, value } of entries) transaction.put(key, value);
  transaction.commit();
  state.seal(asSequence(1));
  const version = state.versions()[0];
  if (version === undefined) throw new Error('a sealed content is a version');
  return version;
}

const versionWith = (names: readonly string[]): Version =>
  versionOf(names.map((name) => ({ key: text(name), value: text(`value of ${name}`) })));

const FEW = versionWith(Array.from({ length: 50 }, (_, i) => `key${i}`));
const KEY = text('key7');
const VALUE = text('value of key7');
const MISSING = text('nothing here');

const check = (
  proof: StateProof,
  key: Uint8Array,
  value: Uint8Array | undefined,
  root = FEW.root,
): string | undefined => verifyStateProof(sha256, root, { key, value }, proof);

describe('verifyStateProof', () => {
  it('accepts what the snapshot proves, for every key, there or not', () => {
    const names = fc.uniqueArray(
      fc.integer({ min: 0, max: 99 }).map((i) => `key${i}`),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(names, (present) => {
        const version = versionWith(present);
        for (let i = 0; i < 100; i += 1) {
          const key = text(`key${i}`);
          expect(check(version.prove(key), key, version.get(key), version.root)).toBeUndefined();
        }
      }),
      { numRuns: 30 },
    );
  });

  it('proves the empty value apart from absence', () => {
    const version = versionOf([{ key: KEY, value: new Uint8Array(0) }]);
    const { root } = version;
    const proof = version.prove(KEY);
    expect(check(proof, KEY, new Uint8Array(0), root)).toBeUndefined();
    expect(check(proof, KEY, undefined, root)).toBe('other-claim');
  });

  it('refuses another value, another key, another root', () => {
    const proof = FEW.prove(KEY);
    expect(check(proof, KEY, text('another value'))).toBe('wrong-root');
    expect(check(proof, text('key8'), VALUE)).toBe('wrong-root');
    expect(check(proof, KEY, VALUE, sha256(KEY))).toBe('wrong-root');
  });

  it('refuses to take presence for absence and absence for presence', () => {
    expect(check(FEW.prove(KEY), KEY, undefined)).toBe('other-claim');
    expect(check(FEW.prove(MISSING), MISSING, VALUE)).toBe('other-claim');
    const { path } = FEW.prove(KEY);
    const itself = { keyDigest: sha256(KEY), valueDigest: sha256(VALUE) };
    expect(check({ kind: 'absent', path, other: itself }, KEY, undefined)).toBe('same-key');
  });

  it('refuses the absence of a present key by way of any other leaf', () => {
    for (let i = 0; i < 50; i += 1) {
      if (i === 7) continue;
      const { path } = FEW.prove(text(`key${i}`));
      const other = { keyDigest: sha256(text(`key${i}`)), valueDigest: sha256(text(`value of key${i}`)) };
      expect(check({ kind: 'absent', path, other }, KEY, undefined)).toBe('wrong-root');
    }
    expect(check({ kind: 'absent', path: [], other: undefined }, KEY, undefined)).toBe('wrong-root');
  });

  it('refuses an inner node sold as a leaf, and a path cut short', () => {
    const { path } = FEW.prove(KEY);
    for (let length = 0; length < path.length; length += 1) {
      expect(check({ kind: 'present', path: path.slice(0, length) }, KEY, VALUE)).toBe('wrong-root');
      expect(check({ kind: 'present', path: path.slice(length + 1) }, KEY, VALUE)).toBe('wrong-root');
    }
  });

  it('refuses every change of a bit or a sibling', () => {
    for (const proof of [FEW.prove(KEY), FEW.prove(MISSING)]) {
      const [key, value] = proof.kind === 'present' ? [KEY, VALUE] : [MISSING, undefined];
      proof.path.forEach((step, at) => {
        const withStep = (changed: object): StateProof => ({
          ...proof,
          path: proof.path.with(at, { ...step, ...changed }),
        });
        expect(check(withStep({ sibling: sha256(KEY) }), key, value)).toBe('wrong-root');
        expect(['wrong-root', 'malformed']).toContain(check(withStep({ bit: step.bit + 1 }), key, value));
      });
    }
  });

  it('refuses malformed proofs without throwing', () => {
    const { path } = FEW.prove(KEY);
    const step = { bit: 3, sibling: sha256(KEY) };
    const shapes = [
      [step, step],
      [{ ...step, bit: 256 }],
      [{ ...step, bit: -1 }],
      [{ ...step, bit: 0.5 }],
      [{ ...step, bit: Number.NaN }],
      [{ ...step, sibling: 'short' as typeof step.sibling }],
      path.toReversed(),
    ];
    for (const shape of shapes) expect(check({ kind: 'present', path: shape }, KEY, VALUE)).toBe('malformed');
    expect(check({ kind: 'absent', path, other: undefined }, KEY, undefined)).toBe('malformed');
    const other = { keyDigest: sha256(KEY), valueDigest: '' as typeof step.sibling };
    expect(check({ kind: 'absent', path, other }, MISSING, undefined)).toBe('malformed');
  });
});
