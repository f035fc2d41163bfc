import { expect, test } from 'vitest';
import { Patience } from './patience.ts';

const LIMITS = { perSecond: 100, atOnce: 10 };

function spend(patience: Patience, count: number, now: number): void {
  for (let spent = 0; spent < count; spent += 1) patience.spend(now);
}

test('as many as may come at once cost nothing, and no more of them are saved up', () => {
  const patience = new Patience(LIMITS, 0);
  spend(patience, 10, 5000);
  expect(patience.waitMs(5000)).toBe(0);
  patience.spend(5000);
  expect(patience.waitMs(5000)).toBe(10);
});

test('what was brought too much is waited for, all of it', () => {
  const patience = new Patience(LIMITS, 0);
  spend(patience, 60, 0);
  expect(patience.waitMs(0)).toBe(500);
  expect(patience.waitMs(200)).toBe(300);
  expect(patience.waitMs(500)).toBe(0);
});

test('so many a second go on for ever', () => {
  const patience = new Patience(LIMITS, 0);
  for (let now = 0; now < 60_000; now += 10) {
    patience.spend(now);
    expect(patience.waitMs(now)).toBe(0);
  }
});
