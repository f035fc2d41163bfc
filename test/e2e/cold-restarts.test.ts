// All nodes lose their power at once, again and again, under load: what was acknowledged is there, once, on every node, and service is back by itself.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, Workplace } from './local-cluster.ts';
import type { CliProcess } from './local-cluster.ts';
import { SteadyLoad } from './support/steady-load.ts';

const NAMES = ['node1', 'node2', 'node3', 'node4'];
/** How often: `RESTARTS=50` for as long as it takes, ten times in CI. */
const RESTARTS = Number(process.env['RESTARTS'] ?? (process.env['CI'] === undefined ? 3 : 10));
/** So long the load goes on before the power goes, at most. */
const LONGEST_MS = 1500;

let place: Workplace;
let load: SteadyLoad | undefined;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await load?.close();
  load = undefined;
  await place.clear();
});

async function startAll(): Promise<readonly CliProcess[]> {
  const nodes = NAMES.map((name) => place.start(['start', '--directory', `pbft-data/${name}`]));
  const ended = nodes.map(async (node) => {
    const { code, stderr } = await node.ended;
    throw new Error(`a node ended with ${code}: ${stderr}`);
  });
  for (const each of ended) each.catch(() => undefined);
  const serving = Promise.all(
    NAMES.map(async (name) =>
      eventually(`${name} serves`, async () => (await place.status(name)).node_id === name, 60_000),
    ),
  );
  await Promise.race([serving, ...ended]);
  return nodes;
}

test(
  `${RESTARTS} times kill -9 of all nodes at a moment of its own: nothing acknowledged is lost or done twice`,
  async () => {
    await place.makeFolder();
    let nodes = await startAll();
    load = new SteadyLoad(place);
    await load.progress(50, 60_000);
    for (let round = 0; round < RESTARTS; round += 1) {
      const before = load.acknowledged;
      await new Promise((resolve) => setTimeout(resolve, (LONGEST_MS * ((round * 7) % 11)) / 10));
      for (const node of nodes) node.signal('SIGKILL');
      await Promise.all(nodes.map(async (node) => node.ended));
      nodes = await startAll();
      // Every session looks for its transfer of before and goes on: what it hears must count on.
      await load.progress(50, 120_000);
      expect(load.acknowledged).toBeGreaterThan(before);
    }
    await load.stop();
    await place.sameRoots(60_000);
    await load.check(place, NAMES);
  },
  60_000 + RESTARTS * 180_000,
);
