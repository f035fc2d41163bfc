/**
 * The digests of requests as bytes, one after the other. A batch's are hashed, those of a bundle proven, and both looked up later on, so each list is
 * packed once. Packed, a list is one array, which the collector need not look into.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import type { AuthenticatedRequest, Bundle } from './bundle.ts';
import { copyBytes } from './schema/copy-bytes.ts';
import { PackedBundle, PackedRequest, putDigest, standsInBundle, unpacked } from './packed.ts';
import { HEX_BYTES, putHex } from './schema/hex.ts';

/** Shorter lists are packed again: what remembers costs as much. */
const REMEMBERED = 8;

const IS_DIGEST = 'a digest is 64 lowercase hexadecimal characters';

/** By the list itself, which nobody changes. */
const packed = new WeakMap<readonly unknown[], Bytes>();

/** The digests of a bundle, 32 bytes each, in order; not to be changed. Requires: the bundle is final. */
export function packBundle(bundle: Pick<Bundle, 'digests'>): Bytes {
  if (bundle instanceof PackedBundle) return bundle.packed;
  const { digests } = bundle;
  if (digests.length < REMEMBERED) return pack(digests);
  const known = packed.get(digests);
  if (known !== undefined) return known;
  const made = pack(digests);
  packed.set(digests, made);
  return made;
}

/** The digests of requests, 32 bytes each, in order; not to be changed. What stands in a row as in its bundle is copied in one piece. */
export function packRequests(requests: readonly AuthenticatedRequest[]): Bytes {
  const [first] = requests;
  if (first instanceof PackedRequest && isList(first.packed, requests)) return first.packed;
  if (requests.length < REMEMBERED) return packEach(requests);
  const known = packed.get(requests);
  if (known !== undefined) return known;
  const made = new Uint8Array(HEX_BYTES * requests.length);
  for (let at = 0; at < requests.length;) {
    const length = rowLength(requests, at);
    const entry = requests[at] as AuthenticatedRequest;
    const { proof } = entry;
    if (length > 1 && proof.kind === 'authenticator')
      copyBytes(packBundle(proof.bundle), HEX_BYTES * proof.position, made, HEX_BYTES * at, HEX_BYTES * length);
    else putOf(entry, made, at);
    at += length;
  }
  packed.set(requests, made);
  return made;
}

/** How many requests from `start` on stand behind one another in one bundle, each under its digest. At least 1. */
function rowLength(requests: readonly AuthenticatedRequest[], start: number): number {
  const first = (requests[start] as AuthenticatedRequest).proof;
  if (first.kind !== 'authenticator') return 1;
  let length = 0;
  for (; start + length < requests.length; length += 1) {
    const entry = requests[start + length] as AuthenticatedRequest;
    const { proof } = entry;
    const isNext =
      proof.kind === 'authenticator' &&
      proof.bundle === first.bundle &&
      proof.position === first.position + length &&
      standsInBundle(entry);
    if (!isNext) break;
  }
  return Math.max(1, length);
}

/** Are they, all and in order, the list that was read with this array? */
function isList(packed: Bytes, requests: readonly AuthenticatedRequest[]): boolean {
  if (packed.length !== HEX_BYTES * requests.length) return false;
  for (let place = 0; place < requests.length; place += 1) {
    const entry = requests[place];
    if (!(entry instanceof PackedRequest) || entry.packed !== packed || entry.place !== place) return false;
  }
  return true;
}

function packEach(requests: readonly AuthenticatedRequest[]): Bytes {
  const made = new Uint8Array(HEX_BYTES * requests.length);
  for (let at = 0; at < requests.length; at += 1) putOf(requests[at] as AuthenticatedRequest, made, at);
  return made;
}

function putOf(entry: AuthenticatedRequest, target: Bytes, at: number): void {
  assert(putDigest(entry, target, HEX_BYTES * at), IS_DIGEST);
}

function pack(digests: readonly Digest[]): Bytes {
  const made = new Uint8Array(HEX_BYTES * digests.length);
  for (let at = 0; at < digests.length; at += 1) put(digests[at] as Digest, made, at);
  return made;
}

function put(digest: Digest, target: Bytes, at: number): void {
  assert(putHex(digest, target, HEX_BYTES * at), IS_DIGEST);
}

/** A list of digests that is kept long and looked at seldom. */
export class DigestList {
  readonly #packed: Bytes;

  private constructor(bytes: Bytes) {
    this.#packed = bytes;
  }

  static of(digests: readonly Digest[]): DigestList {
    return new DigestList(pack(digests));
  }

  /** Of a list of requests; nothing is packed twice. */
  static ofRequests(requests: readonly AuthenticatedRequest[]): DigestList {
    return new DigestList(packRequests(requests));
  }

  get length(): number {
    return this.#packed.length / HEX_BYTES;
  }

  toArray(): readonly Digest[] {
    return unpacked(this.#packed);
  }

  /** Where `digest` stands first, from 0; -1 if it is not here. */
  indexOf(digest: Digest): number {
    const wanted = new Uint8Array(HEX_BYTES);
    if (!putHex(digest, wanted, 0)) return -1;
    for (let start = 0; start < this.#packed.length; start += HEX_BYTES) {
      let at = 0;
      while (at < HEX_BYTES && this.#packed[start + at] === wanted[at]) at += 1;
      if (at === HEX_BYTES) return start / HEX_BYTES;
    }
    return -1;
  }
}

/** Of no requests. */
export const NO_DIGESTS = DigestList.of([]);
