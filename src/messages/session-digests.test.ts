import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { asClientId, asDigest, asReplicaId } from '../base/ids.ts';
import { CodecContext } from './codec-context.ts';
import { REQUEST_READ_ONLY, REQUEST_RECEIPT, requestDigest } from './request.ts';
import type { Request } from './request.ts';
import { SessionDigests } from './session-digests.ts';

const context = new CodecContext(asDigest('c1'.repeat(32)), (bytes) => asDigest(hash('sha256', bytes, 'hex')));
const client = asClientId('ab'.repeat(32));
const session = 2 ** 50 + 7;

function makeRequest(change: Partial<Request>): Request {
  return {
    type: 'request',
    client,
    session,
    timestamp: 1,
    flags: 0,
    idempotency: undefined,
    operation: new Uint8Array(0),
    replier: asReplicaId(0),
    ...change,
  };
}

const operationOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (7 * index + 1) % 256);

describe('the digests of a session', () => {
  it('are those of its requests, whatever came before', () => {
    const digests = new SessionDigests(context, client, session);
    const requests = [
      makeRequest({}),
      makeRequest({ timestamp: 2 }),
      makeRequest({ timestamp: 2 ** 32 + 3, operation: operationOf(70) }),
      makeRequest({ timestamp: Number.MAX_SAFE_INTEGER, operation: operationOf(69) }),
      makeRequest({ timestamp: 4, flags: REQUEST_RECEIPT, operation: operationOf(300) }),
      makeRequest({ timestamp: 5, idempotency: { scope: 's', key: 'k' }, operation: operationOf(3) }),
      makeRequest({ timestamp: 6, operation: operationOf(3), replier: asReplicaId(3) }),
      makeRequest({ timestamp: 7, operation: operationOf(1024) }),
      makeRequest({ timestamp: 8, operation: operationOf(1025) }),
      makeRequest({ timestamp: 9, flags: REQUEST_READ_ONLY, operation: operationOf(1) }),
      makeRequest({ timestamp: 10 }),
    ];
    for (const request of requests) expect(digests.digestOf(request)).toBe(requestDigest(context, request));
  });

  it('are not mixed up with those of another session or client', () => {
    const [one, other] = [{}, { session: 5, client: asClientId('cd'.repeat(32)) }].map(makeRequest) as [
      Request,
      Request,
    ];
    const [ofOne, ofOther] = [one, other].map(
      (request) => new SessionDigests(context, request.client, request.session),
    ) as [SessionDigests, SessionDigests];
    expect(ofOne.digestOf(one)).toBe(requestDigest(context, one));
    expect(ofOther.digestOf(other)).toBe(requestDigest(context, other));
    expect(ofOne.digestOf(one)).toBe(requestDigest(context, one));
  });
});
