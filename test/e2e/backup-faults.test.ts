/** Backups of a cluster of real processes are killed, paused and cut off under load: the others go on, and nothing is lost or done twice. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, isAlive } from './local-cluster.ts';
import type { Workplace } from './local-cluster.ts';
import { isTakingPart, killAndAwait, scaled, checkSettled } from './support/faults.ts';
import type { MeshedCluster } from './support/meshed-cluster.ts';
import type { SteadyLoad } from './support/steady-load.ts';
import { startTrial } from './support/trial.ts';
import type { Trial } from './support/trial.ts';

const MINUTE_MS = 60_000;

let place: Workplace;
let cluster: MeshedCluster;
let load: SteadyLoad;
let trial: Trial | undefined;
beforeEach(async () => {
  trial = await startTrial(4);
  ({ place, cluster, load } = trial);
});
afterEach(async () => {
  await trial?.end();
  trial = undefined;
});

const KILLS = scaled(12);

test(
  `${KILLS} times kill -9 of a backup, each in its turn: back each time, nothing lost, nothing twice`,
  async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const name = `node${2 + (kill % 3)}`;
      await killAndAwait(cluster, name, load);
    }
    expect(cluster.up.stderr).not.toContain('stays down');
    await checkSettled(cluster, load);
  },
  3 * MINUTE_MS,
);

const AWAY = scaled(5000);

test(
  `a backup paused for ${AWAY} requests and resumed into silence has the same root within 10 s`,
  async () => {
    const pid = place.pid('node4');
    process.kill(pid, 'SIGSTOP');
    try {
      await load.progress(AWAY, 4 * MINUTE_MS);
      await load.stop();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await checkSettled(cluster, load);
    expect(isAlive(pid)).toBe(true);
  },
  5 * MINUTE_MS,
);

test(
  'a backup cut off from all others under load, and healed: it takes part again',
  async () => {
    cluster.isolate('node3');
    await eventually('node3 has no link left', async () => (await place.status('node3')).connected_peers.length === 0);
    const { last_executed: alone } = await place.status('node3');
    await load.progress(scaled(2000), MINUTE_MS);
    expect((await place.status('node3')).last_executed).toBe(alone);
    cluster.heal();
    await isTakingPart(cluster, 'node3', load);
    await checkSettled(cluster, load);
  },
  2 * MINUTE_MS,
);

test(
  'a backup that is not heard: nothing of what it sends arrives, and it still hears the others',
  async () => {
    for (const other of cluster.but('node3')) cluster.link('node3', other).stall('there');
    await load.progress(scaled(2000), MINUTE_MS);
    // What it hears is enough to go on: its own vote is not needed, and only itself lacks nothing.
    await isTakingPart(cluster, 'node3', load);
    cluster.heal();
    // Its votes count again: without node4 they are needed.
    const pid = place.pid('node4');
    process.kill(pid, 'SIGSTOP');
    try {
      await load.progress(scaled(500), MINUTE_MS);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await checkSettled(cluster, load);
  },
  2 * MINUTE_MS,
);

test(
  'a backup that the primary does not reach gets everything from the others',
  async () => {
    cluster.link('node1', 'node3').stall('there');
    await load.progress(scaled(2000), MINUTE_MS);
    await isTakingPart(cluster, 'node3', load);
    cluster.heal();
    await checkSettled(cluster, load);
  },
  2 * MINUTE_MS,
);

test(
  'one slow backup slows nobody, and comes along',
  async () => {
    cluster.between(['node4'], cluster.but('node4'), (link) => link.slow(4000));
    // If the others waited for it, sixteen requests at a time would take eight seconds.
    await load.progress(200, MINUTE_MS);
    cluster.heal();
    await isTakingPart(cluster, 'node4', load);
    await checkSettled(cluster, load);
  },
  2 * MINUTE_MS,
);

test(
  'links that break again and again, one after the other',
  async () => {
    for (let round = 0; round < scaled(30); round += 1) {
      const from = cluster.names[round % 4] ?? '';
      const to = cluster.names[(round + 1 + (round % 3)) % 4] ?? '';
      if (from !== to) cluster.link(from, to).cut();
      await load.progress(20);
      cluster.heal();
    }
    await checkSettled(cluster, load);
  },
  2 * MINUTE_MS,
);
