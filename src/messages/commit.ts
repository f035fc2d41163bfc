/** COMMIT: a replica has prepared the batch. `[TOCS §4.3.1]` */
import { message } from './message-schema.ts';
import { digest, sender, sequence, view } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

/** A vote for the batch of that digest. */
export const commit = message({
  type: 'commit',
  tag: 3,
  content: { view, sequence, digest, replica: sender },
});

/** COMMIT. */
export type Commit = ValueOf<typeof commit>;
