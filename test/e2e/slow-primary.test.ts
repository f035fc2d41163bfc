/** A primary that does its work badly, and not so badly that a request times out, is replaced all the same. */
import { afterEach, beforeEach, test } from 'vitest';
import { Workplace } from './local-cluster.ts';
import { behave, currentPrimary, replaced, settle } from './support/faults.ts';
import { MeshedCluster } from './support/meshed-cluster.ts';
import { SteadyLoad } from './support/steady-load.ts';

const REPLACED_WITHIN_MS = 5000;

let place: Workplace;
let cluster: MeshedCluster;
let load: SteadyLoad;
beforeEach(async () => {
  place = new Workplace();
  cluster = await MeshedCluster.start(place, 4);
  load = new SteadyLoad(place);
  // More than the rule takes the median of.
  await load.progress(1000, 60_000);
});
afterEach(async () => {
  await load.close();
  await place.clear();
  await cluster.close();
});

test.each(['slow', 'censor'])(
  `a primary that begins to %s under load is replaced within ${REPLACED_WITHIN_MS} ms`,
  async (behaviour) => {
    const { name, view } = await currentPrimary(cluster);
    await behave(place, name, behaviour, true);
    await replaced(cluster, view, REPLACED_WITHIN_MS);
    await load.progress(100);
    await behave(place, name, behaviour, false);
    await settle(cluster, load);
  },
  120_000,
);
