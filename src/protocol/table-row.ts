/**
 * Rows of the protocol's tables in the replicated state: fixed-width big-endian fields, then bytes to the end. One value has one encoding, so
 * that the root is a function of the content. Rows come from a state whose root was certified: one that does not read is a bug of ours.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { fromHex, toHex, writeHex } from '../base/bytes.ts';
import { asClientId, asDigest } from '../base/ids.ts';
import type { ClientId, Digest } from '../base/ids.ts';

const TWO_32 = 2 ** 32;
/** Of a digest or client id. */
export const HEX_BYTES = 32;

/** Eight bytes, big-endian. */
export function numberBytes(value: number): Bytes {
  const row = new RowWriter(8);
  row.number(value);
  return row.end();
}

/** The 32 bytes of a digest or client id. */
export function hexBytes(text: Digest | ClientId): Bytes {
  const bytes = fromHex(text);
  assert(bytes?.length === HEX_BYTES, 'a digest or client id has 32 bytes');
  return bytes;
}

/** Writes a row of a size known beforehand. */
export class RowWriter {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(sizeBytes: number) {
    this.#bytes = new Uint8Array(sizeBytes);
  }

  byte(value: number): void {
    this.#bytes[this.#at] = value;
    this.#at += 1;
  }

  /** An integer from 0 to 2^53−1, eight bytes. */
  number(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'a table holds integers from 0 to 2^53-1');
    const high = Math.floor(value / TWO_32);
    this.#half(high);
    this.#half(value - high * TWO_32);
  }

  #half(value: number): void {
    for (let shift = 24; shift >= 0; shift -= 8) this.byte(value >>> shift);
  }

  digest(value: Digest | ClientId): void {
    const isHex = value.length === 2 * HEX_BYTES && writeHex(value, this.#bytes, this.#at);
    assert(isHex, 'a digest or client id has 32 bytes');
    this.#at += HEX_BYTES;
  }

  bytes(value: Bytes): void {
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** The row. Requires: as long as announced. */
  end(): Bytes {
    assert(this.#at === this.#bytes.length, 'a row is as long as announced');
    return this.#bytes;
  }
}

/** Reads what {@link RowWriter} wrote. */
export class RowReader {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  number(): number {
    const bytes = this.#take(8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
    const value = view.getUint32(0) * TWO_32 + view.getUint32(4);
    assert(Number.isSafeInteger(value), 'a table holds integers from 0 to 2^53-1');
    return value;
  }

  digest(): Digest {
    return asDigest(toHex(this.#take(HEX_BYTES)));
  }

  client(): ClientId {
    return asClientId(toHex(this.#take(HEX_BYTES)));
  }

  /** A copy of `length` bytes, by default of all that is left. */
  bytes(length: number = this.#bytes.length - this.#at): Bytes {
    return this.#take(length).slice();
  }

  end(): void {
    assert(this.#at === this.#bytes.length, 'a row ends where its last field ends');
  }

  #take(length: number): Bytes {
    assert(length >= 0 && this.#at + length <= this.#bytes.length, 'a row is as long as its fields');
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }
}
