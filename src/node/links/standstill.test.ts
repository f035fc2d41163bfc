import { expect, test } from 'vitest';
import { Standstill } from './standstill.ts';

test('what moves between two looks stands still for no time', () => {
  const standstill = new Standstill(0);
  expect(standstill.look(100, 1)).toBe(0);
  expect(standstill.look(200, 2)).toBe(0);
});

test('what does not move is timed from the first look that found it there', () => {
  const standstill = new Standstill(0);
  standstill.look(100, 1);
  expect(standstill.look(150, 1)).toBe(50);
  expect(standstill.look(900, 1)).toBe(800);
});

test('what has nothing to move stands still for no time, however often that is seen', () => {
  const standstill = new Standstill(0);
  standstill.look(100, 1);
  expect(standstill.look(200, undefined)).toBe(0);
  expect(standstill.look(300, undefined)).toBe(0);
  expect(standstill.look(400, 1)).toBe(0);
});

test('a pause of the one who looks does not count', () => {
  const standstill = new Standstill(0);
  standstill.look(100, 1);
  standstill.beginAnew(5000);
  expect(standstill.look(5010, 1)).toBe(10);
});
