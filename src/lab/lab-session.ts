/**
 * One run as somebody works with it: forwards, backwards, interfered with. Owns the run, what happened in it up to where it stands, and nothing else.
 * Backwards is the same run anew, up to there: it is deterministic, so nothing has to be kept to come back.
 */
import type { Result } from '../base/result.ts';
import { fail } from '../base/result.ts';
import { drain } from '../simulation/drain.ts';
import type { Action, ActionProblem, Intervention } from './intervention.ts';
import type { Happening } from './lab-event.ts';
import { LabRun } from './lab-run.ts';
import type { RunIdentity, RunModules, RunSource } from './lab-run.ts';
import { fits } from './pattern.ts';
import type { Pattern } from './pattern.ts';

/** A run is not taken further than this: what happened in it is kept in memory. */
export const MOST_STEPS = 200_000;
export const MOST_HAPPENINGS = 400_000;
export const MOST_INTERVENTIONS = 500;

export interface SessionProblem {
  readonly code: ActionProblem['code'] | 'too-many' | 'at-end';
  readonly message: string;
}

export class LabSession {
  readonly #source: RunSource;
  readonly #modules: Pick<RunModules, 'sha256'>;
  #run: LabRun;
  #happenings: Happening[] = [];

  constructor({ source, interventions }: RunIdentity, modules: Pick<RunModules, 'sha256'> = {}) {
    this.#source = source;
    this.#modules = modules;
    this.#run = this.#make(interventions, -1, this.#happenings);
  }

  get run(): LabRun {
    return this.#run;
  }

  /** Everything that happened up to here, in order. */
  get happenings(): readonly Happening[] {
    return this.#happenings;
  }

  get interventions(): readonly Intervention[] {
    return this.#run.interventions;
  }

  /** There is no going on: the run is over, or as long as a run may be. */
  get isAtEnd(): boolean {
    return this.#run.end !== undefined || this.isFull;
  }

  get isFull(): boolean {
    return this.#run.step >= MOST_STEPS || this.#happenings.length >= MOST_HAPPENINGS;
  }

  /** One step; false at the end. */
  advance(): boolean {
    return !this.isAtEnd && this.#run.advance();
  }

  /** To this step, forwards or backwards, or to the end if that comes first. */
  seek(step: number): void {
    drain(this.walkBack(step));
    while (this.#run.step < step && this.advance());
  }

  /** On to the next event that fits, at most so many steps. False when none came. */
  seekEvent(pattern: Pattern, stepsAtMost: number): boolean {
    const from = this.#happenings.length;
    for (let left = stepsAtMost; left > 0 && this.advance(); left -= 1)
      if (this.#happenings.slice(from).some(({ event }) => fits(event, pattern))) return true;
    return false;
  }

  /** Interferes here and now; later interventions are forgotten. */
  interfere(action: Action): Result<undefined, SessionProblem> {
    if (this.isAtEnd) return fail({ code: 'at-end', message: 'the run is over here: go back first' });
    if (this.#run.interventions.filter(({ at }) => at <= this.#run.step).length >= MOST_INTERVENTIONS)
      return fail({ code: 'too-many', message: `at most ${MOST_INTERVENTIONS} interventions` });
    return this.#run.interfere(action);
  }

  /**
   * To an earlier step, one step of the way at a time, telling which. Nothing changes before it is there: whoever gives up on the way stands where they
   * stood.
   */
  *walkBack(step: number): Generator<number> {
    if (step < this.#run.step) yield* this.#walkAnew(Math.max(0, step), this.#run.interventions);
  }

  /** The last thing done by hand up to here is not done; goes back to where it was. False when there is none. */
  undo(): boolean {
    return drain(this.walkUndo());
  }

  /** The same on the way of {@link walkBack}. */
  *walkUndo(): Generator<number, boolean> {
    const done = this.#run.interventions.filter(({ at }) => at <= this.#run.step);
    const last = done.at(-1);
    if (last === undefined) return false;
    yield* this.#walkAnew(last.at, done.slice(0, -1));
    return true;
  }

  /** What happened before this step is known; the step itself is told again, and with it whatever is done there by hand. */
  *#walkAnew(step: number, interventions: readonly Intervention[]): Generator<number> {
    const happenings = this.#happenings.filter((happening) => happening.step < step);
    const run = this.#make(interventions, step - 1, happenings);
    while (run.step < step && run.advance()) yield run.step;
    this.#run = run;
    this.#happenings = happenings;
  }

  /** A run from its beginning, of which nothing up to `mutedUpTo` is told; what is told is added to `happenings`. */
  #make(interventions: readonly Intervention[], mutedUpTo: number, happenings: Happening[]): LabRun {
    return new LabRun(
      { source: this.#source, interventions },
      { ...this.#modules, mutedUpTo, onHappening: (happening) => happenings.push(happening) },
    );
  }
}
