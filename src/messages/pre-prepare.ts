/** PRE-PREPARE: the primary proposes a batch for a sequence number. `[TOCS §4.3.1]` */
import { NULL_DIGEST } from '../base/ids.ts';
import { batch, verifyBody } from './batch.ts';
import { message } from './message-schema.ts';
import { option, spread } from './schema/composites.ts';
import { digest, sequence, view } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

/** The content is (view, sequence, digest); the batch is attached, bound by its digest. */
export const prePrepare = message({
  type: 'pre-prepare',
  tag: 1,
  content: {
    view,
    sequence,
    /** Of the batch, or the null digest. */
    digest,
  },
  attached: {
    /** undefined for the null batch, and only for it. */
    batch: option(spread(batch)),
  },
  rule: (value) =>
    (value.batch === undefined) === (value.digest === NULL_DIGEST) ? undefined : { code: 'inconsistent', at: 'batch' },
  verify: (value, context) => verifyBody(context, value.digest, value.batch),
});

/** PRE-PREPARE. */
export type PrePrepare = ValueOf<typeof prePrepare>;
