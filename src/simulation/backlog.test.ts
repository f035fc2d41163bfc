import { expect, test } from 'vitest';
import { Backlog } from './backlog.ts';

test('keeps the order over all links, and the earlier where a link has no room', () => {
  const backlog = new Backlog<string>(10);
  expect(backlog.add('a1', 'a', 6)).toBe(true);
  expect(backlog.add('b1', 'b', 10)).toBe(true);
  expect(backlog.add('a2', 'a', 5)).toBe(false);
  expect(backlog.add('a3', 'a', 4)).toBe(true);
  expect(backlog.add('b2', 'b', 1)).toBe(false);
  expect(backlog.drain()).toEqual(['a1', 'b1', 'a3']);
});

test('is empty, with all its room, once drained', () => {
  const backlog = new Backlog<string>(1);
  backlog.add('a', 'link', 1);
  backlog.drain();
  expect(backlog.add('b', 'link', 1)).toBe(true);
  expect(backlog.drain()).toEqual(['b']);
});
