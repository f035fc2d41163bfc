/** For how long something has not moved, for whoever looks regularly: to note every movement as it happens would cost more than all looks. Owns no clock. Times in ms of one clock. */

export class Standstill {
  /** Where it was at the last look; undefined: it was not to move then. */
  #mark: number | undefined;
  #since: number;

  constructor(now: number) {
    this.#since = now;
  }

  /** For how long it has been at `mark` as far as anybody looked, ms: never longer than it was. `mark` undefined: there is nothing to move. */
  look(now: number, mark: number | undefined): number {
    if (mark === undefined || mark !== this.#mark) {
      this.#mark = mark;
      this.#since = now;
    }
    return now - this.#since;
  }

  /** What was seen so far is no standstill. */
  beginAnew(now: number): void {
    this.#since = now;
  }
}
