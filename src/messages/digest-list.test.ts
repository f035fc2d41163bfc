import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CoreKit, SESSION } from '../../test/support/core-kit.ts';
import { toHex } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import { packBundle, packRequests } from './digest-list.ts';
import { DigestList, EVERYBODY } from './index.ts';
import type { AuthenticatedRequest, Bundle } from './index.ts';

const kit = new CoreKit();
const requests = Array.from({ length: 24 }, (_, at) => kit.signed(`operation ${at}`, { session: SESSION + at }));
const digests = requests.map(({ digest }) => digest);
const hexes = (list: readonly Digest[]): string => list.join('');

/** Requests of bundles of so many, in which each has the next place. */
function bundled(lengths: readonly number[]): AuthenticatedRequest[] {
  const made: AuthenticatedRequest[] = [];
  for (const length of lengths) {
    const members = requests.slice(made.length, made.length + length);
    const bundle: Bundle = { asked: EVERYBODY, digests: members.map(({ digest }) => digest), macs: [] };
    for (const [position, { request, digest }] of members.entries())
      made.push({ request, digest, proof: { kind: 'authenticator', bundle, position } });
  }
  return made;
}

describe('packed digests', () => {
  test('of any requests, in any order, from any bundles or signed: each in its place', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });
    const choice = fc.infiniteStream(fc.nat(1000));
    fc.assert(
      fc.property(lengths, choice, fc.constantFrom('as they come', 'turned', 'mixed'), (sizes, stream, order) => {
        const draw = (): number => Number(stream.next().value);
        let list = bundled(sizes).map((entry, at) => (draw() % 8 === 0 ? (requests[at] ?? entry) : entry));
        if (order === 'turned') list = [...list.slice(3), ...list.slice(0, 3)];
        if (order === 'mixed')
          list = list
            .map((entry) => ({ entry, by: draw() }))
            .toSorted((a, b) => a.by - b.by)
            .map(({ entry }) => entry);
        const wanted = hexes(list.map(({ digest }) => digest));
        expect(toHex(packRequests(list))).toBe(wanted);
        expect(toHex(packRequests(list))).toBe(wanted);
        expect(DigestList.ofRequests(list).toArray()).toEqual(list.map(({ digest }) => digest));
      }),
    );
  });

  test('are those of the requests, where a bundle has another one in the place that they name', () => {
    const [first, ...others] = bundled([12]);
    if (first?.proof.kind !== 'authenticator') throw new Error('it is in a bundle');
    const wrong = { ...first.proof.bundle, digests: digests.slice(12) };
    const list = others.map((entry, at) => ({
      ...entry,
      proof: { kind: 'authenticator' as const, bundle: wrong, position: at },
    }));
    expect(toHex(packRequests(list))).toBe(hexes(list.map(({ digest }) => digest)));
  });

  test('of a whole bundle in order are its own', () => {
    const list = bundled([20]);
    const [first] = list;
    if (first?.proof.kind !== 'authenticator') throw new Error('it is in a bundle');
    expect(toHex(packBundle(first.proof.bundle))).toBe(hexes(digests.slice(0, 20)));
    expect(packBundle(first.proof.bundle)).toBe(packBundle(first.proof.bundle));
    expect(toHex(packRequests(list))).toBe(hexes(digests.slice(0, 20)));
  });

  test('what is no digest is a bug of ours', () => {
    expect(() => packBundle({ digests: ['no digest' as Digest] })).toThrow('64 lowercase hexadecimal');
  });
});

describe('a list of digests', () => {
  test('gives back what it was made of', () => {
    expect(DigestList.of(digests).toArray()).toEqual(digests);
    expect(DigestList.of([]).toArray()).toEqual([]);
  });

  test('tells where a digest stands in it', () => {
    const list = DigestList.of(digests.slice(0, 3));
    expect(digests.slice(0, 4).map((digest) => list.indexOf(digest))).toEqual([0, 1, 2, -1]);
    expect(list.indexOf('no digest' as Digest)).toBe(-1);
  });
});
