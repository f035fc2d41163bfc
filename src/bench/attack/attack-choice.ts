/** Which attacks are to be measured, and on what: reads what somebody gave, or says everything that is wrong with it. Never throws. */
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { makeQuorums } from '../../protocol/quorum.ts';
import { nearestName } from '../../server/config/nearest-name.ts';
import type { Row } from '../row.ts';
import { ATTACK_NAMES } from './attacks.ts';
import type { AttackName } from './attacks.ts';

/** The attacks that are named, in the order of the table and each once; all when none is. Or one line for each name that is none. */
export function parseAttacks(names: readonly string[]): Result<readonly AttackName[], readonly string[]> {
  if (names.length === 0) return ok(ATTACK_NAMES);
  const problems = names
    .filter((name) => !ATTACK_NAMES.some((known) => known === name))
    .map((name) => {
      const nearest = nearestName(name, ATTACK_NAMES);
      const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`;
      return `"${name}" is no attack: allowed are ${ATTACK_NAMES.join(', ')}${hint}`;
    });
  return problems.length > 0 ? fail(problems) : ok(ATTACK_NAMES.filter((name) => names.includes(name)));
}

/** Why no attack can be measured on a row; undefined when it can. */
export function unfitForAttack({ system, nodes }: Row): string | undefined {
  if (system !== 'pbft') return `system is "${system}": allowed is pbft with --attack`;
  if (makeQuorums(nodes).faultLimit > 0) return undefined;
  return `nodes is "${nodes}": allowed is 4 or more with --attack, so that one may misbehave`;
}
