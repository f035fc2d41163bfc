import { expect, test } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import { ReplierChoice } from './replier-choice.ts';

const [a, b, c] = [0, 1, 2].map(asReplicaId);
const all = [a, b, c].filter((replica) => replica !== undefined);

/** The distinct replicas of many turns. */
const chosen = (choice: ReplierChoice, linked = all): readonly unknown[] =>
  [...new Set(Array.from({ length: 12 }, () => Number(choice.next(linked))))].toSorted((left, right) => left - right);

test('all that are linked take turns', () => {
  const choice = new ReplierChoice();
  for (const replica of all) choice.onConnected(replica, 5);
  expect(chosen(choice)).toEqual([0, 1, 2]);
  expect(chosen(choice, all.slice(1))).toEqual([1, 2]);
  expect(choice.next([])).toBeUndefined();
});

test('one that is silent while others speak is left out until it is heard again, or linked anew', () => {
  const choice = new ReplierChoice();
  for (const replica of all) choice.onHeard(replica, 0);
  for (const replica of all.slice(1)) choice.onHeard(replica, 2_000_000);
  expect(chosen(choice)).toEqual([1, 2]);
  choice.onHeard(asReplicaId(0), 2_500_000);
  expect(chosen(choice)).toEqual([0, 1, 2]);
  for (const replica of all.slice(1)) choice.onHeard(replica, 9_000_000);
  choice.onConnected(asReplicaId(0), 9_000_000);
  expect(chosen(choice)).toEqual([0, 1, 2]);
});

test('when nobody speaks for long, nobody is left out', () => {
  const choice = new ReplierChoice();
  for (const replica of all) choice.onHeard(replica, 100 + replica);
  expect(chosen(choice)).toEqual([0, 1, 2]);
});
