/** How often a behaviour may speak unasked: so many times a second, and a few at once after a pause. */

const SECOND_US = 1_000_000;

export class Pace {
  readonly #perSecond: number;
  readonly #burst: number;
  #saved: number;
  #last: number | undefined;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#saved = burst;
  }

  /** How many may go out now, at monotonic µs `now`; they count as sent. A clock that starts anew after a restart gives nothing away. */
  take(now: number): number {
    const elapsed = Math.max(0, now - (this.#last ?? now));
    this.#last = now;
    this.#saved = Math.min(this.#burst, this.#saved + (elapsed * this.#perSecond) / SECOND_US);
    const count = Math.floor(this.#saved);
    this.#saved -= count;
    return count;
  }
}
