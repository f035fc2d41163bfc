/** What a replica holds besides its status, for people who look into it: the lab shows it. Made from the core, changes nothing. */
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import type { Core } from './core.ts';
import type { Slot } from './slot.ts';
import type { TimerName } from './timers.ts';

/** What a VIEW-CHANGE sent now would claim of one number [TOCS §3.2.4]. */
export interface SlotClaims {
  readonly sequence: Sequence;
  /** P: what prepared here, in the latest view in which something did. */
  readonly prepared: { readonly view: View; readonly digest: Digest } | undefined;
  /** Q: every digest that was pre-prepared here, with the latest view. */
  readonly prePrepared: readonly { readonly view: View; readonly digest: Digest }[];
}

/** CHECKPOINTs for one number that are not stable yet. */
export interface CheckpointVotes {
  readonly sequence: Sequence;
  readonly votes: readonly { readonly replica: ReplicaId; readonly root: Digest }[];
}

export interface ReplicaInside {
  /** Monotonic µs: what `sinceUs` and deadlines are measured by. */
  readonly nowUs: number;
  /** Deadlines that are set, the next one first; monotonic µs. */
  readonly timers: readonly { readonly name: TimerName; readonly atUs: number }[];
  /** T, µs, as it is now. */
  readonly timeoutUs: number;
  readonly claims: readonly SlotClaims[];
  readonly checkpoints: readonly CheckpointVotes[];
  /** Who signed the stable checkpoint; nobody for genesis. */
  readonly stableSigners: readonly ReplicaId[];
  /** The valid VIEW-CHANGEs that are held: of whom, for which view. */
  readonly viewChanges: readonly { readonly replica: ReplicaId; readonly view: View }[];
  readonly clientSessions: number;
  readonly idempotencyKeys: number;
  /** Bytes of batches above h. */
  readonly heldBytes: number;
}

export function replicaInside(core: Core): ReplicaInside {
  return {
    nowUs: core.now.monotonic,
    timers: core.timers.all().toSorted((left, right) => left.atUs - right.atUs),
    timeoutUs: core.timeoutUs,
    claims: [...core.log.from(core.log.low)].map(claimsOf).filter(isClaimed),
    checkpoints: [...core.checkpointVotes].map(([, votes]) => checkpointVotes([...votes.values()])).filter(isDefined),
    stableSigners: core.stable.proof.map(({ checkpoint }) => checkpoint.replica),
    viewChanges: [...core.viewChanges.values()].map(({ viewChange: { replica, view } }) => ({ replica, view })),
    clientSessions: core.clientTable.sessionCount,
    idempotencyKeys: core.idempotency.size,
    heldBytes: core.heldBytes,
  };
}

function claimsOf({ sequence, prepared, prePrepared }: Slot): SlotClaims {
  return { sequence, prepared, prePrepared: [...prePrepared].map(([digest, view]) => ({ view, digest })) };
}

function isClaimed({ prepared, prePrepared }: SlotClaims): boolean {
  return prepared !== undefined || prePrepared.length > 0;
}

function checkpointVotes(
  votes: readonly {
    readonly checkpoint: { readonly sequence: Sequence; readonly replica: ReplicaId; readonly root: Digest };
  }[],
): CheckpointVotes | undefined {
  const [first] = votes;
  if (first === undefined) return undefined;
  return {
    sequence: first.checkpoint.sequence,
    votes: votes.map(({ checkpoint: { replica, root } }) => ({ replica, root })),
  };
}

function isDefined(votes: CheckpointVotes | undefined): votes is CheckpointVotes {
  return votes !== undefined;
}
