/** The bounds of keys and values, and the checks that throw where they are broken: an application's mistake, never a reason to stop a replica. */
import type { Bytes } from '../base/bytes.ts';
import { StateUsageError } from '../base/key-value.ts';

export { StateUsageError } from '../base/key-value.ts';
export type { StateUsageCode } from '../base/key-value.ts';

export const MAX_KEY_BYTES = 1024;
export const MAX_VALUE_BYTES = 1024 * 1024;

/** Throws `key_size` unless `key` may be stored: 1 … 1,024 bytes. */
export function checkKey(key: Bytes): void {
  if (key.length < 1 || key.length > MAX_KEY_BYTES) {
    throw new StateUsageError('key_size', `a key has 1 to ${MAX_KEY_BYTES} bytes, this one ${key.length}`);
  }
}

/** Throws `value_size` unless `value` may be stored: 0 … 1 MiB. */
export function checkValue(value: Bytes): void {
  if (value.length > MAX_VALUE_BYTES) {
    throw new StateUsageError('value_size', `a value has at most ${MAX_VALUE_BYTES} bytes, this one ${value.length}`);
  }
}

/** Throws `range_limit` unless `limit` is an integer from 0. */
export function checkLimit(limit: number): void {
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new StateUsageError('range_limit', 'the limit of a range is an integer from 0');
  }
}
