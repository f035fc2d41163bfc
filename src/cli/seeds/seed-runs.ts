/** The runs of `pbft simulate`: one seed in this thread, with its trace; or many on several threads, with progress, until Ctrl-C. */
import { mergeReports } from '../../simulation/run-seeds.ts';
import type { RangeReport } from '../../simulation/run-seeds.ts';
import { simulateSeed } from '../../simulation/simulate.ts';
import { terminal } from '../terminal.ts';
import { cryptoModules } from './node-crypto.ts';
import type { Progress } from './progress.ts';
import type { SeedChoices } from './seed-choices.ts';
import { runSeedPool } from './seed-pool.ts';

/** What one seed did, besides its report. */
export interface OneSeed {
  readonly report: RangeReport;
  /** The last things that happened. */
  readonly tail: readonly string[];
}

/** Lines of a good seed's end; a bad one's report has more. */
const TAIL = 20;

/** Runs one seed; `onTrace` gets everything that happens. */
export function runOneSeed(
  seed: number,
  { crypto, overrides }: SeedChoices,
  onTrace: ((line: string) => void) | undefined,
): OneSeed {
  const last: string[] = [];
  const listen = (line: string): void => {
    last.push(line);
    if (last.length > TAIL) last.shift();
  };
  const report = simulateSeed(seed, { ...cryptoModules(crypto), overrides, onTrace: onTrace ?? listen });
  const { violation, tail } = report;
  const range = { ...report, seeds: 1, failures: violation === undefined ? [] : [report] };
  return { report: mergeReports([range]), tail: violation === undefined ? last : tail };
}

export interface ManySeeds {
  readonly from: number;
  /** Infinity: until the minutes are over. */
  readonly count: number;
  readonly minutes: number;
  readonly workers: number;
  readonly failuresAtMost: number;
  readonly choices: SeedChoices;
  readonly progress: Progress;
}

const MINUTE_MS = 60_000;

/** Runs many seeds. Ctrl-C lets those that run come to their end; a second one ends at once. */
export async function runManySeeds({ minutes, progress, ...plan }: ManySeeds): Promise<RangeReport> {
  const startedAt = performance.now();
  const elapsed = (): number => (performance.now() - startedAt) / MINUTE_MS;
  let isEnded = false;
  const end = (): void => {
    isEnded = true;
    progress.clear();
    terminal.note('ending with the seeds that run; Ctrl-C again ends at once');
  };
  process.once('SIGINT', end);
  try {
    return await runSeedPool({
      ...plan,
      isOver: () => isEnded || elapsed() >= minutes,
      onProgress: ({ seeds, failures }) =>
        progress.show(() => {
          const share = Number.isFinite(plan.count) ? `${seeds} of ${plan.count}` : `${seeds}`;
          const pace = `${Math.round(seeds / elapsed())} a minute`;
          const limit = Number.isFinite(minutes) ? `, ${elapsed().toFixed(1)} of ${minutes} minutes` : '';
          return `${share} seeds, ${failures.length} failed, ${pace}${limit}`;
        }),
    });
  } finally {
    process.removeListener('SIGINT', end);
    progress.clear();
  }
}
