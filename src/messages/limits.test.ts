/** [G23] Every limit, from both sides: the largest value passes every door, one more is refused there and asserted by the encoder. */
import { EVERYBODY } from './replica-set.ts';
import { describe, expect, test } from 'vitest';
import { context } from '../../test/support/arbitrary-messages.ts';
import { must } from '../../test/support/must.ts';
import { InvariantViolation } from '../base/assert.ts';
import { equalBytes } from '../base/bytes.ts';
import { asClientId, asDigest, asReplicaId, asSequence, asView } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { replySize } from './reply.ts';
import {
  LIMITS,
  authenticatedRequestsSize,
  batchDigest,
  decodeFrame,
  encodeFrame,
  encodeMessage,
  fromJson,
  requestDigest,
  resultDigest,
  toJson,
} from './index.ts';
import type { AuthenticatedRequest, Message, Proof, Reply, Request } from './index.ts';

const PROOF: Proof = { kind: 'signature', signature: new Uint8Array(64) };
const CLIENT = asClientId('ab'.repeat(32));
const D = asDigest('d1'.repeat(32));
/** Tag, replica and client of a REPLIES. */
const HEAD_BYTES = 1 + 1 + 32;
/** A reply that shares all it can: what is written of it, session, timestamp, request digest. */
const LEAST_BYTES = 1 + 8 + 8 + 32;
const base = { replica: asReplicaId(0), view: asView(0), sequence: asSequence(1), digest: D };

function expectAccepted(message: Message): void {
  const frame = encodeFrame(encodeMessage(message), PROOF);
  const decoded = must(decodeFrame(frame, context));
  // Byte for byte outside of the matcher, which takes seconds for megabytes.
  expect(equalBytes(encodeFrame(encodeMessage(decoded.message), decoded.proof), frame)).toBe(true);
  expect(fromJson(toJson(message, PROOF), context).ok).toBe(true);
}

function expectOurBug(message: Message): void {
  expect(() => encodeMessage(message)).toThrow(InvariantViolation);
}

/** So many bytes, a JSON object if there is room for one: it is shown as such, which is quick. */
function content(length: number): Uint8Array {
  const text = length < 8 ? ' '.repeat(length) : `{"x":"${' '.repeat(length - 8)}"}`;
  return encodeUtf8(text) ?? new Uint8Array(0);
}

function plain(operationBytes: number, timestamp = 1): Request {
  return {
    type: 'request',
    client: CLIENT,
    session: 1,
    timestamp,
    flags: 0,
    idempotency: undefined,
    operation: content(operationBytes),
    replier: asReplicaId(0),
  };
}

function signed(request: Request): AuthenticatedRequest {
  return {
    request,
    digest: requestDigest(context, request),
    proof: { kind: 'signature', asked: EVERYBODY, signature: new Uint8Array(64) },
  };
}

function requests(entries: readonly AuthenticatedRequest[]): Message {
  return { type: 'requests', requests: entries };
}

function repeated<T>(count: number, item: T): T[] {
  return new Array<T>(count).fill(item);
}

function reply(resultBytes: number, result = content(resultBytes)): Reply {
  return {
    type: 'reply',
    ...base,
    client: CLIENT,
    session: 1,
    timestamp: 1,
    requestDigest: D,
    outcome: 'executed',
    resultDigest: resultDigest(context, result),
    since: undefined,
    result,
    receipt: { leaves: 1, position: 0, siblings: [], signature: new Uint8Array(64) },
  };
}

describe('operations', () => {
  test('of 64 KiB', () => {
    expectAccepted(requests([signed(plain(LIMITS.operationBytes))]));
  });

  test('of one byte more', () => {
    const tooLong = plain(LIMITS.operationBytes + 1);
    expectOurBug(requests([{ ...signed(plain(1)), request: tooLong }]));
    const json = { ...toJson(requests([signed(plain(1))])), request: { base64: 'A'.repeat(4 * 21_846) } };
    expect(fromJson(json, context)).toEqual({
      ok: false,
      error: { code: 'oversized', at: 'request_headers[0].operation.base64' },
    });
    const long = { ...json, request: { text: 'x'.repeat(LIMITS.operationBytes) } };
    expect(fromJson(long, context)).toEqual({
      ok: false,
      error: { code: 'oversized', at: 'request_headers[0].operation' },
    });
  });
});

describe('lists of requests', () => {
  test('as many as a batch may have', () => {
    expectAccepted(requests(repeated(LIMITS.requestsPerBatch, signed(plain(0)))));
  });

  test('one more', () => {
    const entries = repeated(LIMITS.requestsPerBatch + 1, signed(plain(0)));
    expectOurBug(requests(entries));
    const json = toJson(requests(entries.slice(1))) as {
      readonly requests: object[];
      readonly request_headers: object[];
    };
    const [operation] = json.requests;
    const [header] = json.request_headers;
    const more = {
      ...json,
      requests: [...json.requests, operation],
      request_headers: [...json.request_headers, header],
    };
    expect(fromJson(more, context)).toEqual({ ok: false, error: { code: 'oversized', at: 'requests' } });
  });

  test('more bytes than a batch may have', () => {
    const entries = repeated(64, signed(plain(LIMITS.operationBytes)));
    expect(authenticatedRequestsSize(entries)).toBeGreaterThan(LIMITS.batchBytes);
    expectOurBug(requests(entries));
    const json = toJson(requests(entries));
    expect(fromJson(json, context)).toEqual({ ok: false, error: { code: 'oversized', at: '' } });
    expectAccepted(requests(entries.slice(1)));
  });

  test('as many in a bundle as it may have, with a MAC for every replica', () => {
    const all = Array.from({ length: LIMITS.requestsPerBundle }, (_, i) => plain(1, i + 1));
    const digests = all.map((request) => requestDigest(context, request));
    const macs = repeated(LIMITS.replicas, new Uint8Array(LIMITS.macMaxBytes));
    const inBundle = (bundle: { digests: Digest[]; macs: Uint8Array[] }): Message =>
      requests(
        all.map((request, position) => ({
          request,
          digest: digests[position] as Digest,
          proof: { kind: 'authenticator', bundle: { asked: EVERYBODY, ...bundle }, position },
        })),
      );
    expectAccepted(inBundle({ digests, macs }));
    expectOurBug(inBundle({ digests: [...digests, D], macs }));
    expectOurBug(inBundle({ digests, macs: [...macs, new Uint8Array(16)] }));
    expectOurBug(inBundle({ digests, macs: [new Uint8Array(15)] }));
    expectOurBug(inBundle({ digests, macs: [new Uint8Array(33)] }));
  });
});

test('the largest frame: a PRE-PREPARE with a full batch', () => {
  const entries = repeated(63, signed(plain(LIMITS.operationBytes)));
  const left =
    LIMITS.batchBytes - authenticatedRequestsSize(entries) - authenticatedRequestsSize([signed(plain(0))]) + 2;
  const full = [...entries, signed(plain(left))];
  expect(authenticatedRequestsSize(full)).toBe(LIMITS.batchBytes);
  const batch = { timestamp: LIMITS.timestampMs, flags: 1, requests: full };
  const { view, sequence } = base;
  const message: Message = { type: 'pre-prepare', view, sequence, digest: batchDigest(context, batch), batch };
  expectAccepted(message);
  expect(encodeFrame(encodeMessage(message), PROOF).length).toBeLessThanOrEqual(LIMITS.frameBytes);
});

test('a timestamp beyond the year 9999', () => {
  const batch = { timestamp: LIMITS.timestampMs + 1, flags: 1, requests: [] };
  expectOurBug({ type: 'batch', ...base, batch });
});

describe('replies', () => {
  test('with the largest result, and one byte more', () => {
    expectAccepted(reply(LIMITS.resultBytes));
    expectOurBug(reply(LIMITS.resultBytes + 1));
  });

  const frame = { type: 'replies', replica: base.replica, client: CLIENT } as const;

  test('as many as a frame of replies holds when each is whole, though they share what they have in common, and one more', () => {
    const one = reply(LIMITS.resultBytes);
    const count = Math.floor((LIMITS.batchBytes - 2) / replySize(one));
    expectAccepted({ ...frame, replies: repeated(count, one) });
    expectOurBug({ ...frame, replies: repeated(count + 1, one) });
    const json = toJson({ ...frame, replies: repeated(count + 1, one) });
    expect(fromJson(json, context)).toEqual({ ok: false, error: { code: 'oversized', at: 'replies' } });
  });

  test('one more, although nothing wrote it: a short frame does not become a large message', () => {
    const one = { ...reply(LIMITS.resultBytes), receipt: undefined };
    const count = Math.floor((LIMITS.batchBytes - 2) / replySize(one));
    const encoded = encodeMessage({ ...frame, replies: repeated(count, one) }).bytes;
    const shared = encodeMessage({ ...frame, replies: repeated(2, one) }).bytes.subarray(-LEAST_BYTES);
    const bytes = new Uint8Array(encoded.length + LEAST_BYTES);
    bytes.set(encoded);
    bytes.set(shared, encoded.length);
    bytes[HEAD_BYTES] = (count + 1) >> 8;
    bytes[HEAD_BYTES + 1] = count + 1;
    expect(decodeFrame(encodeFrame({ type: 'replies', bytes, contentEnd: bytes.length }, PROOF), context)).toEqual({
      ok: false,
      error: { code: 'oversized', at: 'replies' },
    });
  });

  test('as many as a batch may have, and one more', () => {
    const { receipt: _, ...one } = reply(8);
    const all = repeated(LIMITS.requestsPerBatch + 1, { ...one, receipt: undefined });
    expectAccepted({ ...frame, replies: all.slice(1) });
    expectOurBug({ ...frame, replies: all });
    const json = toJson({ ...frame, replies: all });
    expect(fromJson(json, context)).toEqual({ ok: false, error: { code: 'oversized', at: 'replies' } });
  });
});

describe('lists of slots', () => {
  const slot = { sequence: asSequence(1), digest: D };

  test.each([
    [
      'status',
      (n: number): Message => ({
        type: 'status',
        ...base,
        inViewChange: false,
        lowWaterMark: base.sequence,
        lastExecuted: base.sequence,
        slots: repeated(n, { sequence: base.sequence, prepared: true, committed: true }),
      }),
    ],
    ['fetch', (n: number): Message => ({ type: 'fetch', replica: base.replica, wanted: repeated(n, slot) })],
    ['decided', (n: number): Message => ({ type: 'decided', replica: base.replica, decisions: repeated(n, slot) })],
  ])('%s names at most a window', (_, make) => {
    const largest = make(LIMITS.windowSlots);
    const frame = encodeFrame(encodeMessage(largest), PROOF);
    expect(decodeFrame(frame, context).ok).toBe(true);
    expectOurBug(make(LIMITS.windowSlots + 1));
  });

  test('a complaint names at most a batch', () => {
    const { replica, view, sequence, digest } = base;
    expectAccepted({
      type: 'complaint',
      replica,
      view,
      sequence,
      digest,
      requests: repeated(LIMITS.requestsPerBatch, D),
    });
    expectOurBug({
      type: 'complaint',
      replica,
      view,
      sequence,
      digest,
      requests: repeated(LIMITS.requestsPerBatch + 1, D),
    });
  });
});

describe('words', () => {
  const ask = (behaviour: string): Message => ({
    type: 'simulate-byzantine',
    replica: asReplicaId(0),
    target: asReplicaId(1),
    behaviour,
    enabled: true,
  });

  test('of 1 to 64 printable characters', () => {
    expectAccepted(ask('x'));
    expectAccepted(ask(' ~'.repeat(32)));
    for (const word of ['', 'x'.repeat(65), 'a\nb', 'é', '\u007f']) expectOurBug(ask(word));
  });
});

describe('numbers that no correct code makes', () => {
  test.each([-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('a view of %d', (view) => {
    expectOurBug({ type: 'prepare', ...base, view: view as typeof base.view });
  });

  test.each([-1, 256, 1.5, Number.NaN])('a replica of %d', (replica) => {
    expectOurBug({ type: 'prepare', ...base, replica: replica as typeof base.replica });
  });

  test.each(['', 'ab', 'AB'.repeat(32), 'zz'.repeat(32), '\u0131'.repeat(64), `${'a'.repeat(63)}\u0161`])(
    'a digest of %j',
    (digest) => {
      expectOurBug({ type: 'prepare', ...base, digest: digest as Digest });
    },
  );

  test('a type that is not registered', () => {
    const raft: object = { ...base, type: 'raft' };
    expectOurBug(raft as Message);
  });
});
