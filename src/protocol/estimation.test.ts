import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asReplicaId, asSequence, asView } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import { estimateMark, mergeAnswers } from './estimation.ts';
import type { StableAnswer } from './estimation.ts';
import { makeQuorums } from './quorum.ts';

const L = 8;
const FOUR = makeQuorums(4);
const SEVEN = makeQuorums(7);

const answer = (taken: number, prepared: number, entered?: number): StableAnswer => ({
  taken: asSequence(taken),
  prepared: asSequence(prepared),
  entered: entered === undefined ? undefined : asView(entered),
});

function of(...answers: readonly (readonly [number, number])[]): ReadonlyMap<ReplicaId, StableAnswer> {
  return new Map(answers.map(([taken, prepared], index) => [asReplicaId(index), answer(taken, prepared)]));
}

describe('M = L + the c of an answer that q−1 others do not exceed and f others reach', () => {
  test('three others of four that agree', () => {
    expect(estimateMark(of([4, 5], [4, 6], [4, 4]), FOUR, L)).toBe(12);
  });

  test('not before q others have answered', () => {
    expect(estimateMark(of([4, 5], [4, 6]), FOUR, L)).toBeUndefined();
  });

  test('the highest c that somebody else has prepared', () => {
    expect(estimateMark(of([4, 9], [8, 9], [4, 5]), FOUR, L)).toBe(16);
  });

  test('none while nobody else has come as far as the highest: what they say next will do', () => {
    expect(estimateMark(of([4, 5], [8, 9], [4, 5]), FOUR, L)).toBeUndefined();
    expect(estimateMark(of([4, 8], [8, 9], [4, 5]), FOUR, L)).toBe(16);
  });

  test('one of seven that lies is heard neither when it says too much nor when it says too little', () => {
    const honest = [
      [8, 10],
      [8, 11],
      [8, 9],
      [8, 10],
      [8, 10],
    ] as const;
    expect(estimateMark(of(...honest, [1000, 2000]), SEVEN, L)).toBe(16);
    expect(estimateMark(of(...honest, [0, 0]), SEVEN, L)).toBe(16);
  });

  test('never below what was stable at q when the log was lost, and never above what a correct one prepared, whatever f−1 say', () => {
    const number = fc.integer({ min: 0, max: 40 });
    // Six others of seven, the last of them lies. What five correct ones know: h is stable, so q−f of them have taken it.
    const run = fc.record({
      low: fc.integer({ min: 0, max: 20 }),
      beyond: fc.array(number, { minLength: 5, maxLength: 5 }),
      behind: fc.array(number, { minLength: 2, maxLength: 2 }),
      prepared: fc.array(number, { minLength: 5, maxLength: 5 }),
      lie: fc.tuple(number, number),
    });
    fc.assert(
      fc.property(run, ({ low, beyond, behind, prepared, lie }) => {
        const taken = beyond.map((more, index) =>
          index < 3 ? low + more : Math.max(0, low - (behind[index - 3] ?? 0)),
        );
        const honest = taken.map((each, index): readonly [number, number] => [each, each + (prepared[index] ?? 0)]);
        const mark = estimateMark(of(...honest, lie), SEVEN, L);
        if (mark === undefined) return;
        expect(mark).toBeGreaterThanOrEqual(low + L);
        expect(mark).toBeLessThanOrEqual(L + Math.max(...honest.map(([, reached]) => reached)));
      }),
    );
  });
});

test('of several answers of one replica the lowest c, the highest p and the latest view count', () => {
  const first = mergeAnswers(undefined, answer(4, 5));
  const second = mergeAnswers(first, answer(8, 9, 3));
  expect(second).toEqual(answer(4, 9, 3));
  expect(mergeAnswers(second, answer(12, 3))).toEqual(answer(4, 9, 3));
});
