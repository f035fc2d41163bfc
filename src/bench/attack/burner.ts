/** Burns CPU and does nothing else: what a machine has left beside one who floods can be measured without the flood. Owns its timer. */

const EVERY_MS = 10;
const US_PER_MS = 1000;

export class Burner {
  readonly #share: number;
  #timer: NodeJS.Timeout | undefined;
  #since = 0;
  #usedBefore = 0;

  /** `share`: of the time of one core, from 0 to 1. */
  constructor(share: number) {
    this.#share = share;
  }

  start(): void {
    this.#since = performance.now();
    this.#usedBefore = usedUs();
    this.#timer ??= setInterval(() => this.#burn(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Until as much was used as it should be by now; where the machine does not give as much, no longer than until the next turn. */
  #burn(): void {
    const now = performance.now();
    const due = this.#usedBefore + (now - this.#since) * US_PER_MS * this.#share;
    while (usedUs() < due && performance.now() - now < EVERY_MS);
  }
}

function usedUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
