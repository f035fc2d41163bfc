/** One key and its value of the replicated state, as it travels and as it is stored. */
import { object } from './schema/composites.ts';
import { bytes } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

/** What the state takes (base/key-value.ts). */
export const MAX_KEY_BYTES = 1024;
export const MAX_VALUE_BYTES: number = 1024 * 1024;

export const stateEntry = object({ key: bytes(1, MAX_KEY_BYTES), value: bytes(0, MAX_VALUE_BYTES) });

export type StateEntry = ValueOf<typeof stateEntry>;

/** Bytes of an encoded entry. */
export function stateEntrySize({ key, value }: StateEntry): number {
  return stateEntry.minBytes - 1 + key.length + value.length;
}
