/** A primary that does its work badly, and not so badly that a request times out, is replaced all the same. */
import { afterEach, beforeEach, test } from 'vitest';
import type { Workplace } from './local-cluster.ts';
import { behave, currentPrimary, replaced, checkSettled } from './support/faults.ts';
import type { MeshedCluster } from './support/meshed-cluster.ts';
import type { SteadyLoad } from './support/steady-load.ts';
import { startTrial } from './support/trial.ts';
import type { Trial } from './support/trial.ts';

const REPLACED_WITHIN_MS = 5000;

let place: Workplace;
let cluster: MeshedCluster;
let load: SteadyLoad;
let trial: Trial | undefined;
/** One caller at each gateway: one of these is the client that a censor leaves out. */
let callers: readonly Promise<void>[] = [];
let isCalling: boolean;
beforeEach(async () => {
  // More than the rule takes the median of.
  trial = await startTrial(4, 1000);
  ({ place, cluster, load } = trial);
  isCalling = true;
  callers = cluster.names.map(call);
});
afterEach(async () => {
  isCalling = false;
  await Promise.all(callers);
  await trial?.end();
  trial = undefined;
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
