/** The application of a benchmark that measures everything but an application: no state, and a result as long as the operation asks for. */
import { EMPTY } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { StateMachine } from '../protocol/ports.ts';
import { resultSize } from './operations.ts';

/** Its operations: 4 bytes with the size of the result, big-endian, then any padding. The result is zeros. */
export const application: StateMachine = {
  execute: (_state, operation) => answer(operation),
  query: (_state, operation) => answer(operation),
};

function answer(operation: Bytes): Bytes {
  const size = resultSize(operation);
  return size === 0 ? EMPTY : new Uint8Array(size);
}
