/** `pbft simulate`: runs seeds of the simulator, and makes of a failing one a small scenario. */
import { availableParallelism } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { MAX_REPLICAS } from '../../protocol/quorum.ts';
import { missingFrom } from '../../simulation/expectations.ts';
import { LIAR_NAMES, leastReplicas, parseLiar } from '../../simulation/options.ts';
import type { SwarmOverrides } from '../../simulation/options.ts';
import type { RangeReport } from '../../simulation/run-seeds.ts';
import { SHRINK_RUNS } from '../../simulation/shrink.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { cryptoOption, integerBetween } from '../options.ts';
import type { End } from '../options.ts';
import type { CryptoChoice } from '../seeds/node-crypto.ts';
import { Progress } from '../seeds/progress.ts';
import type { SeedChoices } from '../seeds/seed-choices.ts';
import { printReport, printReportAsJson } from '../seeds/seed-report.ts';
import type { SeedsDone } from '../seeds/seed-report.ts';
import { runManySeeds, runOneSeed } from '../seeds/seed-runs.ts';
import { shrinkFailures } from '../seeds/shrink-failures.ts';
import { sourceVersion } from '../seeds/source-version.ts';
import { printLine, terminal } from '../terminal.ts';

/** As commander gives them. */
interface SimulateOptions {
  readonly seed?: number;
  readonly seeds?: number;
  readonly from?: number;
  readonly minutes?: number;
  readonly workers: number;
  readonly nodes?: number;
  readonly liar?: NonNullable<SwarmOverrides['liar']>;
  readonly crypto: CryptoChoice;
  readonly lostDisks?: boolean;
  readonly reads?: boolean;
  readonly tentative?: boolean;
  readonly overlap?: boolean;
  readonly compound?: boolean;
  readonly failures: number;
  readonly shrink: boolean;
  readonly shrinkRuns: number;
  readonly out: string;
  readonly coverage?: boolean;
  readonly trace?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

const SEEDS = 100;
const FAILURES = 5;
/** Two weeks: longer than anybody waits, shorter than a timer can count. */
const MOST_MINUTES = 20_000;
/** Fewer seeds than this are not expected to see everything. */
const ENOUGH_FOR_COVERAGE = 1000;
/** More threads than this help nobody. */
const MOST_WORKERS = 256;

const HELP = `
One seed decides a whole run: cluster, network, disks, clients, faults, liars.
After every step the invariants of the protocol are checked. Of the first seed
that breaks one, the options are reduced while the same invariant still breaks,
and written to pbft-failure-<seed>.txt: see \`pbft help replay\`.

Exit code: 0 no invariant broke, 1 one did (or, from 1000 seeds up, something
that must happen never did).

Examples:
  pbft simulate                                100 seeds, from 1
  pbft simulate --minutes 10 --from 5000       as many as ten minutes allow
  pbft simulate --seed 17                      one: its end and its verdict
  pbft simulate --seed 17 --trace              one: everything that happens
  pbft simulate --nodes 7 --liar equivocate:primary
  pbft simulate --crypto real --seeds 20       Ed25519, X25519 and MACs at work`;

export function addSimulateCommand(program: Command, end: End): void {
  const anySeed = integerBetween(0, Number.MAX_SAFE_INTEGER);
  const count = integerBetween(1, Number.MAX_SAFE_INTEGER);
  program
    .command('simulate')
    .description('run seeds of the simulator, and shrink what fails')
    .addOption(
      new Option('--seed <n>', 'one seed: print its end and its verdict')
        .argParser(anySeed)
        .conflicts(['seeds', 'from', 'minutes']),
    )
    .option('--seeds <n>', `how many (default: ${SEEDS}, with --minutes any number)`, count)
    .option('--from <n>', 'first seed (default: 1)', anySeed)
    .option('--minutes <m>', 'begin no seed after so long', minutes)
    .option('--workers <n>', 'threads (default: one per core)', integerBetween(1, MOST_WORKERS), availableParallelism())
    .option('--nodes <n>', 'so many nodes in every seed', integerBetween(1, MAX_REPLICAS))
    .option('--liar <liar>', 'the only liar in every seed, such as equivocate:primary or lie:backup', liar)
    .addOption(cryptoOption())
    .option('--lost-disks', 'disks are lost in every seed')
    .option('--reads', 'clients use read-only requests in every seed')
    .option('--tentative', 'clients are told what requests come to before they are committed in every seed')
    .option('--overlap', 'primaries propose before their votes are on disk in every seed')
    .option('--compound', 'half of all requests carry several operations in every seed')
    .option('--failures <n>', 'begin no seed after so many failures', count, FAILURES)
    .option('--no-shrink', 'leave failing seeds as they are')
    .option('--shrink-runs <n>', 'how many runs to spend on shrinking one', count, SHRINK_RUNS)
    .option('--out <directory>', 'where shrunk scenarios are written', '.')
    .option('--coverage', 'fail when something that must happen never did (default from 1000 seeds up)')
    .option('--no-coverage', 'do not')
    .option('--trace', 'print everything that happens; for one seed')
    .option('--quiet', 'print failures and the last line only')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', HELP)
    .action(async (options: SimulateOptions) => end(await run(options)));
}

function liar(text: string): NonNullable<SwarmOverrides['liar']> {
  const parsed = parseLiar(text);
  if (parsed === undefined)
    throw new InvalidArgumentError(`Allowed is one of ${LIAR_NAMES.join(', ')}, then :primary or :backup.`);
  return parsed;
}

function minutes(text: string): number {
  const number = Number(text);
  if (/^\d+(?:\.\d+)?$/.test(text) && number > 0 && number <= MOST_MINUTES) return number;
  throw new InvalidArgumentError(`A number above 0, at most ${MOST_MINUTES}, is allowed.`);
}

/** What is wrong with options that are good by themselves; undefined if nothing is. */
function contradiction(options: SimulateOptions, one: number | undefined): string | undefined {
  if (options.liar !== undefined && (options.nodes ?? 4) < 4)
    return '--liar needs at least 4 nodes: fewer bear no liar';
  if (options.lostDisks === true && (options.nodes ?? 7) < leastReplicas(overridesOf(options)))
    return `--lost-disks needs at least ${leastReplicas(overridesOf(options))} nodes here: a lost disk is one of the f`;
  if (options.trace === true && one === undefined) return '--trace is for one seed: add --seed <n>';
  if (options.trace === true && options.json === true) return '--trace and --json do not go together';
  return undefined;
}

function overridesOf({
  liar: one,
  nodes,
  lostDisks,
  reads,
  tentative,
  overlap,
  compound,
}: SimulateOptions): SwarmOverrides {
  return {
    ...(one === undefined ? {} : { liar: one }),
    ...(nodes === undefined ? {} : { replicaCount: nodes }),
    ...(lostDisks === undefined ? {} : { lostDisks }),
    ...(reads === undefined ? {} : { reads }),
    ...(tentative === undefined ? {} : { tentative }),
    ...(overlap === undefined ? {} : { overlap }),
    ...(compound === undefined ? {} : { compound }),
  };
}

async function run(options: SimulateOptions): Promise<ExitCode> {
  const from = options.seed ?? options.from ?? 1;
  const one = options.seed !== undefined || options.seeds === 1 ? from : undefined;
  const problem = contradiction(options, one);
  if (problem !== undefined) return terminal.fail(EXIT.usage, problem);
  const overrides = overridesOf(options);
  const choices: SeedChoices = { crypto: options.crypto, overrides };
  const isQuiet = options.quiet === true;
  const progress = new Progress(isQuiet);
  const start = performance.now();
  const single =
    one === undefined ? undefined : runOneSeed(one, choices, options.trace === true ? printLine : undefined);
  const report = single?.report ?? (await runMany(options, from, { choices, progress }));
  const isDemanded = options.coverage ?? (report.seeds >= ENOUGH_FOR_COVERAGE && Object.keys(overrides).length === 0);
  const done: SeedsDone = {
    version: sourceVersion(),
    choices,
    from,
    report,
    missing: isDemanded ? missingFrom(report.coverage) : [],
    seconds: (performance.now() - start) / 1000,
    one: single,
  };
  const shrinkAll = (): ReadonlyMap<number, string> => {
    const { shrinkRuns: runsAtMost, out: directory } = options;
    const failures = options.shrink ? report.failures : [];
    return shrinkFailures(failures, { choices, version: done.version, directory, runsAtMost, progress });
  };
  if (options.json === true) {
    printReportAsJson(done, shrinkAll());
  } else {
    printReport(done, { isQuiet, hasTail: options.trace !== true });
    shrinkAll();
  }
  return report.failures.length > 0 || done.missing.length > 0 ? EXIT.refused : EXIT.done;
}

async function runMany(
  options: SimulateOptions,
  from: number,
  parts: { readonly choices: SeedChoices; readonly progress: Progress },
): Promise<RangeReport> {
  return runManySeeds({
    ...parts,
    from,
    count: options.seeds ?? (options.minutes === undefined ? SEEDS : Infinity),
    minutes: options.minutes ?? Infinity,
    workers: options.workers,
    failuresAtMost: options.failures,
  });
}
