/**
 * Compound requests: several operations that one client has ready at one time travel, are ordered and are answered as one request. Its operation is the list
 * of theirs, its result the list of their results. So what a request costs everybody (a digest, a place in the client table, a reply) is shared by all of them.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Result } from '../base/result.ts';
import type { CodecContext } from './codec-context.ts';
import { decodeValue, encodeValue } from './frame.ts';
import { LIMITS } from './limits.ts';
import type { DecodeRefusal } from './refusal.ts';
import type { Request } from './request.ts';
import { REQUEST_COMPOUND } from './request.ts';
import { list, option } from './schema/composites.ts';
import { copyBytes } from './schema/copy-bytes.ts';
import { bytes } from './schema/scalars.ts';

const operations = list(bytes(0, LIMITS.operationBytes), LIMITS.operationsPerRequest);
const results = list(option(bytes(0, LIMITS.resultBytes)), LIMITS.operationsPerRequest);

/** Bytes that the lists take besides what is in them: in front, and of each operation, and of each result. */
export const COMPOUND_HEAD_BYTES = operations.minBytes;
export const COMPOUND_OPERATION_BYTES = 4;
export const COMPOUND_RESULT_BYTES = 1 + 4;

/** The operation of a compound request. Throws InvariantViolation if there are more than `LIMITS.operationsPerRequest`. */
export function encodeOperations(values: readonly Bytes[]): Bytes {
  return encodeValue(operations, values);
}

/** The operations of a compound request, in order; or why these bytes are none. */
export function decodeOperations(value: Bytes, context: CodecContext): Result<readonly Bytes[], DecodeRefusal> {
  return decodeValue(operations, value, context);
}

/** The result of a compound request: undefined for an operation whose result does not fit beside the others. */
export function encodeResults(values: readonly (Bytes | undefined)[]): Bytes {
  return encodeValue(results, values);
}

/** The results of a compound request, in order; or why these bytes are none. */
export function decodeResults(
  value: Bytes,
  context: CodecContext,
): Result<readonly (Bytes | undefined)[], DecodeRefusal> {
  return decodeValue(results, value, context);
}

/** How many operations a request is taken to have, by what its first bytes say: what limits count, whatever else is in it. */
export function operationCount({ flags, operation }: Pick<Request, 'flags' | 'operation'>): number {
  if ((flags & REQUEST_COMPOUND) === 0) return 1;
  const count = ((operation[0] ?? 0) << 8) | (operation[1] ?? 0);
  return Math.max(1, Math.min(count, LIMITS.operationsPerRequest));
}

/** Operations as they come, in the form of {@link encodeOperations}. Each is copied at once: its author may use the buffer again. */
export class OperationList {
  readonly #bytes = new Uint8Array(LIMITS.operationBytes);
  #at = COMPOUND_HEAD_BYTES;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Is there room for one more, of so many bytes? */
  hasRoom(length: number): boolean {
    return (
      this.#count < LIMITS.operationsPerRequest && this.#at + COMPOUND_OPERATION_BYTES + length <= this.#bytes.length
    );
  }

  /** Requires: there is room. */
  add(operation: Bytes): void {
    const { length } = operation;
    assert(this.hasRoom(length), 'an operation for which there is room');
    for (let byte = 0; byte < COMPOUND_OPERATION_BYTES; byte += 1)
      this.#bytes[this.#at + byte] = length >>> (8 * (COMPOUND_OPERATION_BYTES - 1 - byte));
    copyBytes(operation, 0, this.#bytes, this.#at + COMPOUND_OPERATION_BYTES, length);
    this.#at += COMPOUND_OPERATION_BYTES + length;
    this.#count += 1;
  }

  /** The list so far; the next begins anew. */
  take(): Bytes {
    this.#bytes[0] = this.#count >> 8;
    this.#bytes[1] = this.#count;
    const list = this.#bytes.slice(0, this.#at);
    this.#at = COMPOUND_HEAD_BYTES;
    this.#count = 0;
    return list;
  }
}
