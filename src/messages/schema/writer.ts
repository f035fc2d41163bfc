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
  /** On the same: an engine writes a number through it in one step, and byte by byte in eight. */
  readonly #view: DataView;
  #at = 0;
  readonly #lastHex = ['', '', '', ''];
  #isHexKnown = false;
  readonly #lastHexAt = [0, 0, 0, 0];
  /** Set by a message: how much of it is authenticated; attached fields follow. */
  contentEnd = 0;

  /** `capacity`: bytes of the largest encoding it will hold. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
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
    this.#view.setUint16(this.#reserve(2), value);
  }

  u32(value: number): void {
    assert(value >>> 0 === value, 'an integer from 0 to 2^32-1');
    this.#view.setUint32(this.#reserve(4), value);
  }

  /** Eight bytes for an integer from 0 to 2^53−1. */
  u53(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'an integer from 0 to 2^53-1');
    const at = this.#reserve(8);
    const high = Math.floor(value / TWO_32);
    this.#view.setUint32(at, high);
    this.#view.setUint32(at + 4, value - high * TWO_32);
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

  /** The 32 bytes of a digest that stands at `from` in `source` already. */
  digestOf(source: DataView, from: number): void {
    const at = this.#reserve(HEX_BYTES);
    for (let i = 0; i < HEX_BYTES; i += 4) this.#view.setUint32(at + i, source.getUint32(from + i));
  }

  #reserve(count: number): number {
    const at = this.#at;
    this.#at = at + count;
    assert(this.#at <= this.#bytes.length, 'an encoding fits into a frame');
    return at;
  }
}
