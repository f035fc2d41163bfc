/**
 * Ed25519 [RFC 8032], the one implementation that everybody here signs and verifies with: implementations differ in which malformed signatures
 * they take, and what proves a lie to one node must prove it to all. libsodium's, at half the cost of OpenSSL's. Owns no keys but those it is asked to make.
 */
import sodium from 'sodium-native';
import type { Bytes } from '../base/bytes.ts';
import { isCanonicalSignature, KEY_BYTES } from './keys.ts';

const SIGNATURE_BYTES = 64;
const EXPANDED_BYTES = 64;

/** What signs: the secret key in the form that signing wants. It is in no property that is printed or enumerated. */
export class Signer {
  readonly #expanded = new Uint8Array(EXPANDED_BYTES);

  /** Requires: a secret key, 32 bytes, which are copied. */
  constructor(secret: Bytes) {
    sodium.crypto_sign_seed_keypair(new Uint8Array(KEY_BYTES), this.#expanded, secret);
  }

  /** 64 bytes, the same for the same bytes. */
  sign(bytes: Bytes): Bytes {
    const signature = new Uint8Array(SIGNATURE_BYTES);
    sodium.crypto_sign_detached(signature, bytes, this.#expanded);
    return signature;
  }
}

/** Is it a signature of `bytes` under `publicKey`, in its one encoding? Never throws. Requires: an admissible key (`admissibleSigningKey`). */
export function isSignatureOf(publicKey: Bytes, bytes: Bytes, signature: Bytes): boolean {
  return isCanonicalSignature(signature) && sodium.crypto_sign_verify_detached(signature, bytes, publicKey);
}
