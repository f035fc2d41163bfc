/** One cluster with proxies between its nodes and a load on it, for one test. */
import { Workplace } from '../local-cluster.ts';
import { MeshedCluster } from './meshed-cluster.ts';
import { SteadyLoad } from './steady-load.ts';

export interface Trial {
  readonly place: Workplace;
  readonly cluster: MeshedCluster;
  readonly load: SteadyLoad;
  /** Ends everything; nothing is left, whatever state it was in. */
  end(): Promise<void>;
}

/** Starts `count` nodes and the load on them, once `warmUp` transfers were acknowledged. Nothing is left when that fails. */
export async function startTrial(count: number, warmUp = 100): Promise<Trial> {
  const place = new Workplace();
  const closing: (() => Promise<void>)[] = [];
  const end = async (): Promise<void> => {
    for (const close of closing) await close();
    await place.clear();
  };
  try {
    const cluster = await MeshedCluster.start(place, count);
    closing.push(async () => cluster.close());
    const load = new SteadyLoad(place);
    closing.unshift(async () => load.close());
    await load.progress(warmUp, 60_000);
    load.takeLongestGap();
    return { place, cluster, load, end };
  } catch (error) {
    await end();
    throw error;
  }
}
