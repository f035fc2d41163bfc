/** What is to be done at the end of this turn of the event loop, when everything that came in with it has been looked at: one timer for all links. */

export interface Waiter {
  /** Called once for each time it was put in. */
  onTurnEnd(): void;
}

export class TurnEnd {
  readonly #schedule: (come: () => void) => void;
  #waiting: Waiter[] = [];

  /** `schedule` calls what it is given at the end of the turn. */
  constructor(schedule: (come: () => void) => void) {
    this.#schedule = schedule;
  }

  put(waiter: Waiter): void {
    this.#waiting.push(waiter);
    if (this.#waiting.length === 1) this.#schedule(() => this.#come());
  }

  #come(): void {
    const due = this.#waiting;
    this.#waiting = [];
    let done = 0;
    try {
      for (const waiter of due) {
        done += 1;
        waiter.onTurnEnd();
      }
    } finally {
      // One of them threw: the others have their turn all the same.
      if (done < due.length) for (const waiter of due.slice(done)) this.put(waiter);
    }
  }
}

/** Of this process. */
export const turnEnd = new TurnEnd(setImmediate);
