// Runs simulator seeds on all cores and prints what happened in them. Exit code 1 if an invariant broke, or if something that must
// happen never did; 2 on wrong usage. `npm run seeds -- --seeds 1000 --from 1`, one seed with its trace: `--from 17 --seeds 1 --trace`.

import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { asDigest } from '../src/base/ids.ts';
import { coverageTable, missingFrom } from '../src/simulation/expectations.ts';
import { mergeReports, runSeeds } from '../src/simulation/run-seeds.ts';
import { parseLiar } from '../src/simulation/options.ts';
import type { SwarmOverrides } from '../src/simulation/options.ts';
import type { RangeReport, SeedRange } from '../src/simulation/run-seeds.ts';
import type { SimulationModules } from '../src/simulation/simulate.ts';

const USAGE = `Usage: npm run seeds -- [options]
  --seeds N       how many (default 100)
  --from S        first seed (default 1)
  --workers W     processes side by side (default: one per core)
  --liar L        the only liar in every seed: a behaviour and its role, such as equivocate:primary
  --trace         print everything that happens; for one seed
  --coverage      fail when something that must happen never did (default: from 1000 seeds up)
  --no-coverage   do not
  --failures N    stop after N failures (default 5)
  --quiet         only failures and the last line`;

const NODE_CRYPTO: SimulationModules = { sha256: (bytes) => asDigest(hash('sha256', bytes, 'hex')) };

/** Fewer seeds than this are not expected to see everything. */
const ENOUGH_FOR_COVERAGE = 1000;

interface Options {
  readonly range: SeedRange;
  readonly liar: SwarmOverrides['liar'];
  readonly workers: number;
  readonly trace: boolean;
  readonly coverage: boolean;
  readonly quiet: boolean;
}

function parseOptions(): Options | undefined {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      seeds: { type: 'string', default: '100' },
      from: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(availableParallelism()) },
      failures: { type: 'string', default: '5' },
      liar: { type: 'string' },
      trace: { type: 'boolean', default: false },
      coverage: { type: 'boolean' },
      quiet: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [count, from, workers, failuresAtMost] = [values.seeds, values.from, values.workers, values.failures].map(
    Number,
  );
  const isCount = (value: number | undefined, least: number): value is number =>
    Number.isSafeInteger(value) && (value ?? -1) >= least;
  const liar = values.liar === undefined ? undefined : parseLiar(values.liar);
  if (values.liar !== undefined && liar === undefined) return undefined;
  if (values.help || !isCount(count, 1) || !isCount(from, 0) || !isCount(workers, 1) || !isCount(failuresAtMost, 1))
    return undefined;
  return {
    range: { from, count, stride: 1, failuresAtMost },
    liar,
    workers: values.trace ? 1 : Math.min(workers, count),
    trace: values.trace,
    coverage: values.coverage ?? count >= ENOUGH_FOR_COVERAGE,
    quiet: values.quiet,
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}

/** What a worker is to do. */
interface Share {
  readonly range: SeedRange;
  readonly overrides: SwarmOverrides;
}

async function runInWorker(share: Share): Promise<RangeReport> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function runAll({ range, workers, trace, liar }: Options): Promise<RangeReport> {
  const overrides = liar === undefined ? {} : { liar };
  if (workers === 1) {
    const modules = { ...NODE_CRYPTO, overrides };
    return runSeeds(range, trace ? { ...modules, onTrace: (line) => console.log(line) } : modules);
  }
  const shares = Array.from({ length: workers }, (_, index) => ({
    range: { ...range, from: range.from + index, count: range.count - index, stride: workers },
    overrides,
  }));
  return mergeReports(await Promise.all(shares.map(runInWorker)));
}

async function main(): Promise<number> {
  const options = parseOptions();
  if (options === undefined) {
    console.error(USAGE);
    return 2;
  }
  const start = performance.now();
  const report = await runAll(options);
  const seconds = (performance.now() - start) / 1000;
  if (!options.quiet) for (const line of coverageTable(report.coverage)) console.log(line);
  const at = commit();
  const { liar } = options;
  const forced = liar === undefined ? '' : ` --liar ${liar.behaviour}:${liar.isPrimary ? 'primary' : 'backup'}`;
  for (const { seed, violation, tail } of report.failures) {
    console.log(`\nseed ${seed}@${at}: ${violation?.invariant ?? ''}: ${violation?.message ?? ''}`);
    if (!options.trace) console.log(tail.join('\n'));
    console.log(`again: npm run seeds -- --from ${seed} --seeds 1 --trace${forced}`);
  }
  const missing = options.coverage ? missingFrom(report.coverage) : [];
  if (missing.length > 0) console.log(`\nnever happened: ${missing.join('; ')}`);
  console.log(
    `\n${report.seeds} seeds from ${options.range.from}, ${report.failures.length} failed, ${report.answered} requests answered, ` +
      `${report.batches} batches, ${report.steps} steps, ${(report.virtualUs / 1_000_000).toFixed(0)} virtual seconds in ${seconds.toFixed(1)} s`,
  );
  return report.failures.length > 0 || missing.length > 0 ? 1 : 0;
}

if (isMainThread) {
  process.exitCode = await main();
} else {
  const { range, overrides } = workerData as Share;
  parentPort?.postMessage(runSeeds(range, { ...NODE_CRYPTO, overrides }));
}
