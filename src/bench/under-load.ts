/** A load in a process of its own: started while the system starts, then put onto it. Owns nothing: the process belongs to the workplace. */
import type { BenchProcess } from './bench-process.ts';
import type { LoadMessage, LoadPlan, LoadReport } from './load-report.ts';
import type { Server, Surroundings } from './system.ts';
import { scriptOf } from './workplace.ts';
import type { Workplace } from './workplace.ts';

/** Called when the measured window opens and closes. */
export type OnEdge = (edge: 'opened' | 'closed', atMs: number) => void;

/** Its process, which is to be told a plan. It runs under the flags of the nodes, `nodeFlags`: it shares their cores. */
export function startLoad(place: Workplace, { nodeFlags }: Pick<Surroundings, 'nodeFlags'>): BenchProcess {
  return place.start({
    name: 'load',
    command: process.execPath,
    args: [...nodeFlags, scriptOf('load-process')],
    hasChannel: true,
  });
}

/** What the load came to. Throws with the reason when it fails, or when a process of the system ends by itself: the load might wait for it in vain. */
export async function runLoad(
  load: BenchProcess,
  servers: readonly Server[],
  plan: Omit<LoadPlan, 'servers'>,
  onEdge: OnEdge = () => undefined,
): Promise<LoadReport> {
  await load.next();
  load.send({ ...plan, servers: servers.map(({ process: { pid } }) => pid) } satisfies LoadPlan);
  return Promise.race([follow(load, onEdge), ...servers.map(ended)]);
}

async function follow(load: BenchProcess, onEdge: OnEdge): Promise<LoadReport> {
  for (;;) {
    const message = (await load.next()) as LoadMessage;
    if (message.kind === 'done') return message.report;
    if (message.kind === 'failed') throw new Error(message.reason);
    onEdge(message.kind, message.atMs);
  }
}

async function ended({ process: server }: Server): Promise<never> {
  await server.closed();
  throw new Error(server.describeEnd());
}
