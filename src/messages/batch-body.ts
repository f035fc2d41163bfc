/** BATCH: the body of a batch, in answer to FETCH. */
import { batch, verifyBody } from './batch.ts';
import { message } from './message-schema.ts';
import { spread } from './schema/composites.ts';
import { digest, sender, sequence } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

/** The body is attached, bound by the digest; anyone's is as good as the primary's. */
export const batchBody = message({
  type: 'batch',
  tag: 10,
  content: { replica: sender, sequence, digest },
  attached: { batch: spread(batch) },
  verify: (value, context) => verifyBody(context, value.digest, value.batch),
});

/** BATCH. */
export type BatchBody = ValueOf<typeof batchBody>;
