/** `pbft bench --attack`: how fast a cluster is while somebody misbehaves, beside how fast it is when nobody does. */
import {
  attacksJson,
  BASE_ROW,
  describeRowProblem,
  digits,
  formatAttacks,
  parseAttacks,
  parseRow,
  reportAttacks,
  rowName,
  runAttacks,
  trialName,
  trialsOf,
  unfitForAttack,
} from '../bench/index.ts';
import type { AttackOutcome, AttackReport, Row, RunAbout, Surroundings, Trial } from '../bench/index.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { aboutLines } from './bench-about.ts';
import { BenchProgress } from './bench-progress.ts';
import { EXIT } from './exit-code.ts';
import type { ExitCode } from './exit-code.ts';
import { terminal } from './terminal.ts';
import { untilInterrupted } from './until-interrupted.ts';

export interface AttackOptions {
  /** Names of attacks; none: all. */
  readonly attacks: readonly string[];
  /** `--row`, as they were given: one at most, on which all is measured. */
  readonly rows: readonly string[];
  readonly only: string | undefined;
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  readonly about: Omit<RunAbout, 'leftOut'>;
  readonly surroundings: Surroundings;
}

/** So that all of them take ten minutes at most. */
export const ATTACK_RUNS = 2;
/** Long enough for a primary to be replaced, and for what comes after it. */
export const ATTACK_SECONDS = 5;

const MS_PER_SECOND = 1000;

export async function runAttackTable(options: AttackOptions): Promise<ExitCode> {
  const chosen = choose(options);
  if (!chosen.ok) {
    const [first = 'the attacks cannot be read', ...more] = chosen.error;
    return terminal.fail(EXIT.usage, first, ...more);
  }
  const { row, trials } = chosen.value;
  const { about, isQuiet, isJson, surroundings } = options;
  const progress = new BenchProgress(isQuiet, trials.length * about.runs);
  const measured = await untilInterrupted(async (signal) =>
    runAttacks({
      trials,
      row,
      runs: about.runs,
      warmUpMs: about.warmUpSeconds * MS_PER_SECOND,
      measureMs: about.seconds * MS_PER_SECOND,
      surroundings,
      signal,
      onBegin: (trial) => progress.begin(trialName(trial)),
      onEnd: (trial, outcome) => progress.end(trialName(trial), describe(outcome)),
    }),
  );
  progress.clear();
  if (measured === undefined) return terminal.fail(EXIT.refused, 'given up: no figures, and nothing is left running');
  const reports = reportAttacks(measured);
  if (isJson) terminal.json(attacksJson({ ...about, leftOut: [] }, row, reports));
  else printTable(row, about, reports);
  return reports.some(({ failures }) => failures.length > 0) ? EXIT.refused : EXIT.done;
}

/** All problems at once. */
function choose({
  attacks,
  rows,
  only,
}: AttackOptions): Result<{ readonly row: Row; readonly trials: readonly Trial[] }, readonly string[]> {
  const problems: string[] = [];
  const names = parseAttacks(attacks);
  if (!names.ok) problems.push(...names.error.map((problem) => `--attack ${problem}`));
  if (only !== undefined) problems.push('--only chooses rows: name the attacks behind --attack instead');
  const [text, ...more] = rows;
  if (more.length > 0) problems.push('--row stands once with --attack: all attacks are measured on one row');
  const parsed = text === undefined ? ok(BASE_ROW) : parseRow(text);
  if (!parsed.ok) problems.push(...parsed.error.map((problem) => `--row ${text}: ${describeRowProblem(problem)}`));
  const unfit = parsed.ok ? unfitForAttack(parsed.value) : undefined;
  if (unfit !== undefined) problems.push(`--row ${text}: ${unfit}`);
  if (problems.length > 0 || !names.ok || !parsed.ok) return fail(problems);
  return ok({ row: parsed.value, trials: trialsOf(names.value) });
}

function describe(outcome: AttackOutcome): string {
  if (outcome.kind === 'failed') return `FAILED: ${outcome.reason}`;
  const { opsPerS, replacedAfterS } = outcome.run;
  const change = replacedAfterS === undefined ? '' : `, another view after ${digits(replacedAfterS)} s`;
  return `${digits(opsPerS)} operations/s${change}`;
}

function printTable(row: Row, about: AttackOptions['about'], reports: readonly AttackReport[]): void {
  for (const line of aboutLines(about)) terminal.line(line);
  terminal.line(`All rows: ${rowName(row)}`);
  terminal.line();
  for (const line of formatAttacks(reports)) terminal.line(line);
  terminal.line();
  terminal.line('×: of the fault-free row; of a flood, of that beside a process that burns as much CPU.');
  terminal.line('VIEWS: view changes; AFTER S: until the first answer out of another view; OPS/S THEN: since the last');
  terminal.line('one began. docs/benchmarks.md says more.');
}
