/** All told scenarios, in the order in which a newcomer meets them. */
import { BASICS } from './basics.ts';
import { LIARS } from './liars.ts';
import { LIMITS_OF_IT } from './limits.ts';
import type { ToldScenario } from './told-scenario.ts';

export const TOLD_SCENARIOS: readonly ToldScenario[] = [...BASICS, ...LIARS, ...LIMITS_OF_IT];

export function toldScenario(id: string): ToldScenario | undefined {
  return TOLD_SCENARIOS.find((scenario) => scenario.id === id);
}

/** The scenario that a link to it begins with; undefined for one that is not in this build. */
export function toldText(id: string, isChallenge: boolean): string | undefined {
  const scenario = toldScenario(id);
  return isChallenge ? scenario?.challenge?.text : scenario?.text;
}
