/** `pbft bench`: how fast it is, on this machine, in processes of its own that end with it. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import {
  ATTACKS,
  defaultSuite,
  describeMachine,
  describeRowProblem,
  findEtcd,
  formatReport,
  parseRow,
  digits,
  reportJson,
  reportRows,
  rowName,
  rowsNamed,
  runSuite,
} from '../../bench/index.ts';
import type { Row, RowReport, RunAbout, RunOutcome, Surroundings } from '../../bench/index.ts';
import { aboutLines } from '../bench-about.ts';
import { ATTACK_RUNS, ATTACK_SECONDS, runAttackTable } from '../bench-attack.ts';
import { BenchProgress } from '../bench-progress.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { NODE_FLAGS, supervisedNodeArgs } from '../node-command.ts';
import { integerBetween } from '../options.ts';
import type { End } from '../options.ts';
import { findFreePorts } from '../ports.ts';
import { sourceVersion } from '../seeds/source-version.ts';
import { terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';

/** As commander gives them. */
interface BenchOptions {
  readonly row: readonly string[];
  /** True: all attacks. */
  readonly attack?: true | readonly string[];
  readonly runs?: number;
  readonly seconds?: number;
  readonly warmUp: number;
  readonly only?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const RUNS = 3;
const MOST_RUNS = 1000;
const SECONDS = 2.5;
/** Long enough for the code of all processes to be compiled. */
const WARM_UP_SECONDS = 2;
const MOST_SECONDS = 3600;
const MS_PER_SECOND = 1000;

const ATTACK_COLUMN = 22;

const HELP = `
A row is a system under a load: real processes on loopback, warm-up, a measured
window, and a check that every acknowledged operation was executed exactly once.
Without --row the default suite runs: one axis at a time around four nodes, MACs,
durable logs, empty operations and 64 sessions. A row is described by the fields
that differ from that:

  system      pbft, unreplicated, etcd        durability  sync, async, memory
  nodes       1 to 31                         mode        mac, signature
  app         null, kv                        request     bytes of an operation
  clients     multiplexed, independent, http  reply       bytes of a result (null)
  sessions    requests under way              rate        arrivals per second
  mac         blake2b-256, hmac-sha256
and settings of tuning, such as batch_requests=1. docs/benchmarks.md says what
the figures mean.

With --attack the base row, or that of --row, is measured while somebody
misbehaves, and once while nobody does:

${ATTACKS.map(({ name, summary }) => `  ${name.padEnd(ATTACK_COLUMN)}${summary}`).join('\n')}

Exit code: 0 all rows measured, 1 a row failed its check or could not run.

Examples:
  pbft bench                                              at most ten minutes
  pbft bench --only sessions --runs 1
  pbft bench --row sessions=256,durability=memory --row system=unreplicated
  pbft bench --row sessions=256,rate=5000 --json
  pbft bench --attack                                     at most ten minutes
  pbft bench --attack slow-10ms silent-backup --row app=kv`;

export function addBenchCommand(program: Command, end: End): void {
  const rowsSoFar = (text: string, before: readonly string[]): readonly string[] => [...before, text];
  program
    .command('bench')
    .description('measure how fast it is on this machine')
    .option('--row <fields>', 'this row instead of the default suite; repeatable', rowsSoFar, [])
    .option('--attack [names...]', 'while somebody misbehaves: all attacks, or these')
    .option(
      '--runs <n>',
      `how often each row is run (default: ${RUNS}; attacks: ${ATTACK_RUNS})`,
      integerBetween(1, MOST_RUNS),
    )
    .option(
      '--seconds <s>',
      `how long each run measures (default: ${SECONDS}; attacks: ${ATTACK_SECONDS})`,
      secondsFrom(0.1),
    )
    .option('--warm-up <s>', 'how long each run is under load before', secondsFrom(0), WARM_UP_SECONDS)
    .option('--only <text>', 'rows whose name contains this')
    .option('--json', 'print the result as JSON')
    .option('--quiet', 'print the result only')
    .addHelpText('after', HELP)
    .action(async (options: BenchOptions) => end(await run(options)));
}

function secondsFrom(min: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+(?:\.\d+)?$/.test(text) && number >= min && number <= MOST_SECONDS) return number;
    throw new InvalidArgumentError(`A number from ${min} to ${MOST_SECONDS} is allowed.`);
  };
}

/** What is to be run, and what was left out of it. */
interface Choice {
  readonly rows: readonly Row[];
  readonly leftOut: readonly string[];
}

async function run(options: BenchOptions): Promise<ExitCode> {
  const isAttack = options.attack !== undefined;
  const about = {
    commit: sourceVersion(),
    machine: describeMachine(),
    runs: options.runs ?? (isAttack ? ATTACK_RUNS : RUNS),
    seconds: options.seconds ?? (isAttack ? ATTACK_SECONDS : SECONDS),
    warmUpSeconds: options.warmUp,
  };
  const etcd = findEtcd(process.env);
  const surroundings = { freePorts: findFreePorts, nodeArgs: supervisedNodeArgs, nodeFlags: NODE_FLAGS, etcd };
  const [isJson, isQuiet] = [options.json === true, options.quiet === true];
  if (options.attack !== undefined) {
    const attacks = options.attack === true ? [] : options.attack;
    const { row: rows, only } = options;
    return runAttackTable({ attacks, rows, only, isJson, isQuiet, about, surroundings });
  }
  const chosen = chooseRows(options, etcd);
  if ('problems' in chosen) {
    const [first = 'the rows cannot be read', ...more] = chosen.problems;
    return terminal.fail(EXIT.usage, first, ...more);
  }
  for (const line of chosen.leftOut) terminal.note(line);
  const reports = await measure(chosen.rows, about, isQuiet, surroundings);
  if (reports === undefined) return terminal.fail(EXIT.refused, 'given up: no figures, and nothing is left running');
  if (isJson) terminal.json(reportJson({ ...about, leftOut: chosen.leftOut }, reports));
  else printReport(about, reports);
  return reports.some(({ failures }) => failures.length > 0) ? EXIT.refused : EXIT.done;
}

/** All problems of all rows at once. */
function chooseRows(
  { row: texts, only }: BenchOptions,
  etcd: Surroundings['etcd'],
): Choice | { readonly problems: readonly string[] } {
  const parsed = texts.map((text) => ({ text, result: parseRow(text) }));
  const problems = parsed.flatMap(({ text, result }) =>
    result.ok ? [] : result.error.map((problem) => `--row ${text}: ${describeRowProblem(problem)}`),
  );
  if (problems.length > 0) return { problems };
  const given = parsed.flatMap(({ result }) => (result.ok ? [result.value] : []));
  const all = given.length > 0 ? given : defaultSuite();
  const named = only === undefined ? all : rowsNamed(all, only);
  if (named.length === 0) {
    const names = all.map((row) => `  ${rowName(row)}`);
    return { problems: [`--only ${only ?? ''}: no row has that in its name; there are`, ...names] };
  }
  if (typeof etcd !== 'string') return { rows: named, leftOut: [] };
  const without = named.filter(({ system }) => system !== 'etcd');
  const lacking = named.filter(({ system }) => system === 'etcd').map((row) => `${rowName(row)} is left out: ${etcd}`);
  if (lacking.length > 0 && (given.length > 0 || without.length === 0)) return { problems: lacking };
  return { rows: without, leftOut: lacking };
}

/** Undefined when a signal has ended it. */
async function measure(
  rows: readonly Row[],
  { runs, seconds, warmUpSeconds }: Pick<RunAbout, 'runs' | 'seconds' | 'warmUpSeconds'>,
  isQuiet: boolean,
  surroundings: Surroundings,
): Promise<readonly RowReport[] | undefined> {
  const progress = new BenchProgress(isQuiet, rows.length * runs);
  const measured = await untilInterrupted(async (signal) =>
    runSuite({
      rows,
      runs,
      warmUpMs: warmUpSeconds * MS_PER_SECOND,
      measureMs: seconds * MS_PER_SECOND,
      surroundings,
      signal,
      onBegin: (row) => progress.begin(rowName(row)),
      onEnd: (row, _run, outcome) => progress.end(rowName(row), describe(outcome)),
    }),
  );
  progress.clear();
  return measured === undefined ? undefined : reportRows(measured);
}

function describe(outcome: RunOutcome): string {
  return outcome.kind === 'failed'
    ? `FAILED: ${outcome.reason}`
    : `${digits(outcome.run.figures.ops_per_s ?? 0)} operations/s`;
}

function printReport(about: Omit<RunAbout, 'leftOut'>, reports: readonly RowReport[]): void {
  for (const line of aboutLines(about)) terminal.line(line);
  terminal.line();
  for (const line of formatReport(reports)) terminal.line(line);
  terminal.line();
  terminal.line('CPU in µs for each answered request; RSS of the replica with most. docs/benchmarks.md says more.');
}
