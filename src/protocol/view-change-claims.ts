/**
 * What the decision of a view change looks at in one VIEW-CHANGE, and when such claims are valid. Validity is objective: it depends on nothing
 * but the message and the cluster's configuration, so that what one correct replica takes into a NEW-VIEW no other one refuses.
 */
import { GENESIS, NULL_DIGEST } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';

/** (n, d, v'): in P, prepared at the sender, v' the latest view in which anything was; in Q, pre-prepared, v' the latest view in which d was. */
export interface ClaimedSlot {
  readonly sequence: Sequence;
  readonly digest: Digest;
  readonly view: View;
}

/** A checkpoint: the state after batch `sequence` has this root. Genesis is (0, the null digest). */
export interface ClaimedCheckpoint {
  readonly sequence: Sequence;
  readonly root: Digest;
}

/** One VIEW-CHANGE. Every list ascends: by n, and `prePrepared` by n and then by digest. [TOCS, "View changes", P and Q] */
export interface ViewChangeClaims {
  readonly replica: ReplicaId;
  /** h: the sender's stable checkpoint, proven by the message. */
  readonly lowWaterMark: Sequence;
  /** The root of that checkpoint; the null digest at genesis. */
  readonly root: Digest;
  /** C: checkpoints announced and not yet collected, all in (h, h+L], one root per n. */
  readonly checkpoints: readonly ClaimedCheckpoint[];
  /** P: at most one entry per n in (h, h+L]. */
  readonly prepared: readonly ClaimedSlot[];
  /** Q: at most one entry per (n, d), n in (h, h+L]. */
  readonly prePrepared: readonly ClaimedSlot[];
}

export interface ClaimLimits {
  /** L: how far above h a replica accepts. */
  readonly window: number;
  /** Different digests a correct replica accepts fresh for one n; what NEW-VIEWs chose may double them. */
  readonly digestsPerSlot: number;
}

/** Why claims are invalid, and the first n where they are. */
export type InvalidClaims =
  | { readonly code: 'genesis-root' }
  | { readonly code: 'outside-window'; readonly list: ClaimList; readonly sequence: Sequence }
  | { readonly code: 'not-ascending'; readonly list: ClaimList; readonly sequence: Sequence }
  | { readonly code: 'view-too-high'; readonly list: 'P' | 'Q'; readonly sequence: Sequence; readonly view: View }
  | { readonly code: 'too-many-digests'; readonly sequence: Sequence };

export type ClaimList = 'C' | 'P' | 'Q';

/**
 * Why the claims of a VIEW-CHANGE for `view` are invalid, or undefined. Valid means, list by list, C, P, Q:
 * - every n lies in (h, h+L];
 * - C and P ascend by n, Q by (n, d): hence one root per n, one prepared digest per n, one view per pre-prepared digest;
 * - in P and Q every view is below `view`: nobody has been in a later one;
 * - Q has per n at most twice `digestsPerSlot` entries and one more, for null;
 * and before that, that the root is the null digest exactly at genesis, which is stable without a proof: else a lie about it would count as
 * proven. Not checked here: signatures, and the proof of h.
 */
export function validateClaims(claims: ViewChangeClaims, view: View, limits: ClaimLimits): InvalidClaims | undefined {
  const { lowWaterMark, root, checkpoints, prepared, prePrepared } = claims;
  if ((lowWaterMark === GENESIS) !== (root === NULL_DIGEST)) return { code: 'genesis-root' };
  return (
    invalidPlace('C', checkpoints, claims, limits) ??
    invalidPlace('P', prepared, claims, limits) ??
    invalidView('P', prepared, view) ??
    invalidPlace('Q', prePrepared, claims, limits) ??
    invalidView('Q', prePrepared, view) ??
    tooManyDigests(prePrepared, limits)
  );
}

function invalidPlace(
  list: ClaimList,
  entries: readonly { readonly sequence: Sequence; readonly digest?: Digest }[],
  { lowWaterMark }: ViewChangeClaims,
  { window }: ClaimLimits,
): InvalidClaims | undefined {
  for (const [index, entry] of entries.entries()) {
    const { sequence } = entry;
    // The difference, because h+L need not be an exact number.
    if (sequence <= lowWaterMark || sequence - lowWaterMark > window) return { code: 'outside-window', list, sequence };
    const before = entries[index - 1];
    if (before === undefined || before.sequence < sequence) continue;
    const isNextDigest = list === 'Q' && before.sequence === sequence && (before.digest ?? '') < (entry.digest ?? '');
    if (!isNextDigest) return { code: 'not-ascending', list, sequence };
  }
  return undefined;
}

function invalidView(list: 'P' | 'Q', entries: readonly ClaimedSlot[], view: View): InvalidClaims | undefined {
  const late = entries.find((entry) => entry.view >= view);
  return late && { code: 'view-too-high', list, sequence: late.sequence, view: late.view };
}

function tooManyDigests(
  prePrepared: readonly ClaimedSlot[],
  { digestsPerSlot }: ClaimLimits,
): InvalidClaims | undefined {
  // Ascending: the first and the last of too many entries for one n are that far apart.
  const cap = 2 * digestsPerSlot + 1;
  const excess = prePrepared.find(({ sequence }, index) => prePrepared[index - cap]?.sequence === sequence);
  return excess && { code: 'too-many-digests', sequence: excess.sequence };
}
