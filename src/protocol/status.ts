/** A readonly view of a replica for people, checkers and the HTTP API. Cheap enough to make at every step in the simulator. */
import type { ClientId, Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import type { Quorums } from './quorum.ts';
import type { Suspicion } from './suspicion.ts';

export type Phase = 'none' | 'pre-prepared' | 'prepared' | 'committed' | 'executed';

/** One slot of the log, between the water marks. */
export interface SlotStatus {
  readonly sequence: Sequence;
  readonly view: View;
  /** Accepted in the present view, or executed; undefined when only votes are known. */
  readonly digest: Digest | undefined;
  readonly phase: Phase;
  readonly bodyHeld: boolean;
  /** The requests in it, when its body is held. */
  readonly requests: readonly Digest[];
  /** Who voted for `digest`. */
  readonly prepares: readonly ReplicaId[];
  readonly commits: readonly ReplicaId[];
  /** What holds it up, for `explain`; undefined when nothing does. */
  readonly waitingFor: Wait | undefined;
}

export type WaitKind =
  // Of a slot, in the order in which it may need them.
  /** Its PRE-PREPARE. */
  | 'pre-prepare'
  /** The NEW-VIEW that brings this replica into its view. */
  | 'new-view'
  /** A stable checkpoint that brings it into the window. */
  | 'stable-checkpoint'
  /** Proof that its requests are their clients'. */
  | 'request-proof'
  /** The time it bears, or the spacing of flagged batches. */
  | 'batch-time'
  | 'prepares'
  | 'commits'
  /** The batch itself. */
  | 'body'
  /** The execution of the slot before it. */
  | 'earlier-slot'
  /** Nothing more; it is executed in this very step, unless this replica has diverged. */
  | 'turn'
  // Of the replica.
  /** It lost its log and asks what it may have voted on: answers to QUERY-STABLE. */
  | 'estimates'
  /** Its RECOVER, to be ordered and executed. */
  | 'recover'
  /** A stable checkpoint at or above M and r + L, with its state. */
  | 'recovery-end'
  /** What the others say of the views that they have entered. */
  | 'recovery-views'
  /** Its state contradicts a stable checkpoint, or cannot be read: it needs that of one. */
  | 'repair'
  /** A certified checkpoint lies above what was executed here, and the log up to it is gone elsewhere: its state. */
  | 'state'
  /** States of earlier checkpoints, to be written here: too many wait in memory. */
  | 'storage'
  /** CHECKPOINTs of others for one that was taken here. */
  | 'checkpoints'
  /** Others have executed more. */
  | 'decisions'
  /** Requests that the primary has not proposed. */
  | 'proposal'
  /** The primary's own requests: a place in the pipeline or the window. */
  | 'window';

/** What something waits for. */
export interface Wait {
  readonly what: WaitKind;
  /** The number that must come first: the slot, checkpoint or execution that is waited for. */
  readonly sequence: Sequence;
  /** How many replicas it takes; 0 where none are counted. */
  readonly needed: number;
  /** Who has done it. */
  readonly have: readonly ReplicaId[];
  /** Who could still do it. */
  readonly missing: readonly ReplicaId[];
  /** Monotonic µs: nothing has moved there since. A restart and a new view begin anew. */
  readonly sinceUs: number;
  /** Requests that wait, bytes of the state that have come, or seconds until a RECOVER may be ordered; undefined where none is meant. */
  readonly amount: number | undefined;
}

/** A view change under way here. Times: monotonic µs. */
export interface ViewChangeStatus {
  /** The view being changed to. */
  readonly view: View;
  readonly sinceUs: number;
  /** Whose valid VIEW-CHANGE for exactly this view is here. */
  readonly viewChangesFrom: readonly ReplicaId[];
  /** Replicas seen in this view or a higher one. */
  readonly seenInView: readonly ReplicaId[];
  /** q. */
  readonly needed: number;
  /** When the next view is tried; undefined while that timer does not run. */
  readonly timeoutAtUs: number | undefined;
  /** At the primary of `view`: what its decision waits for. */
  readonly decision: string | undefined;
}

/** This replica lost its log and casts no vote yet. */
export interface RecoveryStatus {
  /** M: above everything that it may have voted on; undefined until it is known. */
  readonly mark: Sequence | undefined;
  /** r: where its RECOVER was executed; undefined until it was. */
  readonly recoveredAt: Sequence | undefined;
  /** max(M, r + L): the checkpoint that must be stable; undefined until both are known. */
  readonly end: Sequence | undefined;
}

export interface ReplicaStatus {
  readonly self: ReplicaId;
  readonly quorums: Quorums;
  readonly view: View;
  readonly primary: ReplicaId;
  readonly inViewChange: boolean;
  /** Highest sequence number accepted here, 0 at genesis. */
  readonly highestAccepted: Sequence;
  readonly lastExecuted: Sequence;
  readonly lowWaterMark: Sequence;
  readonly highWaterMark: Sequence;
  /** The last checkpoint taken here. */
  readonly stateRoot: Digest;
  readonly stateRootSequence: Sequence;
  /** µs since 1970. */
  readonly agreedTime: number;
  readonly suspicions: readonly Suspicion[];
  readonly diverged: boolean;
  /** The present state is right, whole and readable: what is decided is executed. */
  readonly mayExecute: boolean;
  readonly queuedRequests: number;
  readonly queuedBytes: number;
  readonly markedClients: readonly ClientId[];
  readonly openSlots: number;
  /** undefined while this replica is in a view. */
  readonly viewChange: ViewChangeStatus | undefined;
  /** undefined while this replica remembers what it said. */
  readonly recovery: RecoveryStatus | undefined;
}
