/**
 * Handing out state takes at most a tenth of a replica's time: a peer that is behind, or says so, is not to slow down those that are not. Owns the
 * account of that time and the questions that wait for it, the latest one of each peer.
 */
import type { ReplicaId } from '../base/ids.ts';

/** Part of the time that passes. */
const SHARE = 0.1;
/** What may be spent at once after a quiet time, µs. */
const SAVED_US = 50_000;

export interface ServingBudgetOptions<Question> {
  /** Monotonic µs. */
  readonly clock: () => number;
  /** Answers one question; what that takes is spent by whoever does it. Must not throw. */
  readonly answer: (question: Question) => void;
}

export class ServingBudget<Question> {
  readonly #options: ServingBudgetOptions<Question>;
  readonly #waiting = new Map<ReplicaId, Question>();
  #availableUs = SAVED_US;
  #countedAt: number;
  #spentUs = 0;
  #isMeasuring = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ServingBudgetOptions<Question>) {
    this.#options = options;
    this.#countedAt = options.clock();
  }

  /** All time spent since the start, µs. */
  get spentUs(): number {
    return this.#spentUs;
  }

  /** Answers `question` of `peer` now, or when there is time for it again; a later one of the same peer takes its place. */
  ask(peer: ReplicaId, question: Question): void {
    this.#waiting.delete(peer);
    this.#waiting.set(peer, question);
    this.#answerWaiting();
  }

  /** Runs `action`, which serves; its time is spent. What it calls that serves as well counts once. */
  measure<Value>(action: () => Value): Value {
    if (this.#isMeasuring) return action();
    this.#isMeasuring = true;
    const began = this.#options.clock();
    try {
      return action();
    } finally {
      this.#isMeasuring = false;
      this.#spend(this.#options.clock() - began);
    }
  }

  /** Drops what waits. */
  stop(): void {
    this.#waiting.clear();
    clearTimeout(this.#timer);
  }

  #spend(us: number): void {
    this.#earn();
    this.#spentUs += us;
    this.#availableUs -= us;
  }

  #earn(): void {
    const now = this.#options.clock();
    this.#availableUs = Math.min(SAVED_US, this.#availableUs + SHARE * (now - this.#countedAt));
    this.#countedAt = now;
  }

  /** In the order in which they came. */
  #answerWaiting(): void {
    clearTimeout(this.#timer);
    for (const [peer, question] of this.#waiting) {
      this.#earn();
      if (this.#availableUs <= 0) break;
      this.#waiting.delete(peer);
      this.#options.answer(question);
    }
    if (this.#waiting.size > 0)
      this.#timer = setTimeout(() => this.#answerWaiting(), Math.ceil((1 - this.#availableUs) / SHARE / 1000));
  }
}
