/** Text of one character per byte: the form in which bytes are compared, looked up and read as ASCII. One call of fromCharCode on a warm array is the fastest portable way to a flat string. */
import type { Bytes } from './bytes.ts';

const PIECE = 128;
/** By length, meaningless between calls: an array that changed its length would be slow. */
const CODES: readonly number[][] = Array.from({ length: PIECE + 1 }, (_, length) => new Array<number>(length).fill(0));

/** The bytes from `from` to before `to` as the characters U+0000 to U+00FF. */
export function latin1(bytes: Bytes, from: number, to: number): string {
  if (to - from <= PIECE) return piece(bytes, from, to);
  let text = '';
  for (let at = from; at < to; at += PIECE) text += piece(bytes, at, Math.min(to, at + PIECE));
  return text;
}

function piece(bytes: Bytes, from: number, to: number): string {
  const codes = CODES[to - from] as number[];
  for (let i = 0; i < codes.length; i += 1) codes[i] = bytes[from + i] as number;
  return String.fromCharCode.apply(undefined, codes);
}
