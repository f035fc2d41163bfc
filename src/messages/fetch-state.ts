/** FETCH-STATE: the state of a certified checkpoint, from a key on; its holder answers with STATE. */
import { MAX_KEY_BYTES } from './state-entry.ts';
import { message } from './message-schema.ts';
import { bytes, digest, sender, sequence } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

/** `after`: entries with keys above it are wanted; empty for all. */
export const fetchState = message({
  type: 'fetch-state',
  tag: 14,
  content: { replica: sender, sequence, root: digest, after: bytes(0, MAX_KEY_BYTES) },
});

/** FETCH-STATE. */
export type FetchState = ValueOf<typeof fetchState>;
