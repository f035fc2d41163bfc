/** Two nodes against two: neither side has a quorum, so nothing may move, every node can say what it waits for, and all goes on once healed. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ExplainBody } from '../../src/api/index.ts';
import { eventually } from './local-cluster.ts';
import type { Workplace } from './local-cluster.ts';
import { scaled, checkSettled } from './support/faults.ts';
import type { MeshedCluster } from './support/meshed-cluster.ts';
import type { SteadyLoad } from './support/steady-load.ts';
import { startTrial } from './support/trial.ts';
import type { Trial } from './support/trial.ts';

const MINUTE_MS = 60_000;
const APART_MS = scaled(MINUTE_MS);
const PROGRESS_WITHIN_MS = 10_000;
/** One that went on alone while links came back one after the other is joined by the others after ten seconds (docs/operations.md). */
const TOGETHER_WITHIN_MS = 30_000;
/** What was under way when the links broke is answered by then. */
const ECHO_MS = 1000;

const SIDES = [
  ['node1', 'node2'],
  ['node3', 'node4'],
] as const;

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

const pause = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What `explain` says at a node of one side names what is missing, the other side as those who could give it, and since when. */
async function explains(name: string, side: readonly string[], away: readonly string[]): Promise<void> {
  const { body } = await place.get(name, '/pbft/explain');
  const { view_change: viewChange, slots, summary, waits } = body as ExplainBody;
  const open = viewChange ?? slots[0]?.waiting_for;
  expect(open?.missing).toEqual(expect.arrayContaining([...away]));
  expect(open?.have.filter((node) => !side.includes(node))).toEqual([]);
  expect(open?.have.length).toBeLessThan(open?.needed ?? 0);
  expect(open?.since_ms).toBeGreaterThan(APART_MS / 2);
  expect(open?.since_ms).toBeLessThan(APART_MS + MINUTE_MS);
  expect(summary).toContain(`no link to ${away.join(', ')} for`);
  const links = waits.filter(({ what }) => what === 'link');
  expect(links.flatMap(({ missing }) => missing)).toEqual(away);
  for (const link of links) expect(link.since_ms).toBeGreaterThan(APART_MS / 2);
}

test(
  `two against two for ${APART_MS / 1000} s: no progress, each node explains why, and progress within 10 s of healing`,
  async () => {
    const [some, others] = SIDES;
    cluster.between(some, others, (link) => link.cut());
    await pause(ECHO_MS);
    const { acknowledged } = load;
    await pause(APART_MS - ECHO_MS);
    expect(load.acknowledged).toBe(acknowledged);
    for (const name of some) await explains(name, some, others);
    for (const name of others) await explains(name, others, some);
    cluster.heal();
    await load.progress(1, PROGRESS_WITHIN_MS);
    await eventually(
      'all nodes are in one view',
      async () => {
        const standings = (await place.statuses()).map(
          ({ view, in_view_change: isChanging }) => `${isChanging ? 'before' : 'in'} ${view}`,
        );
        if (new Set(standings).size > 1 || standings[0]?.startsWith('in') !== true)
          throw new Error(standings.join(', '));
        return true;
      },
      TOGETHER_WITHIN_MS,
    );
    await load.progress(scaled(1000), MINUTE_MS);
    await checkSettled(cluster, load);
  },
  4 * MINUTE_MS,
);
