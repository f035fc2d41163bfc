/** The lab's Worker: the simulator, the same core as in a node, and nothing of a server. */
import { BUILD } from './build.ts';
import { LabEngine } from './lab-engine.ts';
import type { EngineHost } from './lab-engine.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

const channel = new MessageChannel();
const waiting: (() => void)[] = [];
channel.port1.addEventListener('message', () => waiting.shift()?.());
channel.port1.start();

const answer = (message: FromWorker): void => postMessage(message);

const host: EngineHost = {
  now: () => performance.now(),
  // A message to oneself comes behind those that are there already: orders are heard in between, and no timer holds the work up.
  pause: async () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve);
      channel.port2.postMessage(undefined);
    }),
  answer,
};
const engine = new LabEngine(host, BUILD);

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => engine.hear(data));
answer({ kind: 'ready' });
