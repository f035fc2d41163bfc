/** What is held back, in order, until its time has come. Owns no clock and no timer: whoever has one asks. Times in µs of one clock. */

interface Held<Item> {
  readonly due: number;
  readonly sizeBytes: number;
  readonly item: Item;
}

export class DelayLine<Item> {
  readonly #limits: { readonly items: number; readonly bytes: number };
  #held: Held<Item>[] = [];
  #bytes = 0;

  /** Holds at most so many items and bytes. */
  constructor(limits: { readonly items: number; readonly bytes: number }) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** When the first item is due; undefined when there is none. */
  get nextDue(): number | undefined {
    return this.#held[0]?.due;
  }

  /** Due at `due`, but never before what was put earlier: order is kept. False: full, and the item is dropped. */
  put(due: number, item: Item, sizeBytes: number): boolean {
    const { items, bytes } = this.#limits;
    if (this.#held.length >= items || this.#bytes + sizeBytes > bytes) return false;
    this.#held.push({ due: Math.max(due, this.#held.at(-1)?.due ?? 0), sizeBytes, item });
    this.#bytes += sizeBytes;
    return true;
  }

  /** What is due at `now`, in order; it is held no longer. */
  takeDue(now: number): readonly Item[] {
    const later = this.#held.findIndex(({ due }) => due > now);
    const taken = this.#held.splice(0, later < 0 ? this.#held.length : later);
    for (const { sizeBytes } of taken) this.#bytes -= sizeBytes;
    return taken.map(({ item }) => item);
  }

  /** Everything, in order, due or not. */
  takeAll(): readonly Item[] {
    return this.takeDue(Infinity);
  }
}
