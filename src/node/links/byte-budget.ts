/** One amount of memory shared by many holders. When they hold more than it together, the one that holds most gives way. */
import { ChurningMap } from '../../base/churning.ts';

export class ByteBudget<Holder> {
  readonly #limit: number;
  readonly #held = new ChurningMap<Holder, number>();
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get total(): number {
    return this.#total;
  }

  /** Effects: `holder` now holds `bytes`. The holder that must give way, if the limit is passed; it stays counted until it is released. */
  hold(holder: Holder, bytes: number): Holder | undefined {
    this.#total += bytes - (this.#held.get(holder) ?? 0);
    if (bytes === 0) this.#held.delete(holder);
    else this.#held.set(holder, bytes);
    if (this.#total <= this.#limit) return undefined;
    let [most, mostBytes] = [holder, bytes];
    for (const [other, held] of this.#held) if (held > mostBytes) [most, mostBytes] = [other, held];
    return most;
  }

  release(holder: Holder): void {
    this.hold(holder, 0);
  }
}
