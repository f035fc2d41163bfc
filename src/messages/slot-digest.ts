/** A batch by number and digest, where messages list them. */
import { object } from './schema/composites.ts';
import { digest, sequence } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

/** A sequence number and the digest of a batch. */
export const slotDigest = object({ sequence, digest });

/** A sequence number and the digest of a batch. */
export type SlotDigest = ValueOf<typeof slotDigest>;
