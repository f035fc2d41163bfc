/**
 * Makes versions until its files may not grow any more, then again when they may: `sh -c 'ulimit -S -f 2000; node full-child.ts FOLDER'`. Prints
 * what it sees, one line each.
 */
import { execFileSync } from 'node:child_process';
import { asSequence } from '../../src/base/ids.ts';
import { change, modelUntil, openState, text } from './contents.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const state = await openState(process.argv[2] ?? '', {
  durability: 'sync',
  onFault: ({ code, path, message }) => say(`fault ${code} ${message.includes(path)} ${message.includes('Make room')}`),
});
let sequence = 0;
const next = async (): Promise<void> => {
  sequence += 1;
  change(state, sequence);
  state.seal(asSequence(sequence));
  state.store(asSequence(sequence));
  await state.idle();
};
while (state.fault === undefined && sequence < 1000) await next();
const durable = state.versions().length;
await next();
await next();
say(`waiting ${state.counts().waiting}, versions ${state.versions().length - durable} more`);
const right = (): boolean => {
  const model = modelUntil(sequence).at(-1);
  return Array.from({ length: 2000 }, (_, i) => text(`key${i}`)).every(
    (key) => String(state.get(key)) === String(model?.get(key)),
  );
};
say(`reads ${right()}`);
state.retry();
await state.idle();
execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited']);
state.retry();
await state.idle();
const model = modelUntil(sequence);
say(
  `then versions ${state.versions().length === sequence}, roots ${state.versions().every(({ root }, i) => root === model[i]?.root)}`,
);
say(`reads ${right()}`);
for await (const step of state.scrub()) if (step.kind === 'damage') say(step.damage.message);
await state.close();
