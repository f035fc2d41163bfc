/**
 * Small arrays cut from a larger one. An engine keeps up to 64 bytes of a typed array inside the object; beyond that every array is a system
 * allocation with a finaliser, an order of magnitude dearer than everything else the codec does. A piece keeps its slab alive, so things of
 * like lifetime should share one; a buffer of a piece must never be transferred to another thread.
 */
import { EMPTY } from '../../base/bytes.ts';
import type { Bytes } from '../../base/bytes.ts';
import { copyBytes } from './copy-bytes.ts';

const INLINE_BYTES = 64;
const SLAB_BYTES = 8192;
const LARGEST_PIECE_BYTES = 1024;

/** Hands out zeroed arrays. Owns the slab it is cutting, and forgets it when it is used up. */
export class Slab {
  #buffer = new ArrayBuffer(0);
  #at = 0;

  /** A copy of the `length` bytes from `from`. Requires: `source` is a plain Uint8Array, no subclass. */
  copyOf(source: Bytes, from: number, length: number): Bytes {
    // An empty array costs five times one of four bytes.
    if (length === 0) return EMPTY;
    if (length <= INLINE_BYTES || length > LARGEST_PIECE_BYTES) return source.slice(from, from + length);
    const copy = this.allocate(length);
    copyBytes(source, from, copy, 0, length);
    return copy;
  }

  /** A new array of `length` zero bytes, which nobody else uses. */
  allocate(length: number): Bytes {
    if (length <= INLINE_BYTES || length > LARGEST_PIECE_BYTES) return new Uint8Array(length);
    if (this.#at + length > this.#buffer.byteLength) {
      this.#buffer = new ArrayBuffer(SLAB_BYTES);
      this.#at = 0;
    }
    const piece = new Uint8Array(this.#buffer, this.#at, length);
    this.#at += length;
    return piece;
  }
}

/** For what is encoded: mostly gone when it has been sent. */
export const encodedSlab = new Slab();

/** For what is decoded: lives as long as the messages of a few moments. */
export const decodedSlab = new Slab();
