/**
 * Bytes and their text forms. Owns nothing; every function is pure and copies what it returns unless it says otherwise.
 * The core floors see neither Node nor DOM, so UTF-8, hex and base64url are spelled out here.
 */

export type Bytes = Uint8Array;

/** No bytes at all; shared, and immutable since it has no element. */
export const EMPTY: Bytes = new Uint8Array(0);

/** True when both hold the same bytes. Not constant-time: never for MACs. */
export function equalBytes(left: Bytes, right: Bytes): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i += 1) if (left[i] !== right[i]) return false;
  return true;
}

/** Lexicographic order of unsigned bytes, a prefix before its extensions: negative, zero or positive. */
export function compareBytes(left: Bytes, right: Bytes): number {
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** The parts one after the other in a new array. */
export function concatBytes(...parts: readonly Bytes[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lowercase hexadecimal, two characters a byte. */
export function toHex(bytes: Bytes): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 1) text += HEX[bytes[i] ?? 0];
  return text;
}

/** Beyond every digit. */
const NO_DIGIT = 16;
const DIGIT_OF_CODE = new Uint8Array(128).fill(NO_DIGIT);
for (let digit = 0; digit < NO_DIGIT; digit += 1) DIGIT_OF_CODE[digit.toString(16).charCodeAt(0)] = digit;

/** The bytes of lowercase hexadecimal text; undefined for anything else (odd length, capitals, other characters). */
export function fromHex(text: string): Bytes | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  return writeHex(text, bytes, 0) ? bytes : undefined;
}

/** Writes the bytes of lowercase hexadecimal text from `at`; false, with rubbish written, for anything else. Requires: room for them, and an even length. */
export function writeHex(text: string, target: Bytes, at: number): boolean {
  for (let i = 0; 2 * i < text.length; i += 1) {
    const high = DIGIT_OF_CODE[text.charCodeAt(2 * i)] ?? NO_DIGIT;
    const low = DIGIT_OF_CODE[text.charCodeAt(2 * i + 1)] ?? NO_DIGIT;
    if (high === NO_DIGIT || low === NO_DIGIT) return false;
    target[at + i] = (high << 4) | low;
  }
  return true;
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const BASE64URL_VALUE: ReadonlyMap<string, number> = new Map(
  [...BASE64URL].map((character, value) => [character, value]),
);

/** Base64url without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Bytes): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += BASE64URL.charAt(group >> 18) + BASE64URL.charAt((group >> 12) & 63);
    if (left > 1) text += BASE64URL.charAt((group >> 6) & 63);
    if (left > 2) text += BASE64URL.charAt(group & 63);
  }
  return text;
}

/** The bytes of canonical unpadded base64url; undefined for anything else, also for non-zero bits past the last byte. */
export function fromBase64Url(text: string): Bytes | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let bitCount = 0;
  let at = 0;
  for (const character of text) {
    const value = BASE64URL_VALUE.get(character);
    if (value === undefined) return undefined;
    bits = ((bits << 6) | value) & 0xffff;
    bitCount += 6;
    if (bitCount >= 8) {
      bitCount -= 8;
      bytes[at] = (bits >> bitCount) & 0xff;
      at += 1;
    }
  }
  return (bits & ((1 << bitCount) - 1)) === 0 ? bytes : undefined;
}
