/** Challenges: what somebody is to bring about by hand, and whether they have. Scored by what happened and by the checkers, never by a human. Pure. */
import type { ActionName } from './intervention.ts';
import type { Happening } from './lab-event.ts';
import { fits } from './pattern.ts';
import type { Pattern } from './pattern.ts';

/** So many events of this kind, of so many different nodes. */
export interface Tally {
  readonly pattern: Pattern;
  readonly times?: number;
  readonly nodes?: number;
  /** In words: what is counted. */
  readonly words: string;
}

export interface Goal {
  readonly tallies: readonly Tally[];
  /** This invariant is to be broken. */
  readonly breaks?: string;
  /** No invariant may be broken. */
  readonly intact?: boolean;
  /** None of these may have happened. */
  readonly never?: readonly Tally[];
  /** At most so many interventions. */
  readonly mostActions?: number;
  /** Nothing else may be done by hand; left out: anything. */
  readonly actions?: readonly ActionName[];
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
}

export function score(goal: Goal, { happenings, broken, actions }: Played): Score {
  const parts: GoalPart[] = goal.tallies.map((tally) => ({ words: tally.words, isMet: isReached(tally, happenings) }));
  for (const tally of goal.never ?? [])
    parts.push({ words: `never: ${tally.words}`, isMet: !isReached(tally, happenings) });
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
  return { isWon: parts.every(({ isMet }) => isMet), parts };
}

function isReached({ pattern, times = 1, nodes = 1 }: Tally, happenings: readonly Happening[]): boolean {
  const found = happenings.filter(({ event }) => fits(event, pattern));
  return found.length >= times && new Set(found.map(({ event }) => event.node)).size >= nodes;
}
