/** What may be put into `Replica.step`. Every input has been decoded and authenticated before (intake.ts); the core trusts what is written here. */
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, ReplicaId, Sequence, View } from '../base/ids.ts';
import type {
  AuthenticatedRequest,
  BatchBody,
  Checkpoint,
  Commit,
  Complaint,
  Decided,
  Fetch,
  FetchState,
  NewView,
  PrePrepare,
  Prepare,
  QueryStable,
  ReplyStable,
  State,
  Status,
  ViewChange,
} from '../messages/index.ts';
import type { Refusal } from './refusal.ts';

/** Now, in two parts that never mix. */
export interface Now {
  /** µs of a clock that no wall-clock jump moves: all timers. */
  readonly monotonic: number;
  /** ms since 1970: batch timestamps, and what people are shown. */
  readonly wall: number;
}

/** How far a request has been shown to be its client's. */
export type RequestVerification = 'unverified' | 'mac' | 'signature';

export interface ReceivedRequest {
  readonly request: AuthenticatedRequest;
  readonly verified: RequestVerification;
}

/** A protocol message between replicas. Its author is in the message; the primary of its view for a PRE-PREPARE and a NEW-VIEW. */
export type ReplicaMessage =
  | FetchState
  | State
  | PrePrepare
  | Prepare
  | Commit
  | Checkpoint
  | Status
  | Fetch
  | BatchBody
  | Decided
  | Complaint
  | ViewChange
  | NewView
  | QueryStable
  | ReplyStable;

export type Input =
  /** Requests that came from a client's own link or were passed on by a replica. */
  | { readonly kind: 'requests'; readonly from: ClientId | ReplicaId; readonly requests: readonly ReceivedRequest[] }
  /** A message whose author has been verified. */
  | {
      readonly kind: 'message';
      readonly message: ReplicaMessage;
      readonly author: ReplicaId;
      /** The author's Ed25519 signature, where it has one: then anyone may have delivered it and it can be passed on. */
      readonly signature: Bytes | undefined;
      /** For a message with a batch: what was verified of each of its requests, in order. Empty otherwise. */
      readonly requests: readonly RequestVerification[];
    }
  /** A frame from `link` that the intake refused. */
  | { readonly kind: 'refused'; readonly link: ReplicaId; readonly refusal: Refusal }
  /** A link to a peer came up: ask it what was missed. */
  | { readonly kind: 'connected'; readonly peer: ReplicaId }
  /** The gateway's client saw `replica` answer wrongly (§10), with a REPLY that names this view and sequence number. */
  | {
      readonly kind: 'wrong-reply';
      readonly replica: ReplicaId;
      readonly view: View;
      readonly sequence: Sequence;
      readonly summary: string;
      readonly frames: readonly Bytes[];
    }
  /** A sealed or installed state is hashed and durable now: it is among its `versions()`. Or an assembly is complete now. */
  | { readonly kind: 'sealed' }
  /** Something outside the core found that the state cannot be read: a scrub. */
  | { readonly kind: 'damaged'; readonly reason: string }
  /** The deadline of `nextTimeout()` has come; harmless at any other time. */
  | { readonly kind: 'timeout' };
