/** Figures over time for the charts: one sample a second, bounded. */

export const MAX_SAMPLES = 180;
const MAX_LATENCIES = 4000;

/** One second. `undefined`: nothing happened that could be measured. */
export interface Sample {
  /** s since 1970 (in the lab: virtual). */
  readonly atS: number;
  readonly requestsPerSecond: number;
  /** From the first node that had a request to the first that had executed it, in ms. */
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** Requests a batch, on average. */
  readonly batchSize: number | undefined;
  /** Slots above the last stable checkpoint. */
  readonly logSlots: number;
}

/** The value below which `share` of the sorted values lie; undefined of none. */
export function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** Counts what is executed, each batch once whichever node told first, and closes a sample when the second is over. */
export class Figures {
  readonly samples: Sample[] = [];
  #requests = 0;
  #batches = 0;
  #latenciesMs: number[] = [];
  #highestExecuted = 0;
  #highestAccepted = 0;
  #stable = 0;

  get highestExecuted(): number {
    return this.#highestExecuted;
  }

  onAccepted(sequence: number): void {
    this.#highestAccepted = Math.max(this.#highestAccepted, sequence);
  }

  onStable(sequence: number): void {
    this.#stable = Math.max(this.#stable, sequence);
  }

  /** True for the first node that tells of this batch. */
  onExecuted(sequence: number, requests: number): boolean {
    this.onAccepted(sequence);
    if (sequence <= this.#highestExecuted) return false;
    this.#highestExecuted = sequence;
    if (requests > 0) {
      this.#requests += requests;
      this.#batches += 1;
    }
    return true;
  }

  onLatency(ms: number): void {
    if (this.#latenciesMs.length < MAX_LATENCIES && ms >= 0) this.#latenciesMs.push(ms);
  }

  /** Closes the time since the sample before, which were `seconds`. */
  close(atS: number, seconds: number): void {
    const sorted = this.#latenciesMs.toSorted((left, right) => left - right);
    this.samples.push({
      atS,
      requestsPerSecond: seconds > 0 ? this.#requests / seconds : 0,
      p50Ms: percentile(sorted, 0.5),
      p95Ms: percentile(sorted, 0.95),
      p99Ms: percentile(sorted, 0.99),
      batchSize: this.#batches === 0 ? undefined : this.#requests / this.#batches,
      logSlots: Math.max(0, this.#highestAccepted - this.#stable),
    });
    if (this.samples.length > MAX_SAMPLES) this.samples.shift();
    this.#requests = 0;
    this.#batches = 0;
    this.#latenciesMs = [];
  }
}
