import { expect, test } from 'vitest';
import { BEHAVIOUR_NAMES } from './behaviour.ts';
import { parseOrder } from './order.ts';

test.each(BEHAVIOUR_NAMES)('%s by its name alone is as late as it itself says', (name) => {
  expect(parseOrder(name)).toEqual({ name, delayUs: undefined });
});

test.each([
  ['slow:1', 1000],
  ['slow:10', 10_000],
  ['slow:60000', 60_000_000],
])('%s says how late', (text, delayUs) => {
  expect(parseOrder(text)).toEqual({ name: 'slow', delayUs });
});

test.each([
  '',
  'honest',
  'slow:',
  'slow:0',
  'slow:60001',
  'slow:1.5',
  'slow:-1',
  'slow:10ms',
  'slow:999999',
  'silent:10',
  ' slow:10',
])('%j orders nothing', (text) => {
  expect(parseOrder(text)).toBeUndefined();
});
