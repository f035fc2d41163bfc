import { randomBytes } from 'node:crypto';
import { blake2b } from '@noble/hashes/blake2.js';
import { describe, expect, test } from 'vitest';
import { Blake2bKey } from './blake2b.ts';
import { HmacKey } from './hmac.ts';
import { MAC_BYTES } from './mac-key.ts';

/** Another implementation than the one in use, in another language. */
function reference(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return blake2b(bytes, { key, dkLen: MAC_BYTES });
}

const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index & 0xff);

describe('keyed BLAKE2b-256', () => {
  test.each([
    [0, '4e51e7a913fc80137da52880fecca175bf81e117d5c68126dc2774033517ea0d'],
    [1, '41ff93a4eaeebd3b78a93438a6f62a92ab5959c859e682b72c7def406197ca4d'],
    [64, '7f46f043d63dfb3c9b1102c8824b632cae1fce453e3c0e9dc9e7113f3c1acc36'],
    [128, '138893f1631ef3165629515d6ed800da3771b7926dced294205c7507351deebc'],
    [129, 'ca60f75cbb714330c046d8f28b4ed351a3ee81776bb02a96abb646fe573e3d5c'],
    [255, 'f60f5c4a575c43db6c93608515866ea998e04b35792f5a92b27aa5880cd6721e'],
  ])('of the bytes 0, 1, 2 …, %i of them, under the key 00 01 … 1f', (length, mac) => {
    expect(Buffer.from(new Blake2bKey(counting(32)).mac(counting(length))).toString('hex')).toBe(mac);
  });

  test('is that of another implementation, for messages of all lengths, one after the other under one key', () => {
    for (let round = 0; round < 3; round += 1) {
      const key = new Uint8Array(randomBytes(32));
      const own = new Blake2bKey(key);
      for (const size of [0, 1, 55, 64, 127, 128, 129, 255, 256, 257, 1024, 9000, 100_000, 3, 3, 513]) {
        const bytes = new Uint8Array(randomBytes(size));
        expect(own.mac(bytes)).toEqual(reference(key, bytes));
        expect(own.verify(bytes, reference(key, bytes))).toBe(true);
      }
    }
  });

  test('reads a view of a larger array where it lies, and nothing beside it', () => {
    const key = new Uint8Array(32).fill(7);
    const large = new Uint8Array(randomBytes(1000));
    const own = new Blake2bKey(key);
    const view = large.subarray(100, 300);
    expect(own.mac(view)).toEqual(reference(key, view));
    expect(own.verify(view, reference(key, large.slice(100, 300)))).toBe(true);
  });

  test('a MAC that was made stays as it was, whatever is computed after it', () => {
    const key = new Blake2bKey(new Uint8Array(32).fill(7));
    const first = key.mac(Buffer.from('first'));
    const kept = first.slice();
    const second = key.mac(Buffer.from('second'));
    expect(key.verify(Buffer.from('third'), second)).toBe(false);
    expect(first).toEqual(kept);
    expect(first.buffer).not.toBe(second.buffer);
    expect(first.constructor).toBe(Uint8Array);
  });

  test('no changed bit, byte too few or too many, other message or other key is taken', () => {
    const key = new Blake2bKey(new Uint8Array(32).fill(7));
    const bytes = Buffer.from('message');
    const mac = key.mac(bytes);
    for (let bit = 0; bit < 8 * MAC_BYTES; bit += 1) {
      const changed = mac.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(key.verify(bytes, changed)).toBe(false);
    }
    expect(key.verify(bytes, mac.subarray(1))).toBe(false);
    expect(key.verify(bytes, Uint8Array.from([...mac, 0]))).toBe(false);
    expect(key.verify(bytes, new Uint8Array(0))).toBe(false);
    expect(key.verify(Buffer.from('messagf'), mac)).toBe(false);
    expect(new Blake2bKey(new Uint8Array(32).fill(8)).verify(bytes, mac)).toBe(false);
    expect(key.verify(bytes, mac)).toBe(true);
  });

  test('a key of another length is refused, and changing the bytes that it was made of changes nothing', () => {
    for (const length of [0, 16, 31, 33, 64]) {
      expect(() => new Blake2bKey(new Uint8Array(length))).toThrow('a key of 32 bytes');
    }
    const bytes = new Uint8Array(32).fill(7);
    const key = new Blake2bKey(bytes);
    const mac = key.mac(Buffer.from('message'));
    bytes.fill(0);
    expect(key.mac(Buffer.from('message'))).toEqual(mac);
  });

  test('never agrees with HMAC-SHA-256, not even under the same key', () => {
    const bytes = new Uint8Array(32).fill(7);
    const [blake, hmac] = [new Blake2bKey(bytes), new HmacKey(bytes)];
    for (const size of [0, 1, 64, 150, 9000]) {
      const message = new Uint8Array(randomBytes(size));
      expect(blake.verify(message, hmac.mac(message))).toBe(false);
      expect(hmac.verify(message, blake.mac(message))).toBe(false);
    }
  });
});
