/**
 * Where an encoding grows. One buffer serves all encodings of the process, one after the other: an encoding begins at 0, never waits and
 * never encodes something else meanwhile, and leaves as an exact copy. Asserts what every value must satisfy.
 */
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import type { Digest } from '../../base/ids.ts';
import type { CodecContext } from '../codec-context.ts';
import { copyBytes } from './copy-bytes.ts';
import type { HexSlot } from './hex.ts';
import { HEX_BYTES, putHex } from './hex.ts';
import { encodedSlab } from './slab.ts';

const TWO_32 = 2 ** 32;
/** The growing end of an encoding. */
export class Writer {
  readonly #bytes: Bytes;
  #at = 0;
  readonly #lastHex = ['', '', '', ''];
  #isHexKnown = false;
  readonly #lastHexAt = [0, 0, 0, 0];
  /** Set by a message: how much of it is authenticated; attached fields follow. */
  contentEnd = 0;

  /** `capacity`: bytes of the largest encoding it will hold. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at;
  }

  /** Forgets what was written. */
  restart(): void {
    this.#at = 0;
    if (this.#isHexKnown) this.#lastHex.fill('');
    this.#isHexKnown = false;
    this.contentEnd = 0;
  }

  /** A copy of what was written, from `start` on. */
  copy(start = 0): Bytes {
    return encodedSlab.copyOf(this.#bytes, start, this.#at - start);
  }

  /** The digest of what was written, without its last bytes: so many. */
  digest(context: CodecContext, domain: string, uncovered: number): Digest {
    return context.digest(domain, this.#bytes, 0, this.#at - uncovered);
  }

  /** What was written from `from` to before `to`, to be MAC'd at once: see {@link CodecContext.boundForNow}. */
  boundForNow(context: CodecContext, domain: string, from: number, to: number): Bytes {
    return context.boundForNow(domain, this.#bytes, from, to);
  }

  /** Ends the writer's life: what was written, without a copy if it fills the buffer. */
  finish(): Bytes {
    return this.#at === this.#bytes.length ? this.#bytes : this.copy();
  }

  u8(value: number): void {
    assert((value & 0xff) === value, 'an integer from 0 to 255');
    this.#bytes[this.#reserve(1)] = value;
  }

  u16(value: number): void {
    assert((value & 0xffff) === value, 'an integer from 0 to 65,535');
    const at = this.#reserve(2);
    this.#bytes[at] = value >> 8;
    this.#bytes[at + 1] = value;
  }

  u32(value: number): void {
    assert(value >>> 0 === value, 'an integer from 0 to 2^32-1');
    this.#u32(this.#reserve(4), value);
  }

  /** Eight bytes for an integer from 0 to 2^53−1. */
  u53(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'an integer from 0 to 2^53-1');
    const at = this.#reserve(8);
    const high = Math.floor(value / TWO_32);
    this.#u32(at, high);
    this.#u32(at + 4, value - high * TWO_32);
  }

  /** The 32 bytes of a digest or key. */
  hex(text: string, slot: HexSlot): void {
    const at = this.#reserve(HEX_BYTES);
    if (slot !== 0) {
      if (text === this.#lastHex[slot]) {
        const last = this.#lastHexAt[slot] as number;
        this.#bytes.copyWithin(at, last, last + HEX_BYTES);
        return;
      }
      this.#isHexKnown = true;
      this.#lastHex[slot] = text;
      this.#lastHexAt[slot] = at;
    }
    assert(putHex(text, this.#bytes, at), 'a digest or key is 64 lowercase hexadecimal characters');
  }

  bytes(value: Bytes): void {
    copyBytes(value, 0, this.#bytes, this.#reserve(value.length), value.length);
  }

  /** `length` bytes of `source`, from `from` on. */
  part(source: Bytes, from: number, length: number): void {
    copyBytes(source, from, this.#bytes, this.#reserve(length), length);
  }

  #u32(at: number, value: number): void {
    this.#bytes[at] = value >>> 24;
    this.#bytes[at + 1] = value >>> 16;
    this.#bytes[at + 2] = value >>> 8;
    this.#bytes[at + 3] = value;
  }

  #reserve(count: number): number {
    const at = this.#at;
    this.#at = at + count;
    assert(this.#at <= this.#bytes.length, 'an encoding fits into a frame');
    return at;
  }
}
