import { expect, test } from 'vitest';
import { EventQueue } from './event-queue.ts';
import { Random } from './random.ts';

test('items come out by time, those of one time in the order they went in', () => {
  const queue = new EventQueue<number>();
  const random = new Random(1, 'queue');
  const times = Array.from({ length: 300 }, () => random.between(0, 20));
  for (const [index, time] of times.entries()) queue.push(time, index);
  const expected = times
    .map((time, index) => ({ time, index }))
    .toSorted((left, right) => left.time - right.time || left.index - right.index);
  const actual = times.map(() => queue.pop().item);
  expect(actual).toEqual(expected.map(({ index }) => index));
  expect(queue.size).toBe(0);
  expect(queue.nextTime).toBeUndefined();
});
