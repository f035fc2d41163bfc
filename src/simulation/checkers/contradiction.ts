/**
 * Why a history is not linearizable, in as few answers as possible. Steps that keep it impossible: end the history at the first answer that
 * cannot be explained, leave out reads, forget answers that are not needed. Then the model says what this answer might have been.
 */
import { findOrder } from './linearizability.ts';
import type { Call, SequentialModel } from './linearizability.ts';

/** A part of a history that already contradicts itself. */
export interface Contradiction<Operation> {
  /** The call whose answer cannot be explained. */
  readonly call: Call<Operation>;
  /** What the model answers it wherever it can stand, a few of them. */
  readonly possible: readonly string[];
  /** The answers that leave it no other place, in order of invocation. */
  readonly given: readonly Call<Operation>[];
  /** How many other calls may have taken effect, at any time from their invocation on: what they were told is not needed. */
  readonly others: number;
}

/** Operations carried out for one attempt to forget answers, and for all. */
const ATTEMPT_BUDGET = 3000;
const TOTAL_BUDGET = 20_000;
const POSSIBLE_SHOWN = 4;
const GIVEN_SHOWN = 8;
const TEXT_SHOWN = 240;

/** Requires: `findOrder` calls `calls` impossible within `budget`. */
export function findContradiction<Operation>(
  calls: readonly Call<Operation>[],
  makeModel: () => SequentialModel<Operation>,
  budget: number,
): Contradiction<Operation> | undefined {
  const isImpossible = (some: readonly Call<Operation>[]): boolean =>
    findOrder(some, makeModel(), { budget }).kind === 'impossible';
  const shortest = shortestPrefix(calls, isImpossible);
  const [call] = shortest.toSorted((one, other) => (other.answer?.at ?? -1) - (one.answer?.at ?? -1));
  if (call === undefined) return undefined;
  const attempts = new Attempts(makeModel);
  const isStill: Test<Operation> = (some) => attempts.isImpossible(some);
  const fewer = reduce(shortest, (one) => (one === call || one.answer?.isRead !== true ? [one] : []), isStill);
  const fewest = reduce(fewer, (one) => [one === call ? one : withoutAnswer(one)], isStill);
  const possible = new Set<string>();
  findOrder(fewest, makeModel(), {
    budget,
    onRefused: (refused, sees) => {
      if (refused === call) possible.add(sees);
    },
  });
  const given = fewest.filter((one) => one.answer !== undefined && one !== call);
  return {
    call,
    possible: [...possible].slice(0, POSSIBLE_SHOWN),
    given: given.toSorted((one, other) => one.invokedAt - other.invokedAt),
    others: fewest.length - given.length - 1,
  };
}

/** Owns the budget of all attempts to forget answers. */
class Attempts<Operation> {
  readonly #makeModel: () => SequentialModel<Operation>;
  #left = TOTAL_BUDGET;

  constructor(makeModel: () => SequentialModel<Operation>) {
    this.#makeModel = makeModel;
  }

  /** False also where that was not decided. */
  isImpossible(calls: readonly Call<Operation>[]): boolean {
    if (this.#left <= 0) return false;
    const model = this.#makeModel();
    const counted: SequentialModel<Operation> = {
      apply: (operation) => {
        this.#left -= 1;
        return model.apply(operation);
      },
      undo: () => model.undo(),
      get state() {
        return model.state;
      },
    };
    return findOrder(calls, counted, { budget: ATTEMPT_BUDGET }).kind === 'impossible';
  }
}

/** Lines for people. `timeOf`: the text of a time. */
export function tellContradiction<Operation>(
  { call, possible, given, others }: Contradiction<Operation>,
  timeOf: (at: number) => string,
): string {
  const tell = (one: Call<Operation>): string =>
    `${one.name} [${timeOf(one.invokedAt)} to ${timeOf(one.answer?.at ?? Infinity)}] ${clip(one.text)} → ${clip(one.answer?.seen ?? '')}`;
  const shown = given.slice(-GIVEN_SHOWN);
  const hidden = given.length - shown.length;
  return [
    'no order of the calls explains this answer:',
    `  ${tell(call)}`,
    `  possible there: ${possible.length === 0 ? 'nothing, it stands nowhere' : possible.map(clip).join(' or ')}, given`,
    ...(hidden > 0 ? [`  … ${hidden} earlier answers`] : []),
    ...shown.map((one) => `  ${tell(one)}`),
    ...(others > 0 ? [`  and ${others} calls that may take effect at any time from their invocation on`] : []),
  ].join('\n');
}

function clip(text: string): string {
  return text.length <= TEXT_SHOWN ? text : `${text.slice(0, TEXT_SHOWN)}…`;
}

type Test<Operation> = (calls: readonly Call<Operation>[]) => boolean;

/** Linearizable histories have linearizable prefixes: the shortest prefix that is not is found by halving. */
function shortestPrefix<Operation>(
  calls: readonly Call<Operation>[],
  isImpossible: Test<Operation>,
): readonly Call<Operation>[] {
  const times = calls.flatMap(({ answer }) => (answer === undefined ? [] : [answer.at])).toSorted((a, b) => a - b);
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isImpossible(cutAfter(calls, times[middle] ?? Infinity))) high = middle;
    else low = middle + 1;
  }
  return cutAfter(calls, times[high] ?? Infinity);
}

/** What was known at this time. */
function cutAfter<Operation>(calls: readonly Call<Operation>[], time: number): readonly Call<Operation>[] {
  return calls.flatMap((call) => {
    if (call.invokedAt > time) return [];
    return call.answer === undefined || call.answer.at <= time ? [call] : [withoutAnswer(call)];
  });
}

function withoutAnswer<Operation>(call: Call<Operation>): Call<Operation> {
  return call.answer === undefined ? call : { ...call, answer: undefined };
}

/** Makes less of calls, in ever smaller groups, as long as it stays impossible. */
function reduce<Operation>(
  calls: readonly Call<Operation>[],
  less: (call: Call<Operation>) => readonly Call<Operation>[],
  isImpossible: Test<Operation>,
): readonly Call<Operation>[] {
  let fewest = calls;
  for (let size = calls.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < fewest.length; from += size) {
      const part = fewest.slice(from, from + size);
      const reduced = part.flatMap(less);
      if (reduced.length === part.length && reduced.every((call, place) => call === part[place])) continue;
      const fewer = [...fewest.slice(0, from), ...reduced, ...fewest.slice(from + size)];
      if (!isImpossible(fewer)) continue;
      fewest = fewer;
      from -= part.length - reduced.length;
    }
  }
  return fewest;
}
