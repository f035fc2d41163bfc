import { expect, test } from 'vitest';
import { latin1 } from './latin1.ts';

const all = Uint8Array.from({ length: 1000 }, (_, index) => index & 255);

test.each([0, 1, 127, 128, 129, 256, 300, 1000])('%i bytes are as many characters', (length) => {
  const text = latin1(all, 0, length);
  expect(text).toHaveLength(length);
  expect(Array.from(text, (character) => character.charCodeAt(0))).toEqual([...all.subarray(0, length)]);
});

test('of a part of the bytes alone', () => {
  expect(latin1(all, 65, 70)).toBe('ABCDE');
  expect(latin1(all, 5, 5)).toBe('');
});
