/**
 * What happened, as one type for logs, metrics, the event stream, dashboard, lab and golden transcripts. Events never decide anything: a
 * driver may drop them all. `message-sent` and `message-received` are made by the driver, all others by the core.
 */
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import type { DigestList, Message, MessageType } from '../messages/index.ts';
import type { ViewChangeReason } from './view-change-reason.ts';
import type { CoreRefusalCode, IntakeRefusalCode } from './refusal.ts';
import type { Suspicion } from './suspicion.ts';

/** `executed`: ran now; `replayed`: an idempotency key's first outcome again; `repeated`: the stored reply again; else what the client table said. */
export type Outcome = 'executed' | 'replayed' | 'repeated' | 'ignored' | 'table-error';

/** One request of a batch, as it was executed. */
export interface ExecutedRequest {
  readonly client: ClientId;
  readonly session: number;
  readonly timestamp: number;
  readonly requestDigest: Digest;
  readonly outcome: Outcome;
}

/** A batch was executed. */
export interface ExecutedEvent {
  readonly kind: 'executed';
  readonly view: View;
  readonly sequence: Sequence;
  readonly digest: Digest;
  readonly timestamp: number;
  readonly requests: readonly ExecutedRequest[];
  /** How many requests: whoever wants no more than this and the outcomes need not have them made one by one. */
  readonly count: number;
  /** How many operations ran: of a request that was executed one, of a compound one as many as it has. */
  readonly operations: number;
  /** Of each request in order, or of all of them. */
  readonly outcomes: Outcome | readonly Outcome[];
  /** Digests of the requests, packed: for who keeps them long. */
  readonly digests: DigestList;
}

export type Event =
  | { readonly kind: 'started'; readonly view: View; readonly lastExecuted: Sequence; readonly lowWaterMark: Sequence }
  | { readonly kind: 'view-entered'; readonly view: View; readonly primary: ReplicaId }
  /** This replica leaves its view for `view`; it votes for nothing until that one is entered. */
  | { readonly kind: 'view-change-started'; readonly view: View; readonly reason: ViewChangeReason }
  /** The primary has chosen what its view starts with: how many batches, how many of them null. */
  | {
      readonly kind: 'new-view-made';
      readonly view: View;
      readonly start: Sequence;
      readonly slots: number;
      readonly nulls: number;
    }
  | {
      readonly kind: 'request-received';
      readonly client: ClientId;
      readonly requestDigest: Digest;
      readonly queued: boolean;
    }
  | {
      readonly kind: 'pre-prepared';
      readonly view: View;
      readonly sequence: Sequence;
      readonly digest: Digest;
      readonly requests: DigestList;
    }
  | { readonly kind: 'prepared'; readonly view: View; readonly sequence: Sequence; readonly digest: Digest }
  /** Its clients were told what it comes to, if it is committed (tentative.ts). */
  | { readonly kind: 'tentatively-executed'; readonly view: View; readonly sequence: Sequence; readonly digest: Digest }
  | { readonly kind: 'committed'; readonly view: View; readonly sequence: Sequence; readonly digest: Digest }
  | {
      readonly kind: 'decided';
      readonly sequence: Sequence;
      readonly digest: Digest;
      readonly claims: readonly ReplicaId[];
    }
  | ExecutedEvent
  | { readonly kind: 'checkpoint-taken'; readonly sequence: Sequence; readonly root: Digest }
  | {
      readonly kind: 'checkpoint-stable';
      readonly sequence: Sequence;
      readonly root: Digest;
      readonly replicas: readonly ReplicaId[];
    }
  | { readonly kind: 'body-missing'; readonly sequence: Sequence; readonly digest: Digest }
  | { readonly kind: 'body-fetched'; readonly sequence: Sequence; readonly digest: Digest }
  | {
      readonly kind: 'buffered';
      readonly what: 'above-window' | 'unverified-request' | 'timestamp-ahead' | 'flagged-too-soon';
      readonly sequence: Sequence;
    }
  | {
      readonly kind: 'complained';
      readonly view: View;
      readonly sequence: Sequence;
      readonly requests: readonly Digest[];
    }
  | {
      readonly kind: 'transfer-started';
      readonly sequence: Sequence;
      readonly root: Digest;
      readonly from: readonly ReplicaId[];
    }
  | {
      readonly kind: 'transferred';
      readonly sequence: Sequence;
      readonly root: Digest;
      /** Keys and values that came; what was here already was not asked for. */
      readonly sizeBytes: number;
    }
  /** The own state cannot be read; it is repaired by a transfer. */
  | { readonly kind: 'state-damaged'; readonly reason: string }
  | { readonly kind: 'client-marked'; readonly client: ClientId }
  | {
      readonly kind: 'request-timeout';
      readonly view: View;
      readonly requestDigest: Digest | undefined;
      readonly sequence: Sequence | undefined;
    }
  | { readonly kind: 'resent'; readonly to: ReplicaId; readonly messages: number }
  | { readonly kind: 'session-evicted'; readonly client: ClientId; readonly session: number }
  | { readonly kind: 'suspicion'; readonly suspicion: Suspicion }
  | { readonly kind: 'diverged'; readonly sequence: Sequence; readonly own: Digest; readonly stable: Digest }
  | {
      readonly kind: 'refused';
      readonly type: MessageType | 'frame';
      readonly from: ReplicaId | ClientId;
      readonly code: CoreRefusalCode | IntakeRefusalCode;
    }
  /** This replica lost its log, and what it voted on with it; `mark` is known already where it was restarted meanwhile. */
  | { readonly kind: 'recovery-started'; readonly mark: Sequence | undefined }
  /** M: above everything that it may have voted on. */
  | { readonly kind: 'recovery-estimated'; readonly mark: Sequence }
  /** A RECOVER was executed: null batches are owed until a checkpoint at or above `target` is stable. */
  | {
      readonly kind: 'recovery-ordered';
      readonly replica: ReplicaId;
      readonly sequence: Sequence;
      readonly target: Sequence;
    }
  /** Done: from the stable checkpoint at `sequence` on this replica votes again, in views above `barred`. */
  | { readonly kind: 'recovered'; readonly sequence: Sequence; readonly barred: View }
  /** `frame`: the message as it is on the wire, proof included. */
  | {
      readonly kind: 'message-sent';
      readonly to: ReplicaId | ClientId;
      readonly message: Message;
      readonly frame: Bytes;
    }
  /** The frame came over the link of `from`, and its proof is in order. */
  | {
      readonly kind: 'message-received';
      readonly from: ReplicaId | ClientId;
      readonly message: Message;
      readonly frame: Bytes;
    };

export type EventKind = Event['kind'];
