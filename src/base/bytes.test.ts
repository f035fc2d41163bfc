import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EMPTY, compareBytes, concatBytes, equalBytes, fromBase64Url, fromHex, toBase64Url, toHex } from './bytes.ts';

const bytes = fc.uint8Array({ maxLength: 40 });

describe('order and equality', () => {
  test('like those of Node', () => {
    fc.assert(
      fc.property(bytes, bytes, (left, right) => {
        expect(Math.sign(compareBytes(left, right))).toBe(Buffer.compare(left, right));
        expect(equalBytes(left, right)).toBe(Buffer.compare(left, right) === 0);
      }),
    );
  });

  test('a prefix comes before its extensions, and bytes are unsigned', () => {
    expect(compareBytes(EMPTY, Uint8Array.of(0))).toBeLessThan(0);
    expect(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBeLessThan(0);
    expect(compareBytes(Uint8Array.of(0xff), Uint8Array.of(0x7f, 0xff))).toBeGreaterThan(0);
    expect(compareBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(0);
    expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false);
  });
});

test('joining copies', () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 5 }), (parts) => {
      const joined = concatBytes(...parts);
      expect(joined).toEqual(Uint8Array.from(parts.flatMap((part) => [...part])));
      joined.fill(1);
      expect(concatBytes(...parts)).toEqual(Uint8Array.from(parts.flatMap((part) => [...part])));
    }),
  );
});

describe('hexadecimal', () => {
  test('there and back, like Node', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(toHex(value)).toBe(Buffer.from(value).toString('hex'));
        expect(fromHex(toHex(value))).toEqual(value);
      }),
    );
  });

  test.each(['a', 'abc', 'AB', '0x', 'ag', ' ab', 'ab\n', 'é0', '0 '])('%j is none', (text) => {
    expect(fromHex(text)).toBeUndefined();
  });
});

describe('base64url', () => {
  test('there and back, like Node', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(toBase64Url(value)).toBe(Buffer.from(value).toString('base64url'));
        expect(fromBase64Url(toBase64Url(value))).toEqual(value);
      }),
    );
  });

  test('RFC 4648 §10, without padding', () => {
    const text = (word: string): string => toBase64Url(Buffer.from(word));
    expect(['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map(text)).toEqual([
      '',
      'Zg',
      'Zm8',
      'Zm9v',
      'Zm9vYg',
      'Zm9vYmE',
      'Zm9vYmFy',
    ]);
    expect(toBase64Url(Uint8Array.of(0xfb, 0xff))).toBe('-_8');
  });

  test.each(['A', 'AAAAA', 'AA==', '+/', 'A A', 'AA\n', 'ÀA', 'AB', 'Zm9', 'Zh', '\u{1f600}'])('%j is none', (text) => {
    expect(fromBase64Url(text)).toBeUndefined();
  });

  test('one text for one value: whatever decodes, encodes to the same text', () => {
    const alphabet = fc.constantFrom(...'ABCXYZabcxyz0189-_=+/ ');
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 8 }), (text) => {
        const value = fromBase64Url(text);
        expect(value === undefined ? text : toBase64Url(value)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });
});
