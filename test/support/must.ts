/** The value of a result that a test cannot go on without. */
import type { Result } from '../../src/base/result.ts';

/** Throws with the failure, if it is one. */
export function must<Value>(result: Result<Value, unknown>): Value {
  if (!result.ok) throw new Error(`expected success, got ${JSON.stringify(result.error)}`);
  return result.value;
}
