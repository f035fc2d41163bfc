import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, ValueStore, apart } from './value-store.ts';

describe('ValueStore', () => {
  it('copies values of any length, and what becomes of one touches no other', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 }), (lengths) => {
        const store = new ValueStore();
        const copies = lengths.map((length, i) => {
          const value = new Uint8Array(length).fill(i + 1);
          const copy = store.copyOf(value);
          value.fill(0);
          return copy;
        });
        copies.forEach((copy, i) => expect(copy).toEqual(new Uint8Array(lengths[i] ?? 0).fill(i + 1)));
      }),
    );
  });

  it('counts the blocks it has begun, which are small', () => {
    const store = new ValueStore();
    const copies = Array.from({ length: 1000 }, () => store.copyOf(new Uint8Array(100)));
    expect(store.blockCount).toBe(Math.ceil(1000 / Math.floor(BLOCK_BYTES / 100)));
    expect(new Set(copies.map(({ buffer }) => buffer)).size).toBe(store.blockCount);
    for (const { buffer } of copies) expect(buffer.byteLength).toBe(BLOCK_BYTES);
  });

  it('gives long values, and those that are to be held apart, arrays of their own', () => {
    const store = new ValueStore();
    const held = [store.copyOf(new Uint8Array(257)), apart(store.copyOf(new Uint8Array(256).fill(7)))];
    for (const { buffer, length } of held) expect(buffer.byteLength).toBe(length);
    expect(held[1]).toEqual(new Uint8Array(256).fill(7));
  });
});
