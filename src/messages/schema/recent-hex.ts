/**
 * The last digests that came, as text: the votes of a slot all name one batch. A digest that came before is compared instead of converted, and all votes for it share one
 * string, which the engine then tells from another at a glance. Owns a fixed number of them.
 */
import type { Bytes } from '../../base/bytes.ts';
import { HEX_BYTES, hexOf } from './hex.ts';

const PLACES = 16;

export class RecentHex {
  /** The bytes of what stands at each place, one after the other. */
  readonly #bytes = new Uint8Array(PLACES * HEX_BYTES);
  readonly #texts: string[] = Array.from({ length: PLACES }, () => '');

  /** The 32 bytes from `at` as text. Requires: they are there. */
  textOf(bytes: Bytes, at: number): string {
    const place = (bytes[at] as number) % PLACES;
    const known = this.#texts[place] as string;
    if (known !== '' && this.#isAt(place * HEX_BYTES, bytes, at)) return known;
    const text = hexOf(bytes, at);
    this.#texts[place] = text;
    for (let i = 0; i < HEX_BYTES; i += 1) this.#bytes[place * HEX_BYTES + i] = bytes[at + i] as number;
    return text;
  }

  #isAt(start: number, bytes: Bytes, at: number): boolean {
    for (let i = 0; i < HEX_BYTES; i += 1) if (this.#bytes[start + i] !== bytes[at + i]) return false;
    return true;
  }
}
