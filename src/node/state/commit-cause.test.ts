import { expect, test } from 'vitest';
import { causeOf } from './database.ts';

const failed = (commitError: Promise<unknown> | undefined): Error =>
  Object.assign(new Error('commit failed'), commitError === undefined ? {} : { commitError });

test('the cause of a failed commit is what LMDB tells of it', async () => {
  const told = Promise.reject(new Error('no space left'));
  expect(await causeOf(failed(told))).toEqual(new Error('no space left'));
});

test('where it tells nothing, or never does, the failure itself is the cause: nobody waits for ever, and the state tells its fault', async () => {
  const plain = failed(undefined);
  expect(await causeOf(plain)).toBe(plain);
  // Two transactions failed at once, and the cause was told before the second had asked for it.
  const silent = failed(new Promise(() => undefined));
  expect(await causeOf(silent)).toBe(silent);
});
