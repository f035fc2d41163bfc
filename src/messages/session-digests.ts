/**
 * The digests of the requests of one session, made one after the other: all of them cover the same bytes at first (domain, cluster, client, session), which
 * stand ready here. Says of each request what `requestDigest` says, and has it expected in replies. Owns a little scratch.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { EMPTY } from '../base/bytes.ts';
import { asReplicaId } from '../base/ids.ts';
import type { ClientId, Digest } from '../base/ids.ts';
import { DOMAINS } from './codec-context.ts';
import type { CodecContext } from './codec-context.ts';
import { encodeValue } from './frame.ts';
import { LIMITS } from './limits.ts';
import { expectedRequests } from './reply-list.ts';
import { REQUEST_UNCOVERED_BYTES, request as requestSchema, requestDigest } from './request.ts';
import type { Request } from './request.ts';
import { copyBytes } from './schema/copy-bytes.ts';
import { lengthBytes } from './schema/scalars.ts';

/** A longer operation costs so much that what comes before it counts for nothing. */
const LARGEST_OPERATION_BYTES = 1024;
const LENGTH_BYTES = 4;
/** Behind the session: timestamp, flags, no idempotency key, length of the operation. */
const OWN_BYTES = 8 + 1 + 1 + LENGTH_BYTES;
const TWO_32 = 2 ** 32;

assert(lengthBytes(LIMITS.operationBytes) === LENGTH_BYTES, 'the length of an operation has four bytes');

export class SessionDigests {
  readonly #context: CodecContext;
  /** What is hashed, up to the operation. */
  #scratch: Bytes;
  /** Where the operation begins. */
  readonly #headBytes: number;
  /** The beginning of the scratch that was hashed last. */
  #view: Bytes;

  constructor(context: CodecContext, client: ClientId, session: number) {
    this.#context = context;
    const bare: Request = {
      type: 'request',
      client,
      session,
      timestamp: 1,
      flags: 0,
      idempotency: undefined,
      operation: EMPTY,
      replier: asReplicaId(0),
    };
    const encoded = encodeValue(requestSchema, bare);
    this.#scratch = context.bound(DOMAINS.requestDigest, encoded, 0, encoded.length - REQUEST_UNCOVERED_BYTES);
    this.#headBytes = this.#scratch.length;
    this.#view = this.#scratch;
  }

  /** Requires: a request of this client and session that keeps to its schema. */
  digestOf(request: Request): Digest {
    const { timestamp, flags, idempotency, operation } = request;
    if (idempotency !== undefined || operation.length > LARGEST_OPERATION_BYTES)
      return requestDigest(this.#context, request);
    const length = this.#headBytes + operation.length;
    if (this.#view.length !== length) this.#resize(length);
    const bytes = this.#scratch;
    const own = this.#headBytes - OWN_BYTES;
    putU32(bytes, own, Math.floor(timestamp / TWO_32));
    putU32(bytes, own + 4, timestamp);
    bytes[own + 8] = flags;
    putU32(bytes, this.#headBytes - LENGTH_BYTES, operation.length);
    copyBytes(operation, 0, bytes, this.#headBytes, operation.length);
    const digest = this.#context.sha256(this.#view);
    expectedRequests.add(digest);
    return digest;
  }

  /** Of the operations of a session the next mostly has as many bytes as the last. */
  #resize(length: number): void {
    if (this.#scratch.length < length) {
      const larger = new Uint8Array(length);
      copyBytes(this.#scratch, 0, larger, 0, this.#headBytes);
      this.#scratch = larger;
    }
    this.#view = this.#scratch.subarray(0, length);
  }
}

/** The lowest 32 bits of a number. */
function putU32(bytes: Bytes, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
