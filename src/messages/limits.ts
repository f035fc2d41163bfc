/**
 * The size of everything that can be sent. A limit is part of the schema that uses it: the decoder refuses what is above it before it
 * allocates, and the encoder asserts it. Where one limit follows from others, the relation is stated and asserted here.
 */
import { assert } from '../base/assert.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Sizes in bytes, counts in items. */
export const LIMITS = {
  /** Replicas of a cluster, hence MACs of an authenticator. */
  replicas: 31,
  /** A truncated MAC keeps at least 128 bits (of HMAC-SHA-256 NIST SP 800-107 §5.3.3 allows less; nothing here needs it). */
  macMinBytes: 16,
  macMaxBytes: 32,
  /** One operation, as the HTTP API takes it. */
  operationBytes: 64 * KIB,
  /** The result of one operation. Above an operation, so that what was put can be read back with what describes it. */
  resultBytes: 256 * KIB,
  /** Idempotency key and scope, in characters. */
  idempotencyKeyLength: 64,
  idempotencyScopeLength: 64,
  /** Operations of one compound request. */
  operationsPerRequest: 256,
  /** Requests under one authenticator of a client. Each request of a bundle that is ordered alone carries the digests of all others: 32 bytes each. */
  requestsPerBundle: 256,
  /** Requests in one batch, one REQUESTS frame, one COMPLAINT; replies in one REPLIES frame. */
  requestsPerBatch: 4096,
  /** Replies under one signature of a replica. */
  repliesPerTree: 4096,
  /** All requests of a batch or of a REQUESTS frame with their proofs; all replies of a REPLIES frame. A primary closes a batch before it grows larger. */
  batchBytes: 4 * MIB,
  /** Slots that STATUS, FETCH and DECIDED can name: the widest log window (L). */
  windowSlots: 4096,
  /** Digests that one VIEW-CHANGE may list as pre-prepared. What a configuration allows is less: see `digestsPerSlot`. */
  claimedDigests: 65_536,
  /** All VIEW-CHANGEs of one NEW-VIEW. */
  viewChangesBytes: 3.5 * MIB,
  /** Subtrees that one FETCH-STATE asks for; the bytes of the answer are bounded by `batchBytes`. */
  subtrees: 256,
  /** Entries of one subtree in a STATE, and inner nodes of one. */
  stateEntries: 4096,
  stateNodes: 1023,
  /** Name of a Byzantine behaviour, in characters. */
  behaviourLength: 64,
  /** One frame on a link: the largest valid message (one with a full batch, or as much of something else), the fields around it and its proof. */
  frameBytes: 4 * MIB + 4 * KIB,
  /** A batch timestamp, ms since 1970: the end of the year 9999. In seconds with three decimals every such value is one exact JSON number (below 2^42 s). */
  timestampMs: 253_402_300_799_999,
  /** Nesting of an operation that is shown as a JSON object; a deeper one is shown as bytes. */
  jsonDepth: 64,
} as const;

assert(LIMITS.timestampMs / 1000 < 2 ** 42, 'a timestamp in seconds keeps its milliseconds as a JSON number');
assert(LIMITS.requestsPerBundle <= LIMITS.requestsPerBatch, 'one frame can hold all requests of a bundle');
assert(
  LIMITS.operationBytes + LIMITS.requestsPerBundle * 32 + LIMITS.replicas * (1 + LIMITS.macMaxBytes) + KIB <=
    LIMITS.batchBytes,
  'the largest request, alone with the rest of its bundle, fits into a batch',
);
assert(LIMITS.requestsPerBatch <= LIMITS.repliesPerTree, 'the replies of one frame fit under one signature');
assert(LIMITS.resultBytes + KIB <= LIMITS.batchBytes, 'the largest reply fits into a frame of replies');
assert(LIMITS.batchBytes + 4 * KIB <= LIMITS.frameBytes, 'a full batch fits into a frame with the fields around it');
