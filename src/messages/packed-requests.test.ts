/** What a list of requests is when it is read packed: the same as when it is read slowly, of whatever bytes. */
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLUSTER, authenticatedRequests as anyRequests, context } from '../../test/support/arbitrary-messages.ts';
import { must } from '../../test/support/must.ts';
import { mutated } from '../../test/support/mutated-bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { toHex } from '../base/bytes.ts';
import type { Result } from '../base/result.ts';
import { asClientId, asDigest, asReplicaId } from '../base/ids.ts';
import type { ClientId } from '../base/ids.ts';
import { authenticatedRequests, authenticatedRequestsSize } from './authenticated-requests.ts';
import type { AuthenticatedRequest, Bundle } from './bundle.ts';
import { tabulate } from './bundle.ts';
import { CodecContext } from './codec-context.ts';
import { DigestList, packBundle, packRequests } from './digest-list.ts';
import { decodeValue, encodeValue } from './frame.ts';
import { PackedBundle, PackedRequest, isSameRequest, standsInBundle } from './packed.ts';
import type { DecodeRefusal } from './refusal.ts';
import { EVERYBODY } from './replica-set.ts';
import type { Request } from './request.ts';
import { requestDigest } from './request.ts';

const ALICE = asClientId('a1'.repeat(32));
const BOB = asClientId('b0'.repeat(32));

const packing = new CodecContext(
  CLUSTER,
  (bytes) => asDigest(hash('sha256', bytes, 'hex')),
  (bytes, target, at) => target.set(hash('sha256', bytes, 'buffer'), at),
);

type Read = Result<readonly AuthenticatedRequest[], DecodeRefusal>;

const slowly = (bytes: Bytes): Read => decodeValue(authenticatedRequests, bytes, context);
const quickly = (bytes: Bytes): Read => decodeValue(authenticatedRequests, bytes, packing);
const isPacked = (list: readonly AuthenticatedRequest[]): boolean =>
  list.every((entry) => entry instanceof PackedRequest);

/** As literals: everything that can be seen of it, and which requests share a bundle. */
function seen(read: Read): unknown {
  if (!read.ok) return read;
  const bundles: Bundle[] = [];
  return read.value.map(({ request, digest, proof }) => {
    if (proof.kind === 'signature') return { request, digest, proof };
    const { bundle, position } = proof;
    if (!bundles.includes(bundle)) bundles.push(bundle);
    const { asked, digests, macs } = bundle;
    return { request, digest, position, number: bundles.indexOf(bundle), bundle: { asked, digests, macs } };
  });
}

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

/** These requests in one bundle, each at its place. */
function bundled(...values: readonly Request[]): readonly AuthenticatedRequest[] {
  const digests = values.map((value) => requestDigest(context, value));
  const bundle: Bundle = { asked: EVERYBODY, digests, macs: [new Uint8Array(16).fill(1)] };
  return values.map((request, position) => ({
    request,
    digest: requestDigest(context, request),
    proof: { kind: 'authenticator', bundle, position },
  }));
}

function read(list: readonly AuthenticatedRequest[]): readonly AuthenticatedRequest[] {
  const made = must(quickly(encodeValue(authenticatedRequests, list)));
  expect(isPacked(made)).toBe(true);
  return made;
}

function bundleOf(entry: AuthenticatedRequest | undefined): Bundle {
  if (entry?.proof.kind !== 'authenticator') throw new Error('it stands in a bundle');
  return entry.proof.bundle;
}

describe('any list', () => {
  test('is read to the same, and encodes to the same', () => {
    fc.assert(
      fc.property(anyRequests, (list) => {
        const bytes = encodeValue(authenticatedRequests, list);
        const made = must(quickly(bytes));
        expect(isPacked(made)).toBe(true);
        expect(toHex(encodeValue(authenticatedRequests, made))).toBe(toHex(bytes));
        expect(authenticatedRequestsSize(made)).toBe(bytes.length);
        expect(toHex(packRequests(made))).toBe(list.map(({ digest }) => digest).join(''));
        expect(made.every((entry) => standsInBundle(entry) === (entry.proof.kind === 'authenticator'))).toBe(true);
        expect(seen({ ok: true, value: made })).toEqual(seen(slowly(bytes)));
      }),
    );
  });

  test('with something wrong in its bytes is read, or refused, as if it were read slowly', () => {
    const bytes = mutated(anyRequests.map((list) => encodeValue(authenticatedRequests, list)));
    fc.assert(
      fc.property(bytes, (changed) => {
        expect(seen(quickly(changed))).toEqual(seen(slowly(changed)));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a bundle', () => {
  const list = bundled(plain(1), plain(2), plain(3), plain(4));
  const digests = list.map(({ digest }) => digest);

  test('that stands whole in its list has the digests of the list as its own', () => {
    const made = read(list);
    const bundle = bundleOf(made[0]);
    expect(packBundle(bundle)).toBe(packRequests(made));
    expect(bundle.digests).toEqual(digests);
    expect(DigestList.ofRequests(made).toArray()).toEqual(digests);
  });

  test.each([
    ['a part', [1, 2]],
    ['another order', [3, 0, 2, 1]],
    ['the end, backwards', [3, 2]],
  ])('of which %s stands in the list', (_, places) => {
    const some = places.map((place) => list[place] as AuthenticatedRequest);
    const made = read(some);
    expect(bundleOf(made[0]).digests).toEqual(digests);
    expect(made.map(({ digest }) => digest)).toEqual(some.map(({ digest }) => digest));
    expect(toHex(packRequests(made))).toBe(some.map(({ digest }) => digest).join(''));
  });

  test('beside others, of which each is its own', () => {
    const others = bundled(plain(1, BOB), plain(2, BOB));
    const mixed = [list[0], others[1], list[1], others[0], list[2], list[3]] as readonly AuthenticatedRequest[];
    const made = read(mixed);
    expect(new Set(made.map(bundleOf)).size).toBe(2);
    expect(bundleOf(made[1]).digests).toEqual(others.map(({ digest }) => digest));
    expect(made.map(({ request }) => request.client)).toEqual([ALICE, BOB, ALICE, BOB, ALICE, ALICE]);
  });

  test('twice, once packed and once not, is one', () => {
    const made = read(list.slice(0, 2));
    const { rows } = tabulate([...made, ...list.slice(2)]);
    expect(rows.map(({ isListed }) => isListed)).toEqual([[true, true, true, true]]);
    expect(rows[0]?.bundle).toBeInstanceOf(PackedBundle);
  });
});

describe('a request', () => {
  const [first, second] = bundled(plain(1), plain(2));

  test('is the same as another with its digest, whatever proves it, and as no other', () => {
    const [one, two] = read([first, second] as readonly AuthenticatedRequest[]);
    if (one === undefined || two === undefined || first === undefined || second === undefined)
      throw new Error('there are two');
    expect(isSameRequest(one, first)).toBe(true);
    expect(isSameRequest(first, { ...first })).toBe(true);
    expect(isSameRequest(one, two)).toBe(false);
    const other = { ...first.request, operation: Uint8Array.of(9) };
    expect(isSameRequest(one, { ...first, request: other, digest: requestDigest(context, other) })).toBe(false);
  });

  test('that stands elsewhere than its proof says does not stand in its bundle', () => {
    if (first?.proof.kind !== 'authenticator') throw new Error('it stands in a bundle');
    expect(standsInBundle(first)).toBe(true);
    expect(standsInBundle({ ...first, proof: { ...first.proof, position: 1 } })).toBe(false);
    const [one] = read([first]);
    expect(standsInBundle({ ...first, proof: { ...first.proof, bundle: bundleOf(one) } })).toBe(true);
    expect(standsInBundle({ ...first, proof: { ...first.proof, bundle: bundleOf(one), position: 1 } })).toBe(false);
  });
});
