import { expect, test } from 'vitest';
import { asSequence } from '../base/ids.ts';
import { LastChanges } from './last-changes.ts';

const key = (...of: readonly number[]): Uint8Array => Uint8Array.from(of);
const n = asSequence;

test('a key has not changed since it was noted last; all others not since the last time that all were forgotten', () => {
  const changes = new LastChanges();
  expect(changes.of(key(1))).toBe(0);
  changes.note(key(1), n(3));
  changes.note(key(2), n(4));
  changes.note(key(1), n(5));
  expect([changes.of(key(1)), changes.of(key(2)), changes.of(key(3))]).toEqual([5, 4, 0]);
  changes.forget(n(8));
  expect([changes.of(key(1)), changes.of(key(3))]).toEqual([8, 8]);
  changes.note(key(3), n(9));
  expect([changes.of(key(1)), changes.of(key(3))]).toEqual([8, 9]);
});

test('a range has what changed last in it, by the order of bytes', () => {
  const changes = new LastChanges();
  changes.note(key(1, 0xff), n(2));
  changes.note(key(2), n(4));
  changes.note(key(3), n(3));
  expect(changes.ofRange(key(1), key(2))).toBe(2);
  expect(changes.ofRange(key(1), key(2, 0))).toBe(4);
  expect(changes.ofRange(key(2, 0), undefined)).toBe(3);
  expect(changes.ofRange(key(3, 0), undefined)).toBe(0);
  changes.forget(n(3));
  changes.note(key(9), n(4));
  expect(changes.ofRange(key(1), key(3))).toBe(3);
});

test('beyond its bound it forgets which keys they were, and is late rather than early', () => {
  const changes = new LastChanges();
  for (let at = 0; at < 65_536; at += 1) changes.note(key(at >> 8, at & 255), n(1));
  expect(changes.of(key(0, 7))).toBe(1);
  expect(changes.of(key(9, 9, 9))).toBe(0);
  changes.note(key(0, 7), n(6));
  changes.note(key(7), n(7));
  expect([changes.of(key(0, 7)), changes.of(key(7)), changes.of(key(9, 9, 9))]).toEqual([6, 7, 6]);
});

test('a range among more keys than it may look through is as late as the latest change of all', () => {
  const changes = new LastChanges();
  changes.forget(n(1));
  for (let at = 0; at < 1024; at += 1) changes.note(key(at >> 8, at & 255), n(2));
  expect(changes.ofRange(key(9), undefined)).toBe(1);
  changes.note(key(8), n(3));
  expect([changes.ofRange(key(9), undefined), changes.ofRange(key(0), key(1))]).toEqual([3, 3]);
  changes.forget(n(4));
  expect(changes.ofRange(key(0), undefined)).toBe(4);
});
