/**
 * HMAC-SHA-256 (RFC 2104) under one key, as the two one-shot hashes that it is: a third of the time of an object of node:crypto, and nothing for the
 * collector to finalise. Where a cluster has chosen it every frame is made and checked with it. Owns the key.
 */
import { hash } from 'node:crypto';
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { MAC_BYTES } from './mac-key.ts';
import type { MacKey } from './mac-key.ts';

/** Of SHA-256. */
const BLOCK_BYTES = 64;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
/** Room that is kept for messages; a longer one gets room for the moment, so that many keys take little. */
const KEPT_BYTES = 1024;

export class HmacKey implements MacKey {
  /** The key with the inner pad, then the message of the moment. */
  readonly #inner: Bytes;
  /** Its beginning that was hashed last: messages one after the other often have one length. */
  #view: Bytes;
  /** The key with the outer pad, then the inner hash of the moment. */
  readonly #outer = new Uint8Array(BLOCK_BYTES + MAC_BYTES);

  /** Requires: at most 64 bytes, which are copied. */
  constructor(key: Bytes) {
    assert(key.length <= BLOCK_BYTES, 'a longer key would have to be hashed first');
    this.#inner = new Uint8Array(BLOCK_BYTES + KEPT_BYTES);
    this.#view = this.#inner;
    for (let at = 0; at < BLOCK_BYTES; at += 1) {
      const byte = key[at] ?? 0;
      this.#inner[at] = byte ^ INNER_PAD;
      this.#outer[at] = byte ^ OUTER_PAD;
    }
  }

  mac(bytes: Bytes): Bytes {
    const text = this.#compute(bytes);
    const mac = new Uint8Array(MAC_BYTES);
    for (let at = 0; at < MAC_BYTES; at += 1) mac[at] = text.charCodeAt(at);
    return mac;
  }

  verify(bytes: Bytes, mac: Bytes): boolean {
    if (mac.length !== MAC_BYTES) return false;
    const text = this.#compute(bytes);
    let difference = 0;
    for (let at = 0; at < MAC_BYTES; at += 1) difference |= text.charCodeAt(at) ^ (mac[at] ?? 0);
    return difference === 0;
  }

  /** One character for each byte: a string costs a fraction of a buffer here. */
  #compute(bytes: Bytes): string {
    const inner = hash('sha256', this.#behindKey(bytes), 'binary');
    for (let at = 0; at < MAC_BYTES; at += 1) this.#outer[BLOCK_BYTES + at] = inner.charCodeAt(at);
    return hash('sha256', this.#outer, 'binary');
  }

  #behindKey(bytes: Bytes): Bytes {
    const length = BLOCK_BYTES + bytes.length;
    if (length > this.#inner.length) {
      const long = new Uint8Array(length);
      long.set(this.#inner.subarray(0, BLOCK_BYTES));
      long.set(bytes, BLOCK_BYTES);
      return long;
    }
    this.#inner.set(bytes, BLOCK_BYTES);
    if (this.#view.length !== length) this.#view = this.#inner.subarray(0, length);
    return this.#view;
  }
}
