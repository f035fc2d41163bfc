/**
 * What is to be done when the step under way is done, once for everything that came with one read of a socket: one microtask for all links. The end
 * of the turn of the event loop would gather more where many sockets have something at once, which is seldom: it costs each turn a phase, and each message the wait for it.
 */

export interface Waiter {
  /** Called once for each time it was put in. */
  onStepEnd(): void;
}

export class StepEnd {
  readonly #schedule: (come: () => void) => void;
  #waiting: Waiter[] = [];

  /** `schedule` calls what it is given at the end of the step. */
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
        waiter.onStepEnd();
      }
    } finally {
      // One of them threw: the others come all the same.
      if (done < due.length) for (const waiter of due.slice(done)) this.put(waiter);
    }
  }
}

/** Of this process. */
export const stepEnd = new StepEnd(queueMicrotask);
