import fc from 'fast-check';
import { createHmac, hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { asClientId, asDigest, asReplicaId } from '../base/ids.ts';
import type { ClientId, Digest } from '../base/ids.ts';
import { equalBytes } from '../base/bytes.ts';
import { EVERYBODY, CodecContext, LIMITS, requestDigest } from '../messages/index.ts';
import type { AuthenticatedRequest, Request } from '../messages/index.ts';
import { authenticateRequests, signRequest, verifyRequestProof, verifyRequestProofs } from './client-authentication.ts';
import type { UnprovenRequest } from './client-authentication.ts';
import type { Authenticator, Party } from './ports.ts';

const sha256 = (bytes: Uint8Array): Digest => asDigest(hash('sha256', bytes, 'hex'));
const context = new CodecContext(asDigest('c1'.repeat(32)), sha256);
const REPLICAS = 4;
const alice = asClientId('a1'.repeat(32));
const bob = asClientId('b0'.repeat(32));

const nameOf = (party: Party): string => (party.kind === 'client' ? party.client : `replica ${party.replica}`);

/** Real HMACs under keys made of names: enough to tell who made what for whom. `checks` counts verifications. */
function newAuthenticator(self: Party, known: readonly Party[] = []): Authenticator & { checks: number } {
  const keyed = (name: string, bytes: Uint8Array): Uint8Array =>
    new Uint8Array(createHmac('sha256', name).update(bytes).digest());
  const isKnown = (party: Party): boolean =>
    known.length === 0 || known.some((other) => nameOf(other) === nameOf(party));
  const own = nameOf(self);
  return {
    checks: 0,
    sha256,
    sign: (bytes) => new Uint8Array([...keyed(`signature ${own}`, bytes), ...new Uint8Array(32)]),
    verifySignature(party, bytes, signature) {
      this.checks += 1;
      return equalBytes(
        signature,
        new Uint8Array([...keyed(`signature ${nameOf(party)}`, bytes), ...new Uint8Array(32)]),
      );
    },
    mac: (receiver, bytes) => (isKnown(receiver) ? keyed(`${own} to ${nameOf(receiver)}`, bytes) : undefined),
    verifyMac(sender, bytes, mac) {
      this.checks += 1;
      return equalBytes(mac, keyed(`${nameOf(sender)} to ${own}`, bytes));
    },
  };
}

const clientSide = (client: ClientId): Authenticator => newAuthenticator({ kind: 'client', client });
const replicaSide = (index: number): ReturnType<typeof newAuthenticator> =>
  newAuthenticator({ kind: 'replica', replica: asReplicaId(index) });

function unproven(client: ClientId, timestamp: number): UnprovenRequest {
  const request: Request = {
    type: 'request',
    client,
    session: 5,
    timestamp,
    flags: 0,
    idempotency: undefined,
    operation: Uint8Array.of(timestamp),
    replier: asReplicaId(0),
  };
  return { request, digest: requestDigest(context, request), asked: EVERYBODY };
}

const several = (client: ClientId, count: number): UnprovenRequest[] =>
  Array.from({ length: count }, (_, index) => unproven(client, index + 1));

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('missing');
  return value;
}

const bundled = (client: ClientId, count: number): readonly AuthenticatedRequest[] =>
  authenticateRequests(clientSide(client), context, REPLICAS, several(client, count));

describe('an authenticator', () => {
  it('shows every replica every request of its bundle, alone or together, in any order', () => {
    const requests = bundled(alice, 5);
    for (let index = 0; index < REPLICAS; index += 1) {
      const self = asReplicaId(index);
      expect(verifyRequestProofs(replicaSide(index), self, context, requests.toReversed())).toEqual(
        Array(5).fill('mac'),
      );
      for (const request of requests)
        expect(verifyRequestProof(replicaSide(index), self, context, request)).toBe('mac');
    }
  });

  it('is checked once for all requests of a frame that share it', () => {
    const replica = replicaSide(2);
    verifyRequestProofs(replica, asReplicaId(2), context, bundled(alice, 100));
    expect(replica.checks).toBe(1);
  });

  it('is as many as the requests need', () => {
    const requests = bundled(alice, LIMITS.requestsPerBundle + 1);
    const bundles = new Set(requests.map(({ proof }) => (proof.kind === 'authenticator' ? proof.bundle : undefined)));
    expect([...bundles].map((bundle) => bundle?.digests.length)).toEqual([LIMITS.requestsPerBundle, 1]);
    expect(verifyRequestProofs(replicaSide(0), asReplicaId(0), context, requests)).toEqual(
      Array(requests.length).fill('mac'),
    );
    expect(bundled(alice, 0)).toEqual([]);
  });

  it('leaves a replica without a shared key unconvinced, and convinces the others', () => {
    const known: Party[] = [0, 1, 3].map((index) => ({ kind: 'replica', replica: asReplicaId(index) }));
    const client = newAuthenticator({ kind: 'client', client: alice }, known);
    const requests = authenticateRequests(client, context, REPLICAS, several(alice, 2));
    const seen = [0, 1, 2, 3].map(
      (index) => verifyRequestProofs(replicaSide(index), asReplicaId(index), context, requests)[0],
    );
    expect(seen).toEqual(['mac', 'mac', 'unverified', 'mac']);
  });

  it('of requests of two clients is a bug of ours', () => {
    expect(() =>
      authenticateRequests(clientSide(alice), context, REPLICAS, [unproven(alice, 1), unproven(bob, 1)]),
    ).toThrow('one client');
  });
});

describe('a signature', () => {
  it('shows any replica the one request it is for', () => {
    const signed = signRequest(clientSide(alice), context, unproven(alice, 1));
    expect(verifyRequestProof(replicaSide(3), asReplicaId(3), context, signed)).toBe('signature');
  });

  it('covers neither the replier nor another request', () => {
    const signed = signRequest(clientSide(alice), context, unproven(alice, 1));
    const retried = { ...signed, request: { ...signed.request, replier: asReplicaId(2) } };
    expect(verifyRequestProof(replicaSide(3), asReplicaId(3), context, retried)).toBe('signature');
    const other = { ...unproven(alice, 2), proof: signed.proof };
    expect(verifyRequestProof(replicaSide(3), asReplicaId(3), context, other)).toBe('unverified');
  });
});

describe('unverified is', () => {
  const check = (request: AuthenticatedRequest, self = 1): string =>
    verifyRequestProof(replicaSide(self), asReplicaId(self), context, request);
  const [first, second] = bundled(alice, 2);
  const request = must(first);
  const proof = request.proof.kind === 'authenticator' ? request.proof : undefined;
  const bundle = must(proof).bundle;

  it.each([
    ['another position', { ...request, proof: { kind: 'authenticator', bundle, position: 1 } }],
    ['a position outside', { ...request, proof: { kind: 'authenticator', bundle, position: 2 } }],
    ['a negative position', { ...request, proof: { kind: 'authenticator', bundle, position: -1 } }],
    ['a request that is not in the bundle', { ...unproven(alice, 9), proof: request.proof }],
    ['the digest of another request of the bundle', { ...request, digest: must(second).digest }],
    ['the bundle of another client', { ...request, request: { ...request.request, client: bob } }],
    [
      'a bundle with its digests in another order',
      {
        ...request,
        proof: { kind: 'authenticator', bundle: { ...bundle, digests: bundle.digests.toReversed() }, position: 1 },
      },
    ],
    [
      'a bundle with a digest more',
      {
        ...request,
        proof: {
          kind: 'authenticator',
          bundle: { ...bundle, digests: [...bundle.digests, unproven(alice, 7).digest] },
          position: 0,
        },
      },
    ],
    [
      'a bundle with a digest less',
      {
        ...request,
        proof: { kind: 'authenticator', bundle: { ...bundle, digests: bundle.digests.slice(0, 1) }, position: 0 },
      },
    ],
    [
      'a bundle without MACs',
      { ...request, proof: { kind: 'authenticator', bundle: { ...bundle, macs: [] }, position: 0 } },
    ],
    [
      'another replica’s MAC',
      {
        ...request,
        proof: { kind: 'authenticator', bundle: { ...bundle, macs: bundle.macs.toReversed() }, position: 0 },
      },
    ],
    [
      'a shortened MAC',
      {
        ...request,
        proof: {
          kind: 'authenticator',
          bundle: { ...bundle, macs: bundle.macs.map((mac) => mac.slice(0, 16)) },
          position: 0,
        },
      },
    ],
    [
      'no MAC at all',
      {
        ...request,
        proof: {
          kind: 'authenticator',
          bundle: { ...bundle, macs: bundle.macs.map(() => new Uint8Array(0)) },
          position: 0,
        },
      },
    ],
    ['a signature of another client', signRequest(clientSide(bob), context, unproven(alice, 1))],
    [
      'a signature of nothing',
      { ...request, proof: { kind: 'signature', asked: EVERYBODY, signature: new Uint8Array(64) } },
    ],
    [
      'an empty signature',
      { ...request, proof: { kind: 'signature', asked: EVERYBODY, signature: new Uint8Array(0) } },
    ],
  ] satisfies readonly [string, AuthenticatedRequest][])('%s', (_, forged) => {
    expect(check(forged)).toBe('unverified');
  });

  it('another cluster’s', () => {
    const elsewhere = new CodecContext(asDigest('c2'.repeat(32)), sha256);
    expect(verifyRequestProof(replicaSide(1), asReplicaId(1), elsewhere, request)).toBe('unverified');
    const signed = signRequest(clientSide(alice), context, { ...request, asked: EVERYBODY });
    expect(verifyRequestProof(replicaSide(1), asReplicaId(1), elsewhere, signed)).toBe('unverified');
  });

  it('a MAC for another replica: each checks its own entry', () => {
    const forgedFor2 = { ...bundle, macs: bundle.macs.map((mac, index) => (index === 2 ? new Uint8Array(32) : mac)) };
    const forged: AuthenticatedRequest = {
      ...request,
      proof: { kind: 'authenticator', bundle: forgedFor2, position: 0 },
    };
    expect([0, 1, 2, 3].map((self) => check(forged, self))).toEqual(['mac', 'mac', 'unverified', 'mac']);
  });

  it('one request does not vouch for another: verdicts stand in order, whatever is mixed', () => {
    const good = bundled(bob, 3);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 3 }), { maxLength: 20, size: 'max' }), (choices) => {
        const bad: AuthenticatedRequest = {
          ...request,
          request: { ...request.request, client: bob },
          proof: must(good[0]).proof,
        };
        const mixed = choices.map((choice) => good[choice] ?? bad);
        const expected = choices.map((choice) => (choice < 3 ? 'mac' : 'unverified'));
        expect(verifyRequestProofs(replicaSide(1), asReplicaId(1), context, mixed)).toEqual(expected);
      }),
    );
  });

  it('a bundle claimed for two clients in one frame holds for its own only', () => {
    const stolen: AuthenticatedRequest = { ...request, request: { ...request.request, client: bob } };
    const verdicts = verifyRequestProofs(replicaSide(1), asReplicaId(1), context, [stolen, request, stolen, request]);
    expect(verdicts).toEqual(['unverified', 'mac', 'unverified', 'mac']);
  });
});
