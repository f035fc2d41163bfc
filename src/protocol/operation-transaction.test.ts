import { describe, expect, test } from 'vitest';
import { bytes, sha256, text } from '../../test/support/core-kit.ts';
import { StateUsageError } from '../base/key-value.ts';
import type { OpenTransaction } from '../base/key-value.ts';
import { MemoryState } from '../state/index.ts';
import { OperationTransaction } from './operation-transaction.ts';
import { applicationKey } from './state-layout.ts';

const KEY = bytes('key');
const END = bytes('z');

function newBatch(): { readonly batch: OpenTransaction; readonly begun: () => number } {
  const batch = new MemoryState(sha256).begin();
  batch.put(applicationKey(KEY), bytes('before'));
  const begin = batch.begin.bind(batch);
  let begun = 0;
  batch.begin = () => {
    begun += 1;
    return begin();
  };
  return { batch, begun: () => begun };
}

const valueIn = (batch: OpenTransaction): string => text(batch.get(applicationKey(KEY)) ?? bytes('nothing'));

describe('an operation', () => {
  test('reads what its batch has changed, without a transaction of its own', () => {
    const { batch, begun } = newBatch();
    const operation = new OperationTransaction(batch, true);
    expect(text(operation.get(KEY) ?? END)).toBe('before');
    expect(operation.range(KEY, END, 2)).toEqual([{ key: KEY, value: bytes('before') }]);
    operation.commit();
    expect([begun(), operation.changed]).toEqual([0, []]);
  });

  test('changes its batch when it is committed, and reads its own changes before', () => {
    const { batch } = newBatch();
    const operation = new OperationTransaction(batch, true);
    operation.put(KEY, bytes('after'));
    expect(text(operation.get(KEY) ?? END)).toBe('after');
    operation.commit();
    expect([valueIn(batch), operation.changed]).toEqual(['after', [applicationKey(KEY)]]);
  });

  test('changes nothing when it is rolled back', () => {
    const { batch } = newBatch();
    const operation = new OperationTransaction(batch, true);
    operation.delete(KEY);
    expect(operation.get(KEY)).toBeUndefined();
    operation.rollback();
    expect([valueIn(batch), operation.changed]).toEqual(['before', []]);
  });

  test.each([
    ['changed something', (operation: OperationTransaction) => operation.put(KEY, bytes('after'))],
    ['read', (operation: OperationTransaction) => void operation.get(KEY)],
    ['did nothing', () => undefined],
  ])('that %s neither reads nor changes when it is over, though its batch goes on', (_, act) => {
    for (const end of ['commit', 'rollback'] as const) {
      const { batch } = newBatch();
      const operation = new OperationTransaction(batch, true);
      act(operation);
      operation[end]();
      const then = valueIn(batch);
      for (const use of [
        () => operation.get(KEY),
        () => operation.range(KEY, END, 1),
        () => operation.put(KEY, END),
        () => operation.delete(KEY),
      ])
        expect(use).toThrow(StateUsageError);
      expect(valueIn(batch)).toBe(then);
    }
  });
});
