/** How far a long command is, on standard error: one line that changes on a terminal, a plain line now and then elsewhere. */
import { terminal } from '../terminal.ts';

/** How often the line changes, and how often a plain one is added, in ms. */
const LIVE_MS = 200;
const PLAIN_MS = 10_000;

/** Owns the last line of the terminal until it is cleared. */
export class Progress {
  readonly #isLive = terminal.isLive;
  readonly #isQuiet: boolean;
  #shownAt = performance.now();

  /** `isQuiet`: nothing is ever shown. */
  constructor(isQuiet: boolean) {
    this.#isQuiet = isQuiet;
  }

  /** It has come so far; `text` is called when it is time to show it. */
  show(text: () => string): void {
    const now = performance.now();
    if (this.#isQuiet || now - this.#shownAt < (this.#isLive ? LIVE_MS : PLAIN_MS)) return;
    this.#shownAt = now;
    if (this.#isLive) terminal.live(text());
    else terminal.note(text());
  }

  /** Takes the line away, before anything else is printed. */
  clear(): void {
    if (this.#isLive && !this.#isQuiet) terminal.live('');
  }
}
