/**
 * Running a compound request: its operations one after the other, each as if it stood alone. What one of them changes is undone or kept by itself; what they
 * come to is one result. So a client that has many operations ready has them ordered for the price of one (ADR 34).
 */
import { EMPTY } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { OpenTransaction } from '../base/key-value.ts';
import { COMPOUND_HEAD_BYTES, COMPOUND_RESULT_BYTES, decodeOperations, encodeResults } from '../messages/index.ts';
import type { Core } from './core.ts';
import { errorResult, runInBatch, tooLarge } from './run-operation.ts';
import type { Operation, OperationPlace } from './run-operation.ts';

export interface CompoundResult {
  readonly result: Bytes;
  /** How many operations were run, and not undone for want of room. */
  readonly ran: number;
}

/**
 * The place is that of its first operation. An operation whose result does not fit beside the others is undone, and its client told so: alone it has more room.
 * What is no list of operations, or has more of them than a result can speak of, is an error as a whole, and changes nothing. Throws StateDamaged.
 */
export function runCompound(
  core: Core,
  { client, operation: list }: Operation,
  transaction: OpenTransaction,
  { sequence, index, agreedTime }: OperationPlace,
): CompoundResult {
  const operations = decodeOperations(list, core.codec);
  if (!operations.ok || operations.value.length === 0)
    return { result: errorResult('malformed_compound', 'this is no list of operations; nothing was changed'), ran: 1 };
  const count = operations.value.length;
  let room = core.config.cluster.storedReplyBytes - COMPOUND_HEAD_BYTES - COMPOUND_RESULT_BYTES * count;
  if (room < 0) return { result: tooLarge(core), ran: 1 };
  let previous = EMPTY;
  let ran = 0;
  const results = operations.value.map((operation, at) => {
    const here = { sequence, index: index + at, agreedTime };
    const result = runInBatch(core, { client, operation }, transaction, here, { limit: room, previous });
    // What an application is made to say when it throws may be too long as well; then it has changed nothing already.
    if (result === undefined || result.length > room) return undefined;
    ran += 1;
    room -= result.length;
    previous = result;
    return result;
  });
  return { result: encodeResults(results), ran };
}
