/** The conversions and buffers under the codec. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { context } from '../../../test/support/arbitrary-messages.ts';
import { InvariantViolation } from '../../base/assert.ts';
import { toHex } from '../../base/bytes.ts';
import { attempt } from '../frame.ts';
import { copyBytes } from './copy-bytes.ts';
import { HEX_SLOTS, hexOf, putHex } from './hex.ts';
import { Reader } from './reader.ts';
import { Slab } from './slab.ts';
import { Writer } from './writer.ts';

const KEY = 'ab'.repeat(32);
const OTHER = 'cd'.repeat(32);

describe('hexadecimal', () => {
  test('there and back, at any offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 80 }), (bytes) => {
        const at = bytes.length - 32;
        expect(hexOf(bytes, at)).toBe(toHex(bytes.subarray(at)));
        const copy = new Uint8Array(bytes.length);
        expect(putHex(hexOf(bytes, at), copy, at)).toBe(true);
        expect(copy.subarray(at)).toEqual(bytes.subarray(at));
      }),
    );
  });

  test('every character that is no lowercase digit is seen, at every place', () => {
    const target = new Uint8Array(32);
    for (let code = 0; code < 0x300; code += 1) {
      const character = String.fromCharCode(code);
      const isDigit = /[0-9a-f]/.test(character);
      for (const at of [0, 1, 30, 63]) {
        const text = 'a'.repeat(at) + character + 'a'.repeat(63 - at);
        expect([character, putHex(text, target, 0)]).toEqual([character, isDigit]);
      }
    }
    expect(putHex('a'.repeat(63), target, 0)).toBe(false);
    expect(putHex('a'.repeat(65), target, 0)).toBe(false);
  });
});

test('copying any part of any length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), fc.nat(), fc.nat(), fc.nat(20), (source, a, b, to) => {
      const from = source.length === 0 ? 0 : a % source.length;
      const count = source.length === from ? 0 : b % (source.length - from + 1);
      const target = new Uint8Array(to + count + 3).fill(9);
      copyBytes(source, from, target, to, count);
      expect([...target]).toEqual([...new Array<number>(to).fill(9), ...source.subarray(from, from + count), 9, 9, 9]);
    }),
  );
});

describe('slab', () => {
  test('pieces are zero, exact and apart', () => {
    const slab = new Slab();
    const pieces = Array.from({ length: 600 }, (_, i) => slab.allocate((i * 37) % 1100));
    for (const [i, piece] of pieces.entries()) {
      expect(piece.length).toBe((i * 37) % 1100);
      expect(piece.every((byte) => byte === 0)).toBe(true);
      piece.fill(1 + (i % 255));
    }
    for (const [i, piece] of pieces.entries()) expect(piece.every((byte) => byte === 1 + (i % 255))).toBe(true);
  });

  test('a copy has the bytes and not the memory', () => {
    const source = Uint8Array.from(randomBytes(3000));
    const slab = new Slab();
    for (const length of [0, 1, 64, 65, 1024, 1025, 2000]) {
      const copy = slab.copyOf(source, 7, length);
      expect(copy).toEqual(source.subarray(7, 7 + length));
      expect(copy.buffer).not.toBe(source.buffer);
    }
  });
});

describe('writer and reader', () => {
  test('numbers of every width', () => {
    fc.assert(
      fc.property(
        fc.nat(0xff),
        fc.nat(0xffff),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.maxSafeNat(),
        (u8, u16, u32, u53) => {
          const writer = new Writer(15);
          writer.u8(u8);
          writer.u16(u16);
          writer.u32(u32);
          writer.u53(u53);
          const reader = new Reader(writer.finish(), context);
          expect([reader.u8(), reader.u16(), reader.u32(), reader.u53(), reader.remaining]).toEqual([
            u8,
            u16,
            u32,
            u53,
            0,
          ]);
        },
      ),
    );
  });

  test.each([
    (writer: Writer) => writer.u8(256),
    (writer: Writer) => writer.u8(-1),
    (writer: Writer) => writer.u16(65_536),
    (writer: Writer) => writer.u16(0.5),
    (writer: Writer) => writer.u32(2 ** 32),
    (writer: Writer) => writer.u32(-1),
    (writer: Writer) => writer.u53(2 ** 53),
    (writer: Writer) => writer.u53(Number.NaN),
    (writer: Writer) => writer.hex('ab', HEX_SLOTS.none),
    (writer: Writer) => writer.bytes(new Uint8Array(101)),
  ])('a value that does not fit is a bug of ours: %s', (write) => {
    expect(() => {
      write(new Writer(100));
    }).toThrow(InvariantViolation);
  });

  test('repeated keys are remembered by slot, within one encoding', () => {
    const writer = new Writer(400);
    const texts = [KEY, OTHER, KEY, KEY, OTHER, OTHER, KEY];
    const slots = [
      HEX_SLOTS.client,
      HEX_SLOTS.batch,
      HEX_SLOTS.client,
      HEX_SLOTS.batch,
      HEX_SLOTS.batch,
      HEX_SLOTS.none,
    ];
    const writeAll = (): string => {
      writer.restart();
      texts.forEach((text, i) => {
        writer.hex(text, slots[i % slots.length] ?? HEX_SLOTS.none);
      });
      return toHex(writer.copy());
    };
    expect(writeAll()).toBe(texts.join(''));
    expect(writeAll()).toBe(texts.join(''));
    const reader = new Reader(writer.copy(), context);
    expect(texts.map((_, i) => reader.hex(slots[i % slots.length] ?? HEX_SLOTS.none))).toEqual(texts);
    reader.rewind(32);
    expect(reader.hex(HEX_SLOTS.client)).toBe(OTHER);
  });

  test('a failed encoding does not reach the next one', () => {
    const writer = new Writer(64);
    expect(() => {
      writer.hex('x'.repeat(64), HEX_SLOTS.client);
    }).toThrow(InvariantViolation);
    writer.restart();
    expect(() => {
      writer.hex('x'.repeat(64), HEX_SLOTS.client);
    }).toThrow(InvariantViolation);
  });

  test('reading past the end', () => {
    for (const read of [
      (reader: Reader) => reader.u8(),
      (reader: Reader) => reader.u16(),
      (reader: Reader) => reader.u32(),
      (reader: Reader) => reader.u53(),
      (reader: Reader) => reader.hex(HEX_SLOTS.none),
      (reader: Reader) => reader.take(1),
    ]) {
      const result = attempt(() => read(new Reader(new Uint8Array(0), context)));
      expect(result).toEqual({ ok: false, error: { code: 'truncated', at: '' } });
    }
  });
});
