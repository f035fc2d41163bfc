/** The few statistics that a benchmark tells. Pure. */
import { assert } from '../base/assert.ts';

/** Median and spread of one figure over the runs. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle one; the mean of the two middle ones where there is an even number. Requires: at least one. */
export function median(values: readonly number[]): number {
  assert(values.length > 0, 'a median is of something');
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
  return (lower + upper) / 2;
}

/** Median, least and greatest. Requires: at least one. */
export function summarize(values: readonly number[]): Summary {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** The least sample that at least the share `q` of all samples does not exceed (nearest rank). Requires: ascending, at least one; 0 < q ≤ 1. */
export function percentile(ascending: Float64Array, q: number): number {
  assert(ascending.length > 0 && q > 0 && q <= 1, 'a percentile is of something');
  return ascending[Math.ceil(q * ascending.length) - 1] ?? 0;
}

/** Samples as they come. It grows, and holds plain numbers only: a second of load is some hundred thousand of them. */
export class Samples {
  #values = new Float64Array(65_536);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(2 * this.#values.length);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count] = value;
    this.#count += 1;
  }

  /** A copy, ascending. */
  ascending(): Float64Array {
    return this.#values.slice(0, this.#count).sort();
  }
}
