/**
 * What is to be done when the step under way is done, once for everything that came with one read of a socket: one microtask for all links. Where one
 * step follows another at once, many sockets have something to say, and the end of the turn of the event loop gathers what goes out for all of them: fewer writes, and
 * little to wait for. Where nothing else is going on it would cost each message a phase of the loop.
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

/** A step that follows the last one within so many ms is one of many. */
const AT_ONCE_MS = 0.2;

/** At the end of the step, or, for steps that follow one another, of the turn of the event loop. `nowMs`: of a clock that never goes back. */
export function makeSchedule(nowMs: () => number): (come: () => void) => void {
  let last = -Infinity;
  return (come) => {
    const now = nowMs();
    if (now - last < AT_ONCE_MS) setImmediate(come);
    else queueMicrotask(come);
    last = now;
  };
}

/** Of this process. */
export const stepEnd = new StepEnd(makeSchedule(() => performance.now()));
