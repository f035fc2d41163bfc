/** Runs trials: run 1 of each, then run 2 of each, so that what else the machine does falls on all of them alike. */
import type { Row } from '../row.ts';
import type { Surroundings } from '../system.ts';
import { cpuShareOf } from './attack-figures.ts';
import type { AttackOutcome, MeasuredTrial, Trial } from './attack-figures.ts';
import { ATTACKS, isFlood } from './attacks.ts';
import type { AttackName } from './attacks.ts';
import { measureAttack } from './measure-attack.ts';

export interface AttackSuitePlan {
  readonly trials: readonly Trial[];
  /** What all of them set up and put under load. */
  readonly row: Row;
  readonly runs: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly surroundings: Surroundings;
  readonly signal: AbortSignal;
  /** Told before each run. */
  readonly onBegin: (trial: Trial) => void;
  readonly onEnd: (trial: Trial, outcome: AttackOutcome) => void;
}

/** The fault-free trial, then each attack; behind a flood the fault-free trial that is robbed of as much CPU. */
export function trialsOf(attacks: readonly AttackName[]): readonly Trial[] {
  const chosen = ATTACKS.filter(({ name }) => attacks.includes(name));
  return [
    { kind: 'fault-free' },
    ...chosen.flatMap((attack): readonly Trial[] => {
      const { name } = attack;
      const underAttack: Trial = { kind: 'attack', attack: name };
      return isFlood(attack) ? [underAttack, { kind: 'burn', attack: name }] : [underAttack];
    }),
  ];
}

/** What all runs of each trial came to, in order. One that has failed is not run again. Rejects when it is given up. */
export async function runAttacks(plan: AttackSuitePlan): Promise<readonly MeasuredTrial[]> {
  const measured = plan.trials.map((trial) => ({ trial, outcomes: new Array<AttackOutcome>() }));
  for (let run = 1; run <= plan.runs; run += 1) {
    for (const { trial, outcomes } of measured) {
      if (outcomes.some(({ kind }) => kind === 'failed')) continue;
      plan.onBegin(trial);
      const outcome = await measureAttack({ ...plan, trial, burnShare: burnShareOf(trial, measured) });
      outcomes.push(outcome);
      plan.onEnd(trial, outcome);
    }
  }
  return measured;
}

/** As much as the flood took that was measured just before. */
function burnShareOf(trial: Trial, measured: readonly MeasuredTrial[]): number {
  if (trial.kind !== 'burn') return 0;
  const flood = measured.find((other) => other.trial.kind === 'attack' && other.trial.attack === trial.attack);
  const latest = flood?.outcomes.at(-1);
  return latest?.kind === 'measured' ? cpuShareOf([latest.run]) : 0;
}
