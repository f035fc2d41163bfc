/**
 * One sequence number of the log: what was accepted, who voted, what is prepared, committed and executed. Plain data with one owner (the
 * replica); the predicates are those of the paper. P and Q are what a VIEW-CHANGE will list [TOCS §3.2.4].
 */
import type { Bytes } from '../base/bytes.ts';
import { NULL_DIGEST } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import type { Batch, CodecContext, DigestList } from '../messages/index.ts';
import { Body } from './body.ts';
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
  /** Some of that was shown by the proofs of another copy: those of `batch` may say anything. */
  readonly isMixed: boolean;
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
  /** The accepted batch, where this replica verified every request itself: with whom its client asked to reply. Until it is executed. */
  verified: Batch | undefined;
  /** Q: each digest pre-prepared here, with the latest view; its body is held and on disk. */
  readonly prePrepared = new Map<Digest, View>();
  /** P: the latest view in which something prepared here. */
  prepared: { readonly view: View; readonly digest: Digest } | undefined;
  /** committed-local(v, n, d) held, or f+1 replicas said DECIDED: the batch of this slot for ever. */
  decided: Digest | undefined;
  executed: Digest | undefined;
  /** DECIDED claims, one per sender. */
  readonly claims = new Map<ReplicaId, Digest>();
  readonly complaints = new Map<ReplicaId, SlotComplaint>();
  readonly #bodies = new Map<Digest, Body>();

  constructor(sequence: Sequence, replicaCount: number) {
    this.sequence = sequence;
    this.prepares = new Votes(replicaCount);
    this.commits = new Votes(replicaCount);
  }

  /** The body of the null batch is always held. */
  holdsBody(digest: Digest): boolean {
    return digest === NULL_DIGEST || this.#bodies.has(digest);
  }

  /** The batch with this digest; undefined for the null batch too. */
  bodyOf(digest: Digest): Batch | undefined {
    return this.#bodies.get(digest)?.batch;
  }

  /** Digests of its requests, in order; undefined where it is not held. */
  requestsOf(digest: Digest): DigestList | undefined {
    return this.#bodies.get(digest)?.requests;
  }

  /** What it takes in memory by the measure of budgets; 0 where it is not held. */
  sizeOf(digest: Digest): number {
    return this.#bodies.get(digest)?.sizeBytes ?? 0;
  }

  /** Takes a body, in the place of an earlier one with the same digest (its requests may bear other proofs). Returns by how much more memory is held. */
  hold(digest: Digest, batch: Batch, sizeBytes: number): number {
    const before = this.#bodies.get(digest);
    if (before?.batch === batch) return 0;
    this.#bodies.set(digest, new Body(batch, sizeBytes));
    return sizeBytes - (before?.sizeBytes ?? 0);
  }

  /** It was executed: its requests are hardly needed any more. */
  compact(digest: Digest, context: CodecContext): void {
    this.#bodies.get(digest)?.compact(context);
  }

  /** Of all its bodies. */
  get bodyBytes(): number {
    let bytes = 0;
    for (const { sizeBytes } of this.#bodies.values()) bytes += sizeBytes;
    return bytes;
  }

  acceptedIn(view: View): AcceptedPrePrepare | undefined {
    return this.accepted?.view === view ? this.accepted : undefined;
  }

  /** What is known to belong here best: executed, else decided, else accepted. */
  digest(): Digest | undefined {
    return this.executed ?? this.decided ?? this.accepted?.digest;
  }
}
