/** PREPARE: a backup has accepted the primary's proposal. `[TOCS §4.3.1]` */
import { message } from './message-schema.ts';
import { digest, sender, sequence, view } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

/** A vote for the batch of that digest. */
export const prepare = message({
  type: 'prepare',
  tag: 2,
  content: { view, sequence, digest, replica: sender },
});

/** PREPARE. */
export type Prepare = ValueOf<typeof prepare>;
