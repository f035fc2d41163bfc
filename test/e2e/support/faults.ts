/** What the tests with faults have in common: how often they do a thing, and how they look at a cluster of which a node may be away. */
import type { StatusBody } from '../../../src/api/index.ts';
import { DEFAULT_CLUSTER } from '../../../src/protocol/config.ts';
import { makeQuorums } from '../../../src/protocol/quorum.ts';
import { eventually, isAlive } from '../local-cluster.ts';
import type { Workplace } from '../local-cluster.ts';
import type { MeshedCluster } from './meshed-cluster.ts';
import type { SteadyLoad } from './steady-load.ts';

const IS_CI = process.env['CI'] !== undefined;

/** All of it in CI; about a tenth, which finds the same faults, where somebody waits. */
export const scaled = (full: number): number => (IS_CI ? full : Math.ceil(full / 10));

/** What the nodes that answer say; a node that is away is left out. */
export async function heard({ place, names }: MeshedCluster): Promise<readonly StatusBody[]> {
  const answers = await Promise.all(
    names.map(async (name) => {
      const answer = await Promise.race([
        place.status(name).catch(() => undefined),
        new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1000)),
      ]);
      return answer === undefined ? [] : [answer];
    }),
  );
  return answers.flat();
}

/** The primary of the highest view that f+1 of the nodes that answer have reached, and that view. */
export async function currentPrimary(
  cluster: MeshedCluster,
): Promise<{ readonly name: string; readonly view: number }> {
  return eventually('f+1 nodes are in a view', async () => {
    const entered = (await heard(cluster)).filter(({ in_view_change: isChanging }) => !isChanging);
    const [, ...views] = entered.map(({ view }) => view).toSorted((left, right) => right - left);
    const [second] = views;
    const found = entered.find(({ view }) => view === second);
    return found === undefined ? undefined : { name: found.primary, view: found.view };
  });
}

/** Waits until f+1 nodes are in a higher view than `view`. */
export async function replaced(cluster: MeshedCluster, view: number, withinMs: number): Promise<void> {
  await eventually(`view ${view} is over`, async () => (await currentPrimary(cluster)).view > view, withinMs);
}

/** Tells a node to misbehave from now on, or no longer. */
export async function behave(place: Workplace, name: string, behaviour: string, enabled: boolean): Promise<void> {
  const answer = await place.post(name, '/pbft/simulate-byzantine', { node_id: name, behaviour, enabled });
  if (answer.status !== 200) throw new Error(`${name} does not ${behaviour}: ${JSON.stringify(answer.body)}`);
}

/**
 * Kills a node's process, and waits until its supervisor has started another one that takes part in what goes on. With `whileAway`, the supervisor stands
 * still until that has come to its end.
 */
export async function killAndAwait(
  cluster: MeshedCluster,
  name: string,
  load: SteadyLoad,
  whileAway?: () => Promise<void>,
): Promise<void> {
  const { place, up } = cluster;
  const pid = place.pid(name);
  if (whileAway !== undefined) up.signal('SIGSTOP');
  try {
    process.kill(pid, 'SIGKILL');
    await whileAway?.();
  } finally {
    up.signal('SIGCONT');
  }
  await eventually(`${name} has ended`, () => !isAlive(pid));
  await load.progress(1);
  await isTakingPart(cluster, name, load);
}

/** Waits until a node executes what the others execute, while the load goes on. It may do so while it waits for a view that no other wants yet. */
export async function isTakingPart(cluster: MeshedCluster, name: string, load: SteadyLoad): Promise<void> {
  await load.progress(1);
  const others = (await heard(cluster)).filter(({ node_id: node }) => node !== name);
  const goal = Math.max(...others.map(({ last_executed: last }) => last));
  const executes = async (): Promise<boolean> => (await cluster.place.status(name)).last_executed >= goal;
  await eventually(`${name} executes what came up to ${goal}`, executes, 60_000);
}

/** Waits for the next checkpoint that is stable at all nodes: by then the timeout, doubled by a view change, has come down again. */
export async function checkpointed(cluster: MeshedCluster): Promise<void> {
  const { checkpointInterval: interval } = DEFAULT_CLUSTER;
  const last = Math.max(...(await heard(cluster)).map(({ last_executed: executed }) => executed));
  const goal = (Math.floor(last / interval) + 1) * interval;
  await eventually(
    `checkpoint ${goal} is stable everywhere`,
    async () => (await cluster.place.statuses()).every(({ low_water_mark: stable }) => stable >= goal),
    60_000,
  );
}

/**
 * Ends the load; then all nodes must come to one root within ten seconds, every acknowledged transfer once in it, and no correct node certainly accused by another.
 * That last is promised given at most f faults: where more nodes have lied, one after the other, what f+1 of them prove is not true.
 */
export async function checkSettled(
  cluster: MeshedCluster,
  load: SteadyLoad,
  liars: readonly string[] = [],
): Promise<void> {
  await load.stop();
  const statuses = await cluster.place.sameRoots(10_000);
  await load.check(cluster.place, cluster.names);
  if (liars.length > makeQuorums(cluster.names.length, 'intersecting').faultLimit) return;
  const accused = statuses.flatMap(({ node_id: by, suspicions }) =>
    suspicions
      .filter(
        ({ certainty, node_id: node }) => certainty === 'certain' && ![by, node].some((name) => liars.includes(name)),
      )
      .map(({ node_id: node, kind, evidence }) => `${by} says ${kind} of ${node}: ${evidence}`),
  );
  if (accused.length > 0) throw new Error(accused.join('\n'));
}
