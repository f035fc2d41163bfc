/** What PREPARE and COMMIT have in common: a replica's vote for a digest at a number in a view. Hot path, hence spelled out. */
import { message } from './message-schema.ts';
import { constant, sender, sequence, sharedBatchDigest, view } from './schema/scalars.ts';

/** The schema of a vote; both parameters as in `message`. */
export function vote<const Type extends 'prepare' | 'commit'>(type: Type, tag: number) {
  const word = constant(type);
  return message({
    type,
    tag,
    content: { view, sequence, digest: sharedBatchDigest, replica: sender },
    quick: {
      read: (reader) => ({
        type: word.read(reader),
        view: view.read(reader),
        sequence: sequence.read(reader),
        digest: sharedBatchDigest.read(reader),
        replica: sender.read(reader),
      }),
      write(writer, value) {
        word.write(writer, value.type);
        view.write(writer, value.view);
        sequence.write(writer, value.sequence);
        sharedBatchDigest.write(writer, value.digest);
        sender.write(writer, value.replica);
      },
    },
  });
}
