import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExpectedHex } from './expected-hex.ts';
import { HEX_BYTES, hexOf } from './hex.ts';

/** Few of them, so that they come again and share bits. */
const digest = fc
  .record({ first: fc.constantFrom(0, 1, 16), second: fc.nat(2), last: fc.nat(2) })
  .map(({ first, second, last }) =>
    new Uint8Array(HEX_BYTES)
      .fill(first, 0, 1)
      .fill(second, 1, 2)
      .fill(last, HEX_BYTES - 1),
  );

const steps = fc.array(fc.record({ digest, isAdded: fc.boolean() }));

test('the text is that of the bytes, whatever is expected and whatever came before', () => {
  fc.assert(
    fc.property(steps, fc.nat(3), (all, offset) => {
      const expected = new ExpectedHex();
      for (const { digest: each, isAdded } of all) {
        if (isAdded) expected.add(hexOf(each, 0));
        const bytes = new Uint8Array(offset + HEX_BYTES);
        bytes.set(each, offset);
        expect(expected.textOf(bytes, offset)).toBe(hexOf(each, 0));
      }
    }),
  );
});

test('more are added than it holds, and come back in their order, in another, and not at all', () => {
  const expected = new ExpectedHex();
  const digests = Array.from({ length: 3000 }, (_, index) => {
    const bytes = new Uint8Array(HEX_BYTES);
    new DataView(bytes.buffer).setUint32(0, Math.imul(index + 1, 0x9e3779b1));
    return bytes;
  });
  for (const bytes of digests) expected.add(hexOf(bytes, 0));
  for (const bytes of [...digests, ...digests.toReversed()]) expect(expected.textOf(bytes, 0)).toBe(hexOf(bytes, 0));
});

test('of 32 zeros too, at first', () => {
  expect(new ExpectedHex().textOf(new Uint8Array(HEX_BYTES), 0)).toBe('0'.repeat(64));
});
