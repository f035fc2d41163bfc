import { describe, expect, test } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import { EVERYBODY, replicaSetOf } from '../messages/index.ts';
import { ReplyChoice } from './reply-choice.ts';
import type { Asked, ReplyChoiceOptions } from './reply-choice.ts';

const PRIMARY = asReplicaId(0);
const all = [0, 1, 2, 3].map(asReplicaId);
const setOf = (...replicas: readonly number[]): number => replicaSetOf(replicas.map(asReplicaId));

function newChoice(options: Partial<ReplyChoiceOptions> = {}): ReplyChoice {
  return new ReplyChoice({
    replicaCount: 4,
    needed: 2,
    weak: 2,
    quorum: 3,
    patienceUs: 50_000,
    asksAllBelow: 0,
    ...options,
  });
}

/** The distinct answers of many turns, all at one time, each answered at once. */
function turns(choice: ReplyChoice, now = 1, linked = all): readonly Asked[] {
  const seen = new Map<string, Asked>();
  for (let turn = 0; turn < 48; turn += 1) {
    const next = choice.next(linked, PRIMARY, { now: now, underWay: 8 });
    for (const replica of linked) choice.onHeard(replica, now);
    if (next !== undefined) seen.set(`${next.asked} ${next.replier}`, next);
  }
  return [...seen.values()];
}
const sets = (choice: ReplyChoice, now = 1, linked = all): readonly number[] =>
  [...new Set(turns(choice, now, linked).map(({ asked }) => asked))].toSorted((left, right) => left - right);

describe('who is asked', () => {
  test('as many backups as have to agree, in turn, and now and then everybody', () => {
    expect(sets(newChoice())).toEqual([EVERYBODY, setOf(1, 2), setOf(1, 3), setOf(2, 3)]);
  });

  test('the replier is one of them, and each is it at times', () => {
    const asked = turns(newChoice()).filter((next) => next.asked !== EVERYBODY);
    for (const { asked: set, replier } of asked) expect(set & (1 << replier)).not.toBe(0);
    expect(new Set(asked.map(({ replier }) => replier))).toEqual(new Set(all.slice(1)));
  });

  test('the primary too, where there are too few others', () => {
    expect(sets(newChoice(), 1, all.slice(0, 2))).toEqual([EVERYBODY, setOf(0, 1)]);
    expect(sets(newChoice({ needed: 3 }), 1, all.slice(0, 3))).toEqual([EVERYBODY, setOf(0, 1, 2)]);
  });

  test('everybody where only one is linked, where all have to agree, and where it is wished', () => {
    expect(sets(newChoice(), 1, all.slice(3))).toEqual([EVERYBODY]);
    expect(sets(newChoice({ needed: 4 }))).toEqual([EVERYBODY]);
    expect(sets(newChoice({ asksAllBelow: Infinity }))).toEqual([EVERYBODY]);
    expect(sets(newChoice({ asksAllBelow: 9 }))).toEqual([EVERYBODY]);
    expect(sets(newChoice({ asksAllBelow: 8 }))).toContain(setOf(1, 2));
    expect(newChoice().next([], PRIMARY, { now: 1, underWay: 8 })).toBeUndefined();
  });
});

describe('where answers are tentative', () => {
  test('a quorum is asked, until one is not', () => {
    const choice = newChoice();
    choice.onAnswered(true);
    expect(sets(choice)).toEqual([EVERYBODY, setOf(1, 2, 3)]);
    choice.onAnswered(false);
    expect(sets(choice)).toEqual([EVERYBODY, setOf(1, 2), setOf(1, 3), setOf(2, 3)]);
  });
});

describe('who is left out', () => {
  /** Everybody is asked, and all but replica 3 answer in time. */
  function late(choice: ReplyChoice, at: number): readonly number[] {
    choice.onAsked(EVERYBODY, all, at);
    for (const replica of all.slice(0, 3)) choice.onHeard(replica, at + 1000);
    return choice.late(at + 60_000);
  }

  test('one that is late, for twice as long each time', () => {
    const choice = newChoice();
    expect(late(choice, 0)).toEqual([3]);
    expect(choice.late(61_000)).toEqual([]);
    expect(sets(choice, 500_000)).toEqual([EVERYBODY, setOf(1, 2)]);
    expect(sets(choice, 560_000)).toContain(setOf(2, 3));
    expect(late(choice, 1_000_000)).toEqual([3]);
    expect(sets(choice, 1_900_000)).toEqual([EVERYBODY, setOf(1, 2)]);
    expect(sets(choice, 2_060_000)).toContain(setOf(2, 3));
  });

  test('late is what takes far longer than the answers of others, beside the patience', () => {
    const choice = newChoice();
    expect(choice.nextTimeout()).toBeUndefined();
    choice.onAsked(setOf(1, 2), all, 0);
    expect(choice.nextTimeout()).toBe(50_000);
    choice.onAsked(EVERYBODY, all, 0);
    choice.onHeard(asReplicaId(1), 10_000);
    // A single quick answer may be a liar's.
    expect(choice.nextTimeout()).toBe(50_000);
    choice.onHeard(asReplicaId(2), 20_000);
    expect(choice.nextTimeout()).toBe(130_000);
    expect(choice.late(129_999)).toEqual([]);
    expect(choice.late(130_000)).toEqual([0, 3]);
    expect(choice.nextTimeout()).toBeUndefined();
  });

  test('one that leaves out a request, whatever else it says, once for all that it leaves out at a time', () => {
    const choice = newChoice();
    for (let request = 0; request < 5; request += 1) choice.onMissed(asReplicaId(2), 0);
    expect(sets(choice, 499_999)).toEqual([EVERYBODY, setOf(1, 3)]);
    expect(sets(choice, 500_000)).toContain(setOf(1, 2));
  });

  test('one that answers in time, and takes half as long again as others, as long as it does', () => {
    const choice = newChoice();
    const answers = (slowUs: number): void => {
      for (let turn = 0; turn < 640; turn += 1) {
        const at = turn * 100_000;
        const asked = choice.next(all, PRIMARY, { now: at, underWay: 8 })?.asked ?? EVERYBODY;
        choice.onAsked(asked, all, at);
        for (const replica of all) {
          const isAsked = asked === EVERYBODY || (asked & (1 << replica)) !== 0;
          if (isAsked) choice.onHeard(replica, at + (replica === 3 ? slowUs : 1000));
        }
      }
    };
    answers(4000);
    expect(sets(choice)).toEqual([EVERYBODY, setOf(1, 2)]);
    answers(2000);
    expect(sets(choice)).toContain(setOf(2, 3));
  });

  test('a liar, for long', () => {
    const choice = newChoice();
    choice.onWrong(asReplicaId(2), 0);
    expect(sets(choice, 31_000_000)).toEqual([EVERYBODY, setOf(1, 3)]);
    expect(sets(choice, 32_000_000)).toContain(setOf(1, 2));
  });

  test('a long time without being late, and the next ban is short again', () => {
    const choice = newChoice();
    for (let time = 0; time < 3; time += 1) late(choice, time * 10_000);
    late(choice, 5_000_000);
    late(choice, 7_000_000);
    // Four seconds, then eight times as long and more without one.
    expect(sets(choice, 8_000_000)).toEqual([EVERYBODY, setOf(1, 2)]);
    late(choice, 200_000_000);
    expect(sets(choice, 200_600_000)).toContain(setOf(2, 3));
  });

  test('a link that came up owes nothing; when all are late everybody is asked', () => {
    const choice = newChoice();
    choice.onAsked(EVERYBODY, all, 0);
    for (const replica of all) choice.onLink(replica);
    expect(choice.late(60_000)).toEqual([]);
    choice.onAsked(EVERYBODY, all, 100_000);
    expect(choice.late(200_000)).toEqual([0, 1, 2, 3]);
    expect(sets(choice, 300_000)).toEqual([EVERYBODY]);
  });
});
