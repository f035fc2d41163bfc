import { describe, expect, test } from 'vitest';
import { GENESIS, NULL_DIGEST, asSequence } from '../../src/base/ids.ts';
import { checkChoice, decide } from '../../src/protocol/decision.ts';
import type { NewViewChoice } from '../../src/protocol/decision.ts';
import { makeQuorums } from '../../src/protocol/quorum.ts';
import type { ViewChangeClaims } from '../../src/protocol/view-change-claims.ts';
import * as model from './one-slot.ts';
import type { Record, State } from './one-slot.ts';

// One slot, exhaustively: n = 4, f = 1, the digests a, b and null, views 0 to 2.

/** After which views the liar is tried with every lie: all in CI. Elsewhere, after the last one, with those that list in Q all or nothing. */
const EVERY_LIE_UP_TO = process.env['CI'] === undefined ? 0 : 2;
const TIMEOUT_MS = 600_000;

const QUORUMS = makeQuorums(4);
const START = { sequence: GENESIS, root: NULL_DIGEST };
const SLOT = asSequence(1);
const EMPTY: NewViewChoice = { start: START, slots: [] };
const CHOICES = model.DIGESTS.map((digest): NewViewChoice => ({ start: START, slots: [{ sequence: SLOT, digest }] }));

/** The digests that can be in the new view, by what the check says: what is not covered can be proposed afresh, whatever it is. */
function accepted(claims: readonly ViewChangeClaims[]): number {
  if (checkChoice(EMPTY, claims, QUORUMS) === undefined) return model.ALL_DIGESTS;
  return CHOICES.reduce(
    (mask, choice, digest) => mask | (checkChoice(choice, claims, QUORUMS) === undefined ? 1 << digest : 0),
    0,
  );
}

/** The digests that the new primary makes possible, if it holds the bodies of `held`: none while it waits. */
function decided(claims: readonly ViewChangeClaims[], held: number): number {
  const decision = decide(claims, QUORUMS, (_, digest) => (held & (1 << model.DIGESTS.indexOf(digest))) !== 0);
  if (decision.kind === 'waiting') return 0;
  const [slot] = decision.choice.slots;
  return slot === undefined ? model.ALL_DIGESTS : 1 << model.DIGESTS.indexOf(slot.digest);
}

/** What decisions for one view say, for some of the correct replicas and any lie, remembered. */
class Decisions {
  readonly #lies: readonly Record[];
  readonly #claims = new Map<number, ViewChangeClaims>();
  readonly #accepted = new Map<number, number>();

  constructor(lies: readonly Record[]) {
    this.#lies = lies;
  }

  claim(index: number, record: Record): ViewChangeClaims {
    const key = record * 4 + index;
    const known = this.#claims.get(key) ?? model.claimOf(index, record);
    this.#claims.set(key, known);
    return known;
  }

  /** Every digest that can come out of any decision on claims of these and, if there are only two, the liar; else with it or without. */
  outcomes(records: readonly Record[]): number {
    const key = records.reduce((sum, record) => sum * 1024 + record + 1, 0);
    const known = this.#accepted.get(key);
    if (known !== undefined) return known;
    const correct = records.map((record, index) => this.claim(index, record));
    const sets = this.#lies.map((lie) => [...correct, this.claim(model.LIAR, lie)]);
    if (correct.length >= QUORUMS.quorum) sets.push(correct);
    let outcomes = 0;
    for (const claims of sets) {
      const may = accepted(claims);
      // What the primary chooses, with all bodies or none, others accept.
      for (const held of [0, model.ALL_DIGESTS]) {
        if ((decided(claims, held) & ~may) !== 0) throw new Error(`chosen and not accepted: ${JSON.stringify(claims)}`);
      }
      outcomes |= may;
    }
    this.#accepted.set(key, outcomes);
    return outcomes;
  }

  /** Every digest that the next view can start with, whoever is heard. */
  possible({ records }: State): number {
    const [one, two, three] = records;
    const pairs = [
      [one, two],
      [one, three],
      [two, three],
    ].map((pair) => this.outcomes(pair));
    return pairs.reduce((mask, outcomes) => mask | outcomes, this.outcomes(records));
  }
}

interface Layer {
  readonly view: number;
  readonly states: readonly State[];
  readonly decisions: Decisions;
}

/** The states after each of the views 0 to 2, with the decisions for the view after. */
function explore(): readonly Layer[] {
  const layers: Layer[] = [];
  let states: readonly State[] = [model.INITIAL];
  let possible: (state: State) => number = () => model.ALL_DIGESTS;
  for (const view of [0, 1, 2]) {
    states = model.statesAfter(view, states, possible);
    const decisions = new Decisions(
      view <= EVERY_LIE_UP_TO ? model.everyLie(view + 1) : model.liesWithAllOfQ(view + 1),
    );
    possible = (state) => decisions.possible(state);
    layers.push({ view, states, decisions });
  }
  return layers;
}

const LAYERS = explore();
const told = ({ view }: Layer, { records, committed }: State): string =>
  `after view ${view}, committed ${committed.toString(2)}: ${JSON.stringify(records.map((record, index) => model.claimOf(index, record)))}`;

describe.each(LAYERS)('after view $view', (layer) => {
  const { view, states, decisions } = layer;

  test('at most one digest has committed', () => {
    const broken = states.find(({ committed }) => (committed & (committed - 1)) !== 0);
    expect(broken && told(layer, broken)).toBeUndefined();
  });

  test(
    'whatever may have committed is chosen or waits, never anything else, whoever is heard and whatever the liar claims',
    () => {
      const broken = states.find(
        (state) => state.committed !== 0 && (decisions.possible(state) & ~state.committed) !== 0,
      );
      expect(broken && told(layer, broken)).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test(
    'something is chosen once all correct replicas are heard, with bodies that one of them holds',
    () => {
      const lies = [...model.liesWithAllOfQ(view + 1), ...model.liesWithoutQ(view + 1)].map((lie) => [
        decisions.claim(model.LIAR, lie),
      ]);
      const isStuck = ({ records }: State): boolean => {
        const correct = records.map((record, index) => decisions.claim(index, record));
        const held = records.reduce((mask, record) => mask | model.heldBy(record), 0);
        return [[], ...lies].some((lie) => decided([...correct, ...lie], held) === 0);
      };
      const broken = states.find(isStuck);
      expect(broken && told(layer, broken)).toBeUndefined();
    },
    TIMEOUT_MS,
  );
});

test('the model is not poorer than it says: states found, and those in which something may have committed', () => {
  const counts = LAYERS.map(({ states }) => [states.length, states.filter(({ committed }) => committed !== 0).length]);
  expect(counts).toEqual([
    [29, 9],
    [1112, 262],
    [33_544, 5416],
  ]);
});
