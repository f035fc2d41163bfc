import { describe, expect, test } from 'vitest';
import { asDigest, asSequence, asView } from '../base/ids.ts';
import type { Record } from '../protocol/record.ts';
import { Disk } from './disk.ts';

const record = (sequence: number): Record => ({
  kind: 'prepared',
  view: asView(0),
  sequence: asSequence(sequence),
  digest: asDigest('ab'.repeat(32)),
});
const stored = (disk: Disk): readonly unknown[] =>
  disk.load().map((one) => ('sequence' in one ? one.sequence : one.kind));

function diskWith(...sequences: readonly number[]): Disk {
  const disk = new Disk();
  for (const sequence of sequences) disk.append(record(sequence));
  return disk;
}

describe('Disk', () => {
  test('a crash keeps what was synced', () => {
    const disk = diskWith(1, 2, 3);
    disk.sync(2);
    disk.crash(0);
    expect(stored(disk)).toEqual([1, 2]);
  });

  test('what was not synced may survive, from the front', () => {
    const disk = diskWith(1, 2, 3);
    expect(disk.crash(2)).toHaveLength(2);
    expect(stored(disk)).toEqual([1, 2]);
  });

  test('a rewriting is one operation, before those given after it', () => {
    const disk = diskWith(1, 2);
    disk.sync(2);
    disk.rewrite([record(2)]);
    disk.append(record(3));
    expect(stored(disk)).toEqual([1, 2]);
    disk.sync(3);
    expect(stored(disk)).toEqual([2]);
    disk.sync(4);
    expect(stored(disk)).toEqual([2, 3]);
  });

  test('positions go on after a crash', () => {
    const disk = diskWith(1, 2);
    disk.crash(0);
    expect([disk.written, disk.synced]).toEqual([0, 0]);
    disk.append(record(5));
    expect(disk.written).toBe(1);
  });

  test('a lost rewriting leaves what was there', () => {
    const disk = diskWith(1, 2);
    disk.sync(2);
    disk.rewrite([]);
    disk.crash(0);
    expect(stored(disk)).toEqual([1, 2]);
  });
});
