/** SHA-256 by OpenSSL, which uses the processor's instructions for it. */
import { hash } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import { HASH_BYTES } from '../messages/index.ts';

/** SHA-256, as a codec wants it. */
export function sha256(bytes: Bytes): Digest {
  // What this is known to return need not be looked at: it happens several times for every request.
  return hash('sha256', bytes, 'hex') as Digest;
}

/** The same, its 32 bytes written to `target` from `at` on. */
export function sha256Into(bytes: Bytes, target: Bytes, at: number): void {
  // As text of one character a byte: an array from native code would cost three times as much.
  const text = hash('sha256', bytes, 'binary');
  for (let i = 0; i < HASH_BYTES; i += 1) target[at + i] = text.charCodeAt(i);
}
