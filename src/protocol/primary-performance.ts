/**
 * Is the primary slow, or does it leave requests out? [PROTOCOL: detection; Aardvark, NSDI'09 §4.2] A primary that stays just under every timeout
 * could keep a cluster at a crawl for ever. A backup measures how long the primary takes to order what was passed on to it while nothing else was
 * in flight here: an overloaded primary always has something in flight, a slow one has not. Owns the measurements of one view.
 */
import { ChurningMap } from '../base/churning.ts';
import type { Digest } from '../base/ids.ts';
import type { Core } from './core.ts';
import { suspect } from './detection.ts';
import { replicaName } from '../base/ids.ts';

/** So many of the latest measurements count, one for each batch, and so many must be there: what was passed on all at once tells one moment only. */
const SAMPLES_KEPT = 50;
const SAMPLES_NEEDED = 12;
/** Those of so many µs count by themselves too, if they are as many: else a primary that becomes so slow that little is ordered lives on what it did before. */
const RECENT_US = 1_500_000;
/** Fewer of those say as much, if all of them are so many times what is in order, and so many µs lie between the first and the last: no moment in which everything stood still. */
const FEW = { samples: 3, times: 4, apartUs: 1_000_000 };
/** From its PRE-PREPARE to committed (or twice from there to prepared) a batch takes two hops and two disks, and a request that is passed on two hops and one disk. */
const BATCH_TIMES = 2;
/** A request may be overtaken by so many full pipelines, besides the batches that a full queue before it makes. */
const PIPELINES = 2;
/** Requests remembered as passed on; beyond it new ones are not measured. */
const PASSED_ON_KEPT = 4096;
const MAX_FACTOR = 64;
/** A primary with its queue full and one batch at a time in flight leaves a backup idle for a third of the time; beyond this share it is not at work. */
const IDLE_SHARE = 2 / 3;

interface PassedOn {
  /** Monotonic µs, and µs of idleness by then. */
  readonly at: number;
  readonly idle: number;
  /** Batches that had been pre-prepared in this view by then. */
  readonly batches: number;
}

/** When it was measured, and what it was; µs each. */
interface Wait {
  readonly at: number;
  readonly us: number;
}

export class PrimaryPerformance {
  readonly #passedOn = new ChurningMap<Digest, PassedOn>();
  /** The latest last. */
  readonly #waits: Wait[] = [];
  /** µs each; the latest last. */
  readonly #batchTimes: number[] = [];
  #batches = 0;
  /** µs in which nothing was in flight here, up to `#idleUntil`. */
  #idle = 0;
  #idleUntil = 0;
  /** Doubles with each view change that these measurements started, so that overload does not topple primary after primary. */
  factor = 1;

  /** Is there something to be forgotten? */
  get isWaiting(): boolean {
    return this.#passedOn.size > 0;
  }

  /** Another view, another primary. What a batch takes is a matter of the network, and stays. */
  reset(): void {
    this.#passedOn.clear();
    this.#waits.length = 0;
    this.#batches = 0;
  }

  /** A signed request left for the primary. */
  notePassedOn(request: Digest, now: number, idleSince: number | undefined): void {
    if (this.#passedOn.size >= PASSED_ON_KEPT || this.#passedOn.has(request)) return;
    this.#countIdle(now, idleSince);
    this.#passedOn.set(request, { at: now, idle: this.#idle, batches: this.#batches });
  }

  /** A fresh PRE-PREPARE with these requests came. `idleSince`: since when nothing was in flight here; undefined = something is. */
  notePrePrepare(requests: Iterable<Digest>, now: number, idleSince: number | undefined): void {
    this.#batches += 1;
    this.#countIdle(now, idleSince);
    if (this.#passedOn.size === 0) return;
    let least: number | undefined;
    for (const request of requests) {
      const passedOn = this.#passedOn.get(request);
      if (passedOn === undefined) continue;
      this.#passedOn.delete(request);
      const idle = this.#idle - passedOn.idle;
      const wait = idle > IDLE_SHARE * (now - passedOn.at) ? idle : 0;
      least = Math.min(least ?? wait, wait);
    }
    if (least !== undefined) keep(this.#waits, { at: now, us: least });
  }

  #countIdle(now: number, since: number | undefined): void {
    if (since !== undefined) this.#idle += Math.max(0, now - Math.max(since, this.#idleUntil));
    this.#idleUntil = now;
  }

  /** It was executed, however that came about. */
  forget(request: Digest): void {
    this.#passedOn.delete(request);
  }

  /** A batch took so long here from its PRE-PREPARE to committed-local, or twice as long as to prepared. */
  noteBatchTime(us: number): void {
    keep(this.#batchTimes, us);
  }

  /** What the primary does wrong, in a few words; undefined while nothing can be said. `batchesAhead`: how many may be ordered before a request. */
  problem(leastUs: number, batchesAhead: number): string | undefined {
    const [oldest] = this.#passedOn.values();
    const overtaken = oldest === undefined ? 0 : this.#batches - oldest.batches;
    if (overtaken > batchesAhead * this.factor)
      return `ordered ${overtaken} batches since it was given a request that is in none of them`;
    if (this.#waits.length < SAMPLES_NEEDED) return undefined;
    const batchTime = median(this.#batchTimes);
    if (batchTime === undefined) return undefined;
    const limit = Math.max(leastUs, BATCH_TIMES * batchTime) * this.factor;
    const wait = this.#usualWait(limit);
    if (wait <= limit) return undefined;
    return `takes ${milliseconds(wait)} to order what it is given, with nothing else to do; ${milliseconds(limit)} would be in order`;
  }

  /** The median of all that are kept, or of the recent ones, whichever is more. */
  #usualWait(limit: number): number {
    const since = (this.#waits.at(-1)?.at ?? 0) - RECENT_US;
    const recent = this.#waits.filter(({ at }) => at >= since);
    const counts = recent.length >= SAMPLES_NEEDED || areFarBeyond(limit, recent);
    const counted = counts ? [this.#waits, recent] : [this.#waits];
    return Math.max(...counted.map((waits) => median(waits.map(({ us }) => us)) ?? 0));
  }

  /** After a view change that these measurements started. */
  distrustLess(): void {
    this.factor = Math.min(MAX_FACTOR, this.factor * 2);
  }

  /** The cluster gets on. */
  relax(): void {
    this.factor = Math.max(1, this.factor / 2);
  }
}

/** Are they so far beyond the limit that few are enough? */
function areFarBeyond(limit: number, waits: readonly Wait[]): boolean {
  if (waits.length < FEW.samples || waits.some(({ us }) => us <= FEW.times * limit)) return false;
  return (waits.at(-1)?.at ?? 0) - (waits[0]?.at ?? 0) >= FEW.apartUs;
}

function keep<Sample>(samples: Sample[], sample: Sample): void {
  samples.push(sample);
  if (samples.length > SAMPLES_KEPT) samples.shift();
}

function median(samples: readonly number[]): number | undefined {
  return samples.toSorted((left, right) => left - right)[Math.floor(samples.length / 2)];
}

function milliseconds(us: number): string {
  return `${(us / 1000).toFixed(1)} ms`;
}

/** Looks at the measurements; a primary that fails them must go. Never certain: this replica, or a link, may be what is slow. */
export function judgePrimary(core: Core): void {
  if (core.isPrimary || core.inViewChange || core.isBehind || !core.mayVote) return;
  const { slowPrimaryUs, pipeline, queueRequests, batchRequests } = core.config.tuning;
  const batchesAhead = PIPELINES * pipeline + Math.ceil(queueRequests / batchRequests);
  const problem = core.performance.problem(slowPrimaryUs, batchesAhead);
  if (problem === undefined) return;
  const node = core.primary;
  suspect(core, {
    node,
    kind: 'slow-primary',
    certainty: 'uncertain',
    summary: `${replicaName(node)} as primary of view ${core.view} ${problem}`,
  });
  core.performance.distrustLess();
  core.toppled ??= 'slow-primary';
}
