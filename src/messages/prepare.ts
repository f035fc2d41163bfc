/** PREPARE: a backup has accepted the primary's proposal. `[TOCS §4.3.1]` */
import { message } from './message-schema.ts';
import { constant, digest, sender, sequence, view } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

const type = constant('prepare');

/** A vote for the batch of that digest. */
export const prepare = message({
  type: 'prepare',
  tag: 2,
  content: { view, sequence, digest, replica: sender },
  quick: {
    read: (reader) => ({
      type: type.read(reader),
      view: view.read(reader),
      sequence: sequence.read(reader),
      digest: digest.read(reader),
      replica: sender.read(reader),
    }),
    write(writer, value) {
      type.write(writer, value.type);
      view.write(writer, value.view);
      sequence.write(writer, value.sequence);
      digest.write(writer, value.digest);
      sender.write(writer, value.replica);
    },
  },
});

/** PREPARE. */
export type Prepare = ValueOf<typeof prepare>;
