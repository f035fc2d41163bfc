/**
 * What every hash, MAC and signature of this protocol is bound to: a domain, and the cluster. The bytes are always
 * `length of the domain (1 byte) ‖ domain (ASCII) ‖ cluster id (32 bytes) ‖ content`, so no two domains and no two clusters share any.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import { copyBytes } from './schema/copy-bytes.ts';
import { HEX_BYTES, putHex } from './schema/hex.ts';
import { encodedSlab } from './schema/slab.ts';

/** SHA-256 of some bytes, which it must not keep: they are overwritten afterwards. */
export type Sha256 = (bytes: Bytes) => Digest;

/** The same, its 32 bytes written to `target` from `at` on. */
export type Sha256Into = (bytes: Bytes, target: Bytes, at: number) => void;

/** Version of all encodings; part of every domain. */
export const PROTOCOL = 'pbft/1';

/** Domains of what is hashed or signed beside messages; a message's own is its type. No two are equal. */
export const DOMAINS = {
  requestDigest: 'request-digest',
  batchDigest: 'batch-digest',
  resultDigest: 'result-digest',
  requestSignature: 'request-signature',
  bundle: 'bundle',
  viewChangeDigest: 'view-change-digest',
  replyLeaf: 'reply-leaf',
  replyNode: 'reply-node',
  replyTree: 'reply-tree',
  /** Of a statement alone: a reply with the way to what is signed. */
  receipt: 'receipt',
} as const;

/** What is MAC'd in a scratch at most: beyond, an array of its own costs nothing beside the rest, and need not be held. */
const SCRATCH_BYTES = 256 * 1024;

interface Domain {
  readonly prefixLength: number;
  /** Begins with the prefix; the rest is scratch of {@link CodecContext.digest} and {@link CodecContext.boundForNow}. */
  scratch: Bytes;
  /** The beginning of the scratch that was used last. */
  view: Bytes;
  /** Of what the view holds; undefined where that was not hashed. */
  last: Digest | undefined;
}

/** The cluster and the hash that a codec works with; one per process and cluster, cheap to use, immutable to its users. */
export class CodecContext {
  readonly clusterId: Digest;
  readonly sha256: Sha256;
  /** Where there is one, requests are read with their digests packed (packed-requests.ts). */
  readonly sha256Into: Sha256Into | undefined;
  readonly #domains = new Map<string, Domain>();

  constructor(clusterId: Digest, sha256: Sha256, sha256Into?: Sha256Into) {
    this.clusterId = clusterId;
    this.sha256 = sha256;
    this.sha256Into = sha256Into;
  }

  /** SHA-256 of `bytes` from `from` to before `to`, in the domain `pbft/1/<name>` of this cluster. `name` is one of a fixed few. */
  digest(name: string, bytes: Bytes, from = 0, to = bytes.length): Digest {
    const domain = this.#domain(name);
    domain.last = this.sha256(filled(domain, bytes, from, to));
    return domain.last;
  }

  /** As {@link digest}, its 32 bytes written to `target` from `place` on. Requires: this context has `sha256Into`. */
  digestInto(name: string, bytes: Bytes, from: number, to: number, target: Bytes, place: number): void {
    const domain = this.#domain(name);
    domain.last = undefined;
    assert(this.sha256Into !== undefined, 'a context that hashes into arrays');
    this.sha256Into(filled(domain, bytes, from, to), target, place);
  }

  /** As {@link digest}, for what is often the same several times running: then it is hashed once. */
  repeatedDigest(name: string, bytes: Bytes): Digest {
    const { last, view, prefixLength } = this.#domain(name);
    if (last === undefined || view.length !== prefixLength + bytes.length) return this.digest(name, bytes);
    for (let at = 0; at < bytes.length; at += 1)
      if (bytes[at] !== view[prefixLength + at]) return this.digest(name, bytes);
    return last;
  }

  /** The bytes to MAC or sign for the same: a new array. */
  bound(name: string, bytes: Bytes, from = 0, to = bytes.length): Bytes {
    const domain = this.#domain(name);
    const bound = encodedSlab.allocate(domain.prefixLength + to - from);
    copyBytes(domain.scratch, 0, bound, 0, domain.prefixLength);
    copyBytes(bytes, from, bound, domain.prefixLength, to - from);
    return bound;
  }

  /** As {@link bound}, for who is done with them before this context is used again: long ones are not copied into an array of their own. */
  boundForNow(name: string, bytes: Bytes, from: number, to: number): Bytes {
    if (to - from > SCRATCH_BYTES) return this.bound(name, bytes, from, to);
    const domain = this.#domain(name);
    domain.last = undefined;
    return filled(domain, bytes, from, to);
  }

  #domain(name: string): Domain {
    const known = this.#domains.get(name);
    if (known !== undefined) return known;
    const made = makeDomain(`${PROTOCOL}/${name}`, this.clusterId);
    this.#domains.set(name, made);
    return made;
  }
}

function makeDomain(text: string, clusterId: Digest): Domain {
  assert(/^[!-~]{1,255}$/.test(text), 'a domain is 1 to 255 printable ASCII characters');
  const prefixLength = 1 + text.length + HEX_BYTES;
  const scratch = new Uint8Array(prefixLength + 256);
  scratch[0] = text.length;
  for (let i = 0; i < text.length; i += 1) scratch[1 + i] = text.charCodeAt(i);
  assert(putHex(clusterId, scratch, 1 + text.length), 'a cluster id is a digest');
  return { prefixLength, scratch, view: scratch, last: undefined };
}

/** Prefix and content, in the scratch. */
function filled(domain: Domain, bytes: Bytes, from: number, to: number): Bytes {
  const length = domain.prefixLength + to - from;
  if (domain.scratch.length < length) domain.scratch = resized(domain.scratch, domain.prefixLength, 2 * length);
  copyBytes(bytes, from, domain.scratch, domain.prefixLength, to - from);
  // What comes one after the other mostly has one length: the requests of a batch, the digests of batches.
  // A larger scratch comes with a larger length, so an old view never outlives its scratch here.
  if (domain.view.length !== length) domain.view = domain.scratch.subarray(0, length);
  return domain.view;
}

function resized(bytes: Bytes, keep: number, length: number): Bytes {
  const larger = new Uint8Array(length);
  copyBytes(bytes, 0, larger, 0, keep);
  return larger;
}
