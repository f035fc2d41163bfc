/** What a MAC primitive is to the rest: one key that makes and checks MACs of 32 bytes. The primitives are hmac.ts and blake2b.ts. Owns nothing. */
import type { Bytes } from '../base/bytes.ts';

export const MAC_BYTES = 32;

/** One key of one primitive. */
export interface MacKey {
  /** The MAC of `bytes`: a new array. */
  mac(bytes: Bytes): Bytes;
  /** Is that the MAC of `bytes`? Takes the same time wherever they differ. Never throws, whatever the length of `mac`. */
  verify(bytes: Bytes, mac: Bytes): boolean;
}
