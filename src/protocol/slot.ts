/**
 * One sequence number of the log: what was accepted, who voted, what is prepared, committed and executed. Plain data with one owner (the
 * replica); the predicates are those of the paper. P and Q are what a VIEW-CHANGE will list [TOCS §3.2.4].
 */
import type { Bytes } from '../base/bytes.ts';
import { NULL_DIGEST } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import type { Batch } from '../messages/index.ts';
import type { RequestVerification } from './input.ts';
import { Votes } from './votes.ts';

/** An authentic PRE-PREPARE that cannot be accepted yet, and why; tried again whenever that may have changed. */
export interface PendingPrePrepare {
  readonly view: View;
  readonly digest: Digest;
  readonly batch: Batch | undefined;
  readonly signature: Bytes | undefined;
  /** What was verified of each request when it came, in order. */
  readonly verified: readonly RequestVerification[];
  readonly sizeBytes: number;
}

export interface AcceptedPrePrepare {
  readonly view: View;
  readonly digest: Digest;
  readonly signature: Bytes | undefined;
}

/** Who complained about the pre-prepare of a slot, and which requests they could not verify. */
export interface SlotComplaint {
  readonly view: View;
  readonly digest: Digest;
  readonly requests: ReadonlySet<Digest>;
}

export class Slot {
  readonly sequence: Sequence;
  readonly prepares: Votes;
  readonly commits: Votes;
  /** The latest accepted pre-prepare; counts for voting only while its view is the replica's. */
  accepted: AcceptedPrePrepare | undefined;
  /** When that was, monotonic µs; 0: before the start. */
  acceptedAt = 0;
  pending: PendingPrePrepare | undefined;
  /** Q: each digest pre-prepared here, with the latest view; its body is held and on disk. */
  readonly prePrepared = new Map<Digest, View>();
  /** P: the latest view in which something prepared here. */
  prepared: { readonly view: View; readonly digest: Digest } | undefined;
  /** committed-local(v, n, d) held, or f+1 replicas said DECIDED: the batch of this slot for ever. */
  decided: Digest | undefined;
  executed: Digest | undefined;
  readonly bodies = new Map<Digest, Batch>();
  /** DECIDED claims, one per sender. */
  readonly claims = new Map<ReplicaId, Digest>();
  readonly complaints = new Map<ReplicaId, SlotComplaint>();

  constructor(sequence: Sequence, replicaCount: number) {
    this.sequence = sequence;
    this.prepares = new Votes(replicaCount);
    this.commits = new Votes(replicaCount);
  }

  /** The body of the null batch is always held. */
  holdsBody(digest: Digest): boolean {
    return digest === NULL_DIGEST || this.bodies.has(digest);
  }

  acceptedIn(view: View): AcceptedPrePrepare | undefined {
    return this.accepted?.view === view ? this.accepted : undefined;
  }

  /** What is known to belong here best: executed, else decided, else accepted. */
  digest(): Digest | undefined {
    return this.executed ?? this.decided ?? this.accepted?.digest;
  }
}
