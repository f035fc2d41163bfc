/** PRE-PREPARE: the primary proposes a batch for a sequence number. `[TOCS §4.3.1]` */
import { NULL_DIGEST } from '../base/ids.ts';
import { batch, verifyBody } from './batch.ts';
import type { Batch } from './batch.ts';
import { message } from './message-schema.ts';
import { option, spread } from './schema/composites.ts';
import { constant, digest, sequence, view } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

const word = constant('pre-prepare');
const attachedBatch = option(spread(batch));

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
    batch: attachedBatch,
  },
  quick: {
    read(reader) {
      const content = {
        type: word.read(reader),
        view: view.read(reader),
        sequence: sequence.read(reader),
        digest: digest.read(reader),
        batch: undefined as Batch | undefined,
      };
      const contentEnd = reader.at;
      content.batch = attachedBatch.read(reader);
      reader.contentEnd = contentEnd;
      return content;
    },
    write(writer, value) {
      word.write(writer, value.type);
      view.write(writer, value.view);
      sequence.write(writer, value.sequence);
      digest.write(writer, value.digest);
      const contentEnd = writer.length;
      attachedBatch.write(writer, value.batch);
      writer.contentEnd = contentEnd;
    },
  },
  rule: (value) =>
    (value.batch === undefined) === (value.digest === NULL_DIGEST) ? undefined : { code: 'inconsistent', at: 'batch' },
  verify: (value, context) => verifyBody(context, value.digest, value.batch),
});

/** PRE-PREPARE. */
export type PrePrepare = ValueOf<typeof prePrepare>;
