import { describe, expect, test } from 'vitest';
import { asReplicaId, asSequence, NULL_DIGEST, VIEW_ZERO } from '../base/ids.ts';
import type { Output } from '../protocol/output.ts';
import { ArmedTrap } from './crash-trap.ts';

const TO = [0, 2, 3].map(asReplicaId);
const vote = { view: VIEW_ZERO, sequence: asSequence(1), digest: NULL_DIGEST };
const prepare: Output = {
  kind: 'send',
  to: TO,
  message: { type: 'prepare', ...vote, replica: asReplicaId(1) },
  signature: undefined,
};
const commit: Output = { ...prepare, message: { type: 'commit', ...vote, replica: asReplicaId(1) } };
const prepared: Output = { kind: 'event', event: { kind: 'prepared', ...vote } };

describe('at a record', () => {
  test('unsynced: as soon as such a record is written', () => {
    const trap = new ArmedTrap({ kind: 'record', record: 'prepared', phase: 'unsynced', survivors: 0 });
    expect(trap.onWritten('accepted', 1)).toBeUndefined();
    expect(trap.onWritten('prepared', 2)).toBe('prepared:unsynced');
  });

  test('synced: when the first such record is, and no other one', () => {
    const trap = new ArmedTrap({ kind: 'record', record: 'truncate', phase: 'synced', survivors: 0 });
    expect(trap.onSynced(9)).toBeUndefined();
    expect(trap.onWritten('accepted', 10)).toBeUndefined();
    expect(trap.onWritten('truncate', 11)).toBeUndefined();
    expect(trap.onWritten('truncate', 12)).toBeUndefined();
    expect(trap.onSynced(10)).toBeUndefined();
    expect(trap.onSynced(11)).toEqual({ phase: 'synced', point: 'truncate:synced' });
  });

  test('does not care for what leaves', () => {
    const trap = new ArmedTrap({ kind: 'record', record: 'accepted', phase: 'sent', survivors: 0 });
    expect(trap.onRelease([prepare, commit])).toBeUndefined();
  });
});

describe('at an output', () => {
  test('after the third of any kind, counted over steps', () => {
    const trap = new ArmedTrap({ kind: 'output', of: undefined, count: 3, receivers: undefined, survivors: 0 });
    expect(trap.onRelease([prepared, prepare])).toBeUndefined();
    expect(trap.onRelease([commit, prepared])).toEqual({ index: 0, output: commit, point: 'after commit' });
  });

  test('after the second of one kind', () => {
    const trap = new ArmedTrap({ kind: 'output', of: 'commit', count: 2, receivers: undefined, survivors: 0 });
    expect(trap.onRelease([prepare, commit, prepared, prepare])).toBeUndefined();
    expect(trap.onRelease([prepare, commit])).toEqual({ index: 1, output: commit, point: 'after commit' });
  });

  test('within a message: some of its receivers still get it, or none', () => {
    const within = (receivers: number): unknown =>
      new ArmedTrap({ kind: 'output', of: undefined, count: 1, receivers, survivors: 0 }).onRelease([prepare]);
    expect(within(0b1001)).toEqual({
      index: 0,
      output: { ...prepare, to: [0, 3].map(asReplicaId) },
      point: 'within prepare',
    });
    expect(within(0b0010)).toEqual({ index: 0, output: undefined, point: 'within prepare' });
  });

  test('does not care for the disk', () => {
    const trap = new ArmedTrap({ kind: 'output', of: undefined, count: 1, receivers: undefined, survivors: 0 });
    expect([trap.onWritten('accepted', 1), trap.onSynced(1)]).toEqual([undefined, undefined]);
  });
});
