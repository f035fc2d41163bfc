import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HEX_BYTES, hexOf } from './hex.ts';
import { RecentHex } from './recent-hex.ts';

/** Few of them, so that they come again and share places. */
const digest = fc
  .record({ first: fc.constantFrom(0, 1, 16, 17), last: fc.nat(2) })
  .map(({ first, last }) => new Uint8Array(HEX_BYTES).fill(first, 0, 1).fill(last, HEX_BYTES - 1));

test('the text is that of the bytes, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(digest), fc.nat(3), (digests, offset) => {
      const recent = new RecentHex();
      for (const each of digests) {
        const bytes = new Uint8Array(offset + HEX_BYTES);
        bytes.set(each, offset);
        expect(recent.textOf(bytes, offset)).toBe(hexOf(each, 0));
      }
    }),
  );
});

test('of 32 zeros too, at first', () => {
  expect(new RecentHex().textOf(new Uint8Array(HEX_BYTES), 0)).toBe('0'.repeat(64));
});
