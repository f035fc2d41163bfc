/** Challenges: what somebody is to bring about by hand, and whether they have. Scored by what happened and by the checkers, never by a human. Pure. */
import type { ActionName } from './intervention.ts';
import type { Happening } from './lab-event.ts';
import { findFitting, fits } from './pattern.ts';
import type { Pattern } from './pattern.ts';

/** So many events of this kind, of so many different nodes. */
export interface Tally {
  readonly pattern: Pattern;
  readonly times?: number;
  readonly nodes?: number;
  /** Those alone count that come after the first event that fits this. */
  readonly after?: Pattern;
  /** In words: what is counted. */
  readonly words: string;
}

export interface Goal {
  readonly tallies: readonly Tally[];
  /** This invariant is to be broken. */
  readonly breaks?: string;
  /** No invariant may be broken. */
  readonly intact?: boolean;
  /** None of these may have happened when the scenario is over, and not before that is it known. */
  readonly never?: readonly Tally[];
  /** At most so many interventions. */
  readonly mostActions?: number;
  /** Nothing else may be done by hand; left out: anything. */
  readonly actions?: readonly ActionName[];
  /** Messages of this type alone may be dropped by hand. */
  readonly drops?: string;
}

/** One thing that the goal asks for. */
export interface GoalPart {
  readonly words: string;
  readonly isMet: boolean;
}

export interface Score {
  readonly isWon: boolean;
  readonly parts: readonly GoalPart[];
}

export interface Played {
  readonly happenings: readonly Happening[];
  /** Names of broken invariants. */
  readonly broken: readonly string[];
  readonly actions: readonly ActionName[];
  /** All commands of the scenario are carried out. */
  readonly isOver: boolean;
}

export function score(goal: Goal, { happenings, broken, actions, isOver }: Played): Score {
  const parts: GoalPart[] = goal.tallies.map((tally) => ({ words: tally.words, isMet: isReached(tally, happenings) }));
  for (const tally of goal.never ?? [])
    parts.push({ words: `never, to the end: ${tally.words}`, isMet: isOver && !isReached(tally, happenings) });
  if (goal.breaks !== undefined)
    parts.push({ words: `the checkers see "${goal.breaks}" broken`, isMet: broken.includes(goal.breaks) });
  if (goal.intact === true) parts.push({ words: 'every invariant holds', isMet: broken.length === 0 });
  const { mostActions, actions: allowed } = goal;
  if (mostActions !== undefined)
    parts.push({ words: `at most ${mostActions} interventions`, isMet: actions.length <= mostActions });
  if (allowed !== undefined) {
    const isAllowed = actions.every((name) => allowed.includes(name));
    parts.push({ words: `by hand only: ${allowed.join(', ')}`, isMet: isAllowed });
  }
  const { drops } = goal;
  if (drops !== undefined) {
    const isOf = ({ event }: Happening): boolean =>
      event.kind !== 'message-lost' || event.why !== 'by hand' || event.message.type === drops;
    parts.push({ words: `nothing is dropped but ${drops.toUpperCase()}s`, isMet: happenings.every(isOf) });
  }
  return { isWon: parts.every(({ isMet }) => isMet), parts };
}

function isReached({ pattern, times = 1, nodes = 1, after }: Tally, happenings: readonly Happening[]): boolean {
  const first = after === undefined ? -1 : findFitting(happenings, after);
  if (after !== undefined && first < 0) return false;
  const found = happenings.filter(({ event }, index) => index > first && fits(event, pattern));
  return found.length >= times && new Set(found.map(({ event }) => event.node)).size >= nodes;
}
