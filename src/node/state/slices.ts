/** Long work in short slices, between which everything else has its turn; the longest slice is measured. */
import { setImmediate } from 'node:timers/promises';

export class Slices {
  readonly #budgetMs: number;
  readonly #check: () => void;
  #startedAt = performance.now();
  #longestUs = 0;
  #busyUs = 0;

  /** `check` is called when the work goes on after a pause, and throws if it must not. */
  constructor(budgetMs: number, check: () => void = () => undefined) {
    this.#budgetMs = budgetMs;
    this.#check = check;
  }

  /** The longest synchronous piece of work, in microseconds. */
  get longestUs(): number {
    return this.#longestUs;
  }

  /** All synchronous work, in microseconds. */
  get busyUs(): number {
    return this.#busyUs;
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
      this.#startedAt = performance.now();
      this.#check();
    }
  }

  /** The work begins, or goes on without `pause` or `waitFor`. */
  start(): void {
    this.#startedAt = performance.now();
  }

  end(): void {
    const us = (performance.now() - this.#startedAt) * 1000;
    this.#busyUs += us;
    this.#longestUs = Math.max(this.#longestUs, us);
  }
}
