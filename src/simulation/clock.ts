/** The two clocks of one node. The monotonic one never jumps; the wall clock may. Both run fast or slow together: they share an oscillator. */
import type { Now } from '../protocol/input.ts';

/** Where all wall clocks start, in ms since 1970. */
export const WALL_START_MS = 1_700_000_000_000;

/** Thousandths of the world's time by which a good clock advances. */
export const TRUE_RATE = 1000;

/** Owns the rate and the errors. Times are µs of virtual time, `time` never less than in the call before. */
export class SimulatedClock {
  /** Ahead of (or behind) the world's wall clock, in ms, besides what it has gone wrong by its rate. */
  wallOffsetMs = 0;
  #permille = TRUE_RATE;
  #since = 0;
  /** What the clocks showed at `#since`, in µs. */
  #monotonic = 0;
  #wall = 0;

  read(time: number): Now {
    const wall = this.#wall + this.#advance(time);
    return {
      monotonic: this.#monotonic + this.#advance(time),
      wall: WALL_START_MS + Math.floor(wall / 1000) + this.wallOffsetMs,
    };
  }

  /** The process starts; its monotonic clock shows `monotonic`. */
  boot(time: number, monotonic: number): void {
    this.#rebase(time);
    this.#monotonic = monotonic;
  }

  /** From `time` on, so many thousandths of the world's time. */
  setRate(time: number, permille: number): void {
    this.#rebase(time);
    this.#permille = permille;
  }

  /** The wall clock is set right, but for its offset. */
  synchronise(time: number): void {
    this.#rebase(time);
    this.#wall = time;
  }

  /** The first time from `time` on at which the monotonic clock shows at least `monotonic`. */
  timeOf(time: number, monotonic: number): number {
    return Math.max(time, this.#since + Math.ceil(((monotonic - this.#monotonic) * TRUE_RATE) / this.#permille));
  }

  #advance(time: number): number {
    return Math.floor(((time - this.#since) * this.#permille) / TRUE_RATE);
  }

  #rebase(time: number): void {
    this.#monotonic += this.#advance(time);
    this.#wall += this.#advance(time);
    this.#since = time;
  }
}
