import { describe, expect, test } from 'vitest';
import { asDigest } from '../base/ids.ts';
import { MemoryState } from '../state/index.ts';
import { replica, seq, sha256 } from '../../test/support/core-kit.ts';
import { RECOVERY_SPACING_US, RecoveryTable } from './recovery-table.ts';

const NOW = 1_700_000_000_000_000;
const HORIZON = 600_000_000;
const [FIRST, SECOND] = [asDigest('01'.repeat(32)), asDigest('02'.repeat(32))];
const at = (timeUs: number): { timeUs: number; horizonUs: number } => ({ timeUs, horizonUs: HORIZON });
const row = { session: NOW, nonce: FIRST, sequence: seq(7), target: seq(23), agreedTime: NOW };

function withRow(): { readonly state: MemoryState; readonly table: RecoveryTable } {
  const state = new MemoryState(sha256);
  const table = RecoveryTable.load(state);
  const transaction = state.begin();
  table.record(transaction, replica(3), row);
  transaction.commit();
  return { state, table };
}

test('what was recorded is in the state, and read from it again', () => {
  const { state, table } = withRow();
  const loaded = RecoveryTable.load(state);
  expect(loaded.of(replica(3))).toEqual(row);
  expect([...loaded.rows()]).toEqual([...table.rows()]);
  expect(loaded.target).toBe(23);
  const empty = new MemoryState(sha256);
  for (const each of [state, empty]) each.seal(seq(1));
  expect(state.versions()[0]?.root).not.toBe(empty.versions()[0]?.root);
});

describe('a RECOVER is', () => {
  const { table } = withRow();
  const judge = (session: number, nonce: typeof FIRST, timeUs: number): string =>
    table.judge(replica(3), { session, nonce }, at(timeUs));
  const later = NOW + RECOVERY_SPACING_US;

  test('accepted from a replica that never had one', () => {
    expect(RecoveryTable.load(new MemoryState(sha256)).judge(replica(3), row, at(NOW))).toBe('accept');
  });

  test('known under the nonce of the last one, whenever', () => {
    expect(judge(later, FIRST, later)).toBe('known');
  });

  test('early within ten minutes of agreed time, accepted after', () => {
    expect(judge(NOW + 1, SECOND, later - 1)).toBe('early');
    expect(judge(later, SECOND, later)).toBe('accept');
  });

  test('stale with a number that was used, or is far from agreed time: a replayed one', () => {
    expect(judge(NOW, SECOND, later)).toBe('stale');
    expect(judge(later - HORIZON, SECOND, later)).toBe('stale');
    expect(judge(later + HORIZON, SECOND, later)).toBe('stale');
  });

  test('judged for each replica by itself', () => {
    expect(table.judge(replica(2), { session: NOW + 1, nonce: SECOND }, at(NOW + 1))).toBe('accept');
  });
});
