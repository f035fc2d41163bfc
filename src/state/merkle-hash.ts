/**
 * What a root is a hash of. The definition, whatever the storage: a binary tree over the SHA-256 of each key, read as 256 bits from the
 * most significant one. A subtree of one entry is its leaf; a subtree of more is a node that names the first bit in which its keys' digests
 * differ and hashes the entries with 0 there (left) and with 1 there (right). So content alone decides the shape, and no path is longer
 * than 256. Leaf, node and the empty tree are hashed in different domains; a leaf binds the key, a node its bit.
 */
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';

/** SHA-256, from outside. It must not keep or change the bytes it is given. */
export type Sha256 = (bytes: Bytes) => Digest;

/** How many bits decide a path: those of a SHA-256. */
export const PATH_BITS = 256;

const DIGEST_BYTES = 32;

const LEAF_DOMAIN = asciiBytes('pbft-state-leaf:');
const NODE_DOMAIN = asciiBytes('pbft-state-node:');
const EMPTY_DOMAIN = asciiBytes('pbft-state-empty:');

function asciiBytes(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The root of a state without entries. */
export function emptyRoot(sha256: Sha256): Digest {
  return sha256(EMPTY_DOMAIN);
}

/** The hash of one entry, from the SHA-256 of its key and of its value. */
export function leafHash(sha256: Sha256, keyDigest: Digest, valueDigest: Digest): Digest {
  const at = LEAF_DOMAIN.length;
  const bytes = new Uint8Array(at + 2 * DIGEST_BYTES);
  bytes.set(LEAF_DOMAIN);
  writeDigest(bytes, at, keyDigest);
  writeDigest(bytes, at + DIGEST_BYTES, valueDigest);
  return sha256(bytes);
}

/** The hash of an inner node: `bit` (0 … 255), then the hashes of its two subtrees. */
export function nodeHash(sha256: Sha256, bit: number, left: Digest, right: Digest): Digest {
  const at = NODE_DOMAIN.length;
  const bytes = new Uint8Array(at + 1 + 2 * DIGEST_BYTES);
  bytes.set(NODE_DOMAIN);
  bytes[at] = bit;
  writeDigest(bytes, at + 1, left);
  writeDigest(bytes, at + 1 + DIGEST_BYTES, right);
  return sha256(bytes);
}

/** Bit `bit` (0 = most significant) of a digest. */
export function bitOf(digest: Digest, bit: number): 0 | 1 {
  return (nibble(digest, bit >> 2) & (8 >> (bit & 3))) === 0 ? 0 : 1;
}

/** The first bit in which two digests differ; undefined when they are equal. */
export function firstDifferingBit(left: Digest, right: Digest): number | undefined {
  for (let i = 0; i < left.length; i += 1) {
    const difference = nibble(left, i) ^ nibble(right, i);
    if (difference !== 0) return 4 * i + (Math.clz32(difference) - 28);
  }
  return undefined;
}

/** The value of one hexadecimal character: '0' is 48, 'a' is 97. */
function nibble(digest: Digest, at: number): number {
  const code = digest.charCodeAt(at);
  return code < 58 ? code - 48 : code - 87;
}

function writeDigest(bytes: Uint8Array, start: number, digest: Digest): void {
  for (let i = 0; i < DIGEST_BYTES; i += 1) {
    bytes[start + i] = (nibble(digest, 2 * i) << 4) | nibble(digest, 2 * i + 1);
  }
}
