/**
 * What proves that a request is its client's. A client authenticates a *bundle* of requests at once: one MAC per replica over the list of
 * their digests. Each request of a bundle travels with the whole list, so that any part of a bundle can be checked.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { toHex } from '../base/bytes.ts';
import type { ClientId, Digest } from '../base/ids.ts';
import { LIMITS } from './limits.ts';
import { bundleLength, firstDigestStart, standsInBundle } from './packed.ts';
import { replicaSet } from './replica-set.ts';
import type { ReplicaSet } from './replica-set.ts';
import type { Request } from './request.ts';
import { list } from './schema/composites.ts';
import { HEX_BYTES } from './schema/hex.ts';
import { lengthBytes } from './schema/scalars.ts';
import { mac } from './schema/signed-text.ts';

/** One authenticator of a client: the digests of the requests it covers (1 to `LIMITS.requestsPerBundle`), and a MAC over them per replica. */
export interface Bundle {
  /** Who is to reply when they are executed. Covered by the MACs, and not by the digests: who is asked again is asked otherwise. */
  readonly asked: ReplicaSet;
  readonly digests: readonly Digest[];
  readonly macs: readonly Bytes[];
}

/** Why a request is believed to be its client's: the client's Ed25519 signature (64 bytes), or a place in a bundle of the client. `asked`, who is to reply, is covered by the signature. */
export type RequestProof =
  | { readonly kind: 'signature'; readonly asked: ReplicaSet; readonly signature: Bytes }
  | { readonly kind: 'authenticator'; readonly bundle: Bundle; readonly position: number };

/** Who is to reply when the request is executed, as its client says in its proof. */
export function askedBy(proof: RequestProof): ReplicaSet {
  return proof.kind === 'signature' ? proof.asked : proof.bundle.asked;
}

/** A request, its digest (never sent, always computed) and its proof. Decoded requests of one bundle share one {@link Bundle} object. */
export interface AuthenticatedRequest {
  readonly request: Request;
  readonly digest: Digest;
  readonly proof: RequestProof;
}

/** The MACs of a bundle, one per replica in the order of their indices. */
export const macList = list(mac, LIMITS.replicas);

const BUNDLE_HEAD_BYTES = replicaSet.maxBytes + lengthBytes(LIMITS.requestsPerBundle) + macList.minBytes;

/** A bundle as one of several under a list of requests. */
export interface Row {
  /** Bundles are numbered from 0 in order of first use. */
  readonly number: number;
  readonly bundle: Bundle;
  readonly client: ClientId;
  /** By position: its request is in the list. */
  readonly isListed: boolean[];
}

/** The bundles that a list of requests uses. */
export interface BundleTable {
  readonly rows: readonly Row[];
  /** For each request its bundle; undefined if it is signed. */
  readonly rowOf: readonly (Row | undefined)[];
}

/**
 * The bundles of a list of requests; equal ones are one. `reject` is called with the index of a request that cannot stand in the bundle
 * it names: no such position, another digest there, or a bundle that a request of another client uses too. Without it that is a bug of
 * ours: throws InvariantViolation.
 */
export function tabulate(
  requests: readonly AuthenticatedRequest[],
  reject: (index: number) => never = breakBundle,
): BundleTable {
  const table = tabulateBy((bundle) => bundle, requests, reject);
  return hasEqualBundles(table.rows.map((row) => row.bundle)) ? tabulateBy(textOf, requests, reject) : table;
}

/** True if two of them have the same content. Cost O(total size), whatever the input. */
export function hasEqualBundles(bundles: readonly Bundle[]): boolean {
  if (bundles.length < 2) return false;
  const firsts = new Set<number | undefined>();
  for (const bundle of bundles) firsts.add(firstDigestStart(bundle));
  // Bundles of different first requests differ; only a client that issued one twice, or a liar, makes us look closer.
  return firsts.size < bundles.length && new Set(bundles.map(textOf)).size < bundles.length;
}

/** Bytes of a bundle at most: with none of its requests in the list. */
export function bundleSize(bundle: Bundle): number {
  let size = BUNDLE_HEAD_BYTES + HEX_BYTES * bundleLength(bundle);
  for (const entry of bundle.macs) size += 1 + entry.length;
  return size;
}

function breakBundle(index: number): never {
  assert(false, `request ${index} stands in its bundle, under its digest and with others of its client only`);
}

function tabulateBy(
  keyOf: (bundle: Bundle) => Bundle | string,
  requests: readonly AuthenticatedRequest[],
  reject: (index: number) => never,
): BundleTable {
  const rowOfKey = new Map<Bundle | string, Row>();
  const rowOf: (Row | undefined)[] = [];
  const rows: Row[] = [];
  let row: Row | undefined;
  for (const entry of requests) {
    const { request, proof } = entry;
    if (proof.kind === 'signature') {
      rowOf.push(undefined);
      continue;
    }
    const { bundle, position } = proof;
    if (row?.bundle !== bundle) row = rowOfKey.get(keyOf(bundle));
    if (row === undefined) {
      row = { number: rows.length, bundle, client: request.client, isListed: [] };
      rows.push(row);
      rowOfKey.set(keyOf(bundle), row);
    }
    if (!standsInBundle(entry) || row.client !== request.client) reject(rowOf.length);
    row.isListed[position] = true;
    rowOf.push(row);
  }
  return { rows, rowOf };
}

function textOf(bundle: Bundle): string {
  return `${bundle.asked};${bundle.digests.join()};${bundle.macs.map(toHex).join()}`;
}
