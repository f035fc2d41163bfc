import { createPublicKey, hash, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, fromHex, toHex } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { isSignatureOf, Signer } from './ed25519.ts';
import { publicHex, secretKeyObject } from './keys.ts';

const bytes = (hex: string): Bytes => {
  const decoded = fromHex(hex);
  if (decoded === undefined) throw new Error(`not hex: ${hex}`);
  return decoded;
};

const SECRET = new Uint8Array(32).fill(7);
const keyObject = secretKeyObject('ed25519', SECRET);
const publicKey = bytes(publicHex(keyObject));
const MESSAGE = Uint8Array.of(1, 2, 3);
const signature = new Signer(SECRET).sign(MESSAGE);
const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const littleEndian = (value: bigint): Bytes => bytes(value.toString(16).padStart(64, '0')).toReversed();
const numberOf = (part: Bytes): bigint => BigInt(`0x${toHex(Uint8Array.from(part).toReversed())}`);

describe('RFC 8032 §7.1', () => {
  test.each([
    [
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
  ])('vector %#', (key, message, signed) => {
    expect(isSignatureOf(bytes(key), bytes(message), bytes(signed))).toBe(true);
    expect(isSignatureOf(bytes(key), concatBytes(bytes(message), Uint8Array.of(0)), bytes(signed))).toBe(false);
  });
});

test('another implementation makes the same signatures and takes these', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ maxLength: 300 }),
      (secret, message) => {
        const key = secretKeyObject('ed25519', secret);
        const made = new Signer(secret).sign(message);
        expect(toHex(made)).toBe(sign(null, message, key).toString('hex'));
        expect(verify(null, message, createPublicKey(key), made)).toBe(true);
        expect(isSignatureOf(bytes(publicHex(key)), message, made)).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});

describe('is no signature', () => {
  test('with any bit changed, or of another length', () => {
    expect(isSignatureOf(publicKey, MESSAGE, signature)).toBe(true);
    for (let bit = 0; bit < 8 * signature.length; bit += 1) {
      const altered = signature.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(isSignatureOf(publicKey, MESSAGE, altered)).toBe(false);
    }
    for (const length of [0, 1, 63]) expect(isSignatureOf(publicKey, MESSAGE, signature.slice(0, length))).toBe(false);
    expect(isSignatureOf(publicKey, MESSAGE, concatBytes(signature, Uint8Array.of(0)))).toBe(false);
  });

  test('with the other S of the same signature', () => {
    const other = littleEndian(numberOf(signature.subarray(32)) + GROUP_ORDER);
    expect(isSignatureOf(publicKey, MESSAGE, concatBytes(signature.slice(0, 32), other))).toBe(false);
  });

  test('with an R of small order, which its signer can make, and which some implementations take', () => {
    const neutral = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0));
    const expanded = hash('sha512', SECRET, 'buffer').subarray(0, 32);
    const scalar = (numberOf(expanded) & ((1n << 254n) - 8n)) | (1n << 254n);
    const challenge = numberOf(hash('sha512', concatBytes(neutral, publicKey, MESSAGE), 'buffer'));
    const made = concatBytes(neutral, littleEndian((challenge * scalar) % GROUP_ORDER));
    expect(isSignatureOf(publicKey, MESSAGE, made)).toBe(false);
  });

  test('a part of a larger array is read where it lies', () => {
    const around = concatBytes(Uint8Array.of(9, 9), signature, Uint8Array.of(9));
    expect(isSignatureOf(publicKey, MESSAGE, around.subarray(2, 66))).toBe(true);
  });
});
