/**
 * The rules of the view change for one sequence number: A1, A2 and B. [TOCS, "View changes"; docs/protocol.md, "View changes"] Pure, and blind to the order of
 * the claims.
 *
 * **Why what committed stays (safety).** Let (n, d) have committed in view w: q replicas prepared it, and for any q claims one of them is of a
 * correct replica r among those. Views are left by VIEW-CHANGE only, so r's P has n with a view ≥ w. By induction over the views after w only d is
 * chosen and pre-prepared by correct replicas there, so r's entry is d's. Hence no other digest passes:
 * - B fails: q claims without an entry for n would include r's.
 * - (e, v') with v' ≤ w fails A1, since r's view is ≥ w and its digest not e. (v' = w with r's view = w is where `d'' = d` matters.)
 * - (e, v') with v' > w fails A2: of f+1 that pre-prepared e in a view ≥ v' one is correct, and no correct replica did.
 * It does not matter which of several passing digests is chosen: then none committed.
 *
 * **Why there is always a choice (liveness).** Let all correct replicas be heard, at least q. If none prepared at n, B holds. Else let w be the
 * highest view in their P for n, and d its digest: within a view only one digest can be prepared at correct replicas. (d, w) passes A1, on their
 * claims alone. To prepare d, q replicas pre-prepared it in w, so at least f+1 correct ones: they pass A2 and hold the body. More claims take
 * nothing away: A1, A2 and B only count for, never against.
 */
import type { Digest, Sequence, View } from '../base/ids.ts';
import type { Quorums } from './quorum.ts';
import type { ClaimedSlot, ViewChangeClaims } from './view-change-claims.ts';

/** What all claims say about one n. */
interface SlotClaims {
  /** The entries in the Ps: at most one per claimant. */
  readonly prepared: ClaimedSlot[];
  /** Per digest the views in the Qs: at most one per claimant. */
  readonly prePrepared: Map<Digest, View[]>;
}

/**
 * The claims above the start, by sequence number. Built once, so that deciding takes about (entries) × (claims) steps. Requires: valid claims
 * of distinct replicas, each with h ≤ start; the page's `m'.h < n` is then true of every claim.
 */
export class ClaimIndex {
  readonly #bySequence = new Map<Sequence, SlotClaims>();
  readonly #claimCount: number;
  readonly #quorums: Quorums;
  #highest: Sequence;

  constructor(claims: readonly ViewChangeClaims[], start: Sequence, quorums: Quorums) {
    this.#claimCount = claims.length;
    this.#quorums = quorums;
    this.#highest = start;
    for (const { prepared } of claims)
      for (const entry of prepared) if (entry.sequence > start) this.#addPrepared(entry);
    // Q matters only where somebody claims to have prepared.
    for (const { prePrepared } of claims) for (const entry of prePrepared) this.#addPrePrepared(entry);
  }

  /** The highest n in any P, or the start: what a choice covers. */
  get highest(): Sequence {
    return this.#highest;
  }

  #addPrepared(entry: ClaimedSlot): void {
    const slot = this.#bySequence.get(entry.sequence);
    if (slot === undefined) this.#bySequence.set(entry.sequence, { prepared: [entry], prePrepared: new Map() });
    else slot.prepared.push(entry);
    if (entry.sequence > this.#highest) this.#highest = entry.sequence;
  }

  #addPrePrepared({ sequence, digest, view }: ClaimedSlot): void {
    const slot = this.#bySequence.get(sequence);
    if (slot === undefined) return;
    const views = slot.prePrepared.get(digest);
    if (views === undefined) slot.prePrepared.set(digest, [view]);
    else views.push(view);
  }

  /** The digests that pass A1 and A2 at `sequence`: that of the highest v' first, then the smallest. Each once. */
  passing(sequence: Sequence): readonly Digest[] {
    const slot = this.#bySequence.get(sequence);
    if (slot === undefined) return [];
    const passing = slot.prepared
      .filter((candidate) => this.#passesA1(slot, candidate) && this.#passesA2(slot, candidate))
      .toSorted((left, right) => right.view - left.view || (left.digest < right.digest ? -1 : 1));
    return [...new Set(passing.map(({ digest }) => digest))];
  }

  /** True if `digest` passes A1 and A2 at `sequence`. */
  passes(sequence: Sequence, digest: Digest): boolean {
    const slot = this.#bySequence.get(sequence);
    if (slot === undefined) return false;
    return slot.prepared.some(
      (candidate) => candidate.digest === digest && this.#passesA1(slot, candidate) && this.#passesA2(slot, candidate),
    );
  }

  /** Digests that A1 lets pass and A2 does not: what a liar alone claims, say. */
  refusedByA2(sequence: Sequence): readonly Digest[] {
    const slot = this.#bySequence.get(sequence);
    const refused = slot?.prepared.filter((claim) => this.#passesA1(slot, claim) && !this.#passesA2(slot, claim)) ?? [];
    return refused.map(({ digest }) => digest);
  }

  /** Digests that A2 lets pass and A1 does not: prepared somewhere, and something else later elsewhere. */
  refusedByA1(sequence: Sequence): readonly Digest[] {
    const slot = this.#bySequence.get(sequence);
    const refused = slot?.prepared.filter((claim) => this.#passesA2(slot, claim) && !this.#passesA1(slot, claim)) ?? [];
    return refused.map(({ digest }) => digest);
  }

  /**
   * B: q claimants prepared nothing at `sequence`, so nothing committed there, and null may be chosen. With q−1, at n = 4: d committed by
   * node1, node2 and the liar; heard are node1, node3, which prepared nothing, and the liar, which claims that. d lacks A2, and null would win.
   */
  allowsNull(sequence: Sequence): boolean {
    const prepared = this.#bySequence.get(sequence)?.prepared.length ?? 0;
    return this.#claimCount - prepared >= this.#quorums.quorum;
  }

  /**
   * A1: q claimants prepared at n nothing, or only in views below v', or this digest in v'. Counter-examples at n = 4, q = 3:
   * - With `v'' < v'` only, what all three correct replicas prepared in one view passes nowhere, nor does null: stuck for ever.
   * - Without `d'' = d`: the liar, primary of view 1, has d committed there with node1 and node2 and shows e to node3. Then it claims (e, 1) in P
   *   and Q: node3 lists e in Q too, so A2 holds, and node1 and node2 (v'' = v') would count for e.
   */
  #passesA1({ prepared }: SlotClaims, { digest, view }: ClaimedSlot): boolean {
    let against = 0;
    for (const other of prepared)
      if (other.view > view || (other.view === view && other.digest !== digest)) against += 1;
    return this.#claimCount - against >= this.#quorums.quorum;
  }

  /**
   * A2: f+1 claimants pre-prepared this digest in v' or later, so a correct one did. Counter-examples at n = 4, f = 1:
   * - Without it: d committed in view 0; the liar claims to have prepared e in view 1, where it never was proposed. All others' views are below, e wins.
   * - Without `v'' ≥ v'`: the liar, primary of view 0, has d committed there with node1 and node2 and shows e to node3, then claims (e, 1). node3's
   *   entry for e in view 0 would vouch for a proposal in view 1 that never was.
   */
  #passesA2({ prePrepared }: SlotClaims, { digest, view }: ClaimedSlot): boolean {
    const views = prePrepared.get(digest) ?? [];
    return views.filter((later) => later >= view).length >= this.#quorums.weak;
  }
}
