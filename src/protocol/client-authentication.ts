/**
 * How a client shows that a request is its own, and how a replica checks it [TOCS §3.2.1; Aardvark, NSDI'09 §3]: an authenticator, one MAC per
 * replica over the digests of all requests that go out together, or a signature per request. Owns no state and no keys.
 */
import { assert } from '../base/assert.ts';
import { asReplicaId } from '../base/ids.ts';
import type { ClientId, Digest, ReplicaId } from '../base/ids.ts';
import { LIMITS, bundleBytes, requestSigningBytes, standsInBundle } from '../messages/index.ts';
import type {
  AuthenticatedRequest,
  Bundle,
  CodecContext,
  ReplicaSet,
  Request,
  RequestProof,
} from '../messages/index.ts';
import type { RequestVerification } from './input.ts';
import type { Authenticator, Party } from './ports.ts';
import { partyOfClient, replicaOfClient } from './replica-client.ts';

/** A request to be authenticated, its digest (`requestDigest`), and who is to reply to it. */
export interface UnprovenRequest {
  readonly request: Request;
  readonly digest: Digest;
  readonly asked: ReplicaSet;
}

/** Stands where no key is shared with a replica: that one finds the request unverified, like every MAC that is not for it. */
const NO_MAC = new Uint8Array(LIMITS.macMaxBytes);

/**
 * The requests of one client under as few authenticators as they need (`LIMITS.requestsPerBundle` each), in the order given.
 * Requires: all of the authenticator's own client; no two with one digest; the same are asked to reply to each.
 */
export function authenticateRequests(
  authenticator: Authenticator,
  context: CodecContext,
  replicaCount: number,
  requests: readonly UnprovenRequest[],
): readonly AuthenticatedRequest[] {
  const proofs = proveRequests(authenticator, context, replicaCount, requests);
  return requests.map(({ request, digest }, index) => ({ request, digest, proof: proofs[index] as RequestProof }));
}

/** The proofs of {@link authenticateRequests} alone, in the order of the requests. */
export function proveRequests(
  authenticator: Authenticator,
  context: CodecContext,
  replicaCount: number,
  requests: readonly UnprovenRequest[],
): readonly RequestProof[] {
  const proofs: RequestProof[] = [];
  for (let start = 0; start < requests.length; start += LIMITS.requestsPerBundle) {
    const members = requests.slice(start, start + LIMITS.requestsPerBundle);
    const bundle = makeBundle(authenticator, context, replicaCount, members);
    for (let position = 0; position < members.length; position += 1)
      proofs.push({ kind: 'authenticator', bundle, position });
  }
  return proofs;
}

function makeBundle(
  authenticator: Authenticator,
  context: CodecContext,
  replicaCount: number,
  members: readonly UnprovenRequest[],
): Bundle {
  const [first] = members;
  assert(first !== undefined, 'a bundle has a request');
  const { asked } = first;
  const { client } = first.request;
  assert(
    members.every((member) => member.request.client === client && member.asked === asked),
    'a bundle is of one client, and asks the same replicas for all',
  );
  const digests = members.map(({ digest }) => digest);
  const bytes = bundleBytes(context, client, { asked, digests });
  const macs = Array.from({ length: replicaCount }, (_, index) => {
    return authenticator.mac({ kind: 'replica', replica: asReplicaId(index) }, bytes) ?? NO_MAC;
  });
  return { asked, digests, macs };
}

/** One request under its client's signature, which convinces everyone: retransmissions, and all requests in signature mode. */
export function signRequest(
  authenticator: Authenticator,
  context: CodecContext,
  { request, digest, asked }: UnprovenRequest,
): AuthenticatedRequest {
  return { request, digest, proof: proveBySignature(authenticator, context, { digest, asked }) };
}

/** The proof of {@link signRequest} alone. */
export function proveBySignature(
  authenticator: Authenticator,
  context: CodecContext,
  { digest, asked }: Pick<UnprovenRequest, 'digest' | 'asked'>,
): RequestProof {
  const signature = authenticator.sign(requestSigningBytes(context, digest, asked));
  return { kind: 'signature', asked, signature };
}

/**
 * What the proof of a request shows to replica `self`: `signature`, by the client that the request names, or by the replica that goes by that name; `mac`, the entry for `self` in an
 * authenticator by that client which covers this request; else `unverified`. Never throws.
 */
export function verifyRequestProof(
  authenticator: Authenticator,
  self: ReplicaId,
  context: CodecContext,
  request: AuthenticatedRequest,
): RequestVerification {
  return verifyRequestProofs(authenticator, self, context, [request])[0] ?? 'unverified';
}

/** A bundle, and whether its authenticator is this client's. */
interface CheckedBundle {
  readonly bundle: Bundle;
  readonly client: ClientId;
  readonly isValid: boolean;
}

/** {@link verifyRequestProof} for all requests of one frame, in order; an authenticator that several of them share is checked once. */
export function verifyRequestProofs(
  authenticator: Authenticator,
  self: ReplicaId,
  context: CodecContext,
  requests: readonly AuthenticatedRequest[],
): readonly RequestVerification[] {
  const bundles = new Map<Bundle, CheckedBundle>();
  // Mostly the one before is in the same bundle.
  let last: CheckedBundle | undefined;
  const isBundleValid = (client: ClientId, bundle: Bundle): boolean => {
    if (last?.bundle === bundle && last.client === client) return last.isValid;
    last = bundles.get(bundle);
    if (last?.client === client) return last.isValid;
    const mac = bundle.macs[self];
    const party: Party = { kind: 'client', client };
    const isValid = mac !== undefined && authenticator.verifyMac(party, bundleBytes(context, client, bundle), mac);
    last = { bundle, client, isValid };
    bundles.set(bundle, last);
    return isValid;
  };
  return requests.map((entry) => {
    const { request, proof } = entry;
    const { client } = request;
    if (proof.kind === 'signature') {
      const bytes = requestSigningBytes(context, entry.digest, proof.asked);
      return authenticator.verifySignature(partyOfClient(client), bytes, proof.signature) ? 'signature' : 'unverified';
    }
    if (replicaOfClient(client) !== undefined) return 'unverified';
    return standsInBundle(entry) && isBundleValid(client, proof.bundle) ? 'mac' : 'unverified';
  });
}
