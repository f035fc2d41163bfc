/** What `pbft inspect` and `pbft check` say of the folder of a real node. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkNode, inspectNode } from '../../src/server/index.ts';
import type { NodeCheck, NodeInspection } from '../../src/server/index.ts';
import { must } from '../support/must.ts';
import { TestCluster } from '../support/nodes.ts';

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await TestCluster.make({ nodes: 1, checkpointInterval: K, tuning: { idle_checkpoint_ms: 600_000 } });
});
afterEach(async () => cluster.end());

const directory = (): string => cluster.directory('node1');
const inspect = async (): Promise<NodeInspection> => must(await inspectNode(directory()));
const check = async (): Promise<NodeCheck> => must(await checkNode(directory()));
const findings = async (): Promise<readonly string[]> =>
  (await check()).parts
    .flatMap((part) => part.findings)
    .map(({ file, offset, what }) => `${basename(file)} ${offset} ${what}`);

/** Path of the one segment that there is. */
function segment(): string {
  const [name = ''] = readdirSync(join(directory(), 'log')).filter((each) => each.endsWith('.seg'));
  return join(directory(), 'log', name);
}

const K = 4;

/** So many numbers executed: the log begins with the last checkpoint among them, and the records of those above it were added behind. */
async function run(count: number): Promise<void> {
  await cluster.startNode('node1');
  await cluster.ready();
  const checkpoint = count - (count % K);
  const transfer = async (from: number, to: number): Promise<void> => {
    for (let amount = from; amount <= to; amount += 1)
      await cluster.execute('node1', { operation: 'transfer', amount });
  };
  await transfer(1, checkpoint);
  const begun = checkpoint === 0 ? await begin() : [checkpoint, 1, 0];
  await expect.poll(begin, { timeout: 10_000 }).toEqual(begun);
  await transfer(checkpoint + 1, count);
}

/** Where the log begins, its segments, and what is left over of a segment being written. */
async function begin(): Promise<readonly unknown[]> {
  const { log } = await inspect();
  return [log?.low_water_mark, log?.segments.length, log?.leftovers.length];
}

describe('a new node', () => {
  it('has no log yet, and that is sound', async () => {
    expect(await inspect()).toMatchObject({
      node_id: 'node1',
      new: true,
      process: null,
      durability: 'sync',
      log: null,
    });
    expect(await check()).toMatchObject({ nodeId: 'node1', isSound: true });
    expect(existsSync(join(directory(), 'log'))).toBe(false);
  });
});

describe('a node that has worked', () => {
  it('is told with its marks and what its segments hold, running and stopped', async () => {
    await run(10);
    const running = await inspect();
    await cluster.stopNode('node1');
    const stopped = await inspect();
    for (const { log, ...node } of [running, stopped]) {
      expect(node).toMatchObject({ node_id: 'node1', new: false });
      expect(log).toMatchObject({ view: 0, in_view_change: false, leftovers: [], format: 3 });
      expect(log?.segments).toHaveLength(1);
      expect(log?.low_water_mark).toBeGreaterThanOrEqual(8);
      expect(node.state?.checkpoints.at(-1)?.sequence).toBeGreaterThanOrEqual(8);
      expect(node.state?.fetching).toBeNull();
    }
    expect(stopped.log?.highest_accepted).toBeGreaterThanOrEqual(10);
    const [only] = stopped.log?.segments ?? [];
    expect(only).toMatchObject({ kind: 'base', bytes: readFileSync(segment()).length, torn_bytes: 0, damages: [] });
    expect(only?.records).toMatchObject({ stable: 1, accepted: expect.any(Number) as number });
    expect(await check()).toMatchObject({ isSound: true });
  });

  it('is recognised by its log alone', async () => {
    await run(1);
    await cluster.stopNode('node1');
    expect(must(await inspectNode(join(directory(), 'log')))).toMatchObject({ node_id: 'node1', durability: null });
    expect(await inspectNode(join(directory(), 'keys'))).toMatchObject({ ok: false });
  });

  it('is not checked while it runs', async () => {
    writeFileSync(join(directory(), 'lock'), JSON.stringify({ pid: process.pid, started: '' }));
    expect(await checkNode(directory())).toMatchObject({
      ok: false,
      error: { code: 'directory-in-use', message: expect.stringContaining('stop that node first') as string },
    });
    rmSync(join(directory(), 'lock'));
  });

  it('is checked to the last byte: each flipped one is a finding at or before it, or a torn end', async () => {
    await run(6);
    await cluster.stopNode('node1');
    const file = segment();
    const whole = readFileSync(file);
    const step = Math.max(1, Math.floor(whole.length / 150));
    const damaged: number[] = [];
    const torn: number[] = [];
    for (let at = 0; at < whole.length; at += step) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 0x20;
      writeFileSync(file, flipped);
      const { isSound, parts } = await check();
      const [first] = parts.flatMap((part) => part.findings);
      const isTorn = parts[0]?.notes.join().includes('torn write') === true;
      const isNamed = first?.file === file && (first.offset ?? Infinity) <= at;
      expect({ at, isSound, isKnown: isSound ? isTorn : isNamed }).toEqual({ at, isSound, isKnown: true });
      (isSound ? torn : damaged).push(at);
      expect(readFileSync(file).equals(flipped)).toBe(true);
    }
    // Only what was written last can be torn: with something sound behind it, it is damage.
    expect([damaged.length > 0, torn.length > 0]).toEqual([true, true]);
    expect(Math.max(...damaged)).toBeLessThan(Math.min(...torn));
  });

  it('with several damages is told all of them', async () => {
    await run(7);
    await cluster.stopNode('node1');
    const { log } = await inspect();
    const file = segment();
    const content = readFileSync(file);
    // One byte in the payload of each of two records of different groups: behind "PREC", the header, and the first byte.
    const starts: number[] = [];
    for (let at = content.indexOf('PREC'); at !== -1; at = content.indexOf('PREC', at + 1)) starts.push(at);
    expect(log?.segments[0]?.records).toBeDefined();
    for (const start of [starts[0] ?? 0, starts.at(-4) ?? 0]) content[start + 25] = (content[start + 25] ?? 0) ^ 1;
    writeFileSync(file, content);
    const told = await findings();
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(told[0]).toContain(`${basename(file)} ${starts[0]} `);
    expect((await inspect()).log?.segments[0]?.damages.length).toBeGreaterThanOrEqual(2);
  });

  it('without its log, or with that of another, is damaged', async () => {
    await run(1);
    await cluster.stopNode('node1');
    renameSync(join(directory(), 'log'), join(cluster.folder, 'away'));
    expect(await findings()).toEqual([expect.stringContaining('pbft recover')]);
    const other = await TestCluster.start({ nodes: 1 });
    try {
      await other.stopNode('node1');
      renameSync(join(other.directory('node1'), 'log'), join(directory(), 'log'));
    } finally {
      await other.end();
    }
    expect(await findings()).toEqual([expect.stringContaining('belongs to node1 of cluster')]);
  });

  it('with sound records that make no replica is damaged', async () => {
    await run(6);
    await cluster.stopNode('node1');
    // Another configuration of the cluster than the state was made under.
    cluster.configure('node1', (config) => Object.assign(config, { checkpoint_interval: 8 }));
    expect(await findings()).toEqual([expect.stringContaining('another configuration')]);
  });
});
