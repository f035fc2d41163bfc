/** 32 raw bytes as 64 hexadecimal characters and back: the most frequent conversion of the codec, so each loop is spelled out. */
import type { Bytes } from '../../base/bytes.ts';

/** Raw length of a digest or a key. */
export const HEX_BYTES = 32;

const DIGITS = '0123456789abcdef';
const CODE_OF_NIBBLE: readonly number[] = Array.from(DIGITS, (digit) => digit.charCodeAt(0));

const NOT_A_DIGIT = 0x100;
const NIBBLE_OF_CODE = new Uint16Array(128).fill(NOT_A_DIGIT);
for (let nibble = 0; nibble < DIGITS.length; nibble += 1) NIBBLE_OF_CODE[DIGITS.charCodeAt(nibble)] = nibble;

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
    const byte = ((NIBBLE_OF_CODE[high & 127] as number) << 4) | (NIBBLE_OF_CODE[low & 127] as number);
    seen |= byte | (((high | low) & ~127) << 1);
    bytes[at + i] = byte;
  }
  return seen < NOT_A_DIGIT;
}
