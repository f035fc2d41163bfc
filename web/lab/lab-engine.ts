/**
 * Carries out orders on one session, in slices, so that a newer order is heard while one is under way. Owns the session and what the page knows of it.
 * Knows no Worker: whoever makes it gives it a way to pause and to answer.
 */
import { score } from '../../src/lab/challenge.ts';
import { LabSession } from '../../src/lab/lab-session.ts';
import { fits } from '../../src/lab/pattern.ts';
import { sightOf } from '../../src/lab/sight.ts';
import { playSolution } from '../../src/lab/solution.ts';
import { LabRun } from '../../src/lab/lab-run.ts';
import { writeLink } from '../../src/lab/link.ts';
import type { Happening } from '../../src/lab/lab-event.ts';
import { openFragment } from './opened-run.ts';
import type { OpenedRun } from './opened-run.ts';
import { MOST_KEPT, MOST_TOLD } from './worker-messages.ts';
import type { FromWorker, Order, Standing, ToWorker } from './worker-messages.ts';

export interface EngineHost {
  /** ms of any clock. */
  now(): number;
  /** Lets whatever came meanwhile be heard. */
  pause(): Promise<void>;
  answer(message: FromWorker): void;
}

/** So long the engine works before it listens, in ms. */
const SLICE_MS = 40;
const PROGRESS_MS = 200;
/** A search for an event goes no further, in steps. */
const FURTHEST = 50_000;

export class LabEngine {
  readonly #host: EngineHost;
  readonly #build: string;
  #session: LabSession | undefined;
  #opened: OpenedRun | undefined;
  /** The newest order that was heard: an older one ends. */
  #latest = 0;
  #chain: Promise<void> = Promise.resolve();
  /** The happenings that the page knows: so many of this list. */
  #known: readonly Happening[] = [];
  #knownCount = 0;
  /** The first one that the page has. */
  #toldFrom = 0;
  #sliceEnd = 0;
  /** When the page is told again how far the engine is. */
  #progressAt = 0;

  /** `build`: of which source this is. */
  constructor(host: EngineHost, build: string) {
    this.#host = host;
    this.#build = build;
  }

  /** Orders are carried out one after another, in the order in which they come. */
  hear({ number, order }: ToWorker): void {
    this.#latest = number;
    this.#chain = this.#chain.then(async () => {
      try {
        await this.#carryOut(number, order);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.#host.answer({ kind: 'failed', number, message });
      }
    });
  }

  async #carryOut(number: number, order: Order): Promise<void> {
    this.#sliceEnd = this.#host.now() + SLICE_MS;
    let problem: string | undefined;
    if (order.kind === 'trace') {
      this.#host.answer({ kind: 'trace', number, text: await this.#trace(number) });
      return;
    }
    if (order.kind === 'open') {
      if (!(await this.#open(number, order.fragment))) return;
    } else if (this.#session !== undefined) problem = await this.#go(this.#session, number, order);
    this.#tell(number, problem);
  }

  /** False when the link leads nowhere. */
  async #open(number: number, fragment: string): Promise<boolean> {
    const found = openFragment(fragment);
    this.#session = undefined;
    this.#opened = undefined;
    if (found.kind === 'refused') {
      this.#host.answer({ kind: 'refused', number, problems: found.problems });
      return false;
    }
    this.#opened = found.opened;
    const { source, link, title } = found.opened;
    this.#host.answer({ kind: 'opened', number, title });
    this.#session = new LabSession({ source, interventions: link.interventions });
    await this.#advanceWhile(number, ({ run }) => run.step < link.at);
    return true;
  }

  /** What went wrong, in words. */
  async #go(
    session: LabSession,
    number: number,
    order: Exclude<Order, { kind: 'open' | 'trace' }>,
  ): Promise<string | undefined> {
    switch (order.kind) {
      case 'seek':
        if ((await this.#walk(number, session.walkBack(order.step))) === undefined) return undefined;
        await this.#advanceWhile(number, ({ run }) => run.step < order.step);
        return undefined;
      case 'pass': {
        const until = session.run.timeUs + order.us;
        session.advance();
        await this.#advanceWhile(number, ({ run }) => (run.world?.nextTime ?? Infinity) <= until);
        return undefined;
      }
      case 'next-event':
        return this.#findNext(session, number, order);
      case 'end':
        await this.#advanceWhile(number, ({ run }) => !run.isScriptOver);
        return undefined;
      case 'act': {
        const done = session.interfere(order.action);
        return done.ok ? undefined : done.error.message;
      }
      case 'undo': {
        const way = await this.#walk(number, session.walkUndo());
        return way?.value === false ? 'nothing was done by hand up to here' : undefined;
      }
      case 'solve':
        return this.#solve();
      case 'stop':
        return undefined;
    }
  }

  async #findNext(
    session: LabSession,
    number: number,
    { pattern, from }: Extract<Order, { kind: 'next-event' }>,
  ): Promise<string | undefined> {
    const last = session.run.step + FURTHEST;
    // The page may not have known of what came since.
    let seen = Math.min(from, session.happenings.length);
    let isFound = false;
    await this.#advanceWhile(number, ({ happenings, run }) => {
      for (; seen < happenings.length && !isFound; seen += 1) {
        const happening = happenings[seen];
        isFound = happening !== undefined && fits(happening.event, pattern);
      }
      return !isFound && run.step < last;
    });
    return isFound ? undefined : `no ${pattern.kind} came`;
  }

  /** The run once more, up to where it stands, with every line written down; undefined when a newer order ended it. */
  async #trace(number: number): Promise<string | undefined> {
    if (this.#session === undefined || this.#opened === undefined) return '';
    const { interventions, run } = this.#session;
    const lines: string[] = [];
    const { source } = this.#opened;
    const again = new LabRun({ source, interventions }, { onTrace: (line) => lines.push(`${line}\n`) });
    const way = await this.#walk(
      number,
      advancing(
        again,
        () => again.step,
        () => again.step < run.step,
      ),
    );
    return way === undefined ? undefined : lines.join('');
  }

  #solve(): string | undefined {
    const challenge = this.#opened?.told?.challenge;
    if (this.#opened === undefined || challenge === undefined) return 'this run is no challenge';
    this.#session = new LabSession({ source: this.#opened.source, interventions: [] });
    return playSolution(this.#session, challenge.solution) ? undefined : 'the solution does not fit this run';
  }

  /** Goes on while it holds, until the end, or until a newer order is heard. */
  async #advanceWhile(number: number, holds: (session: LabSession) => boolean): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    const stepOf = (): number => session.run.step;
    await this.#walk(
      number,
      advancing(session, stepOf, () => holds(session)),
    );
  }

  /** All of the way, listening in between; undefined when a newer order was heard on it. One step may take long: the clock is looked at after each. */
  async #walk<Result>(number: number, way: Iterator<number, Result>): Promise<{ readonly value: Result } | undefined> {
    for (;;) {
      const next = way.next();
      if (next.done === true) return next;
      if (this.#host.now() < this.#sliceEnd) continue;
      this.#tellProgress(number, next.value);
      await this.#host.pause();
      if (this.#latest !== number) return undefined;
      this.#sliceEnd = this.#host.now() + SLICE_MS;
    }
  }

  /** Not at every slice: drawing it takes time as well. */
  #tellProgress(number: number, step: number): void {
    const now = this.#host.now();
    if (now < this.#progressAt) return;
    this.#progressAt = now + PROGRESS_MS;
    this.#host.answer({ kind: 'progress', number, step });
  }

  #tell(number: number, problem: string | undefined): void {
    const session = this.#session;
    const opened = this.#opened;
    if (session === undefined || opened === undefined) {
      this.#host.answer({ kind: 'failed', number, message: 'no run is open' });
      return;
    }
    this.#host.answer({ kind: 'standing', number, standing: this.#standing(session, opened, problem) });
  }

  #standing(session: LabSession, { goal, link }: OpenedRun, problem: string | undefined): Standing {
    const { run, happenings, interventions } = session;
    const fresh = this.#tellApart(happenings);
    return {
      sight: sightOf(run),
      interventions,
      ...fresh,
      score: goal === undefined ? undefined : score(goal, played(session)),
      isAtEnd: session.isAtEnd,
      isFull: session.isFull,
      link: writeLink({ ...link, build: this.#build, interventions, at: run.step }),
      problem,
    };
  }

  /** What of the list the page does not have yet. Behind what it has, or in place of it where none of that is true any more, or too much came at once. */
  #tellApart(happenings: readonly Happening[]): Pick<Standing, 'from' | 'isAnew' | 'fresh'> {
    // A list only grows; whoever goes back begins another one with the same first happenings.
    const kept =
      this.#known === happenings ? this.#knownCount : commonLength(this.#known.slice(0, this.#knownCount), happenings);
    const { length } = happenings;
    const isAnew = kept <= this.#toldFrom || length - kept > MOST_TOLD;
    const from = isAnew ? Math.max(0, length - MOST_TOLD) : kept;
    this.#known = happenings;
    this.#knownCount = length;
    this.#toldFrom = Math.max(isAnew ? from : this.#toldFrom, length - MOST_KEPT);
    return { from, isAnew, fresh: happenings.slice(from) };
  }
}

/** One step at a time while it holds; tells which. */
function* advancing(what: { advance(): boolean }, step: () => number, holds: () => boolean): Generator<number, void> {
  while (holds() && what.advance()) yield step();
}

function played({ happenings, run, interventions }: LabSession): Parameters<typeof score>[1] {
  return {
    happenings,
    broken: run.broken.map(({ invariant }) => invariant),
    actions: interventions.filter(({ at }) => at <= run.step).map(({ action }) => action.do),
    isOver: run.isScriptOver,
  };
}

/** How many happenings both begin with: the same objects, since a run only appends to them. */
function commonLength(left: readonly Happening[], right: readonly Happening[]): number {
  const most = Math.min(left.length, right.length);
  // What is told is never taken back but from the end: the last common one decides.
  let low = 0;
  let high = most;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (left[middle - 1] === right[middle - 1]) low = middle;
    else high = middle - 1;
  }
  return low;
}
