/** Long work in short slices, between which everything else has its turn; the longest slice is measured. */
import { setImmediate } from 'node:timers/promises';

export class Slices {
  readonly #budgetMs: number;
  readonly #check: () => void;
  #startedAt = performance.now();
  #startedCpuUs = cpuUs();
  #longestUs = 0;
  #longestCpuUs = 0;
  #busyCpuUs = 0;

  /** `check` is called when the work goes on after a pause, and throws if it must not. */
  constructor(budgetMs: number, check: () => void = () => undefined) {
    this.#budgetMs = budgetMs;
    this.#check = check;
  }

  /** The longest synchronous piece of work, in microseconds. */
  get longestUs(): number {
    return this.#longestUs;
  }

  /** As `longestUs`, counting only when this thread was at work: on a machine with too much to do that is less. */
  get longestCpuUs(): number {
    return this.#longestCpuUs;
  }

  /** All synchronous work, in microseconds in which this thread was at work. */
  get busyCpuUs(): number {
    return this.#busyCpuUs;
  }

  /** Measures the longest piece anew. */
  resetLongest(): void {
    this.#longestUs = 0;
    this.#longestCpuUs = 0;
  }

  /** The present slice has lasted long enough. */
  get isOver(): boolean {
    return performance.now() - this.#startedAt >= this.#budgetMs;
  }

  /** Lets everything else have its turn. */
  async pause(): Promise<void> {
    await this.waitFor(setImmediate());
  }

  /** The result of something that others do. */
  async waitFor<Value>(result: Promise<Value>): Promise<Value> {
    this.end();
    try {
      return await result;
    } finally {
      this.start();
      this.#check();
    }
  }

  /** The work begins, or goes on without `pause` or `waitFor`. */
  start(): void {
    this.#startedAt = performance.now();
    this.#startedCpuUs = cpuUs();
  }

  end(): void {
    const usedCpuUs = cpuUs() - this.#startedCpuUs;
    this.#busyCpuUs += usedCpuUs;
    this.#longestUs = Math.max(this.#longestUs, (performance.now() - this.#startedAt) * 1000);
    this.#longestCpuUs = Math.max(this.#longestCpuUs, usedCpuUs);
    // Work that goes on without another start is not counted twice.
    this.start();
  }
}

/** What this thread has worked, in microseconds. */
function cpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
