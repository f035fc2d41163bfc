/** PREPARE: a backup has accepted the primary's proposal. `[TOCS §4.3.1]` */
import type { ValueOf } from './schema/schema.ts';
import { vote } from './vote.ts';

/** A vote for the batch of that digest. */
export const prepare = vote('prepare', 2);

/** PREPARE. */
export type Prepare = ValueOf<typeof prepare>;
