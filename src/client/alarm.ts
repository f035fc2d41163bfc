/** One timer for many deadlines. Whoever has one says when; who is due is looked up when the time has come. Owns the timer alone. */

/** A longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Alarm {
  readonly #nowUs: () => number;
  readonly #onTime: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** µs monotonic at which it fires. */
  #setFor = Infinity;

  /** `onTime`: called at or after the earliest time that was asked for, and then no more until the next is; it may find that nothing is due. */
  constructor(nowUs: () => number, onTime: () => void) {
    this.#nowUs = nowUs;
    this.#onTime = onTime;
  }

  /** Fires at `at` (µs monotonic) or before. Cheap where it is to fire sooner anyway, as it mostly is. */
  setNoLaterThan(at: number): void {
    if (at >= this.#setFor) return;
    clearTimeout(this.#timer);
    this.#setFor = at;
    const delayMs = Math.ceil((at - this.#nowUs()) / 1000);
    this.#timer = setTimeout(() => this.#fire(), Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#setFor = Infinity;
  }

  #fire(): void {
    this.#setFor = Infinity;
    this.#onTime();
  }
}
