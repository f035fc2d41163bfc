import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { HmacKey } from './hmac.ts';
import { MAC_BYTES } from './mac-key.ts';

function reference(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(bytes).digest());
}

describe('HMAC-SHA-256', () => {
  test('of RFC 4231, test case 2', () => {
    const mac = new HmacKey(Buffer.from('Jefe')).mac(Buffer.from('what do ya want for nothing?'));
    expect(Buffer.from(mac).toString('hex')).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
  });

  test('is that of node:crypto, for keys and messages of all lengths, one after the other under one key', () => {
    for (const length of [0, 1, 32, 63, 64]) {
      const key = new Uint8Array(randomBytes(length));
      const own = new HmacKey(key);
      for (const size of [0, 1, 55, 64, 119, 448, 449, 100_000, 3, 3, 513]) {
        const bytes = new Uint8Array(randomBytes(size));
        expect(own.mac(bytes)).toEqual(reference(key, bytes));
        expect(own.verify(bytes, reference(key, bytes))).toBe(true);
      }
    }
  });

  test('no changed bit, byte too few or too many is taken', () => {
    const key = new HmacKey(new Uint8Array(32).fill(7));
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
    expect(key.verify(bytes, mac)).toBe(true);
  });

  test('a longer key is refused: it would be another algorithm without its hash', () => {
    expect(() => new HmacKey(new Uint8Array(65))).toThrow('a longer key');
  });
});
