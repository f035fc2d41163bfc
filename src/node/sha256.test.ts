import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toHex } from '../base/bytes.ts';
import { sha256, sha256Into } from './sha256.ts';

describe('SHA-256', () => {
  test('of nothing and of "abc" is what FIPS 180-4 says', () => {
    expect(sha256(new Uint8Array(0))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(sha256(Uint8Array.of(0x61, 0x62, 0x63))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  test('is the same as text and as bytes, of whatever length, and nothing beside its place is touched', () => {
    const lengths = fc.oneof(fc.nat(600), fc.constantFrom(0, 55, 56, 63, 64, 255, 256, 257));
    fc.assert(
      fc.property(lengths, fc.nat(255), fc.nat(5), (length, byte, at) => {
        const bytes = new Uint8Array(length).fill(byte);
        const target = new Uint8Array(40).fill(7);
        sha256Into(bytes, target, at);
        expect(toHex(target)).toBe(`${'07'.repeat(at)}${sha256(bytes)}${'07'.repeat(8 - at)}`);
      }),
    );
  });
});
