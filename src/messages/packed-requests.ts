/**
 * A list of requests read in one go: the most frequent work of a replica. What it makes of bytes is what `authenticated-requests.ts` makes of them, with the
 * digests packed. Anything that is not as it should be, and anything unusual, is left to the reading there, which knows what to refuse and where.
 */
import type { Bytes } from '../base/bytes.ts';
import { EMPTY } from '../base/bytes.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import type { AuthenticatedRequest, RequestProof } from './bundle.ts';
import { macList } from './bundle.ts';
import { DOMAINS } from './codec-context.ts';
import { LIMITS } from './limits.ts';
import { PackedBundle, PackedRequest } from './packed.ts';
import { EVERYBODY, replicaSet } from './replica-set.ts';
import { REQUEST_UNCOVERED_BYTES, idempotencyKey, request, requestFlags } from './request.ts';
import { HEX_BYTES } from './schema/hex.ts';
import type { Reader } from './schema/reader.ts';
import { RecentHex } from './schema/recent-hex.ts';
import { readLength } from './schema/scalars.ts';
import { decodedSlab } from './schema/slab.ts';
import { signature } from './schema/signed-text.ts';

/** By its client, and everybody is asked. */
export const SIGNED = 1;
export const IN_BUNDLE = 2;
/** As SIGNED, and some are asked. */
export const SIGNED_FOR_SOME = 3;

/** In front of the operation's length, where there is no idempotency key. */
const HEAD_BYTES = HEX_BYTES + 8 + 8 + 1 + 1;
const TWO_32 = 2 ** 32;
const HIGH_END = 2 ** 21;

/** Clients come again and again: each has one text, which the engine tells from others at a glance. */
const recentClients = new RecentHex();

/** A bundle of which requests were read, and their places in the list by their positions in the bundle. */
interface Open {
  readonly bundle: PackedBundle;
  readonly client: ClientId;
  readonly places: number[];
}

/** Requests, and the bundles that they stand in, each once. */
export interface PackedList {
  readonly requests: readonly AuthenticatedRequest[];
  readonly bundles: readonly PackedBundle[];
}

/** The next `length` requests with their proofs; undefined, or a refusal without its path, where the slower reading has to look. Requires: the context hashes into arrays. */
export function readPacked(reader: Reader, length: number): PackedList | undefined {
  const { bytes, context } = reader;
  const packed = new Uint8Array(HEX_BYTES * length);
  const requests: AuthenticatedRequest[] = [];
  const open: Open[] = [];
  let client = '' as ClientId;
  let clientAt = -1;
  while (requests.length < length) {
    const start = reader.at;
    if (reader.remaining < request.minBytes) return undefined;
    if (clientAt < 0 || !isSame(bytes, clientAt, start)) client = recentClients.textOf(bytes, start) as ClientId;
    clientAt = start;
    const session = number(bytes, start + HEX_BYTES);
    const timestamp = number(bytes, start + HEX_BYTES + 8);
    const flags = bytes[start + HEX_BYTES + 16] as number;
    if (session < 0 || timestamp < 0 || flags >= requestFlags.end) return undefined;
    reader.rewind(start + HEAD_BYTES - 1);
    const idempotency = bytes[start + HEAD_BYTES - 1] === 0 ? skipByte(reader) : idempotencyKey.read(reader);
    const operation = readOperation(reader);
    if (operation === undefined) return undefined;
    const replier = reader.u8() as ReplicaId;
    const end = reader.at - REQUEST_UNCOVERED_BYTES;
    context.digestInto(DOMAINS.requestDigest, bytes, start, end, packed, HEX_BYTES * requests.length);
    const proof = readProof(reader, { open, client, place: requests.length });
    if (proof === undefined) return undefined;
    const value = { type: 'request', client, session, timestamp, flags, idempotency, operation, replier } as const;
    requests.push(new PackedRequest(value, proof, packed, requests.length));
  }
  for (const each of open) if (!readBundle(reader, each, packed)) return undefined;
  return { requests, bundles: open.map(({ bundle }) => bundle) };
}

function isSame(bytes: Bytes, left: number, right: number): boolean {
  for (let i = 0; i < HEX_BYTES; i += 1) if (bytes[left + i] !== bytes[right + i]) return false;
  return true;
}

/** The eight bytes from `at`; negative for what is no safe integer. */
function number(bytes: Bytes, at: number): number {
  const high = half(bytes, at);
  return high < HIGH_END ? high * TWO_32 + half(bytes, at + 4) : -1;
}

function half(bytes: Bytes, at: number): number {
  const upper = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  return upper * 0x10000 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
}

function skipByte(reader: Reader): undefined {
  reader.u8();
  return undefined;
}

function readOperation(reader: Reader): Bytes | undefined {
  const length = reader.u32();
  if (length > LIMITS.operationBytes || length + REQUEST_UNCOVERED_BYTES > reader.remaining) return undefined;
  if (length === 0) return EMPTY;
  const { at } = reader;
  reader.rewind(at + length);
  return decodedSlab.copyOf(reader.bytes, at, length);
}

function readProof(
  reader: Reader,
  { open, client, place }: { readonly open: Open[]; readonly client: ClientId; readonly place: number },
): RequestProof | undefined {
  const kind = reader.u8();
  if (kind === SIGNED) return { kind: 'signature', asked: EVERYBODY, signature: signature.read(reader) };
  if (kind === SIGNED_FOR_SOME) {
    const asked = replicaSet.read(reader);
    return asked === EVERYBODY ? undefined : { kind: 'signature', asked, signature: signature.read(reader) };
  }
  if (kind !== IN_BUNDLE) return undefined;
  const index = reader.u16();
  const position = reader.u8();
  if (index > open.length) return undefined;
  if (index === open.length) open.push({ bundle: new PackedBundle(EMPTY), client, places: [] });
  const { bundle, client: owner, places } = open[index] as Open;
  // The same request twice is unusual.
  if (owner !== client || places[position] !== undefined) return undefined;
  places[position] = place;
  return { kind: 'authenticator', bundle, position };
}

/** Completes a bundle; false where it is too short for what stands in it. */
function readBundle(reader: Reader, { bundle, places }: Open, packed: Bytes): boolean {
  bundle.asked = replicaSet.read(reader);
  const length = readLength(reader, 1, LIMITS.requestsPerBundle, 0);
  if (places.length > length) return false;
  bundle.packed = isRow(places, length)
    ? rowOf(packed, places[0] as number, length)
    : gathered(reader, places, packed, length);
  bundle.macs = macList.read(reader);
  return true;
}

/** Does the whole bundle stand in the list, in one row? */
function isRow(places: readonly (number | undefined)[], length: number): boolean {
  const [first] = places;
  if (first === undefined || places.length < length) return false;
  for (let position = 1; position < length; position += 1) if (places[position] !== first + position) return false;
  return true;
}

function rowOf(packed: Bytes, first: number, length: number): Bytes {
  const start = HEX_BYTES * first;
  return HEX_BYTES * length === packed.length ? packed : packed.subarray(start, start + HEX_BYTES * length);
}

/** The digests from the list where they stand in it, and from the frame where not. */
function gathered(reader: Reader, places: readonly (number | undefined)[], packed: Bytes, length: number): Bytes {
  const digests = new Uint8Array(HEX_BYTES * length);
  for (let position = 0; position < length; position += 1) {
    const place = places[position];
    const from = place === undefined ? reader.take(HEX_BYTES) : packed;
    const at = place === undefined ? 0 : HEX_BYTES * place;
    for (let i = 0; i < HEX_BYTES; i += 1) digests[HEX_BYTES * position + i] = from[at + i] as number;
  }
  return digests;
}
