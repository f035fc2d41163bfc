/** STATUS: where a replica stands, so that its peers can send what it lacks. A hint: it never moves a view. `[TOCS §5.2]` */
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import { list, object } from './schema/composites.ts';
import { flag, sender, sequence, view } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

const slotStatus = object({ sequence, prepared: flag, committed: flag });

/** Slots: at most `LIMITS.windowSlots`. */
export const status = message({
  type: 'status',
  tag: 8,
  content: {
    replica: sender,
    view,
    inViewChange: flag,
    lowWaterMark: sequence,
    lastExecuted: sequence,
    slots: list(slotStatus, LIMITS.windowSlots),
  },
});

/** How far one slot has come at the sender. */
export type SlotStatus = ValueOf<typeof slotStatus>;
/** STATUS. */
export type Status = ValueOf<typeof status>;
