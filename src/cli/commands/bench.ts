/** `pbft bench`: how fast it is, on this machine, in processes of its own that end with it. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import {
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
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { NODE_FLAGS, supervisedNodeArgs } from '../node-command.ts';
import { integerBetween } from '../options.ts';
import type { End } from '../options.ts';
import { findFreePorts } from '../ports.ts';
import { sourceVersion } from '../seeds/source-version.ts';
import { terminal } from '../terminal.ts';

/** As commander gives them. */
interface BenchOptions {
  readonly row: readonly string[];
  readonly runs: number;
  readonly seconds: number;
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

const HELP = `
A row is a system under a load: real processes on loopback, warm-up, a measured
window, and a check that every acknowledged operation was executed exactly once.
Without --row the default suite runs: one axis at a time around four nodes, MACs,
durable logs, empty operations and 64 sessions. A row is described by the fields
that differ from that:

  system      pbft, unreplicated, etcd        durability  sync, async, memory
  nodes       1 to 31                         mode        mac, signature
  app         null, kv                        request     bytes of an operation
  clients     multiplexed, independent        reply       bytes of a result (null)
  sessions    requests under way              rate        arrivals per second
and settings of tuning, such as batch_requests=1. docs/benchmarks.md says what
the figures mean.

Exit code: 0 all rows measured, 1 a row failed its check or could not run.

Examples:
  pbft bench                                              at most ten minutes
  pbft bench --only sessions --runs 1
  pbft bench --row sessions=256,durability=memory --row system=unreplicated
  pbft bench --row sessions=256,rate=5000 --json`;

export function addBenchCommand(program: Command, end: End): void {
  const rowsSoFar = (text: string, before: readonly string[]): readonly string[] => [...before, text];
  program
    .command('bench')
    .description('measure how fast it is on this machine')
    .option('--row <fields>', 'this row instead of the default suite; repeatable', rowsSoFar, [])
    .option('--runs <n>', 'how often each row is run', integerBetween(1, MOST_RUNS), RUNS)
    .option('--seconds <s>', 'how long each run measures', secondsFrom(0.1), SECONDS)
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
  const etcd = findEtcd(process.env);
  const chosen = chooseRows(options, etcd);
  if ('problems' in chosen) {
    const [first = 'the rows cannot be read', ...more] = chosen.problems;
    return terminal.fail(EXIT.usage, first, ...more);
  }
  for (const line of chosen.leftOut) terminal.note(line);
  const { seconds, warmUp, runs } = options;
  const machine = describeMachine();
  const about = { commit: sourceVersion(), machine, runs, seconds, warmUpSeconds: warmUp, leftOut: chosen.leftOut };
  const surroundings = { freePorts: findFreePorts, nodeArgs: supervisedNodeArgs, nodeFlags: NODE_FLAGS, etcd };
  const reports = await measure(chosen.rows, options, surroundings);
  if (reports === undefined) return terminal.fail(EXIT.refused, 'given up: no figures, and nothing is left running');
  if (options.json === true) terminal.json(reportJson(about, reports));
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
  { runs, seconds, warmUp, quiet }: BenchOptions,
  surroundings: Surroundings,
): Promise<readonly RowReport[] | undefined> {
  const interrupted = new AbortController();
  const interrupt = (): void => {
    // Who is not content with an orderly end gets the other one: on exit everything is killed.
    if (interrupted.signal.aborted) process.exit(EXIT.refused);
    interrupted.abort(new Error('interrupted'));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  const progress = new BenchProgress(quiet === true, rows.length * runs);
  try {
    const measured = await runSuite({
      rows,
      runs,
      warmUpMs: warmUp * MS_PER_SECOND,
      measureMs: seconds * MS_PER_SECOND,
      surroundings,
      signal: interrupted.signal,
      onBegin: (row) => progress.begin(rowName(row)),
      onEnd: (row, _run, outcome) => progress.end(rowName(row), outcome),
    });
    return reportRows(measured);
  } catch (error) {
    if (interrupted.signal.aborted) return undefined;
    throw error;
  } finally {
    progress.clear();
    for (const signal of signals) process.removeListener(signal, interrupt);
  }
}

/** What each run came to, while the others are still to come. Owns the last line of the terminal meanwhile. */
class BenchProgress {
  readonly #isQuiet: boolean;
  readonly #total: number;
  #begun = 0;

  constructor(isQuiet: boolean, total: number) {
    this.#isQuiet = isQuiet;
    this.#total = total;
  }

  begin(name: string): void {
    this.#begun += 1;
    if (!this.#isQuiet && terminal.isLive) terminal.live(`${this.#begun} of ${this.#total}  ${name} …`);
  }

  end(name: string, outcome: RunOutcome): void {
    if (this.#isQuiet) return;
    this.clear();
    const said =
      outcome.kind === 'failed'
        ? `FAILED: ${outcome.reason}`
        : `${digits(outcome.run.figures.ops_per_s ?? 0)} operations/s`;
    terminal.note(`${this.#begun} of ${this.#total}  ${name}: ${said}`);
  }

  clear(): void {
    if (!this.#isQuiet && terminal.isLive) terminal.live('');
  }
}

const GIB = 2 ** 30;

function printReport({ commit, machine, runs, seconds, warmUpSeconds }: RunAbout, reports: readonly RowReport[]): void {
  const { cpu, cores, memoryBytes, node, kernel, isDataInMemory } = machine;
  terminal.line(`pbft ${commit}; ${runs} ${runs === 1 ? 'run' : 'runs'} of ${seconds} s after ${warmUpSeconds} s`);
  terminal.line(`${cpu}, ${cores} cores, ${digits(memoryBytes / GIB)} GiB; Node ${node}; Linux ${kernel}`);
  if (isDataInMemory) terminal.line('The folder for temporary files lies in memory: a sync costs nothing there.');
  terminal.line();
  for (const line of formatReport(reports)) terminal.line(line);
  terminal.line();
  terminal.line('CPU in µs for each answered request; RSS of the replica with most. docs/benchmarks.md says more.');
}
