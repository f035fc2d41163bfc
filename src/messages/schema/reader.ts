/**
 * The bytes of one value while it is decoded, and how far it got. Refuses to read past the end; what it returns never shares memory
 * with the input, so the caller may use its buffer again.
 */
import type { Bytes } from '../../base/bytes.ts';
import { EMPTY } from '../../base/bytes.ts';
import type { CodecContext } from '../codec-context.ts';
import { refuse } from '../refusal.ts';
import type { ExpectedHex } from './expected-hex.ts';
import type { HexSlot } from './hex.ts';
import { HEX_BYTES, hexOf } from './hex.ts';
import type { RecentHex } from './recent-hex.ts';
import { decodedSlab } from './slab.ts';

const TWO_32 = 2 ** 32;
const MAX_HIGH = 2 ** 21 - 1;

/** Reads from front to back. */
export class Reader {
  readonly bytes: Bytes;
  readonly context: CodecContext;
  #at = 0;
  /** The bytes four at a time; made when first needed. */
  #words: DataView | undefined;
  readonly #lastHex = ['', '', '', ''];
  readonly #lastHexAt = [-1, -1, -1, -1];
  /** Set by a message: where what is authenticated of it ends. */
  contentEnd = 0;

  constructor(bytes: Bytes, context: CodecContext) {
    // A subclass (a Node Buffer) would slice by its own rules, and cost every read a look at what it is.
    this.bytes =
      Object.getPrototypeOf(bytes) === Uint8Array.prototype
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.context = context;
  }

  /** Offset of the next byte. */
  get at(): number {
    return this.#at;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.bytes.length - this.#at;
  }

  u8(): number {
    return this.bytes[this.#take(1)] as number;
  }

  u16(): number {
    const at = this.#take(2);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  u32(): number {
    return this.#u32(this.#take(4));
  }

  /** Eight bytes; refuses what is above 2^53−1. */
  u53(): number {
    const at = this.#take(8);
    const high = this.#u32(at);
    if (high > MAX_HIGH) refuse('out-of-range');
    return high * TWO_32 + this.#u32(at + 4);
  }

  /** The 32 bytes of a digest or key as text. */
  hex(slot: HexSlot): string {
    const at = this.#take(HEX_BYTES);
    if (slot === 0) return hexOf(this.bytes, at);
    const last = this.#lastHexAt[slot] as number;
    if (last >= 0 && this.#same(at, last)) return this.#lastHex[slot] as string;
    const text = hexOf(this.bytes, at);
    this.#lastHex[slot] = text;
    this.#lastHexAt[slot] = at;
    return text;
  }

  /** As {@link hex}, of what was named before in another message. */
  recentHex(recent: RecentHex): string {
    return recent.textOf(this.bytes, this.#take(HEX_BYTES));
  }

  /** As {@link hex}, of what was made here and is named in several messages. */
  expectedHex(expected: ExpectedHex): string {
    return expected.textOf(this.bytes, this.#take(HEX_BYTES));
  }

  /** Goes back to an offset it was at. */
  rewind(at: number): void {
    this.#at = at;
  }

  /** A copy of the next `count` bytes. */
  take(count: number): Bytes {
    const at = this.#take(count);
    return count === 0 ? EMPTY : decodedSlab.copyOf(this.bytes, at, count);
  }

  #same(left: number, right: number): boolean {
    this.#words ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    const words = this.#words;
    for (let i = 0; i < HEX_BYTES; i += 4) if (words.getUint32(left + i) !== words.getUint32(right + i)) return false;
    return true;
  }

  #u32(at: number): number {
    const bytes = this.bytes;
    const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    return high * 0x10000 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.bytes.length - at) refuse('truncated');
    this.#at = at + count;
    return at;
  }
}
