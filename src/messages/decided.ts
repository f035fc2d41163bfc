/** DECIDED: these batches are executed (not tentatively) or committed-local at the sender. f+1 such claims let a replica execute. */
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import { list } from './schema/composites.ts';
import { sender } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';
import { slotDigest } from './slot-digest.ts';

/** At most `LIMITS.windowSlots` decisions. */
export const decided = message({
  type: 'decided',
  tag: 11,
  content: { replica: sender, decisions: list(slotDigest, LIMITS.windowSlots) },
});

/** DECIDED. */
export type Decided = ValueOf<typeof decided>;
