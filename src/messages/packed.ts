/**
 * Requests and bundles as a frame brought them: their digests are bytes, all of one list in one array, and become texts when somebody asks. To everybody
 * else they are what `bundle.ts` says they are.
 */
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import type { AuthenticatedRequest, Bundle, RequestProof } from './bundle.ts';
import { EVERYBODY } from './replica-set.ts';
import type { ReplicaSet } from './replica-set.ts';
import type { Request } from './request.ts';
import { HEX_BYTES, hexOf, putHex } from './schema/hex.ts';

/** One of a list that was read packed (packed-requests.ts): if its proof names a place in a {@link PackedBundle}, it stands there under its digest. */
export class PackedRequest implements AuthenticatedRequest {
  readonly request: Request;
  readonly proof: RequestProof;
  /** The digests of the whole list, 32 bytes each; not to be changed. */
  readonly packed: Bytes;
  /** Place of its own among them. */
  readonly place: number;
  #digest: Digest | undefined;

  constructor(request: Request, proof: RequestProof, packed: Bytes, place: number) {
    this.request = request;
    this.proof = proof;
    this.packed = packed;
    this.place = place;
  }

  get digest(): Digest {
    this.#digest ??= hexOf(this.packed, HEX_BYTES * this.place) as Digest;
    return this.#digest;
  }
}

/** A bundle of such requests: filled while its list is read, and final then. */
export class PackedBundle implements Bundle {
  asked: ReplicaSet = EVERYBODY;
  macs: readonly Bytes[] = [];
  /** Its digests, 32 bytes each, in order; not to be changed. */
  packed: Bytes;
  #digests: readonly Digest[] | undefined;

  constructor(packed: Bytes) {
    this.packed = packed;
  }

  get digests(): readonly Digest[] {
    this.#digests ??= unpacked(this.packed);
    return this.#digests;
  }
}

/** The digests of a packed list as texts. */
export function unpacked(packed: Bytes): readonly Digest[] {
  return Array.from({ length: packed.length / HEX_BYTES }, (_, at) => hexOf(packed, HEX_BYTES * at) as Digest);
}

/** How many requests a bundle covers. */
export function bundleLength(bundle: Bundle): number {
  return bundle instanceof PackedBundle ? bundle.packed.length / HEX_BYTES : bundle.digests.length;
}

const STARTS_OF_BYTES: readonly number[] = [2 ** 40, 2 ** 32, 2 ** 24, 2 ** 16, 2 ** 8, 1];

/** The first six bytes of its first digest as a number; undefined for a bundle without any. */
export function firstDigestStart(bundle: Bundle): number | undefined {
  if (!(bundle instanceof PackedBundle)) {
    const [first] = bundle.digests;
    return first === undefined ? undefined : Number.parseInt(first.slice(0, 2 * STARTS_OF_BYTES.length), 16);
  }
  let start = 0;
  for (let i = 0; i < STARTS_OF_BYTES.length; i += 1)
    start += (bundle.packed[i] as number) * (STARTS_OF_BYTES[i] as number);
  return start;
}

/** Does `entry` stand in the bundle and at the place that its proof names, under its digest? Not for one that is signed. */
export function standsInBundle(entry: AuthenticatedRequest): boolean {
  const { proof } = entry;
  if (proof.kind === 'signature') return false;
  if (entry instanceof PackedRequest && proof.bundle instanceof PackedBundle) return true;
  return proof.bundle.digests[proof.position] === entry.digest;
}

/** Writes the 32 bytes of its digest; false, with rubbish written, if that is none. */
export function putDigest(entry: AuthenticatedRequest, target: Bytes, at: number): boolean {
  if (!(entry instanceof PackedRequest)) return putHex(entry.digest, target, at);
  const from = HEX_BYTES * entry.place;
  for (let i = 0; i < HEX_BYTES; i += 1) target[at + i] = entry.packed[from + i] as number;
  return true;
}

/** The same request, whatever proves it: of the same digest. */
export function isSameRequest(left: AuthenticatedRequest, right: AuthenticatedRequest): boolean {
  if (left === right) return true;
  const { request: one } = left;
  const { request: other } = right;
  // What the digest covers and is quickly compared.
  if (one.timestamp !== other.timestamp || one.session !== other.session || one.client !== other.client) return false;
  return left.digest === right.digest;
}
