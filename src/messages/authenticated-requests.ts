/**
 * The encoding of a list of requests with their proofs, as it stands in a batch and in REQUESTS. The requests come first, each naming its
 * bundle by number and its position there; then the bundles, in order of first use. Of a bundle's digests only those are written whose
 * requests are not in the list: the others are known. No two bundles are equal, and all requests of one are of one client, so that who
 * has verified a bundle for one of its requests has verified it for all.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, Digest } from '../base/ids.ts';
import { authenticatedRequestsForm } from './authenticated-requests-json.ts';
import type { AuthenticatedRequest, Bundle, RequestProof, Row } from './bundle.ts';
import { bundleSize, hasEqualBundles, macList, tabulate } from './bundle.ts';
import { DOMAINS } from './codec-context.ts';
import { LIMITS } from './limits.ts';
import { bundleLength } from './packed.ts';
import { IN_BUNDLE, SIGNED, SIGNED_FOR_SOME, readPacked } from './packed-requests.ts';
import { refuse, within } from './refusal.ts';
import { EVERYBODY, replicaSet } from './replica-set.ts';
import type { ReplicaSet } from './replica-set.ts';
import { REQUEST_UNCOVERED_BYTES, request, requestSize } from './request.ts';
import { bounded } from './schema/composites.ts';
import { HEX_BYTES } from './schema/hex.ts';
import type { Reader } from './schema/reader.ts';
import { digest as digestSchema, lengthBytes, readLength, writeLength } from './schema/scalars.ts';
import type { Schema } from './schema/schema.ts';
import { SIGNATURE_BYTES, signature } from './schema/signed-text.ts';
import type { Writer } from './schema/writer.ts';

/** Kind, number of the bundle, position. */
const PLACE_BYTES = 1 + 2 + 1;
const HEAD_BYTES = lengthBytes(LIMITS.requestsPerBatch);

assert(LIMITS.requestsPerBatch <= 0x10000, 'the number of a bundle has two bytes');
assert(LIMITS.requestsPerBundle <= 0x100, 'a position in a bundle has one byte');

/** Up to `LIMITS.requestsPerBatch` requests and `LIMITS.batchBytes` bytes, with their proofs. */
export const authenticatedRequests: Schema<readonly AuthenticatedRequest[]> = bounded(
  {
    minBytes: HEAD_BYTES,
    maxBytes: LIMITS.batchBytes,
    write,
    read,
    json: authenticatedRequestsForm,
  },
  LIMITS.batchBytes,
  authenticatedRequestsSize,
);

/** Bytes that the request adds to a list, without its bundle. What fills a batch adds {@link bundleSize} once per bundle. */
export function authenticatedRequestSize({ request: value, proof }: AuthenticatedRequest): number {
  if (proof.kind !== 'signature') return requestSize(value) + PLACE_BYTES;
  return requestSize(value) + 1 + (proof.asked === EVERYBODY ? 0 : replicaSet.maxBytes) + SIGNATURE_BYTES;
}

/** Bytes of the encoded list. Throws InvariantViolation if a request does not fit its bundle. */
export function authenticatedRequestsSize(requests: readonly AuthenticatedRequest[]): number {
  let size = HEAD_BYTES;
  for (const entry of requests) size += authenticatedRequestSize(entry);
  for (const { bundle, isListed } of tabulate(requests).rows) {
    size += bundleSize(bundle) - HEX_BYTES * isListed.filter(Boolean).length;
  }
  return size;
}

function write(writer: Writer, requests: readonly AuthenticatedRequest[]): void {
  const { rows, rowOf } = tabulate(requests);
  writeLength(writer, requests.length, LIMITS.requestsPerBatch);
  for (let i = 0; i < requests.length; i += 1) {
    const { request: value, proof } = requests[i] as AuthenticatedRequest;
    request.write(writer, value);
    if (proof.kind === 'signature') {
      writer.u8(proof.asked === EVERYBODY ? SIGNED : SIGNED_FOR_SOME);
      if (proof.asked !== EVERYBODY) replicaSet.write(writer, proof.asked);
      signature.write(writer, proof.signature);
    } else {
      writer.u8(IN_BUNDLE);
      writer.u16((rowOf[i] as Row).number);
      writer.u8(proof.position);
    }
  }
  for (const { bundle, isListed } of rows) {
    replicaSet.write(writer, bundle.asked);
    const length = bundleLength(bundle);
    writeLength(writer, length, LIMITS.requestsPerBundle);
    for (let i = 0; i < length; i += 1)
      if (isListed[i] !== true) digestSchema.write(writer, bundle.digests[i] as Digest);
    macList.write(writer, bundle.macs);
  }
}

/** A bundle being put together; final when the list has been read. */
interface OpenBundle extends Bundle {
  asked: ReplicaSet;
  readonly digests: Digest[];
  macs: readonly Bytes[];
}

function read(reader: Reader): readonly AuthenticatedRequest[] {
  const length = readLength(reader, 0, LIMITS.requestsPerBatch, request.minBytes + PLACE_BYTES);
  return readQuickly(reader, length) ?? readSlowly(reader, length);
}

/** Packed, where the context can do that; undefined, and nothing is read, where the slow reading has to look. */
function readQuickly(reader: Reader, length: number): readonly AuthenticatedRequest[] | undefined {
  if (reader.context.sha256Into === undefined) return undefined;
  const start = reader.at;
  try {
    const list = readPacked(reader, length);
    if (list !== undefined && !hasEqualBundles(list.bundles)) return list.requests;
  } catch {
    // Whatever is wrong, the slow reading finds it.
  }
  reader.rewind(start);
  return undefined;
}

function readSlowly(reader: Reader, length: number): readonly AuthenticatedRequest[] {
  const requests: AuthenticatedRequest[] = [];
  const bundles: OpenBundle[] = [];
  const clients: ClientId[] = [];
  try {
    while (requests.length < length) requests.push(readRequest(reader, bundles, clients));
  } catch (thrown) {
    throw within(`[${requests.length}]`, thrown);
  }
  for (let i = 0; i < bundles.length; i += 1) readBundle(reader, bundles[i] as OpenBundle, i);
  if (hasEqualBundles(bundles)) refuse('not-canonical');
  return requests;
}

function readRequest(reader: Reader, bundles: OpenBundle[], clients: ClientId[]): AuthenticatedRequest {
  const start = reader.at;
  const value = request.read(reader);
  const digest = reader.context.digest(DOMAINS.requestDigest, reader.bytes, start, reader.at - REQUEST_UNCOVERED_BYTES);
  return { request: value, digest, proof: readProof(reader, value.client, digest, bundles, clients) };
}

function readProof(
  reader: Reader,
  client: ClientId,
  digest: Digest,
  bundles: OpenBundle[],
  clients: ClientId[],
): RequestProof {
  const kind = reader.u8();
  if (kind === SIGNED || kind === SIGNED_FOR_SOME) {
    const asked = kind === SIGNED ? EVERYBODY : replicaSet.read(reader);
    if (kind === SIGNED_FOR_SOME && asked === EVERYBODY) refuse('not-canonical', 'proof.asked');
    return { kind: 'signature', asked, signature: signature.read(reader) };
  }
  if (kind !== IN_BUNDLE) refuse('out-of-range', 'proof.kind');
  const number = reader.u16();
  const position = reader.u8();
  if (number > bundles.length) refuse('not-canonical', 'proof.bundle');
  if (number === bundles.length) {
    bundles.push({ asked: EVERYBODY, digests: [], macs: [] });
    clients.push(client);
  }
  const bundle = bundles[number] as OpenBundle;
  const other = bundle.digests[position];
  if (clients[number] !== client || (other !== undefined && other !== digest))
    refuse('bundle-mismatch', 'proof.position');
  bundle.digests[position] = digest;
  return { kind: 'authenticator', bundle, position };
}

/** Completes a bundle: who is asked, the digests whose requests were not in the list, in order, and the MACs. */
function readBundle(reader: Reader, bundle: OpenBundle, number: number): void {
  const { digests } = bundle;
  try {
    bundle.asked = replicaSet.read(reader);
    const length = readLength(reader, 1, LIMITS.requestsPerBundle, 0);
    if (digests.length > length) refuse('bundle-mismatch', 'digests');
    for (let i = 0; i < length; i += 1) digests[i] ??= digestSchema.read(reader);
    bundle.macs = macList.read(reader);
  } catch (thrown) {
    throw within(`bundles[${number}]`, thrown);
  }
}
