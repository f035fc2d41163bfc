import { expect, test } from 'vitest';
import { ViewWatch } from './view-watch.ts';

test('answers of view 0, and late ones of a view that is over, change nothing', () => {
  const watch = new ViewWatch();
  expect(watch.note(0, 10)).toBe(false);
  expect(watch.note(2, 20)).toBe(true);
  expect([watch.note(1, 30), watch.note(2, 40)]).toEqual([false, false]);
  expect(watch.note(3, 50)).toBe(true);
  expect(watch.changes).toEqual([
    { view: 2, atMs: 20 },
    { view: 3, atMs: 50 },
  ]);
});
