/** STATE: entries of a checkpoint's state in key order, in answer to FETCH-STATE. All of them together must have the certified root. */
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import { bounded, list } from './schema/composites.ts';
import { bytes, digest, flag, lengthBytes, sender, sequence } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';
import { MAX_KEY_BYTES, stateEntry, stateEntrySize } from './state-entry.ts';
import type { StateEntry } from './state-entry.ts';

const HEAD_BYTES = lengthBytes(LIMITS.stateEntries);

function entriesSize(entries: readonly StateEntry[]): number {
  return entries.reduce((sum, entry) => sum + stateEntrySize(entry), HEAD_BYTES);
}

/** `held`: false when the sender no longer has that state, which is an answer and no fault. `isLast`: no keys follow. */
export const state = message({
  type: 'state',
  tag: 15,
  content: {
    replica: sender,
    sequence,
    root: digest,
    after: bytes(0, MAX_KEY_BYTES),
    held: flag,
    isLast: flag,
    entries: bounded(list(stateEntry, LIMITS.stateEntries), LIMITS.batchBytes, entriesSize),
  },
});

/** STATE. */
export type State = ValueOf<typeof state>;
