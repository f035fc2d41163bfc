import { expect, test } from 'vitest';
import { ALICE, BOB } from '../../test/support/core-kit.ts';
import { Crowd } from './crowd.ts';

const STRETCH_US = 100_000;
const SESSION = 1_795_000_000_000_000;

test('counts sessions, each once, of whichever client', () => {
  const crowd = new Crowd();
  expect(crowd.size(0)).toBe(0);
  for (const [client, session] of [
    [ALICE, SESSION],
    [ALICE, SESSION],
    [ALICE, SESSION + 1],
    [BOB, SESSION],
  ] as const)
    crowd.note(client, session, 10);
  expect(crowd.size(20)).toBe(3);
});

test('goes by the stretch before until the one under way has more, and forgets what came before that', () => {
  const crowd = new Crowd();
  const note = (count: number, now: number): void => {
    for (let at = 0; at < count; at += 1) crowd.note(ALICE, SESSION + at, now);
  };
  note(5, STRETCH_US);
  expect(crowd.size(2 * STRETCH_US - 1)).toBe(5);
  note(2, 2 * STRETCH_US);
  expect(crowd.size(2 * STRETCH_US)).toBe(5);
  note(7, 2 * STRETCH_US);
  expect(crowd.size(2 * STRETCH_US)).toBe(7);
  note(2, 3 * STRETCH_US);
  expect(crowd.size(4 * STRETCH_US)).toBe(2);
  expect(crowd.size(7 * STRETCH_US)).toBe(0);
});

test('counts no more than a batch could ever hold', () => {
  const crowd = new Crowd();
  for (let at = 0; at < 10_000; at += 1) crowd.note(ALICE, SESSION + at, 0);
  expect(crowd.size(0)).toBe(4096);
});
