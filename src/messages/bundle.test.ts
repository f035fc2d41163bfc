/** Lists of requests: how bundles are numbered, shared and completed, and everything a peer can get wrong about them. */
import { EVERYBODY } from './replica-set.ts';
import { describe, expect, test } from 'vitest';
import { authenticatedRequests as anyRequests, context } from '../../test/support/arbitrary-messages.ts';
import { must } from '../../test/support/must.ts';
import fc from 'fast-check';
import type { Bytes } from '../base/bytes.ts';
import { concatBytes, fromHex } from '../base/bytes.ts';
import { InvariantViolation } from '../base/assert.ts';
import { asClientId, asDigest, asReplicaId } from '../base/ids.ts';
import type { ClientId, Digest } from '../base/ids.ts';
import {
  authenticatedRequestSize,
  authenticatedRequests,
  authenticatedRequestsSize,
} from './authenticated-requests.ts';
import type { AuthenticatedRequest, Bundle } from './bundle.ts';
import { bundleSize, hasEqualBundles } from './bundle.ts';
import { decodeValue, encodeValue } from './frame.ts';
import { fromJson } from './json.ts';
import { LIMITS } from './limits.ts';
import type { DecodeRefusal } from './refusal.ts';
import type { Request } from './request.ts';
import { request, requestDigest, requestSize } from './request.ts';

const ALICE = asClientId('a1'.repeat(32));
const BOB = asClientId('b0'.repeat(32));
const ELSEWHERE = asDigest('ee'.repeat(32));
const MACS = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];

function plain(timestamp: number, client: ClientId = ALICE): Request {
  return {
    type: 'request',
    client,
    session: 1,
    timestamp,
    flags: 0,
    idempotency: undefined,
    operation: Uint8Array.from([1, 2, 3]),
    replier: asReplicaId(0),
  };
}

const digestOf = (value: Request): Digest => requestDigest(context, value);

function bundled(value: Request, bundle: Bundle): AuthenticatedRequest {
  const digest = digestOf(value);
  return { request: value, digest, proof: { kind: 'authenticator', bundle, position: bundle.digests.indexOf(digest) } };
}

function signed(value: Request): AuthenticatedRequest {
  return {
    request: value,
    digest: digestOf(value),
    proof: { kind: 'signature', asked: EVERYBODY, signature: new Uint8Array(64) },
  };
}

function bundleOf(...digests: readonly Digest[]): Bundle {
  return { asked: EVERYBODY, digests, macs: MACS };
}

const [one, two, three] = [plain(1), plain(2), plain(3)];
const encode = (requests: readonly AuthenticatedRequest[]): Bytes => encodeValue(authenticatedRequests, requests);

function decode(bytes: Bytes): readonly AuthenticatedRequest[] {
  return must(decodeValue(authenticatedRequests, bytes, context));
}

function refusal(...parts: readonly Bytes[]): DecodeRefusal | undefined {
  const decoded = decodeValue(authenticatedRequests, concatBytes(...parts), context);
  return decoded.ok ? undefined : decoded.error;
}

describe('sharing', () => {
  test('requests of one bundle share one object after decoding', () => {
    const bundle = bundleOf(digestOf(one), ELSEWHERE, digestOf(two));
    const other = bundleOf(digestOf(three));
    const decoded = decode(encode([bundled(two, bundle), bundled(three, other), bundled(one, bundle)]));
    const [first, second, third] = decoded.map(({ proof }) =>
      proof.kind === 'authenticator' ? proof.bundle : undefined,
    );
    expect(first).toBeDefined();
    expect(third).toBe(first);
    expect(second).not.toBe(first);
    expect(first).toStrictEqual(bundle);
  });

  test('equal bundles that are two objects are one on the wire', () => {
    const all = [digestOf(one), digestOf(two)];
    const shared = bundleOf(...all);
    const apart = [bundled(one, bundleOf(...all)), signed(three), bundled(two, bundleOf(...all))];
    expect(encode(apart)).toEqual(encode([bundled(one, shared), signed(three), bundled(two, shared)]));
    expect(authenticatedRequestsSize(apart)).toBe(encode(apart).length);
    expect(decode(encode(apart))).toStrictEqual(apart);
  });

  test('bundles that begin alike but differ stay apart', () => {
    const left = bundleOf(digestOf(one), digestOf(two));
    const right = { ...left, macs: [new Uint8Array(16).fill(9)] };
    const requests = [bundled(one, left), bundled(two, right)];
    expect(hasEqualBundles([left, right])).toBe(false);
    expect(decode(encode(requests))).toStrictEqual(requests);
  });

  test('equal bundles are found, wherever they stand', () => {
    const left = bundleOf(digestOf(one), digestOf(two));
    expect(hasEqualBundles([])).toBe(false);
    expect(hasEqualBundles([left, bundleOf(digestOf(three)), bundleOf(...left.digests)])).toBe(true);
  });
});

test('a digest is not sent when its request is', () => {
  const bundle = bundleOf(digestOf(one), digestOf(two));
  const whole = encode([bundled(one, bundle), bundled(two, bundle)]);
  const half = encode([bundled(one, bundle)]);
  expect(whole.length - half.length).toBe(requestSize(two) + 4 - 32);
  expect(Buffer.from(whole).includes(Buffer.from(digestOf(one), 'hex'))).toBe(false);
  expect(Buffer.from(half).includes(Buffer.from(digestOf(two), 'hex'))).toBe(true);
});

test('the same request twice in one bundle', () => {
  const bundle = bundleOf(digestOf(one));
  const requests = [bundled(one, bundle), bundled({ ...one, replier: asReplicaId(3) }, bundle)];
  expect(decode(encode(requests))).toStrictEqual(requests);
});

test('sizes are those of the encoding', () => {
  fc.assert(
    fc.property(anyRequests, (requests) => {
      expect(authenticatedRequestsSize(requests)).toBe(encode(requests).length);
      const bundles = new Set(requests.flatMap(({ proof }) => (proof.kind === 'authenticator' ? [proof.bundle] : [])));
      let atMost = 2;
      for (const entry of requests) atMost += authenticatedRequestSize(entry);
      for (const bundle of bundles) atMost += bundleSize(bundle);
      expect(atMost).toBeGreaterThanOrEqual(encode(requests).length);
      for (const { request: value } of requests) expect(requestSize(value)).toBe(encodeValue(request, value).length);
    }),
  );
});

test('the digest covers everything but the replier', () => {
  expect(digestOf({ ...one, replier: asReplicaId(3) })).toBe(digestOf(one));
  const others: Request[] = [
    { ...one, client: BOB },
    { ...one, session: 2 },
    { ...one, timestamp: 2 },
    { ...one, flags: 1 },
    { ...one, idempotency: { scope: '', key: 'k' } },
    { ...one, idempotency: { scope: 'k', key: 'k' } },
    { ...one, operation: Uint8Array.from([1, 2]) },
  ];
  expect(new Set([one, ...others].map(digestOf)).size).toBe(8);
});

describe('what a peer can get wrong', () => {
  const COUNT_1 = Uint8Array.from([0, 1]);
  const COUNT_2 = Uint8Array.from([0, 2]);
  const raw = (value: Request): Bytes => encodeValue(request, value);
  const place = (number: number, position: number): Bytes => Uint8Array.from([2, number >> 8, number, position]);
  const hex = (digest: Digest): Bytes => fromHex(digest) ?? new Uint8Array(0);
  /** How a bundle begins: everybody is asked, so many digests, and those of requests that are elsewhere. */
  const digests = (length: number, ...unlisted: readonly Digest[]): Bytes =>
    concatBytes(Uint8Array.from([0, 0, 0, 0, length >> 8, length]), ...unlisted.map(hex));
  const macs = concatBytes(Uint8Array.from([1, 16]), new Uint8Array(16));

  test('nothing: what the tests below start from', () => {
    expect(refusal(COUNT_1, raw(one), place(0, 0), digests(1), macs)).toBeUndefined();
    expect(refusal(COUNT_2, raw(one), place(0, 0), raw(two), place(0, 1), digests(2), macs)).toBeUndefined();
    expect(
      refusal(COUNT_2, raw(one), place(0, 1), raw(two), place(1, 0), digests(2, ELSEWHERE), macs, digests(1), macs),
    ).toBeUndefined();
  });

  test('bundles are numbered in order of first use', () => {
    const mistake = { code: 'not-canonical', at: '[0].proof.bundle' };
    expect(refusal(COUNT_1, raw(one), place(1, 0), digests(1), macs)).toEqual(mistake);
    expect(refusal(COUNT_2, raw(one), place(1, 0), raw(two), place(0, 0), digests(1), macs, digests(1), macs)).toEqual(
      mistake,
    );
    expect(refusal(COUNT_2, raw(one), place(0, 0), raw(two), place(2, 0), digests(1), macs)).toEqual({
      code: 'not-canonical',
      at: '[1].proof.bundle',
    });
  });

  test('two equal bundles', () => {
    const bundle = concatBytes(digests(2, digestOf(two)), macs);
    const twin = concatBytes(digests(2, digestOf(one)), macs);
    expect(refusal(COUNT_2, raw(one), place(0, 0), raw(two), place(1, 1), bundle, twin)).toEqual({
      code: 'not-canonical',
      at: '',
    });
  });

  test('a position beyond the bundle', () => {
    expect(refusal(COUNT_1, raw(one), place(0, 1), digests(1), macs)).toEqual({
      code: 'bundle-mismatch',
      at: 'bundles[0].digests',
    });
  });

  test('two requests at one position', () => {
    expect(refusal(COUNT_2, raw(one), place(0, 0), raw(two), place(0, 0), digests(1), macs)).toEqual({
      code: 'bundle-mismatch',
      at: '[1].proof.position',
    });
  });

  test('a request of another client under a bundle: who verified the bundle would take it for his', () => {
    const foreign = plain(2, BOB);
    expect(refusal(COUNT_2, raw(one), place(0, 0), raw(foreign), place(0, 1), digests(2), macs)).toEqual({
      code: 'bundle-mismatch',
      at: '[1].proof.position',
    });
  });

  test('an empty bundle, one that is too large, one that is missing', () => {
    expect(refusal(COUNT_1, raw(one), place(0, 0), digests(0), macs)?.code).toMatch(/out-of-range/);
    expect(refusal(COUNT_1, raw(one), place(0, 0), digests(257), macs)).toEqual({
      code: 'oversized',
      at: 'bundles[0]',
    });
    expect(refusal(COUNT_1, raw(one), place(0, 0), digests(256), macs)).toEqual({
      code: 'truncated',
      at: 'bundles[0]',
    });
    expect(refusal(COUNT_1, raw(one), place(0, 0))).toEqual({ code: 'truncated', at: 'bundles[0]' });
  });

  test('more MACs than replicas, MACs of other lengths', () => {
    const start = [COUNT_1, raw(one), place(0, 0), digests(1)];
    expect(refusal(...start, Uint8Array.from([32]))).toEqual({ code: 'oversized', at: 'bundles[0]' });
    expect(refusal(...start, Uint8Array.from([1, 15, ...new Uint8Array(16)]))?.code).toBe('out-of-range');
    expect(refusal(...start, Uint8Array.from([1, 33, ...new Uint8Array(33)]))?.code).toBe('oversized');
  });

  test('a proof of no known kind', () => {
    for (const kind of [0, 4, 255]) {
      expect(refusal(COUNT_1, raw(one), Uint8Array.from([kind]), new Uint8Array(64))).toEqual({
        code: 'out-of-range',
        at: '[0].proof.kind',
      });
    }
  });

  test('some who are asked that are nobody, or beyond the last replica', () => {
    const forSome = (...asked: readonly number[]): Bytes => Uint8Array.from([3, ...asked, ...new Uint8Array(64)]);
    expect(refusal(COUNT_1, raw(one), forSome(0, 0, 0, 2))).toBeUndefined();
    expect(refusal(COUNT_1, raw(one), forSome(0, 0, 0, 0))).toEqual({ code: 'not-canonical', at: '[0].proof.asked' });
    expect(refusal(COUNT_1, raw(one), forSome(0x80, 0, 0, 2))?.code).toBe('out-of-range');
    const bundle = digests(1).map((byte, at) => (at === 0 ? 0x80 : byte));
    expect(refusal(COUNT_1, raw(one), place(0, 0), bundle, macs)).toEqual({ code: 'out-of-range', at: 'bundles[0]' });
  });

  test('more requests than a batch may have', () => {
    const count = LIMITS.requestsPerBatch + 1;
    expect(refusal(Uint8Array.from([count >> 8, count]))).toEqual({ code: 'oversized', at: '' });
  });

  test('a count that promises more than there is', () => {
    expect(refusal(Uint8Array.from([0x10, 0]), raw(one), place(0, 0))).toEqual({ code: 'truncated', at: '' });
  });
});

describe('what is our own mistake', () => {
  const bundle = bundleOf(digestOf(one), digestOf(two));
  test.each<[string, AuthenticatedRequest[]]>([
    ['a request that is not in its bundle', [bundled(three, bundle)]],
    [
      'a position of another request',
      [{ ...bundled(one, bundle), proof: { kind: 'authenticator', bundle, position: 1 } }],
    ],
    ['two clients in one bundle', [bundled(one, bundle), { ...bundled(two, bundle), request: plain(2, BOB) }]],
    ['an empty bundle', [{ ...signed(one), proof: { kind: 'authenticator', bundle: bundleOf(), position: 0 } }]],
    [
      'a short signature',
      [{ ...signed(one), proof: { kind: 'signature', asked: EVERYBODY, signature: new Uint8Array(63) } }],
    ],
    ['unknown flags', [signed({ ...one, flags: 0 }), { ...signed(one), request: { ...one, flags: 8 } }]],
  ])('%s', (_, requests) => {
    expect(() => encode(requests)).toThrow(InvariantViolation);
  });
});

describe('in JSON', () => {
  const header = { client: ALICE, session: 1, timestamp: 1, replier: 'node1' };
  const operation = { base64: 'AQID' };
  const signature = `ed25519:${'A'.repeat(86)}`;
  const mac = `mac:${'A'.repeat(22)}`;
  const json = (members: object): unknown => ({ type: 'requests', ...members });
  const bundles = [{ digests: [digestOf(one)], macs: [mac] }];
  const bad = (members: object): DecodeRefusal | undefined => {
    const decoded = fromJson(json(members), context);
    return decoded.ok ? undefined : decoded.error;
  };

  test('one request or several, either way', () => {
    expect(bad({ request: operation, request_headers: [{ ...header, signature }] })).toBeUndefined();
    expect(bad({ requests: [operation], request_headers: [{ ...header, signature }] })).toBeUndefined();
    expect(bad({ requests: [], request_headers: [] })).toBeUndefined();
    expect(
      bad({ request: operation, request_headers: [{ ...header, bundle: 0, position: 0 }], bundles }),
    ).toBeUndefined();
  });

  test.each<[string, object, DecodeRefusal]>([
    [
      'both forms',
      { request: operation, requests: [operation], request_headers: [] },
      { code: 'inconsistent', at: 'request' },
    ],
    ['neither form', { request_headers: [] }, { code: 'missing-field', at: 'requests' }],
    ['no headers', { request: operation }, { code: 'missing-field', at: 'request_headers' }],
    ['too few headers', { request: operation, request_headers: [] }, { code: 'inconsistent', at: 'request_headers' }],
    ['requests that are no list', { requests: {}, request_headers: [] }, { code: 'wrong-type', at: 'requests' }],
    [
      'no proof',
      { request: operation, request_headers: [header] },
      { code: 'missing-field', at: 'request_headers[0].signature' },
    ],
    [
      'two proofs',
      { request: operation, request_headers: [{ ...header, signature, bundle: 0 }] },
      { code: 'inconsistent', at: 'request_headers[0].signature' },
    ],
    [
      'a bundle that is not there',
      { request: operation, request_headers: [{ ...header, bundle: 0, position: 0 }] },
      { code: 'out-of-range', at: 'request_headers[0].bundle' },
    ],
    [
      'no position',
      { request: operation, request_headers: [{ ...header, bundle: 0 }], bundles },
      { code: 'missing-field', at: 'request_headers[0].position' },
    ],
    [
      'a position of nothing',
      { request: operation, request_headers: [{ ...header, bundle: 0, position: 1 }], bundles },
      { code: 'bundle-mismatch', at: 'request_headers[0]' },
    ],
    [
      'an altered operation',
      { request: { base64: 'AAAA' }, request_headers: [{ ...header, bundle: 0, position: 0 }], bundles },
      { code: 'bundle-mismatch', at: 'request_headers[0]' },
    ],
    [
      'a wrong request_digest',
      { request: operation, request_headers: [{ ...header, signature, request_digest: ELSEWHERE }] },
      { code: 'digest-mismatch', at: 'request_headers[0].request_digest' },
    ],
    [
      'an unused bundle',
      { request: operation, request_headers: [{ ...header, signature }], bundles },
      { code: 'inconsistent', at: 'bundles' },
    ],
    [
      'the operation in the header',
      { request: operation, request_headers: [{ ...header, signature, operation }] },
      { code: 'unknown-field', at: 'request_headers[0].operation' },
    ],
    [
      'an operation that is no object',
      { request: 'transfer', request_headers: [{ ...header, signature }] },
      { code: 'wrong-type', at: 'request_headers[0].operation' },
    ],
    [
      'an unknown flag',
      { request: operation, request_headers: [{ ...header, signature, flags: ['fast'] }] },
      { code: 'out-of-range', at: 'request_headers[0].flags' },
    ],
    [
      'a flag twice',
      { request: operation, request_headers: [{ ...header, signature, flags: ['receipt', 'receipt'] }] },
      { code: 'out-of-range', at: 'request_headers[0].flags' },
    ],
    [
      'an idempotency key without characters',
      { request: operation, request_headers: [{ ...header, signature, idempotency: { scope: '', key: '' } }] },
      { code: 'out-of-range', at: 'request_headers[0].idempotency.key' },
    ],
  ])('%s', (_, members, expected) => {
    expect(bad(members)).toEqual(expected);
  });
});
