/** Does something so many times a second, as evenly as the timers of Node allow. Owns its timer. */
import { Pace } from '../../byzantine/pace.ts';

const EVERY_MS = 2;
const US_PER_MS = 1000;
/** What is made up for after a pause, as a share of a second. */
const ARREARS = 0.1;

export class Paced {
  readonly #pace: Pace;
  readonly #act: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(perSecond: number, act: () => void) {
    this.#pace = new Pace(perSecond, Math.max(1, perSecond * ARREARS));
    this.#act = act;
    // What is saved up is for pauses, not for the beginning.
    this.#pace.take(performance.now() * US_PER_MS);
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      for (let count = this.#pace.take(performance.now() * US_PER_MS); count > 0; count -= 1) this.#act();
    }, EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
