/** 32 raw bytes as 64 hexadecimal characters and back: the most frequent conversion of the codec, so each loop is spelled out. */
import type { Bytes } from '../../base/bytes.ts';

/** Raw length of a digest or a key. */
export const HEX_BYTES = 32;

/**
 * Lists repeat themselves: the same client, the same batch, the same result in item after item. A field of such a kind has a slot here, and
 * a value equal to the last one of its slot in the same encoding is copied, not converted. Slot 0 remembers nothing.
 */
export const HEX_SLOTS = { none: 0, client: 1, batch: 2, result: 3 } as const;
export type HexSlot = (typeof HEX_SLOTS)[keyof typeof HEX_SLOTS];

const DIGITS = '0123456789abcdef';
const CODE_OF_NIBBLE: readonly number[] = Array.from(DIGITS, (digit) => digit.charCodeAt(0));

// A byte by the codes of its two digits, 7 bits each.
const NOT_DIGITS = 0x100;
const BYTE_OF_CODES = new Uint16Array(1 << 14).fill(NOT_DIGITS);
for (let byte = 0; byte < 256; byte += 1) {
  const high = DIGITS.charCodeAt(byte >> 4);
  const low = DIGITS.charCodeAt(byte & 15);
  BYTE_OF_CODES[(high << 7) | low] = byte;
}

// Scratch of hexOf, meaningless between calls: one call of fromCharCode on a warm array is the fastest portable way to a flat string.
const CODES: number[] = new Array<number>(2 * HEX_BYTES).fill(0);

/** The 32 bytes from `at` as text. Requires: they are there. */
export function hexOf(bytes: Bytes, at: number): string {
  for (let i = 0; i < HEX_BYTES; i += 1) {
    const byte = bytes[at + i] as number;
    CODES[2 * i] = CODE_OF_NIBBLE[byte >> 4] as number;
    CODES[2 * i + 1] = CODE_OF_NIBBLE[byte & 15] as number;
  }
  return String.fromCharCode.apply(undefined, CODES);
}

/** Writes the 32 bytes of `text` from `at`; false, with rubbish written, if `text` is not 64 lowercase hexadecimal characters. */
export function putHex(text: string, bytes: Bytes, at: number): boolean {
  if (text.length !== 2 * HEX_BYTES) return false;
  let seen = 0;
  for (let i = 0; i < HEX_BYTES; i += 1) {
    const high = text.charCodeAt(2 * i);
    const low = text.charCodeAt(2 * i + 1);
    const byte = BYTE_OF_CODES[((high << 7) | low) & 0x3fff] as number;
    seen |= byte | (((high | low) & ~127) << 1);
    bytes[at + i] = byte;
  }
  return seen < NOT_DIGITS;
}
