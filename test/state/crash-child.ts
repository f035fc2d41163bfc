/** Makes one version after the other until it is killed: `node crash-child.ts FOLDER`. Prints the number of each that is durable. */
import { asSequence } from '../../src/base/ids.ts';
import { change, openState } from './contents.ts';

const state = await openState(process.argv[2] ?? '', {
  onVersion: ({ sequence }) => process.stdout.write(`${sequence}\n`),
});
for (let sequence = (state.versions().at(-1)?.sequence ?? 0) + 1; ; sequence += 1) {
  change(state, sequence, 500);
  state.seal(asSequence(sequence));
  state.store(asSequence(sequence));
  state.collect(asSequence(Math.max(0, sequence - 3)));
  if (sequence % 3 === 0) await state.idle();
}
