/**
 * `flood`: votes like anybody, and besides sends all others as much as it may: questions that cost an answer, claims about numbers far ahead, and
 * frames that nobody can take for good. Bounded per second, so that the others' bounds are tried and not the machine's.
 */
import type { Bytes } from '../base/bytes.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import { asReplicaId, asSequence, GENESIS, NULL_DIGEST } from '../base/ids.ts';
import {
  EVERYBODY,
  BATCH_CHECKPOINT,
  LIMITS,
  authenticatedBytes,
  checkpointBytes,
  encodeMessage,
  recoverBytes,
  requestDigest,
  requestSigningBytes,
} from '../messages/index.ts';
import type { Batch, Checkpoint, Message, QueryStable, Request } from '../messages/index.ts';
import { clientOfReplica } from '../protocol/replica-client.ts';
import type { Output } from '../protocol/output.ts';
import type { ReplicaStatus } from '../protocol/status.ts';
import { alteredDigest, alteredRequest, digestOfBatch, othersOf } from './alter.ts';
import { UNCHANGED } from './behaviour.ts';
import type { Behaviour, BehaviourContext } from './behaviour.ts';
import { Pace } from './pace.ts';

/** Messages, each of them to all others. */
const PER_SECOND = 200;
const BURST = 24;
/** Its claims about numbers far ahead come back to the same ones after so many. */
const FAR_NUMBERS = 1000;
const LEAF_DEPTH = 256;

/** What it may build on: itself, where its replica stands, and the last batch it accepted. */
interface Moment {
  readonly context: BehaviourContext;
  readonly self: ReplicaId;
  readonly status: ReplicaStatus;
  readonly latest: { readonly sequence: Sequence; readonly digest: Digest; readonly batch: Batch } | undefined;
  /** The own clock, ms since 1970. */
  readonly wall: number;
  /** How often it has gone through all its kinds of messages. */
  readonly round: number;
}

interface Made {
  readonly message: Message;
  readonly signature?: Bytes;
}

type Maker = (moment: Moment) => Made | undefined;

const NO_REQUESTS: Batch = { timestamp: 0, flags: BATCH_CHECKPOINT, requests: [] };

/** Beyond all that anybody keeps. */
function farAhead({ status, round }: Moment): Sequence {
  const window = status.highWaterMark - status.lowWaterMark;
  return asSequence(status.highWaterMark + 2 * window + 1 + (round % FAR_NUMBERS));
}

/** Where others keep what comes too early, up to a window above the high mark. */
function justAhead({ status, round }: Moment): Sequence {
  const window = Math.max(1, status.highWaterMark - status.lowWaterMark);
  return asSequence(status.highWaterMark + 1 + (round % window));
}

/** Each of the others in turn. */
function nextReplica({ context, self, round }: Moment): ReplicaId {
  const { replicaCount } = context.cluster;
  return asReplicaId((self + 1 + (round % (replicaCount - 1))) % replicaCount);
}

function nobodysDigest({ context, status }: Moment): Digest {
  return alteredDigest(context, status.stateRoot);
}

/** Well-formed, authentic, and each worth an answer. */
const QUESTIONS: readonly Maker[] = [
  ({ self, status: { view, inViewChange, lowWaterMark } }) => ({
    message: { type: 'status', replica: self, view, inViewChange, lowWaterMark, lastExecuted: lowWaterMark, slots: [] },
  }),
  ({ self, latest }) => latest && { message: { type: 'fetch', replica: self, wanted: [latest] } },
  ({ self, status: { stateRootSequence: sequence, stateRoot: root } }) => ({
    message: {
      type: 'fetch-state',
      replica: self,
      sequence,
      root,
      subtrees: [{ path: NULL_DIGEST, depth: 0, hash: root }],
    },
  }),
  // As many as fit, and none of them is there: much to look for, nothing to answer.
  (moment) => {
    const { stateRootSequence: sequence, stateRoot: root } = moment.status;
    const hash = nobodysDigest(moment);
    const subtrees = Array.from({ length: LIMITS.subtrees }, () => ({ path: hash, depth: LEAF_DEPTH, hash }));
    return { message: { type: 'fetch-state', replica: moment.self, sequence, root, subtrees } };
  },
  (moment) => {
    const { context, self } = moment;
    const message: QueryStable = {
      type: 'query-stable',
      replica: self,
      nonce: nobodysDigest(moment),
      recovered: GENESIS,
    };
    return {
      message,
      signature: context.authenticator.sign(authenticatedBytes(context.codec, encodeMessage(message))),
    };
  },
  // A recovery of one that has lost nothing: null batches are owed for it, and a view change if it leads the view.
  (moment) => {
    const { context, self, wall, round } = moment;
    const request: Request = {
      type: 'request',
      client: clientOfReplica(self),
      session: wall * 1000 + round,
      timestamp: 1,
      flags: 0,
      idempotency: undefined,
      operation: recoverBytes({ nonce: nobodysDigest(moment), mark: farAhead(moment) }),
      replier: self,
    };
    const digest = requestDigest(context.codec, request);
    const signature = context.authenticator.sign(requestSigningBytes(context.codec, digest));
    return {
      message: {
        type: 'requests',
        requests: [{ request, digest, proof: { kind: 'signature', asked: EVERYBODY, signature } }],
      },
    };
  },
];

/** Well-formed and authentic, about what nobody has reached or asked for. */
const CLAIMS: readonly Maker[] = [
  (moment) => ({
    message: {
      type: 'prepare',
      view: moment.status.view,
      sequence: farAhead(moment),
      digest: nobodysDigest(moment),
      replica: moment.self,
    },
  }),
  (moment) => ({
    message: {
      type: 'commit',
      view: moment.status.view,
      sequence: justAhead(moment),
      digest: nobodysDigest(moment),
      replica: moment.self,
    },
  }),
  (moment) => {
    const { context, self } = moment;
    const message: Checkpoint = {
      type: 'checkpoint',
      sequence: farAhead(moment),
      root: nobodysDigest(moment),
      replica: self,
    };
    return { message, signature: context.authenticator.sign(checkpointBytes(context.codec, message)) };
  },
  (moment) => ({
    message: {
      type: 'decided',
      replica: moment.self,
      decisions: [farAhead(moment), justAhead(moment)].map((sequence) => ({ sequence, digest: nobodysDigest(moment) })),
    },
  }),
  (moment) => ({
    message: {
      type: 'complaint',
      replica: moment.self,
      view: moment.status.view,
      sequence: justAhead(moment),
      digest: nobodysDigest(moment),
      requests: [nobodysDigest(moment)],
    },
  }),
  ({ self, latest }) => latest && { message: { type: 'batch', replica: self, ...latest } },
];

/** Refused at the door: another's name, a body that is not what its digest says, requests that their client never issued. */
const GARBAGE: readonly Maker[] = [
  (moment) => ({
    message: {
      type: 'commit',
      view: moment.status.view,
      sequence: justAhead(moment),
      digest: nobodysDigest(moment),
      replica: nextReplica(moment),
    },
  }),
  (moment) => ({
    message: {
      type: 'batch',
      replica: moment.self,
      sequence: farAhead(moment),
      digest: alteredDigest(moment.context, digestOfBatch(moment.context, NO_REQUESTS)),
      batch: NO_REQUESTS,
    },
  }),
  ({ context, latest }) => {
    const requests = (latest?.batch.requests ?? []).slice(0, 8).map((request) => alteredRequest(context, request));
    return requests.length === 0 ? undefined : { message: { type: 'requests', requests } };
  },
];

/** By variant: everything, only what costs an answer, only what nobody can use. */
const MIXES: readonly (readonly Maker[])[] = [[...QUESTIONS, ...CLAIMS, ...GARBAGE], QUESTIONS, GARBAGE];

export function makeFlood(context: BehaviourContext): Behaviour {
  const { self, variant } = context;
  const to = othersOf(context);
  const makers = MIXES[variant % MIXES.length] ?? [];
  const pace = new Pace(PER_SECOND, BURST);
  let latest: Moment['latest'];
  let count = 0;

  const next = (status: ReplicaStatus, wall: number): readonly Output[] => {
    const round = Math.floor(count / makers.length);
    const made = makers[count % makers.length]?.({ context, self, status, latest, wall, round });
    count += 1;
    return made === undefined ? [] : [{ kind: 'send', to, message: made.message, signature: made.signature }];
  };

  return {
    ...UNCHANGED,
    name: 'flood',
    rewrite: (now, outputs, status) => {
      if (to.length === 0) return outputs;
      for (const output of outputs) {
        if (output.kind !== 'persist' || output.record.kind !== 'accepted') continue;
        const { sequence, digest, batch } = output.record;
        if (batch !== undefined) latest = { sequence, digest, batch };
      }
      const flood = Array.from({ length: pace.take(now.monotonic) }, () => next(status, now.wall));
      return [...outputs, ...flood.flat()];
    },
  };
}
