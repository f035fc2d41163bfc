/**
 * What a new view starts with: the choice of its primary from the VIEW-CHANGEs it gathered, and the check of that choice by everyone else.
 * Pure functions of the claims, whatever their order; the rules for one sequence number, and why they suffice, are in decision-rules.ts.
 * [TOCS, "View changes"; docs/protocol.md, "View changes"]
 */
import { assert } from '../base/assert.ts';
import { NULL_DIGEST, asSequence } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import { ClaimIndex } from './decision-rules.ts';
import type { Quorums } from './quorum.ts';
import type { ClaimedCheckpoint, ViewChangeClaims } from './view-change-claims.ts';

/** (n, d) in X. */
export interface ChosenSlot {
  readonly sequence: Sequence;
  readonly digest: Digest;
}

/** X: where the new view starts, and one digest for each n above it up to the highest that anyone claims to have prepared, ascending. */
export interface NewViewChoice {
  readonly start: ClaimedCheckpoint;
  readonly slots: readonly ChosenSlot[];
}

/** A number for which nothing can be chosen yet. */
export interface UndecidedSlot {
  readonly sequence: Sequence;
  /** Digests that pass A1 and A2, the best first, each held by a correct replica: any one body suffices. None: more VIEW-CHANGEs are needed. */
  readonly fetch: readonly Digest[];
}

/** What a decision waits for. More VIEW-CHANGEs and more bodies only ever help. */
export type Waiting =
  | { readonly code: 'claims'; readonly count: number; readonly needed: number }
  | { readonly code: 'slots'; readonly start: ClaimedCheckpoint; readonly slots: readonly UndecidedSlot[] };

export type Decision =
  | { readonly kind: 'chosen'; readonly choice: NewViewChoice }
  | { readonly kind: 'waiting'; readonly reason: Waiting };

/** Why a choice does not follow from its claims. */
export type CheckFailure =
  | { readonly code: 'repeated-replica'; readonly replica: ReplicaId }
  | { readonly code: 'too-few-claims'; readonly count: number; readonly needed: number }
  | { readonly code: 'wrong-start'; readonly expected: ClaimedCheckpoint }
  /** X has no entry for this n at its place. */
  | { readonly code: 'missing-slot'; readonly sequence: Sequence }
  /** X has an entry for this n, which is above the highest in any P. */
  | { readonly code: 'excess-slot'; readonly sequence: Sequence }
  | { readonly code: 'unjustified-digest'; readonly sequence: Sequence; readonly digest: Digest };

/**
 * The choice of the new primary. Requires: valid claims of distinct replicas. For each n the first digest that passes A1 and A2 and whose body
 * is held (A3); `holdsBody` is not asked about the null digest, whose body everyone has. Else null if B holds. Else the decision waits.
 */
export function decide(
  claims: readonly ViewChangeClaims[],
  quorums: Quorums,
  holdsBody: (sequence: Sequence, digest: Digest) => boolean,
): Decision {
  assert(repeatedReplica(claims) === undefined, 'a decision counts one VIEW-CHANGE per replica');
  const start = startOf(claims, quorums);
  if (start === undefined) {
    return { kind: 'waiting', reason: { code: 'claims', count: claims.length, needed: quorums.quorum } };
  }
  const index = new ClaimIndex(claims, start.sequence, quorums);
  const slots: ChosenSlot[] = [];
  const undecided: UndecidedSlot[] = [];
  for (const sequence of numbersAbove(start.sequence, index.highest)) {
    const passing = index.passing(sequence);
    const held = passing.find((digest) => digest === NULL_DIGEST || holdsBody(sequence, digest));
    if (held !== undefined) slots.push({ sequence, digest: held });
    else if (index.allowsNull(sequence)) slots.push({ sequence, digest: NULL_DIGEST });
    else undecided.push({ sequence, fetch: passing });
  }
  if (undecided.length > 0) return { kind: 'waiting', reason: { code: 'slots', start, slots: undecided } };
  return { kind: 'chosen', choice: { start, slots } };
}

/**
 * Why `choice` does not follow from `claims`, or undefined. Requires: valid claims; that their senders are distinct is checked. In the order checked:
 * distinct senders, at least q; the start as defined; exactly one entry for each n above it up to the highest in any P, ascending; each digest
 * passes A1 and A2, or is null and B holds. It does not decide again: the primary may have lacked a body, and where several digests pass, none
 * committed. Null by itself proves nothing: unchecked, a faulty primary would erase what committed.
 */
export function checkChoice(
  choice: NewViewChoice,
  claims: readonly ViewChangeClaims[],
  quorums: Quorums,
): CheckFailure | undefined {
  const replica = repeatedReplica(claims);
  if (replica !== undefined) return { code: 'repeated-replica', replica };
  const start = startOf(claims, quorums);
  if (start === undefined) return { code: 'too-few-claims', count: claims.length, needed: quorums.quorum };
  if (choice.start.sequence !== start.sequence || choice.start.root !== start.root) {
    return { code: 'wrong-start', expected: start };
  }
  const index = new ClaimIndex(claims, start.sequence, quorums);
  const numbers = numbersAbove(start.sequence, index.highest);
  for (const [place, sequence] of numbers.entries()) {
    const slot = choice.slots[place];
    if (slot?.sequence !== sequence) return { code: 'missing-slot', sequence };
    const { digest } = slot;
    const isJustified = index.passes(sequence, digest) || (digest === NULL_DIGEST && index.allowsNull(sequence));
    if (!isJustified) return { code: 'unjustified-digest', sequence, digest };
  }
  const excess = choice.slots[numbers.length];
  return excess && { code: 'excess-slot', sequence: excess.sequence };
}

/**
 * Where the new view starts: the highest checkpoint that one of q claims proves or f+1 list; undefined for fewer than q claims. Of two roots at
 * one n, which need more than f liars, the smaller.
 *
 * It is at or above every h in the claims, since each h is proven; so every claim speaks about every n above it.
 * - f+1 listings include a correct replica, which has the state and keeps it until a higher one is stable: others can fetch it. A listing by one
 *   liar would start the view from a state that nobody has, and skip what committed.
 * - A proof alone suffices: the one correct replica that knows a checkpoint to be stable has dropped its P and Q up to there. With a lower start,
 *   what committed below the checkpoint with its help may be in too few Ps and Qs to be chosen again: null in its place, or stuck for ever.
 */
function startOf(claims: readonly ViewChangeClaims[], quorums: Quorums): ClaimedCheckpoint | undefined {
  if (claims.length < quorums.quorum) return undefined;
  const listings = new Map<string, number>();
  let start: ClaimedCheckpoint | undefined;
  for (const { lowWaterMark, root, checkpoints } of claims) {
    start = higher(start, { sequence: lowWaterMark, root });
    for (const listed of checkpoints) {
      const key = `${listed.sequence} ${listed.root}`;
      const count = (listings.get(key) ?? 0) + 1;
      listings.set(key, count);
      if (count === quorums.weak) start = higher(start, { sequence: listed.sequence, root: listed.root });
    }
  }
  return start;
}

function higher(start: ClaimedCheckpoint | undefined, other: ClaimedCheckpoint): ClaimedCheckpoint {
  if (start === undefined || other.sequence > start.sequence) return other;
  return other.sequence === start.sequence && other.root < start.root ? other : start;
}

function repeatedReplica(claims: readonly ViewChangeClaims[]): ReplicaId | undefined {
  const seen = new Set<ReplicaId>();
  for (const { replica } of claims) {
    if (seen.has(replica)) return replica;
    seen.add(replica);
  }
  return undefined;
}

function numbersAbove(start: Sequence, highest: Sequence): readonly Sequence[] {
  return Array.from({ length: highest - start }, (_, index) => asSequence(start + index + 1));
}
