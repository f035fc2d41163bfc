/** Runs rows: run 1 of every row, then run 2 of every row, and so on, so that what else the machine does falls on all of them alike. */
import type { MeasuredRow, RunOutcome } from './figures.ts';
import { measureRow } from './measure-row.ts';
import type { RunPlan } from './measure-row.ts';
import type { Row } from './row.ts';

export interface SuitePlan extends Omit<RunPlan, 'row'> {
  readonly rows: readonly Row[];
  readonly runs: number;
  /** Told before each run of each row; counted from 1. */
  readonly onBegin: (row: Row, run: number) => void;
  readonly onEnd: (row: Row, run: number, outcome: RunOutcome) => void;
}

/** What all runs of each row came to, in order. A row that has failed is not run again. Rejects when it is given up. */
export async function runSuite(plan: SuitePlan): Promise<readonly MeasuredRow[]> {
  const measured = plan.rows.map((row) => ({ row, outcomes: new Array<RunOutcome>() }));
  for (let run = 1; run <= plan.runs; run += 1) {
    for (const { row, outcomes } of measured) {
      if (outcomes.some(({ kind }) => kind === 'failed')) continue;
      plan.onBegin(row, run);
      const outcome = await measureRow({ ...plan, row });
      outcomes.push(outcome);
      plan.onEnd(row, run, outcome);
    }
  }
  return measured;
}
