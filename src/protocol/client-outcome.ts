/**
 * How a client's call ends: executed, rejected, or unknown. `rejected` is a promise: the request was not executed and never will be, so that it
 * may be sent again as another one. Whatever falls short of that is `unknown`, with the reason.
 */
import { EMPTY } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { replicaName } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import type { Reply } from '../messages/index.ts';
import type { ReplyCertificate, ReplyCollection } from './reply-certificate.ts';
import { parseTableError } from './table-error.ts';
import type { SessionBounds, TableErrorCode } from './table-error.ts';

export type ClientOutcome =
  | {
      readonly kind: 'executed';
      readonly requestDigest: Digest;
      /** The view that most of the matching replies name: information, vouched for by nobody. */
      readonly view: View;
      /** Where it was executed; of a replay where its first outcome was. */
      readonly sequence: Sequence;
      /** Digest of the batch there. */
      readonly digest: Digest;
      readonly result: Bytes;
      /** True when it is an idempotency key's first outcome again. */
      readonly replayed: boolean;
      /** Whose replies match, f+1 or more; a quorum where it is tentative. */
      readonly replies: readonly ReplicaId[];
      /** f+1 or more matching replies with verified receipts, when they were asked for or the mode has them. */
      readonly receipt: readonly Reply[] | undefined;
      /** It was known before the batch was committed: a quorum said what it comes to. */
      readonly isTentative: boolean;
    }
  | {
      readonly kind: 'rejected';
      readonly requestDigest: Digest;
      readonly code: TableErrorCode;
      readonly message: string;
      /** For choosing the next session number: above both. */
      readonly bounds: SessionBounds | undefined;
    }
  | {
      readonly kind: 'unknown';
      readonly requestDigest: Digest;
      readonly code: TableErrorCode | 'deadline' | 'abandoned' | 'unreadable_error';
      readonly message: string;
      readonly bounds: SessionBounds | undefined;
    };

/** What becomes of the session after a call. */
export type SessionState =
  /** A request may be submitted. */
  | 'idle'
  /** A call is under way. */
  | 'waiting'
  /** Its last call is unknown: the same request may be tried again, or the session abandoned; nothing else. */
  | 'unresolved'
  /** Of no more use: the next request needs another session. */
  | 'closed';

/** A call's end and what it leaves of its session. */
export interface Ending {
  readonly outcome: ClientOutcome;
  readonly state: Exclude<SessionState, 'waiting'>;
}

/** What of the call decides what an error means. */
export interface CallFacts {
  readonly requestDigest: Digest;
  readonly session: number;
  /** Since the request was first sent, µs. */
  readonly ageUs: number;
  readonly sessionHorizonUs: number;
}

/** What a complete certificate of an execution means for the call. `weak`: f+1. */
export function executedEnding(certificate: ReplyCertificate, requestDigest: Digest, weak: number): Ending {
  const { view, sequence, digest, result, outcome, replies, isTentative } = certificate;
  return {
    state: 'idle',
    outcome: {
      kind: 'executed',
      requestDigest,
      view,
      sequence,
      digest,
      // The caller's own: equal results of one frame are one array.
      result: result.length === 0 ? EMPTY : result.slice(),
      replayed: outcome === 'replayed',
      replies: replies.map(replicaOf),
      receipt: receiptOf(replies, weak),
      isTentative,
    },
  };
}

function replicaOf({ replica }: Reply): ReplicaId {
  return replica;
}

/** Those that prove the outcome to others, where they suffice. */
function receiptOf(replies: readonly Reply[], weak: number): readonly Reply[] | undefined {
  // Mostly none is signed.
  if (!replies.some(isProof)) return undefined;
  const signed = replies.filter(isProof);
  return signed.length >= weak ? signed : undefined;
}

/** A tentative reply proves nothing to others. */
function isProof({ receipt, outcome }: Reply): boolean {
  return receipt !== undefined && outcome !== 'tentative';
}

/** What a table error that enough replicas agree on means for the call. `result`: where it stands. */
export function errorEnding(result: Bytes, call: CallFacts): Ending {
  const { requestDigest } = call;
  const error = parseTableError(result);
  if (error === undefined) {
    const message = 'the replicas agree on an error that this client does not know';
    return {
      state: 'closed',
      outcome: { kind: 'unknown', requestDigest, code: 'unreadable_error', message, bounds: undefined },
    };
  }
  const { code, message, bounds } = error;
  const { isFinal, state } = meaningOf(code, bounds, call);
  return { state, outcome: { kind: isFinal ? 'rejected' : 'unknown', requestDigest, code, message, bounds } };
}

interface Meaning {
  /** Certain that the request was not and will not be executed. */
  readonly isFinal: boolean;
  readonly state: Ending['state'];
}

function meaningOf(code: TableErrorCode, bounds: SessionBounds | undefined, call: CallFacts): Meaning {
  switch (code) {
    case 'client_unknown':
    // Another request holds this place of the session, for ever.
    case 'timestamp_reused':
      return { isFinal: true, state: 'closed' };
    // The refusal itself was the execution of this timestamp.
    case 'idempotency_key_reused':
      return { isFinal: true, state: 'idle' };
    // An earlier sending may have been executed before the session was evicted.
    case 'session_expired':
    // The requests before it may yet be executed, and this one then.
    case 'timestamp_gap':
      return { isFinal: false, state: 'closed' };
    // Somebody may order this very request again when a place is free.
    case 'too_many_clients':
      return { isFinal: false, state: 'unresolved' };
    case 'session_refused':
      return meaningOfRefusal(bounds, call);
  }
}

/**
 * A session may not open because its number is
 * - at or below the floor: it may have opened, executed this request and been evicted before this copy came;
 * - far behind agreed time: it never opens from now on. Nor did it before, for a listed client; an open client may have been forgotten, but
 *   only after an idle time of two horizons, so not since a call that is younger than one;
 * - far ahead of agreed time: agreed time comes nearer, and whoever holds the request can have it ordered then. Sent under another number
 *   it would be executed twice.
 */
function meaningOfRefusal(bounds: SessionBounds | undefined, { session, ageUs, sessionHorizonUs }: CallFacts): Meaning {
  if (bounds === undefined || session <= bounds.sessionFloor) return { isFinal: false, state: 'closed' };
  if (session > bounds.agreedTime) return { isFinal: false, state: 'unresolved' };
  return { isFinal: ageUs < sessionHorizonUs, state: 'closed' };
}

/** The call's time is up. */
export function deadlineEnding(requestDigest: Digest, replies: ReplyCollection): Ending {
  const outcome = {
    kind: 'unknown',
    requestDigest,
    code: 'deadline',
    message: tellHeard(replies),
    bounds: undefined,
  } as const;
  return { state: 'unresolved', outcome };
}

function tellHeard(replies: ReplyCollection): string {
  const heard = replies.leading();
  if (heard.length === 0) return 'no replica answered in time; the request may still be executed';
  const names = heard.map((reply) => replicaName(reply.replica)).join(', ');
  if (!replies.isAgreed)
    return `only ${heard.length} of ${replies.needed} matching replies came in time (${names}); the request may have been executed`;
  return `enough replicas agree (${names}), but none sent the full result in time; the request was executed`;
}

/** The caller gave the request up. */
export function abandonedEnding(requestDigest: Digest): Ending {
  const message = 'given up by its caller; the request may still be executed';
  return {
    state: 'closed',
    outcome: { kind: 'unknown', requestDigest, code: 'abandoned', message, bounds: undefined },
  };
}
