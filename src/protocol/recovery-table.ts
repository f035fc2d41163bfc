/**
 * Who has recovered, and where in the order [TOCS §4.3.2; PROTOCOL: lost votes]: the last RECOVER of each replica that was executed. Replicated state,
 * in a system table of its own under the root, so that all replicas judge a RECOVER alike. Owns that table; at most one row per replica.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { asReplicaId, asSequence } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import type { Reader, Transaction } from '../base/key-value.ts';
import { SYSTEM_TABLE, systemEntries, systemKey } from './state-layout.ts';
import { RowReader, RowWriter } from './table-row.ts';

/** One replica's last RECOVER. */
export interface RecoveryRow {
  /** Number of its request: larger than those before. */
  readonly session: number;
  readonly nonce: Digest;
  /** r: where it was executed. */
  readonly sequence: Sequence;
  /** Null batches are owed until a checkpoint at or above it is stable. */
  readonly target: Sequence;
  /** Agreed time of its execution, µs. */
  readonly agreedTime: number;
}

/** Between two recoveries of one replica, in µs of agreed time, at least: each costs a few windows of null batches and a view change. */
export const RECOVERY_SPACING_US = 600_000_000;

/** What becomes of a RECOVER. `known`: that recovery has its row. `early`: within the spacing. `stale`: its number is used, or far from agreed time. */
export type RecoverVerdict = 'accept' | 'known' | 'early' | 'stale';

/** Four numbers and the nonce. */
const ROW_BYTES = 4 * 8 + 32;

export class RecoveryTable {
  readonly #rows: Map<ReplicaId, RecoveryRow>;

  private constructor(rows: Map<ReplicaId, RecoveryRow>) {
    this.#rows = rows;
  }

  /** The table as the state has it. */
  static load(reader: Reader): RecoveryTable {
    const rows = new Map<ReplicaId, RecoveryRow>();
    for (const { key, value } of systemEntries(reader, SYSTEM_TABLE.recoveries)) {
      assert(key.length === 1, 'a certified state has its own layout');
      rows.set(asReplicaId(key[0] ?? 0), decodeRow(value));
    }
    return new RecoveryTable(rows);
  }

  of(replica: ReplicaId): RecoveryRow | undefined {
    return this.#rows.get(replica);
  }

  rows(): IterableIterator<readonly [ReplicaId, RecoveryRow]> {
    return this.#rows.entries();
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  /** Up to where null batches are owed for anybody: the highest target; 0 when nobody ever recovered. */
  get target(): number {
    let highest = 0;
    for (const { target } of this.#rows.values()) highest = Math.max(highest, target);
    return highest;
  }

  /** `timeUs`: agreed time, or what it will be about then. `horizonUs`: how far a number may lie from it. */
  judge(
    replica: ReplicaId,
    { session, nonce }: Pick<RecoveryRow, 'session' | 'nonce'>,
    { timeUs, horizonUs }: { readonly timeUs: number; readonly horizonUs: number },
  ): RecoverVerdict {
    const last = this.#rows.get(replica);
    if (last?.nonce === nonce) return 'known';
    if (session <= (last?.session ?? 0) || Math.abs(session - timeUs) >= horizonUs) return 'stale';
    if (last !== undefined && timeUs - last.agreedTime < RECOVERY_SPACING_US) return 'early';
    return 'accept';
  }

  /** Requires: judged `accept` at this very place. */
  record(transaction: Transaction, replica: ReplicaId, row: RecoveryRow): void {
    this.#rows.set(replica, row);
    transaction.put(systemKey(SYSTEM_TABLE.recoveries, Uint8Array.of(replica)), encodeRow(row));
  }
}

function encodeRow({ session, agreedTime, sequence, target, nonce }: RecoveryRow): Bytes {
  const row = new RowWriter(ROW_BYTES);
  for (const number of [session, agreedTime, sequence, target]) row.number(number);
  row.digest(nonce);
  return row.end();
}

function decodeRow(bytes: Bytes): RecoveryRow {
  const row = new RowReader(bytes);
  const session = row.number();
  const agreedTime = row.number();
  const sequence = asSequence(row.number());
  const target = asSequence(row.number());
  const nonce = row.digest();
  row.end();
  return { session, agreedTime, sequence, target, nonce };
}
