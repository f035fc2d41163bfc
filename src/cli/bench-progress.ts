/** What each run of a benchmark came to, while the others are still to come. Owns the last line of the terminal meanwhile. */
import { terminal } from './terminal.ts';

export class BenchProgress {
  readonly #isQuiet: boolean;
  readonly #total: number;
  #begun = 0;

  /** `total`: runs of all rows. */
  constructor(isQuiet: boolean, total: number) {
    this.#isQuiet = isQuiet;
    this.#total = total;
  }

  begin(name: string): void {
    this.#begun += 1;
    if (!this.#isQuiet && terminal.isLive) terminal.live(`${this.#begun} of ${this.#total}  ${name} …`);
  }

  /** `said`: in a few words. */
  end(name: string, said: string): void {
    if (this.#isQuiet) return;
    this.clear();
    terminal.note(`${this.#begun} of ${this.#total}  ${name}: ${said}`);
  }

  clear(): void {
    if (!this.#isQuiet && terminal.isLive) terminal.live('');
  }
}
