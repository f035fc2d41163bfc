import { expect, test } from 'vitest';
import { Showing } from './showing.ts';

/** How many of the requests of ten seconds are shown, one every `everyUs`. */
function shown(everyUs: number, underWay: number): number {
  const showing = new Showing();
  let count = 0;
  for (let now = 0; now < 10_000_000; now += everyUs) if (showing.isDue(now, underWay)) count += 1;
  return count;
}

test('twenty a second, however many requests there are, and a few more at first', () => {
  for (const underWay of [64, 256]) {
    expect(shown(100, underWay)).toBeGreaterThanOrEqual(199);
    expect(shown(100, underWay)).toBeLessThanOrEqual(204);
  }
});

test('with fewer under way as much less, so that many clients together show little', () => {
  expect(shown(100, 16)).toBeLessThanOrEqual(51);
  expect(shown(100, 1)).toBeLessThanOrEqual(4);
  expect(shown(100_000, 1)).toBeLessThanOrEqual(4);
});

test('every request of a client that asks seldom, and has as many under way', () => {
  expect(shown(1_000_000, 64)).toBe(10);
});

test('several at once where requests come in heaps', () => {
  const showing = new Showing();
  const heap = (now: number): number =>
    Array.from({ length: 64 }, (_, index) => showing.isDue(now, index + 1)).filter(Boolean).length;
  heap(0);
  expect([100_000, 200_000, 300_000].map(heap)).toEqual([2, 2, 2]);
  // No heap of what was not shown for long.
  expect(heap(60_000_000)).toBe(4);
});
