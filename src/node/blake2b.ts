/**
 * BLAKE2b-256 (RFC 7693) under one key, by libsodium: keyed, it is a MAC by itself, and one pass where HMAC takes two. The default primitive of new clusters
 * [docs/adr/0025-mac-by-blake2b.md]. Owns the key.
 */
import sodium from 'sodium-native';
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { MAC_BYTES } from './mac-key.ts';
import type { MacKey } from './mac-key.ts';

const KEY_BYTES = 32;

/**
 * The MAC of the moment, of whichever key. An array that is kept, since handing a fresh small one to native code moves it out of the heap, which costs as
 * much as half a MAC; a copy of this one costs next to nothing.
 */
const computed = new Uint8Array(MAC_BYTES);

export class Blake2bKey implements MacKey {
  readonly #key = new Uint8Array(KEY_BYTES);

  /** Requires: 32 bytes, which are copied. */
  constructor(key: Bytes) {
    assert(key.length === KEY_BYTES, 'a key of 32 bytes');
    this.#key.set(key);
  }

  mac(bytes: Bytes): Bytes {
    sodium.crypto_generichash(computed, bytes, this.#key);
    return computed.slice();
  }

  verify(bytes: Bytes, mac: Bytes): boolean {
    if (mac.length !== MAC_BYTES) return false;
    sodium.crypto_generichash(computed, bytes, this.#key);
    let difference = 0;
    for (let at = 0; at < MAC_BYTES; at += 1) difference |= (computed[at] ?? 0) ^ (mac[at] ?? 0);
    return difference === 0;
  }
}
