/**
 * Raw public and secret keys (hex, as configurations hold them) and node:crypto's KeyObjects, and the one strict rule for admitting a
 * public key. Owns nothing. Curve arithmetic here is on public keys only, so it need not be constant-time. [RFC 8032, RFC 7748]
 */
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';
import { concatBytes, fromHex, toHex } from '../base/bytes.ts';

export type Curve = 'ed25519' | 'x25519';

/** Length of every key of both curves, public and secret, in bytes. */
export const KEY_BYTES = 32;

/** DER around a raw key (RFC 8410): only the algorithm identifier differs between the curves. */
const SPKI_PREFIX: { readonly [curve in Curve]: Bytes } = {
  ed25519: derPrefix('302a300506032b6570032100'),
  x25519: derPrefix('302a300506032b656e032100'),
};
const PKCS8_PREFIX: { readonly [curve in Curve]: Bytes } = {
  ed25519: derPrefix('302e020100300506032b657004220420'),
  x25519: derPrefix('302e020100300506032b656e04220420'),
};

function derPrefix(hex: string): Bytes {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

/** 2^255 − 19. */
const FIELD_PRIME = 2n ** 255n - 19n;
/** d of the curve −x² + y² = 1 + d·x²·y². */
const CURVE_D = 0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3n;
/** Order of the prime-order subgroup. */
const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const SIGN_BIT = 1n << 255n;

/** y of the eight points whose order divides 8; each y but ±1 has two of them, which differ in the sign of x. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  FIELD_PRIME - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
]);

/** The same bytes as a plain Uint8Array: the core may rely on `slice` making a copy, which a Buffer's does not. */
export function plainBytes(buffer: Buffer): Bytes {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

const KEY_HEX = /^[0-9a-f]{64}$/;

/** Why a public key is not admitted; `reason` says what it is and what to do. */
export interface KeyRefusal {
  readonly code: 'not-a-key' | 'non-canonical-key' | 'not-on-curve' | 'small-order-key';
  readonly reason: string;
}

function littleEndian(bytes: Bytes): bigint {
  return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % FIELD_PRIME;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % FIELD_PRIME;
    square = (square * square) % FIELD_PRIME;
  }
  return result;
}

/** x² = (y²−1)/(d·y²+1) has a root exactly when (y²−1)·(d·y²+1) is a square (Euler's criterion); y² = 1 gives x = 0. */
function isOnCurve(y: bigint): boolean {
  const square = (y * y) % FIELD_PRIME;
  const numerator = (square + FIELD_PRIME - 1n) % FIELD_PRIME;
  const denominator = (CURVE_D * square + 1n) % FIELD_PRIME;
  return power(numerator * denominator, (FIELD_PRIME - 1n) / 2n) !== FIELD_PRIME - 1n;
}

/**
 * Why an Ed25519 public key must not enter a configuration, or undefined when it may: 64 lowercase hexadecimal characters, y below
 * 2^255−19, a point of the curve, and not one of the eight of small order, for which implementations disagree on what verifies.
 */
export function admissibleSigningKey(hex: string): KeyRefusal | undefined {
  const bytes = KEY_HEX.test(hex) ? fromHex(hex) : undefined;
  if (bytes === undefined) return notAKey('signing');
  const y = littleEndian(bytes) & (SIGN_BIT - 1n);
  if (y >= FIELD_PRIME)
    return { code: 'non-canonical-key', reason: 'this signing key is not in canonical form; make a new identity' };
  if (SMALL_ORDER_Y.has(y))
    return {
      code: 'small-order-key',
      reason: 'this signing key is a small-order point that proves nothing; make a new identity',
    };
  if (!isOnCurve(y))
    return {
      code: 'not-on-curve',
      reason: 'this signing key is no point of the curve; check that it was copied whole',
    };
  return undefined;
}

/** Any X25519 secret: with it a small-order peer gives the all-zero result, as with every other (RFC 7748 §6.1). */
const PROBE: KeyObject = secretKeyObject('x25519', new Uint8Array(KEY_BYTES).fill(0x55));

/** Why an X25519 public key must not enter a configuration, or undefined when it may: canonical, and not of small order. */
export function admissibleAgreementKey(hex: string): KeyRefusal | undefined {
  const bytes = KEY_HEX.test(hex) ? fromHex(hex) : undefined;
  if (bytes === undefined) return notAKey('agreement');
  if (littleEndian(bytes) >= FIELD_PRIME) {
    return { code: 'non-canonical-key', reason: 'this agreement key is not in canonical form; make a new identity' };
  }
  if (agree(PROBE, hex) === undefined) {
    return {
      code: 'small-order-key',
      reason: 'this agreement key is a small-order point that shares no secret; make a new identity',
    };
  }
  return undefined;
}

function notAKey(kind: string): KeyRefusal {
  return { code: 'not-a-key', reason: `a ${kind} key is 64 lowercase hexadecimal characters` };
}

/** Requires: `hex` passed the admission of its curve. */
export function publicKeyObject(curve: Curve, hex: string): KeyObject {
  const raw = fromHex(hex) ?? new Uint8Array(0);
  return createPublicKey({ key: Buffer.from(concatBytes(SPKI_PREFIX[curve], raw)), format: 'der', type: 'spki' });
}

/** Requires: 32 bytes. */
export function secretKeyObject(curve: Curve, secret: Bytes): KeyObject {
  const key = Buffer.from(concatBytes(PKCS8_PREFIX[curve], secret));
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** The raw secret inside a private key, 32 bytes. */
export function rawSecret(key: KeyObject): Bytes {
  return Uint8Array.from(key.export({ format: 'der', type: 'pkcs8' }).subarray(-KEY_BYTES));
}

/** The public half of a private key, as hex. */
export function publicHex(key: KeyObject): string {
  return toHex(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES));
}

/** X25519 of an own secret and a peer's public key, 32 bytes; undefined when the result would be all zero. */
export function agree(secret: KeyObject, peerHex: string): Bytes | undefined {
  try {
    const shared = diffieHellman({ privateKey: secret, publicKey: publicKeyObject('x25519', peerHex) });
    return shared.some((byte) => byte !== 0) ? plainBytes(shared) : undefined;
  } catch {
    // OpenSSL refuses an all-zero result by failing the derivation.
    return undefined;
  }
}

/** True for 64 bytes whose S (the last 32, little-endian) is below the group order: the one encoding of a signature [RFC 8032 §5.1.7]. */
export function isCanonicalSignature(signature: Bytes): boolean {
  if (signature.length !== 2 * KEY_BYTES) return false;
  // Below 2^252 it is below the order; nearly every signature ends here.
  if ((signature[63] ?? 0xff) < 0x10) return true;
  return littleEndian(signature.subarray(KEY_BYTES)) < GROUP_ORDER;
}
