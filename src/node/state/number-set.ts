/** A set of numbers from a range, one bit for each number of it. */
export class NumberSet {
  readonly from: number;
  readonly to: number;
  readonly #bits: Uint8Array;

  /** For numbers with `from` ≤ number < `to`; others are never in it. */
  constructor(from: number, to: number) {
    this.from = from;
    this.to = to;
    this.#bits = new Uint8Array(Math.ceil(Math.max(0, to - from) / 8));
  }

  add(number: number): void {
    const at = number - this.from;
    if (at >= 0 && number < this.to) this.#bits[at >> 3] = (this.#bits[at >> 3] ?? 0) | (1 << (at & 7));
  }

  has(number: number): boolean {
    const at = number - this.from;
    return at >= 0 && number < this.to && ((this.#bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
  }
}
