/** One liar on its own: outputs of its replica in, what leaves instead out. */
import { concatBytes, EMPTY, fromHex } from '../../src/base/bytes.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import { asClientId, asDigest, asReplicaId, asSequence, asView } from '../../src/base/ids.ts';
import {
  EVERYBODY,
  batchDigest,
  CodecContext,
  decodeFrame,
  encodeFrame,
  encodeMessage,
  requestDigest,
  resultDigest,
} from '../../src/messages/index.ts';
import type { AuthenticatedRequest, Batch, Message, Reply, Request } from '../../src/messages/index.ts';
import { DEFAULT_CLUSTER } from '../../src/protocol/config.ts';
import type { Output } from '../../src/protocol/output.ts';
import { makeQuorums } from '../../src/protocol/quorum.ts';
import type { ReplicaStatus } from '../../src/protocol/status.ts';
import { portableSha256 } from '../../src/simulation/ideal-authenticator.ts';
import { makeBehaviour } from '../../src/byzantine/index.ts';
import type { Behaviour, BehaviourContext, BehaviourName } from '../../src/byzantine/index.ts';

export const DIGEST = asDigest('ab'.repeat(32));
export const CLIENT = asClientId('cd'.repeat(32));
/** The lower id of the two. */
export const OTHER_CLIENT = asClientId('2c'.repeat(32));
export const cluster = {
  ...DEFAULT_CLUSTER,
  clusterId: asDigest('11'.repeat(32)),
  replicaCount: 4,
  clients: [CLIENT, OTHER_CLIENT],
};
export const codec = new CodecContext(cluster.clusterId, portableSha256);
export const TIMEOUT_US = 500_000;
export const NOW = { monotonic: 0, wall: 1_700_000_000_000 };
export const SIGNATURE = new Uint8Array(64).fill(7);

export function statusOf(self: number): ReplicaStatus {
  const zero = asSequence(0);
  return {
    self: asReplicaId(self),
    quorums: makeQuorums(4),
    view: asView(0),
    primary: asReplicaId(0),
    inViewChange: false,
    highestAccepted: zero,
    lastExecuted: zero,
    lowWaterMark: zero,
    highWaterMark: asSequence(256),
    stateRoot: DIGEST,
    stateRootSequence: zero,
    agreedTime: 0,
    suspicions: [],
    diverged: false,
    mayExecute: true,
    queuedRequests: 0,
    queuedBytes: 0,
    markedClients: [],
    openSlots: 0,
    recovery: undefined,
    viewChange: undefined,
  };
}

/** As good as a signature of these bytes. */
export function signedBy(bytes: Bytes): Bytes {
  const half = fromHex(codec.sha256(bytes)) ?? EMPTY;
  return concatBytes(half, half);
}

export function make(
  name: BehaviourName,
  self: number,
  variant = 0,
  sign: (bytes: Bytes) => Bytes = () => SIGNATURE,
): Behaviour {
  return makeBehaviour(name, contextOf(self, variant, sign));
}

/** What a liar that is replica `self` may know. */
export function contextOf(
  self: number,
  variant = 0,
  sign: (bytes: Bytes) => Bytes = () => SIGNATURE,
): BehaviourContext {
  return {
    self: asReplicaId(self),
    cluster,
    codec,
    requestTimeoutUs: TIMEOUT_US,
    authenticator: { sign },
    variant,
  };
}

export function rewrite(behaviour: Behaviour, self: number, ...outputs: readonly Output[]): readonly Output[] {
  return behaviour.rewrite(NOW, outputs, statusOf(self));
}

export function sending(self: number, message: Message, signature?: Uint8Array): Output {
  const to = [0, 1, 2, 3].filter((index) => index !== self).map(asReplicaId);
  return { kind: 'send', to, message, signature };
}

/** What each receiver gets, by its index. */
export function received(outputs: readonly Output[]): readonly (readonly [number, Message])[] {
  return outputs.flatMap((output) =>
    output.kind === 'send' ? output.to.map((to): [number, Message] => [to, output.message]) : [],
  );
}

export const request: Request = {
  type: 'request',
  client: CLIENT,
  session: 5,
  timestamp: 1,
  flags: 0,
  idempotency: undefined,
  operation: Uint8Array.of(1, 2),
  replier: asReplicaId(0),
};
export const authentic: AuthenticatedRequest = {
  request,
  digest: requestDigest(codec, request),
  proof: {
    kind: 'authenticator',
    bundle: { asked: EVERYBODY, digests: [requestDigest(codec, request)], macs: [new Uint8Array(32)] },
    position: 0,
  },
};
export const batch: Batch = { timestamp: NOW.wall, flags: 0, requests: [authentic] };
export const place = { view: asView(0), sequence: asSequence(1) };
export const prePrepare: Message = { type: 'pre-prepare', ...place, digest: batchDigest(codec, batch), batch };
export const vote = (type: 'prepare' | 'commit', self: number): Message => ({
  type,
  ...place,
  digest: DIGEST,
  replica: asReplicaId(self),
});
export const persist: Output = {
  kind: 'persist',
  record: { kind: 'accepted', ...place, digest: batchDigest(codec, batch), batch, signature: undefined },
};
export const reply: Reply = {
  type: 'reply',
  ...place,
  digest: DIGEST,
  replica: asReplicaId(1),
  client: CLIENT,
  session: 5,
  timestamp: 1,
  requestDigest: authentic.digest,
  outcome: 'executed',
  resultDigest: resultDigest(codec, Uint8Array.of(9)),
  since: undefined,
  result: Uint8Array.of(9),
  receipt: undefined,
};

/** Well-formed on the wire. */
export function isWellFormed(message: Message): boolean {
  return decodeFrame(encodeFrame(encodeMessage(message), { kind: 'none' }), codec).ok;
}
