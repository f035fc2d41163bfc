/**
 * How much of what happens is told, so that telling takes at most its part of the node's CPU. Owns the account of that time and the share that is
 * kept. A share is always a power of two and is kept by slot: the nodes of a cluster keep the same slots whole, the busier one a part of those
 * of the others, and what is shown of a slot is all of it. Time is an argument.
 */
import type { StreamEvent } from '../../api/index.ts';
import { assert } from '../../base/assert.ts';

export interface SamplerLimits {
  /** Part of the CPU time of the process that may be spent. */
  readonly part: number;
  /** What may be spent however little else the process does, µs a second. */
  readonly floorUs: number;
  /** What may be spent at once after a quiet time, µs. */
  readonly savedUs: number;
  /** Nothing is left out in a second after one with at most so many events, and not before there are more of them in it. */
  readonly freeEvents: number;
  /** The smallest share, before nothing at all is kept for the rest of a second. */
  readonly leastShare: number;
}

/**
 * `part` is below the 3 % that are promised: one look at the account covers many events, and so comes late. An idle replica takes so little that a part of
 * it pays for nothing; so a fifth of a percent of a core may be spent always, and a few hundred events are told whatever they cost.
 */
export const DEFAULT_SAMPLER_LIMITS: SamplerLimits = {
  part: 0.022,
  floorUs: 2000,
  savedUs: 20_000,
  freeEvents: 300,
  leastShare: 2 ** -12,
};

export class Sampler {
  readonly #limits: SamplerLimits;
  #creditUs: number;
  #share = 1;
  #offered = 0;
  #kept = 0;
  /** What was asked about: what was offered, and what is told in any case. */
  #asked = 0;
  /** The same in the second before. */
  #askedBefore = 0;
  #earnedUs = 0;
  #spentUs = 0;
  #told = 0;
  /** Of the last second in which anything was told: what one event took, µs. */
  #costUs: number | undefined;
  #ranOut = false;

  constructor(limits: SamplerLimits = DEFAULT_SAMPLER_LIMITS) {
    assert(limits.leastShare > 0 && limits.leastShare <= 1, 'a share is a part');
    this.#limits = limits;
    this.#creditUs = limits.savedUs;
  }

  /** Part of the slots that is kept, 1 at most. */
  get share(): number {
    return this.#share;
  }

  /** Is what belongs to the slot, the request or whatever has this key to be told? The key is any integer; equal ones get the same answer as long as the share stands. */
  admits(key: number): boolean {
    this.#offered += 1;
    if (!this.isWithin(key)) return false;
    this.#kept += 1;
    return true;
  }

  /** The same for what is told in any case, and only told shorter: it counts among what happens, and not among what is kept. */
  isWithin(key: number): boolean {
    const { freeEvents } = this.#limits;
    this.#asked += 1;
    if (this.#asked <= freeEvents && this.#askedBefore <= freeEvents) return true;
    if (this.#creditUs <= 0) {
      this.#ranOut = true;
      return false;
    }
    return this.#share === 1 || Math.imul(key, SPREAD) >>> 0 < this.#share * 2 ** 32;
  }

  /** One event more is told, whether it was asked about here or is told in any case. */
  count(): void {
    this.#told += 1;
  }

  /** Telling took `us`. */
  spend(us: number): void {
    this.#spentUs += us;
    this.#creditUs = Math.max(-this.#limits.savedUs, this.#creditUs - us);
  }

  /** The process took `cpuUs` in the last `elapsedUs`. */
  earn(cpuUs: number, elapsedUs: number): void {
    const { part, floorUs, savedUs } = this.#limits;
    const earned = Math.max(part * cpuUs, (floorUs * elapsedUs) / 1e6);
    this.#earnedUs += earned;
    this.#creditUs = Math.min(savedUs, this.#creditUs + earned);
  }

  /** Once a second: what was kept of how many, and the share for the next. Undefined where nothing was left out. */
  endSecond(): Pick<Extract<StreamEvent, { kind: 'sampled' }>, 'kept' | 'of'> | undefined {
    const [kept, of] = [this.#kept, this.#offered];
    this.#share = this.#nextShare();
    this.#askedBefore = this.#asked;
    this.#asked = 0;
    this.#offered = 0;
    this.#kept = 0;
    this.#told = 0;
    this.#earnedUs = 0;
    this.#spentUs = 0;
    this.#ranOut = false;
    return kept < of ? { kept, of } : undefined;
  }

  /** What is earned pays for so many, those first that are told in any case; down at once, up by one step at a time. */
  #nextShare(): number {
    if (this.#told > 0) this.#costUs = this.#spentUs / this.#told;
    const { leastShare, freeEvents } = this.#limits;
    if (this.#offered <= freeEvents || this.#costUs === undefined) return 1;
    // What was seen of none says nothing of what they cost now.
    if (this.#kept === 0 && !this.#ranOut) return Math.min(1, 2 * this.#share);
    const inAnyCase = this.#told - this.#kept;
    const paidFor = (this.#earnedUs / this.#costUs - inAnyCase) / this.#offered;
    const fitting = 2 ** Math.floor(Math.log2(Math.max(leastShare, Math.min(1, paidFor))));
    const most = this.#ranOut ? this.#share / 2 : 2 * this.#share;
    return Math.max(leastShare, Math.min(1, fitting, most));
  }
}

/** An odd number near 2^32 divided by the golden ratio: what follows each other lands far apart. */
const SPREAD = 0x9e_37_79_b1;
