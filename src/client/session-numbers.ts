/**
 * Numbers for new sessions: the client's clock in µs, and above every number used before [PROTOCOL: sessions]. Across restarts the clock is the
 * memory: a process that opens fewer than a million sessions a second is ahead of all it used before. A clock that was set back is corrected
 * by what the cluster says when it refuses the number.
 */
export class SessionNumbers {
  #last = 0;

  /** The next number, at `wallUs` µs since 1970. */
  next(wallUs: number): number {
    this.#last = Math.max(Math.floor(wallUs), this.#last + 1);
    return this.#last;
  }

  /** Numbers up to this one are used up, or lie too far back. */
  passOver(number: number): void {
    this.#last = Math.max(this.#last, number);
  }
}
