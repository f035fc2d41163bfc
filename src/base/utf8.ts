/** UTF-8 (RFC 3629), strict in both directions: one text has one encoding and only well-formed bytes have a text. */
import type { Bytes } from './bytes.ts';
import { latin1 } from './latin1.ts';

/** UTF-8 of `text`; undefined when it holds a lone surrogate, which has no UTF-8 form. */
export function encodeUtf8(text: string): Bytes | undefined {
  const ascii = new Uint8Array(text.length);
  let plain = 0;
  while (plain < text.length) {
    const code = text.charCodeAt(plain);
    if (code >= 0x80) break;
    ascii[plain] = code;
    plain += 1;
  }
  return plain === text.length ? ascii : encodeFrom(text, ascii, plain);
}

/** The general case: `ascii` holds the first `plain` characters already. */
function encodeFrom(text: string, ascii: Uint8Array, plain: number): Bytes | undefined {
  const bytes = new Uint8Array(text.length * 3);
  bytes.set(ascii.subarray(0, plain));
  let at = plain;
  for (let i = plain; i < text.length; i += 1) {
    let code = text.charCodeAt(i);
    if (code >= 0xd800 && code <= 0xdfff) {
      const low = text.charCodeAt(i + 1);
      if (code >= 0xdc00 || !(low >= 0xdc00 && low <= 0xdfff)) return undefined;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      i += 1;
    }
    at = writeCodePoint(bytes, at, code);
  }
  return bytes.slice(0, at);
}

function writeCodePoint(bytes: Uint8Array, start: number, code: number): number {
  let at = start;
  if (code < 0x80) {
    bytes[at++] = code;
  } else if (code < 0x800) {
    bytes[at++] = 0xc0 | (code >> 6);
    bytes[at++] = 0x80 | (code & 63);
  } else if (code < 0x10000) {
    bytes[at++] = 0xe0 | (code >> 12);
    bytes[at++] = 0x80 | ((code >> 6) & 63);
    bytes[at++] = 0x80 | (code & 63);
  } else {
    bytes[at++] = 0xf0 | (code >> 18);
    bytes[at++] = 0x80 | ((code >> 12) & 63);
    bytes[at++] = 0x80 | ((code >> 6) & 63);
    bytes[at++] = 0x80 | (code & 63);
  }
  return at;
}

/** The text of well-formed UTF-8; undefined for overlong forms, surrogates, code points above U+10FFFF and cut sequences. */
export function decodeUtf8(bytes: Bytes): string | undefined {
  let plain = 0;
  while (plain < bytes.length && (bytes[plain] as number) < 0x80) plain += 1;
  const ascii = latin1(bytes, 0, plain);
  return plain === bytes.length ? ascii : decodeFrom(bytes, ascii, plain);
}

/** The general case: `ascii` is the text of the first `plain` bytes. */
function decodeFrom(bytes: Bytes, ascii: string, plain: number): string | undefined {
  const units: string[] = [ascii];
  let text = '';
  let at = plain;
  while (at < bytes.length) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (length === 0 || at + length > bytes.length) return undefined;
    let code = length === 1 ? first : first & (0xff >> (length + 1));
    for (let i = 1; i < length; i += 1) {
      const next = bytes[at + i] ?? 0;
      if ((next & 0xc0) !== 0x80) return undefined;
      code = (code << 6) | (next & 63);
    }
    if ((length === 3 && code < 0x800) || (length === 4 && code < 0x10000)) return undefined;
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
    text += String.fromCodePoint(code);
    at += length;
    if (text.length > 4096) {
      units.push(text);
      text = '';
    }
  }
  return units.join('') + text;
}
