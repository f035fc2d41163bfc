/** How many requests one address may send: a token bucket each, in a bounded table. Time is an argument. */

export interface RateLimits {
  /** Tokens that come back each second. */
  readonly perSecond: number;
  /** Tokens a bucket holds: how many may come at once. */
  readonly burst: number;
  /** Addresses remembered; beyond it the one unheard of longest is forgotten (and starts full again). */
  readonly addresses: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

export class RateLimiter {
  readonly #limits: RateLimits;
  /** In order of last use: a Map keeps insertion order. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: RateLimits) {
    this.#limits = limits;
  }

  /** Takes `cost` tokens of `address`; undefined when they were there, else the whole seconds until they are. */
  take(address: string, cost: number, nowMs: number): number | undefined {
    const { perSecond, burst } = this.#limits;
    const bucket = this.#use(address, nowMs);
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond);
    bucket.atMs = nowMs;
    if (bucket.tokens < cost) return Math.max(1, Math.ceil((cost - bucket.tokens) / perSecond));
    bucket.tokens -= cost;
    return undefined;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #use(address: string, nowMs: number): Bucket {
    const bucket = this.#buckets.get(address) ?? { tokens: this.#limits.burst, atMs: nowMs };
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    if (this.#buckets.size > this.#limits.addresses) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return bucket;
  }
}
