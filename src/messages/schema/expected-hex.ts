/**
 * Digests that were made here and will come back in messages, as a client's requests do in the replies of several replicas: a digest that is expected is compared instead of
 * converted, and all that name it share one string. They come back in about the order in which they were made, so the one behind the last is looked at first: that
 * memory is at hand. Owns a fixed number of them.
 */
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { HEX_BYTES, hexOf, putHex } from './hex.ts';

/** More than a client has under way. */
const PLACES = 1024;
/** By so many bits of a digest its place is found where the order is another. */
const KEY_BITS = 12;

export class ExpectedHex {
  /** The bytes of what stands at each place, one after the other. */
  readonly #bytes = new Uint8Array(PLACES * HEX_BYTES);
  readonly #texts: string[] = Array.from({ length: PLACES }, () => '');
  /** The place of the last digest with these bits. */
  readonly #placeOf = new Uint16Array(1 << KEY_BITS);
  /** Where the next one is put. */
  #next = 0;
  /** Where the one behind the last that came stands. */
  #guess = 0;

  /** Takes the place of the oldest. Requires: 64 lowercase hexadecimal characters. */
  add(text: string): void {
    const place = this.#next;
    this.#next = (place + 1) % PLACES;
    this.#texts[place] = text;
    assert(putHex(text, this.#bytes, place * HEX_BYTES), 'a digest is 64 lowercase hexadecimal characters');
    this.#placeOf[keyOf(this.#bytes, place * HEX_BYTES)] = place;
  }

  /** The 32 bytes from `at` as text. Requires: they are there. */
  textOf(bytes: Bytes, at: number): string {
    let place = this.#guess;
    if (!this.#isAt(place, bytes, at)) {
      place = this.#placeOf[keyOf(bytes, at)] as number;
      if (!this.#isAt(place, bytes, at)) return hexOf(bytes, at);
    }
    this.#guess = (place + 1) % PLACES;
    return this.#texts[place] as string;
  }

  #isAt(place: number, bytes: Bytes, at: number): boolean {
    const start = place * HEX_BYTES;
    for (let i = 0; i < HEX_BYTES; i += 1) if (this.#bytes[start + i] !== bytes[at + i]) return false;
    // Zeros stand where nothing was put yet.
    return this.#texts[place] !== '';
  }
}

function keyOf(bytes: Bytes, at: number): number {
  return (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) & ((1 << KEY_BITS) - 1);
}
