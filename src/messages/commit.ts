/** COMMIT: a replica has prepared the batch. `[TOCS §4.3.1]` */
import type { ValueOf } from './schema/schema.ts';
import { vote } from './vote.ts';

/** A vote for the batch of that digest. */
export const commit = vote('commit', 3);

/** COMMIT. */
export type Commit = ValueOf<typeof commit>;
