/**
 * Is there one order of all calls that explains every answer? Such an order keeps real time (what was answered before another call began comes
 * first), and a sequential model that carries the calls out in it gives each the answer its client got. A call without an answer may take effect
 * at any time from its invocation on, or never.
 *
 * The search is that of Wing and Gong (1993) with Lowe's memory of what was tried (2017): first along the hints, then everywhere. Deciding costs
 * exponential time in the worst case, hence the budget. Pure: owns nothing but the search under way, and the model given to it. Hints order the search and never decide anything.
 */
import { assert } from '../../base/assert.ts';
import { groupsOf } from './footprint.ts';

/** What a client was told. */
export interface Answer {
  readonly at: number;
  readonly seen: string;
  /** Whatever state gives this answer is left as it is. False is always right, and slower. */
  readonly isRead: boolean;
}

/** One call as its client saw it. Times are places in one order of everything that happened, no two alike. */
export interface Call<Operation> {
  readonly operation: Operation;
  /** The operation for people. Calls of equal text are taken for the same operation. */
  readonly text: string;
  /** Whose call it is, for people. */
  readonly name: string;
  readonly invokedAt: number;
  /** What its client was told, and when; undefined: the outcome is unknown. */
  readonly answer: Answer | undefined;
  /** Lower ones are tried earlier; undefined: after all others. */
  readonly hint: number | undefined;
}

/** What the calls should look like they were made to: one thing after another. */
export interface SequentialModel<Operation> {
  /** Carries it out; what its client sees of it. */
  apply(operation: Operation): string;
  /** Takes back the last `apply` not yet taken back. */
  undo(): void;
  /** Equal when nothing that follows can tell two states apart. */
  readonly state: string;
}

export interface SearchOptions<Operation> {
  /** So many operations are carried out at most. */
  readonly budget: number;
  /** At a place where the call could stand, the model sees something else than its client did. */
  readonly onRefused?: (call: Call<Operation>, modelSees: string) => void;
}

export type Verdict<Operation> =
  /** `order` explains all answers; calls that took no effect may be missing. */
  | { readonly kind: 'linearizable'; readonly order: readonly Call<Operation>[] }
  | { readonly kind: 'impossible' }
  /** The budget did not suffice. */
  | { readonly kind: 'undecided' };

interface Item<Operation> {
  readonly call: Call<Operation>;
  readonly bit: bigint;
  readonly returnedAt: number;
  /** Place of an open call of the same operation, invoked earlier. That one is used first: it can stand wherever this one can. */
  readonly twin: number | undefined;
}

/** A prefix of an order, and how far its continuations were tried. */
interface Frame {
  /** Calls in it: those with an answer, and the open ones. */
  readonly answered: bigint;
  readonly open: bigint;
  readonly state: string;
  /** Place of the call that it ends with; undefined for the empty one. */
  readonly last: number | undefined;
  /** The highest place in it, or −1. Open calls before it were passed over. */
  readonly front: number;
  /** The first answer still to be explained: what was invoked later comes later. Infinity: all are. */
  readonly limit: number;
  /** In the order of answers, those before it are explained. */
  readonly firstReturn: number;
  /** Places of calls that may follow, in the order of trying; undefined until needed. */
  choices: readonly number[] | undefined;
  tried: number;
}

/** Requires: `model` in its initial state; it is left in any. Cost: at most `budget` operations. */
export function findOrder<Operation>(
  calls: readonly Call<Operation>[],
  model: SequentialModel<Operation>,
  options: SearchOptions<Operation>,
): Verdict<Operation> {
  return new Search(calls, model, options).run();
}

/** Sets of open calls kept per (answered calls, state). */
const KEPT_SETS = 64;

class Search<Operation> {
  readonly #items: readonly Item<Operation>[];
  readonly #byReturn: readonly number[];
  readonly #model: SequentialModel<Operation>;
  readonly #options: SearchOptions<Operation>;
  readonly #isTaken: boolean[];
  readonly #stack: Frame[] = [];
  /** Answered calls and state → sets of open calls with which the search was there. */
  readonly #visited = new Map<string, bigint[]>();
  #applied = 0;

  constructor(calls: readonly Call<Operation>[], model: SequentialModel<Operation>, options: SearchOptions<Operation>) {
    this.#items = rank(calls);
    this.#byReturn = [...this.#items.keys()]
      .filter((place) => this.#item(place).returnedAt !== Infinity)
      .toSorted((left, right) => this.#item(left).returnedAt - this.#item(right).returnedAt);
    this.#isTaken = this.#items.map(() => false);
    this.#model = model;
    this.#options = options;
  }

  run(): Verdict<Operation> {
    // Along true hints every call is carried out once.
    const alongHints = Math.min(2 * this.#items.length, this.#options.budget);
    const quick = this.#search(alongHints, false);
    if (quick !== undefined) return quick;
    while (this.#stack.length > 0) this.#pop();
    this.#visited.clear();
    return this.#search(this.#options.budget, true) ?? { kind: 'undecided' };
  }

  /** `isThorough`: looks for what can be settled before it branches. undefined: `budget` is used up. */
  #search(budget: number, isThorough: boolean): Verdict<Operation> | undefined {
    this.#push(undefined);
    for (;;) {
      const frame = this.#stack.at(-1);
      if (frame === undefined) return { kind: 'impossible' };
      if (frame.limit === Infinity) return { kind: 'linearizable', order: this.#order() };
      if (this.#applied >= budget) return undefined;
      frame.choices ??= this.#choicesOf(frame, isThorough);
      const place = frame.choices[frame.tried];
      frame.tried += 1;
      if (place === undefined) this.#pop();
      else if (this.#explains(frame, this.#item(place))) this.#push(place);
      else this.#model.undo();
    }
  }

  #item(place: number): Item<Operation> {
    const item = this.#items[place];
    assert(item !== undefined, 'a place in the order of trying');
    return item;
  }

  /** Calls that may follow the prefix: in the order of hints, with open ones that were passed over at the end. */
  #choicesOf(frame: Frame, isThorough: boolean): readonly number[] {
    const choices: number[] = [];
    const passedOver: number[] = [];
    for (const [place, { call, twin }] of this.#items.entries()) {
      if (this.#isTaken[place] === true || call.invokedAt > frame.limit) continue;
      if (isThorough && twin !== undefined && this.#isTaken[twin] !== true) continue;
      if (call.answer !== undefined || place > frame.front) choices.push(place);
      else passedOver.push(place);
    }
    const settled = isThorough ? choices.find((place) => this.#isSettled(frame, place)) : undefined;
    return settled === undefined ? [...choices, ...passedOver] : [settled];
  }

  /**
   * A read that was told the truth may as well come now: in any order that explains what is left, it can be moved to the front. Not so a write that
   * changes nothing here: later it might.
   */
  #isSettled(frame: Frame, place: number): boolean {
    const { call } = this.#item(place);
    if (call.answer?.isRead !== true) return false;
    const isTrue = this.#apply(call) === call.answer.seen;
    assert(!isTrue || this.#model.state === frame.state, 'a read leaves the state as it is');
    this.#model.undo();
    return isTrue;
  }

  #apply(call: Call<Operation>): string {
    this.#applied += 1;
    return this.#model.apply(call.operation);
  }

  /** Carries the call out. True when its answer is that of the model and what follows was not tried before. */
  #explains(frame: Frame, { call, bit }: Item<Operation>): boolean {
    const sees = this.#apply(call);
    const { state } = this.#model;
    // An open call without effect might as well never have taken place.
    if (call.answer === undefined) return state !== frame.state && this.#isNew(frame.answered, frame.open | bit, state);
    if (sees !== call.answer.seen) {
      this.#options.onRefused?.(call, sees);
      return false;
    }
    return this.#isNew(frame.answered | bit, frame.open, state);
  }

  /** With fewer open calls used up, everything is possible that is possible with more. */
  #isNew(answered: bigint, open: bigint, state: string): boolean {
    const key = `${answered.toString(32)} ${state}`;
    const sets = this.#visited.get(key);
    if (sets === undefined) this.#visited.set(key, [open]);
    else if (sets.some((known) => (known & open) === known)) return false;
    else if (sets.length < KEPT_SETS) sets.push(open);
    return true;
  }

  #push(last: number | undefined): void {
    const before = this.#stack.at(-1);
    let { answered, open, front, firstReturn } = before ?? { answered: 0n, open: 0n, front: -1, firstReturn: 0 };
    if (last !== undefined) {
      const { call, bit } = this.#item(last);
      if (call.answer === undefined) open |= bit;
      else answered |= bit;
      front = Math.max(front, last);
      this.#isTaken[last] = true;
    }
    while (this.#isTaken[this.#byReturn[firstReturn] ?? -1] === true) firstReturn += 1;
    const due = this.#byReturn[firstReturn];
    const limit = due === undefined ? Infinity : this.#item(due).returnedAt;
    const { state } = this.#model;
    this.#stack.push({ answered, open, state, last, front, limit, firstReturn, choices: undefined, tried: 0 });
  }

  #pop(): void {
    const last = this.#stack.pop()?.last;
    if (last === undefined) return;
    this.#isTaken[last] = false;
    this.#model.undo();
  }

  #order(): readonly Call<Operation>[] {
    return this.#stack.flatMap(({ last }) => (last === undefined ? [] : [this.#item(last).call]));
  }
}

/** The calls in the order in which they are tried. */
function rank<Operation>(calls: readonly Call<Operation>[]): readonly Item<Operation>[] {
  const ranked = calls.toSorted(
    (left, right) =>
      ascending(left.hint ?? Infinity, right.hint ?? Infinity) ||
      ascending(left.answer?.at ?? Infinity, right.answer?.at ?? Infinity) ||
      ascending(left.invokedAt, right.invokedAt),
  );
  const open = [...ranked.keys()].filter((place) => ranked[place]?.answer === undefined);
  const twins = new Map<number, number>();
  for (const places of groupsOf(open, (place) => ranked[place]?.text)) {
    const invokedAt = (place: number): number => ranked[place]?.invokedAt ?? 0;
    const byInvocation = places.toSorted((left, right) => ascending(invokedAt(left), invokedAt(right)));
    for (const [index, place] of byInvocation.entries()) twins.set(place, byInvocation[index - 1] ?? -1);
  }
  return ranked.map((call, place) => {
    const twin = twins.get(place) ?? -1;
    const returnedAt = call.answer?.at ?? Infinity;
    return { call, bit: 1n << BigInt(place), returnedAt, twin: twin < 0 ? undefined : twin };
  });
}

function ascending(left: number, right: number): number {
  return left === right ? 0 : left - right;
}
