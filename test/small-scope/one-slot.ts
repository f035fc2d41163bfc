/**
 * An abstract model of one sequence number with four replicas, of which one lies: what the three correct ones can have prepared and
 * pre-prepared after each view, and what may have committed. Views start from what `checkChoice` accepts; nothing here knows the rules.
 *
 * Why these are all states: what a replica does in a view depends on that view's start and messages only, so every run can be put in order view
 * by view. The primary of each view is taken to lie, and may show each replica another choice or nothing: that includes a correct primary, and
 * a replica that left the view early or never came. Any correct replica may be left out of any choice.
 */
import { NULL_DIGEST } from '../../src/base/ids.ts';
import type { Digest } from '../../src/base/ids.ts';
import type { ClaimedSlot, ViewChangeClaims } from '../../src/protocol/view-change-claims.ts';
import { A, B, claim, entry } from '../support/view-change-kit.ts';

/** The digests by number; sets of them are bit masks. */
export const DIGESTS: readonly Digest[] = [A, B, NULL_DIGEST];
export const ALL_DIGESTS = 0b111;
const NUMBERS: readonly number[] = [0, 1, 2];

export const LIAR = 3;
const FAULTS = 1;
const QUORUM = 3;

/**
 * What one replica lists, in ten bits: P's digest + 1 or 0 for none, P's view, and for each digest the view in Q + 1 or 0 for none, two bits each.
 */
export type Record = number;
export const NOTHING: Record = 0;

const digestInP = (record: Record): number => (record & 3) - 1;
const viewInP = (record: Record): number => (record >> 2) & 3;
const viewInQ = (record: Record, digest: number): number => ((record >> (4 + 2 * digest)) & 3) - 1;
const withP = (record: Record, digest: number, view: number): Record => (record & ~15) | (digest + 1) | (view << 2);
const withQ = (record: Record, digest: number, view: number): Record =>
  (record & ~(3 << (4 + 2 * digest))) | ((view + 1) << (4 + 2 * digest));

/** Which digests a replica lists in Q: their bodies are on its disk. */
export function heldBy(record: Record): number {
  return NUMBERS.reduce((held, digest) => held | (viewInQ(record, digest) >= 0 ? 1 << digest : 0), 0);
}

/** The VIEW-CHANGE of replica `index` with this record. */
export function claimOf(index: number, record: Record): ViewChangeClaims {
  const inQ = [2, 0, 1].flatMap((digest) => entryOf(digest, viewInQ(record, digest)));
  return claim(index, { prepared: entryOf(digestInP(record), viewInP(record)), prePrepared: inQ });
}

function entryOf(digest: number, view: number): readonly ClaimedSlot[] {
  const what = DIGESTS[digest];
  return what === undefined || view < 0 ? [] : [entry(what, view)];
}

/** Everything the liar can claim to one decision for `view`: any P, any Q. */
export function everyLie(view: number): readonly Record[] {
  const views = Array.from({ length: view }, (_, index) => index);
  let records: readonly Record[] = [
    NOTHING,
    ...NUMBERS.flatMap((digest) => views.map((inP) => withP(NOTHING, digest, inP))),
  ];
  for (const digest of NUMBERS)
    records = records.flatMap((record) => [-1, ...views].map((v) => withQ(record, digest, v)));
  return records;
}

/** The lies that list everything in Q, as late as can be: for whatever digest they help, none helps it more. */
export function liesWithAllOfQ(view: number): readonly Record[] {
  return everyLie(view).filter((record) => NUMBERS.every((digest) => viewInQ(record, digest) === view - 1));
}

/** The lies that list nothing in Q: none helps a decision less. */
export function liesWithoutQ(view: number): readonly Record[] {
  return everyLie(view).filter((record) => heldBy(record) === 0);
}

/** What the correct replicas can have become: their records, ascending, and what may have committed in any view. */
export interface State {
  readonly records: readonly [Record, Record, Record];
  readonly committed: number;
}

export const INITIAL: State = { records: [NOTHING, NOTHING, NOTHING], committed: 0 };

/** What a replica does in a view: nothing, or it accepts a digest, or it accepts and prepares it. */
interface Step {
  readonly digest: number;
  readonly isPrepared: boolean;
}

/**
 * All states after `view`, one per class of those that differ only by the names of the replicas, or of the digests a and b.
 * `possible` is the set of digests that some replica can be shown as the start of this view.
 */
export function statesAfter(
  view: number,
  before: readonly State[],
  possible: (state: State) => number,
): readonly State[] {
  const found = new Map<number, State>();
  for (const state of before) {
    const steps: Step[] = [{ digest: -1, isPrepared: false }];
    for (const digest of NUMBERS)
      if (possible(state) & (1 << digest)) steps.push({ digest, isPrepared: false }, { digest, isPrepared: true });
    for (const first of steps)
      for (const second of steps)
        for (const third of steps) {
          const next = stateAfter(view, state, [first, second, third]);
          if (next !== undefined && !found.has(keyOf(next))) found.set(keyOf(next), next);
        }
  }
  return [...found.values()];
}

/** Undefined if the steps are impossible: to prepare, q must have pre-prepared, of whom the liar may be one. */
function stateAfter(view: number, state: State, steps: readonly [Step, Step, Step]): State | undefined {
  let { committed } = state;
  for (const digest of NUMBERS) {
    const accepted = steps.filter((step) => step.digest === digest);
    const prepared = accepted.filter(({ isPrepared }) => isPrepared).length;
    if (prepared > 0 && accepted.length + FAULTS < QUORUM) return undefined;
    if (prepared + FAULTS >= QUORUM) committed |= 1 << digest;
  }
  const after = (record: Record, { digest, isPrepared }: Step): Record => {
    if (digest < 0) return record;
    const listed = withQ(record, digest, view);
    return isPrepared ? withP(listed, digest, view) : listed;
  };
  const [one, two, three] = state.records;
  return representative([after(one, steps[0]), after(two, steps[1]), after(three, steps[2])], committed);
}

function keyOf({ records, committed }: State): number {
  return records.reduce((key, record) => key * 1024 + record, committed);
}

function representative(records: State['records'], committed: number): State {
  const [one, two, three] = records;
  const state = { records: ascending(one, two, three), committed };
  const exchanged = {
    records: ascending(exchange(one), exchange(two), exchange(three)),
    committed: (committed & 0b100) | ((committed & 1) << 1) | ((committed & 2) >> 1),
  };
  return keyOf(state) <= keyOf(exchanged) ? state : exchanged;
}

function ascending(one: Record, two: Record, three: Record): State['records'] {
  const [low, high] = one < two ? [one, two] : [two, one];
  return three < low ? [three, low, high] : three < high ? [low, three, high] : [low, high, three];
}

/** The record with the digests a and b exchanged. */
function exchange(record: Record): Record {
  const inP = digestInP(record);
  const swapped = withQ(withQ(record, 0, viewInQ(record, 1)), 1, viewInQ(record, 0));
  return inP === 0 || inP === 1 ? withP(swapped, 1 - inP, viewInP(record)) : swapped;
}
