import { expect, test } from 'vitest';
import { asSequence, NULL_DIGEST } from '../base/ids.ts';
import { StateDamaged } from '../base/key-value.ts';
import { FragileState } from './fragile-state.ts';
import { portableSha256 } from './ideal-authenticator.ts';

const key = (name: string): Uint8Array => Uint8Array.from(Buffer.from(name));
const LIMITS = { entries: 100, bytes: 10_000, levels: 4 };

/** With these keys, and a durable version of them at 1. */
function stateOf(...names: readonly string[]): FragileState {
  const state = FragileState.empty(portableSha256, 1);
  const transaction = state.begin();
  for (const name of names) transaction.put(key(name), key(`value of ${name}`));
  transaction.commit();
  state.seal(asSequence(1));
  state.store(asSequence(1));
  state.settle();
  return state;
}

const digitOf = (name: string): string => portableSha256(key(name)).slice(0, 1);
/** Two whose digests begin with other digits. */
const [BAD, GOOD] = ['a', 'b'] as const;

test('what lies on a bad part is not read any more, by key, in a range, in a transaction, or of a version; all else is', () => {
  expect(digitOf(BAD)).not.toBe(digitOf(GOOD));
  const state = stateOf(BAD, GOOD);
  const [version] = state.versions();
  expect(version?.get(key(BAD))).toEqual(key('value of a'));
  state.damage(digitOf(BAD));
  const transaction = state.begin();
  expect(state.get(key(GOOD))).toEqual(key('value of b'));
  expect(transaction.begin().get(key(GOOD))).toEqual(key('value of b'));
  const root = version?.root ?? NULL_DIGEST;
  const reads: readonly (() => unknown)[] = [
    () => state.get(key(BAD)),
    () => state.range(key('a'), undefined, 9),
    () => version?.get(key(BAD)),
    () => version?.prove(key(BAD)),
    () => version?.subtree({ path: NULL_DIGEST, depth: 0, hash: root }, LIMITS),
  ];
  for (const read of reads) expect(read).toThrow(StateDamaged);
});

test('it is as bad after a crash, and good once a fetched content has been written, not before', () => {
  const source = stateOf(BAD, GOOD, 'c').versions()[0];
  const state = FragileState.reopened(stateOf(BAD, GOOD));
  state.damage(digitOf(BAD));
  const again = FragileState.reopened(state);
  expect(() => again.get(key(BAD))).toThrow(StateDamaged);
  const root = source?.root ?? NULL_DIGEST;
  const assembly = again.assemble(asSequence(2), root);
  for (;;) {
    const [address] = assembly.wanted(1, () => false);
    if (address === undefined) break;
    const content = source?.subtree(address, LIMITS);
    expect(content === undefined ? 'nothing' : assembly.take(address, content)).toBe('taken');
  }
  again.install();
  expect(again.isDamaged).toBe(true);
  again.settle();
  expect(again.isDamaged).toBe(false);
  expect(again.get(key(BAD))).toEqual(key('value of a'));
  expect(again.versions().map(({ sequence }) => sequence)).toEqual([1, 2]);
});
