/** FETCH: the bodies of these batches are missing here; whoever has one answers with BATCH. */
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import { list } from './schema/composites.ts';
import { sender } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';
import { slotDigest } from './slot-digest.ts';

/** At most `LIMITS.windowSlots` bodies. */
export const fetch = message({
  type: 'fetch',
  tag: 9,
  content: { replica: sender, wanted: list(slotDigest, LIMITS.windowSlots) },
});

/** FETCH. */
export type Fetch = ValueOf<typeof fetch>;
