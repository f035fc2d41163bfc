/** COMPLAINT: a replica cannot verify these requests of a proposed batch; it vouches for all others of the batch. */
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import { list } from './schema/composites.ts';
import { digest, sender, sequence, view } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

/** `requests`: the digests of the requests it could not verify, at most `LIMITS.requestsPerBatch`. */
export const complaint = message({
  type: 'complaint',
  tag: 12,
  content: { replica: sender, view, sequence, digest, requests: list(digest, LIMITS.requestsPerBatch) },
});

/** COMPLAINT. */
export type Complaint = ValueOf<typeof complaint>;
