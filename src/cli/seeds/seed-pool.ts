/**
 * Runs seeds on several threads. Owns the threads. Seeds are handed out in ascending order, a few at a time, so that a thread with slow seeds
 * holds nobody up, and nothing is begun any more once it is over.
 */
import { Worker } from 'node:worker_threads';
import { mergeReports } from '../../simulation/run-seeds.ts';
import type { RangeReport } from '../../simulation/run-seeds.ts';
import type { SeedChoices } from './seed-choices.ts';

export interface SeedPlan {
  /** First seed. */
  readonly from: number;
  /** How many; Infinity = until `isOver`. */
  readonly count: number;
  readonly workers: number;
  /** Stops after so many failures. */
  readonly failuresAtMost: number;
  readonly choices: SeedChoices;
  /** Nothing more is begun once it is true. */
  readonly isOver: () => boolean;
  /** Told whenever some seeds are done. */
  readonly onProgress: (done: RangeReport) => void;
}

/** At once for one thread: few, so that progress is seen and the end comes soon. */
const AT_ONCE = 2;

/** Runs the seeds; gives back what happened in all of them. Throws what a thread died of. */
export async function runSeedPool(plan: SeedPlan): Promise<RangeReport> {
  const useful = Math.min(plan.workers, Math.ceil(plan.count / AT_ONCE));
  const threads = Array.from({ length: useful }, () => startThread(plan.choices));
  let next = plan.from;
  let done = mergeReports([]);
  const share = async ({ worker, ready }: Thread): Promise<void> => {
    await ready;
    while (next < plan.from + plan.count && done.failures.length < plan.failuresAtMost && !plan.isOver()) {
      const count = Math.min(AT_ONCE, plan.from + plan.count - next);
      const range = { from: next, count, stride: 1, failuresAtMost: plan.failuresAtMost };
      next += count;
      const report = await runOn(worker, range);
      done = mergeReports([done, report]);
      plan.onProgress(done);
    }
  };
  try {
    await Promise.all(threads.map(share));
  } finally {
    // A thread that ends while it loads a native module ends the whole process, and all may be done before the last one has begun.
    await Promise.allSettled(threads.map(async ({ ready }) => ready));
    await Promise.all(threads.map(async ({ worker }) => worker.terminate()));
  }
  return done;
}

interface Thread {
  readonly worker: Worker;
  /** It has loaded all that it needs. */
  readonly ready: Promise<unknown>;
}

function startThread(choices: SeedChoices): Thread {
  const worker = new Worker(new URL('seed-worker.ts', import.meta.url), { workerData: choices });
  const ready = new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('a thread ended before it began')));
  });
  return { worker, ready };
}

async function runOn(worker: Worker, range: object): Promise<RangeReport> {
  return new Promise((resolve, reject) => {
    for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('a thread ended before its seeds did')));
    worker.postMessage(range);
  });
}
