/**
 * Who is told of what happens in a world. By default a broken invariant is thrown, and so ends the run. Where somebody takes note of them instead, a checker
 * that saw one broken goes on with its others, and it is known what is judged no more. Owns the observers, and what each has seen broken.
 */
import { Violation } from './observer.ts';
import type { Checker, Observer } from './observer.ts';

export class Audience {
  readonly #observers: Observer[] = [];
  readonly #onViolation: ((violation: Violation) => void) | undefined;
  /** What each has seen broken: it is not told twice. */
  readonly #seen = new Map<Observer, Set<string>>();
  /** Those that are told of nothing any more, and what they saw broken that left them unable to judge. */
  readonly #lost = new Map<Observer, string>();

  /** `onViolation` left out: what is broken is thrown. */
  constructor(onViolation: ((violation: Violation) => void) | undefined) {
    this.#onViolation = onViolation;
  }

  add(observer: Observer | Checker): void {
    this.#observers.push(observer);
  }

  tellAll(tell: (observer: Observer) => void): void {
    for (const observer of this.#observers) this.tell(observer, tell);
  }

  /** Lets one of them see or judge something. */
  tell<Told extends Observer>(observer: Told, tell: (observer: Told) => void): void {
    if (this.#onViolation === undefined) {
      tell(observer);
      return;
    }
    if (this.#lost.has(observer)) return;
    try {
      tell(observer);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#note(observer, error, this.#onViolation);
    }
  }

  #note(observer: Observer, violation: Violation, onViolation: (violation: Violation) => void): void {
    const { invariant } = violation;
    if (!isChecker(observer) || observer.isLostBy?.includes(invariant) === true) this.#lost.set(observer, invariant);
    const seen = this.#seen.get(observer) ?? new Set();
    if (seen.has(invariant)) return;
    this.#seen.set(observer, seen.add(invariant));
    onViolation(violation);
  }

  /** The invariants that are judged: if one of them is broken, it will be told. */
  get judged(): ReadonlySet<string> {
    const heard = this.#observers.filter((observer) => !this.#lost.has(observer));
    return new Set(heard.flatMap((observer) => (isChecker(observer) ? observer.judges : [])));
  }

  /** Invariants that are not judged any more, and the broken one that is why. */
  get lost(): ReadonlyMap<string, string> {
    const { judged } = this;
    const lost = [...this.#lost].flatMap(([observer, why]) =>
      (isChecker(observer) ? observer.judges : []).map((name) => [name, why] as const),
    );
    return new Map(lost.filter(([name]) => !judged.has(name)));
  }
}

function isChecker(observer: Observer): observer is Checker {
  return 'judges' in observer;
}
