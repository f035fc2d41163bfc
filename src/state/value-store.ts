/**
 * Copies of short values, cut one after the other from small blocks. An engine keeps up to 64 bytes of a typed array inside the object; beyond that
 * each array is a system allocation with a finaliser, several times as dear as all else that a put costs. A value keeps its block alive: so blocks
 * are small, and whoever bounds what he holds counts them.
 */
import type { Bytes } from '../base/bytes.ts';

const INLINE_BYTES = 64;
const LONGEST_BYTES = 256;
export const BLOCK_BYTES = 1024;

export class ValueStore {
  #block = new ArrayBuffer(0);
  #at = 0;
  #blockCount = 0;

  /** Blocks that were begun so far, each of `BLOCK_BYTES`. */
  get blockCount(): number {
    return this.#blockCount;
  }

  copyOf(value: Bytes): Bytes {
    const { length } = value;
    if (!isCut(length)) return new Uint8Array(value);
    if (this.#at + length > this.#block.byteLength) {
      this.#block = new ArrayBuffer(BLOCK_BYTES);
      this.#blockCount += 1;
      this.#at = 0;
    }
    const copy = new Uint8Array(this.#block, this.#at, length);
    copy.set(value);
    this.#at += length;
    return copy;
  }
}

function isCut(length: number): boolean {
  return length > INLINE_BYTES && length <= LONGEST_BYTES;
}

/** `value`, or a copy if it would keep a block alive: for whoever holds it for longer than all that was changed with it. */
export function apart(value: Bytes): Bytes {
  return isCut(value.length) ? new Uint8Array(value) : value;
}
