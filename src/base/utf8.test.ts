import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodedByNode(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

describe('encoding', () => {
  test('any well-formed text, like the platform', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
      }),
      { numRuns: 500 },
    );
  });

  test('every code point', () => {
    for (let code = 0; code <= 0x10ffff; code += code < 0x3000 || code > 0xfff0 ? 0x61 : 0x1f) {
      const text = String.fromCodePoint(code);
      const isSurrogate = code >= 0xd800 && code <= 0xdfff;
      expect(encodeUtf8(text)).toEqual(isSurrogate ? undefined : new TextEncoder().encode(text));
    }
  });

  test.each(['\ud800', 'a\udc00', '\ud800a', '\udc00\ud800', '\ud83d', 'long enough \ud83d\ud83d\ude00'])(
    'a lone surrogate has none: %j',
    (text) => {
      expect(encodeUtf8(text)).toBeUndefined();
    },
  );

  test('text that is ASCII up to some place', () => {
    for (const length of [0, 1, 50]) {
      expect(encodeUtf8(`${'x'.repeat(length)}é\u{1f600}z`)).toEqual(
        new TextEncoder().encode(`${'x'.repeat(length)}é\u{1f600}z`),
      );
    }
  });
});

describe('decoding', () => {
  test('what was encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeUtf8(new TextEncoder().encode(text))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test('any bytes, as strictly as the platform', () => {
    const interesting = fc.constantFrom(
      0,
      0x41,
      0x7f,
      0x80,
      0xbf,
      0xc0,
      0xc2,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0xff,
    );
    const bytes = fc.array(fc.oneof(interesting, fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(bytes, (values) => {
        const value = Uint8Array.from(values);
        expect(decodeUtf8(value)).toBe(decodedByNode(value));
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong zero', [0xe0, 0x80, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a lone continuation', [0x80]],
    ['a cut sequence', [0xe2, 0x82]],
    ['a sequence cut by another', [0xe2, 0x41, 0x41]],
    ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ])('%s is no text', (_, values) => {
    expect(decodeUtf8(Uint8Array.from(values))).toBeUndefined();
  });

  test('a byte order mark is a character', () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf))).toBe('\ufeff');
  });

  test('long text', () => {
    const text = 'é\u{1f600}x'.repeat(10_000);
    expect(decodeUtf8(new TextEncoder().encode(text))).toBe(text);
  });
});
