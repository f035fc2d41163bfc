/** Bytes with one thing wrong. */
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';

/** Sets, flips, cuts, repeats or inserts something somewhere. */
export function mutated(source: Arbitrary<Uint8Array>): Arbitrary<Uint8Array> {
  return fc
    .record({ bytes: source, at: fc.nat(), byte: fc.nat(255), bit: fc.nat(7), length: fc.nat(40), kind: fc.nat(5) })
    .map(({ bytes, at, byte, bit, length, kind }) => {
      const start = bytes.length === 0 ? 0 : at % bytes.length;
      const before = bytes.subarray(0, start);
      const after = bytes.subarray(start);
      switch (kind) {
        case 0:
          return Uint8Array.from(bytes, (old, index) => (index === start ? byte : old));
        case 1:
          return Uint8Array.from(bytes, (old, index) => (index === start ? old ^ (1 << bit) : old));
        case 2:
          return Uint8Array.from([...before, ...after.subarray(length)]);
        case 3:
          return Uint8Array.from([...before, ...after.subarray(0, length), ...after]);
        case 4:
          return Uint8Array.from([...before, ...new Uint8Array(length).fill(byte), ...after]);
        default:
          return before.slice();
      }
    });
}
