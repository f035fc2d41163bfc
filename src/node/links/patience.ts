/**
 * How many frames that nobody can use a link may bring before less is read from it: so many at once and so many a second. What is read at once may go beyond it, and is
 * waited for. Owns no clock and no timer: whoever has one asks. Times in ms of one clock.
 */

const MS_PER_SECOND = 1000;

export class Patience {
  readonly #perSecond: number;
  readonly #atOnce: number;
  /** Below 0: what was brought too much. */
  #left: number;
  #last: number;

  constructor({ perSecond, atOnce }: { readonly perSecond: number; readonly atOnce: number }, now: number) {
    this.#perSecond = perSecond;
    this.#atOnce = atOnce;
    this.#left = atOnce;
    this.#last = now;
  }

  /** The link brought one. */
  spend(now: number): void {
    this.#recover(now);
    this.#left -= 1;
  }

  /** For how long nothing should be read from the link, ms; 0 while it may bring another one. */
  waitMs(now: number): number {
    this.#recover(now);
    return this.#left >= 0 ? 0 : (-this.#left * MS_PER_SECOND) / this.#perSecond;
  }

  #recover(now: number): void {
    this.#left = Math.min(this.#atOnce, this.#left + ((now - this.#last) * this.#perSecond) / MS_PER_SECOND);
    this.#last = now;
  }
}
