/** SIMULATE-BYZANTINE: in lab mode, a replica asks another to misbehave from now on, or to stop. */
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import { flag, replica, sender, text } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

/** `replica` asks, `target` is to misbehave; `behaviour` is a name of the catalogue. */
export const simulateByzantine = message({
  type: 'simulate-byzantine',
  tag: 13,
  content: { replica: sender, target: replica, behaviour: text(1, LIMITS.behaviourLength), enabled: flag },
});

/** SIMULATE-BYZANTINE. */
export type SimulateByzantine = ValueOf<typeof simulateByzantine>;
