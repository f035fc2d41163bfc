/**
 * How a replica that lost its log bounds what it may have voted on [TOCS §4.3.2; PROTOCOL: lost votes]. Pure.
 *
 * The replica counts as one of the f itself, so at most f−1 of the others lie. Every checkpoint that was stable at it bears the signatures of q
 * replicas, q−f of them correct others: any q answers hold two of theirs, so no c that q−1 others do not exceed is below its old h. And f others,
 * or j and f−1 of them, include a correct one: so c is no higher than what a correct replica prepared. It voted for nothing above its old h + L.
 */
import { asSequence } from '../base/ids.ts';
import type { ReplicaId, Sequence, View } from '../base/ids.ts';
import type { Quorums } from './quorum.ts';

/** What one replica has answered so far, in one recovery. */
export interface StableAnswer {
  /** c: the lowest that it named. It was true after the log was lost, as all answers under the nonce are. */
  readonly taken: Sequence;
  /** p: the highest that it named. */
  readonly prepared: Sequence;
  /** The last view it had entered when it knew that the RECOVER was executed; undefined until it says so. */
  readonly entered: View | undefined;
}

/** Two answers of one replica as one. */
export function mergeAnswers(before: StableAnswer | undefined, next: StableAnswer): StableAnswer {
  if (before === undefined) return next;
  return {
    taken: asSequence(Math.min(before.taken, next.taken)),
    prepared: asSequence(Math.max(before.prepared, next.prepared)),
    entered: later(before.entered, next.entered),
  };
}

function later(left: View | undefined, right: View | undefined): View | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return left > right ? left : right;
}

/** M = L + c of an answer such that q−1 others have c' ≤ c and f others p ≥ c; undefined while there is none. `window`: L. */
export function estimateMark(
  answers: ReadonlyMap<ReplicaId, StableAnswer>,
  { quorum, faultLimit }: Pick<Quorums, 'quorum' | 'faultLimit'>,
  window: number,
): Sequence | undefined {
  const all = [...answers];
  const marks = all.flatMap(([replica, { taken }]) => {
    const others = all.filter(([other]) => other !== replica).map(([, answer]) => answer);
    const notAbove = others.filter((other) => other.taken <= taken).length;
    const reached = others.filter((other) => other.prepared >= taken).length;
    return notAbove >= quorum - 1 && reached >= faultLimit ? [taken + window] : [];
  });
  // Any of them will do; the lowest is done soonest.
  return marks.length === 0 ? undefined : asSequence(Math.min(...marks));
}
