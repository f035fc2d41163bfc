/**
 * Running operations of the application [OSDI'99 §2]: each on a transaction of its own, so that what it changes is undone or kept as a whole. What an application does
 * wrong becomes a result, the same on every replica.
 */
import { InvariantViolation } from '../base/assert.ts';
import { EMPTY, equalBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Sequence } from '../base/ids.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { OpenTransaction } from '../base/key-value.ts';
import type { Request } from '../messages/index.ts';
import type { Core } from './core.ts';
import { OperationTransaction } from './operation-transaction.ts';
import type { TentativeResult } from './tentative.ts';

/** Up to here a result is compared with the one before it. */
const SHORT_BYTES = 1024;

/** Where an operation runs. */
export interface OperationPlace {
  readonly sequence: Sequence;
  /** Among the operations of its batch, from 0. */
  readonly index: number;
  /** Once its batch is executed. */
  readonly agreedTime: number;
}

/** What of a request an operation is. */
export type Operation = Pick<Request, 'client' | 'operation'>;

/** Bytes of its result at most, and the result before it. */
interface ResultBounds {
  readonly limit: number;
  readonly previous: Bytes;
}

/** An operation of a decided batch; undefined, and nothing is changed, if its result exceeds `limit` bytes. Throws StateDamaged. */
export function runInBatch(
  core: Core,
  operation: Operation,
  transaction: OpenTransaction,
  place: OperationPlace,
  bounds: ResultBounds,
): Bytes | undefined {
  const state = new OperationTransaction(transaction, core.config.cluster.readOnlyRequests);
  const result = runOn(core, operation, state, place, bounds);
  for (const key of state.changed) core.lastChanges.note(key, place.sequence);
  return result;
}

/** What the application makes of a request on `transaction`, its changes beside the result. Throws StateDamaged. */
export function runTentatively(
  core: Core,
  request: Operation,
  transaction: OpenTransaction,
  place: OperationPlace,
): Pick<TentativeResult, 'result' | 'changes'> {
  const state = new OperationTransaction(transaction, true);
  const { storedReplyBytes: limit } = core.config.cluster;
  const result = runOn(core, request, state, place, { limit, previous: EMPTY }) ?? tooLarge(core);
  const changes = state.changed.map((key) => ({ key, value: copied(transaction.get(key)) }));
  return { result, changes };
}

function copied(value: Bytes | undefined): Bytes | undefined {
  return value === undefined ? undefined : new Uint8Array(value);
}

/**
 * The application on a transaction of its own; `previous`: the result before it. What it throws undoes its changes and becomes a result that is the same everywhere;
 * undefined, and nothing is changed, if the result exceeds `limit` bytes.
 */
function runOn(
  core: Core,
  request: Operation,
  state: OperationTransaction,
  { sequence, index, agreedTime }: OperationPlace,
  { limit, previous }: ResultBounds,
): Bytes | undefined {
  // Both are objects of the operation alone: an application may keep them, and must not find those of another in them.
  const context = { sequence, index, timestamp: agreedTime, client: request.client };
  let result: unknown;
  try {
    result = core.application.execute(state, request.operation, context);
  } catch (error) {
    if (error instanceof InvariantViolation) throw error;
    state.rollback();
    if (state.damage !== undefined) throw state.damage;
    return errorResult('application_error', 'the application threw; nothing was changed');
  }
  if (state.damage !== undefined) {
    state.rollback();
    throw state.damage;
  }
  if (!(result instanceof Uint8Array)) {
    state.rollback();
    return errorResult('application_error', 'the application returned something other than bytes; nothing was changed');
  }
  if (result.length > limit) {
    state.rollback();
    return undefined;
  }
  state.commit();
  return kept(result, previous);
}

/** What its client is told of a result that cannot be kept. */
export function tooLarge({ config }: Core): Bytes {
  const { storedReplyBytes: limit } = config.cluster;
  return errorResult('result_too_large', `the result exceeds ${limit} bytes; nothing was changed`);
}

/** A copy: a result is kept in the tables, and its author may use the buffer again. One array for equal ones in a row: many operations say hardly more than "done". */
function kept(result: Uint8Array, previous: Bytes): Bytes {
  if (result.length === 0) return EMPTY;
  return result.length <= SHORT_BYTES && equalBytes(result, previous) ? previous : new Uint8Array(result);
}

/** What an application that threw, or gave nothing that can be answered, is made to say: the same everywhere. */
export function errorResult(code: string, message: string): Bytes {
  return encodeUtf8(JSON.stringify({ error: { code, message } })) ?? new Uint8Array(0);
}
