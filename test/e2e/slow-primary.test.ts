/** A primary that does its work badly, and not so badly that a request times out, is replaced all the same. */
import { afterEach, beforeEach, test } from 'vitest';
import { Workplace } from './local-cluster.ts';
import { behave, currentPrimary, replaced, checkSettled } from './support/faults.ts';
import { MeshedCluster } from './support/meshed-cluster.ts';
import { SteadyLoad } from './support/steady-load.ts';

const REPLACED_WITHIN_MS = 5000;

let place: Workplace;
let cluster: MeshedCluster;
let load: SteadyLoad;
/** One caller at each gateway: one of these is the client that a censor leaves out. */
let callers: readonly Promise<void>[];
let isCalling: boolean;
beforeEach(async () => {
  place = new Workplace();
  cluster = await MeshedCluster.start(place, 4);
  load = new SteadyLoad(place);
  // More than the rule takes the median of.
  await load.progress(1000, 60_000);
  isCalling = true;
  callers = cluster.names.map(call);
});
afterEach(async () => {
  isCalling = false;
  await Promise.all(callers);
  await load.close();
  await place.clear();
  await cluster.close();
});

async function call(name: string): Promise<void> {
  while (isCalling) await place.post(name, '/pbft/request?wait=true', { operation: 'transfer', to: name, amount: 1 });
}

test.each(['slow', 'censor'])(
  `a primary that begins to %s under load is replaced within ${REPLACED_WITHIN_MS} ms`,
  async (behaviour) => {
    const { name, view } = await currentPrimary(cluster);
    await behave(place, name, behaviour, true);
    await replaced(cluster, view, REPLACED_WITHIN_MS);
    await load.progress(100);
    await behave(place, name, behaviour, false);
    isCalling = false;
    await Promise.all(callers);
    await checkSettled(cluster, load);
  },
  120_000,
);
