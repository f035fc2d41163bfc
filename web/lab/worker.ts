/** The lab's Worker: the simulator, the same core as in a node, and nothing of a server. */
import { LabEngine } from './lab-engine.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

const channel = new MessageChannel();
const waiting: (() => void)[] = [];
channel.port1.addEventListener('message', () => waiting.shift()?.());
channel.port1.start();

const answer = (message: FromWorker): void => postMessage(message);

const engine = new LabEngine({
  now: () => performance.now(),
  // A message to oneself comes behind those that are there already: orders are heard in between, and no timer holds the work up.
  pause: async () =>
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      channel.port2.postMessage(undefined);
    }),
  answer,
});

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => engine.hear(data));
answer({ kind: 'ready' });
