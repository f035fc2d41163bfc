/** The state of real nodes over HTTP: values as they are here, values that are proven, backups of them, and a new cluster that begins with one. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { afterEach, describe, expect, it } from 'vitest';
import { StateProofBody } from '../../src/api/index.ts';
import { verifyStateProofFile } from '../../src/client/index.ts';
import { describeCluster, readClusterFile } from '../../src/server/config/index.ts';
import { backupNode, restoreNode } from '../../src/server/index.ts';
import type { StatusBody } from '../../src/api/index.ts';
import { must } from '../support/must.ts';
import { eventually, TestCluster } from '../support/nodes.ts';

const clusters: TestCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.end();
});

async function started(): Promise<TestCluster> {
  const cluster = await TestCluster.start();
  clusters.push(cluster);
  return cluster;
}

/** Waits until the state of `name` at its stable checkpoint has all that it executed. */
async function settled(cluster: TestCluster, name: string): Promise<StatusBody> {
  return eventually(`${name} has a stable checkpoint of all`, async () => {
    const status = (await cluster.get(name, '/pbft/status')).json as StatusBody;
    return status.last_executed > 0 && status.low_water_mark === status.last_executed && status;
  });
}

const VALUE = '/pbft/state/value%2Fgreeting';

describe('GET /pbft/state/{key}', () => {
  it('says what is stored here, or that nothing is', async () => {
    const cluster = await started();
    await cluster.execute('node1', { operation: 'put', key: 'greeting', value: 'hello' });
    const { status, json } = await cluster.get('node1', VALUE);
    expect([status, json]).toEqual([
      200,
      { key: { utf8: 'value/greeting' }, value: { utf8: '"hello"' }, as_of_sequence: 1 },
    ]);
    const none = await cluster.get('node1', '/pbft/state/dmFsdWUvbm9uZQ?encoding=base64url');
    expect([none.status, none.json]).toMatchObject([200, { key: { utf8: 'value/none' }, value: null }]);
    const wrong = await cluster.get('node1', '/pbft/state/%21?encoding=base64url');
    expect([wrong.status, wrong.json]).toMatchObject([400, { error: { code: 'invalid_request' } }]);
  });

  it('reads a key of any length that a key may have, and refuses a longer one by name', async () => {
    const cluster = await started();
    const read = async (key: string, encoding = 'utf8'): Promise<readonly unknown[]> => {
      const path = `/pbft/state/${encodeURIComponent(key)}?encoding=${encoding}`;
      const { status, json } = await cluster.get('node1', path);
      return [status, (json as { error?: { code?: unknown } }).error?.code];
    };
    const bytes = (count: number): string => Buffer.alloc(count, 0xff).toString('base64url');
    for (const key of ['k'.repeat(101), 'k'.repeat(1000), 'é'.repeat(500)])
      expect(await read(key)).toEqual([200, undefined]);
    for (const count of [76, 1000]) expect(await read(bytes(count), 'base64url')).toEqual([200, undefined]);
    const refused = [400, 'invalid_request'];
    for (const key of ['k'.repeat(1001), 'é'.repeat(501), 'k'.repeat(1335), 'k'.repeat(10_000)])
      expect(await read(key)).toEqual(refused);
    for (const count of [1001, 1200, 9000]) expect(await read(bytes(count), 'base64url')).toEqual(refused);
    for (const path of ['/pbft/requests/', '/pbft/lab/nodes/']) {
      const long = `${path}${'a'.repeat(10_000)}`;
      const answer = path.includes('lab')
        ? await cluster.post('node1', long, { action: 'kill' })
        : await cluster.get('node1', long);
      expect([answer.status, answer.json]).toMatchObject([400, { error: { code: 'invalid_request' } }]);
    }
  });

  it('proves nothing before there is a stable checkpoint, and then value and absence to whoever has the public keys alone', async () => {
    const cluster = await started();
    const early = await cluster.get('node1', `${VALUE}?proof=true`);
    expect([early.status, early.json]).toMatchObject([503, { error: { code: 'no_stable_checkpoint' } }]);
    await cluster.execute('node1', { operation: 'put', key: 'greeting', value: 'hello' });
    await settled(cluster, 'node2');
    const description = describeCluster(must(readClusterFile(join(cluster.folder, 'data/cluster.json'))));
    for (const [path, value] of [
      [VALUE, Buffer.from('"hello"')],
      ['/pbft/state/nowhere', undefined],
    ] as const) {
      const { status, text, json } = await cluster.get('node2', `${path}?proof=true`);
      expect([status, [...Compile(StateProofBody).Errors(json)]]).toEqual([200, []]);
      const proven = must(verifyStateProofFile(description, text));
      expect(proven.value === undefined ? undefined : Buffer.from(proven.value)).toEqual(value);
      expect(proven.signers.length).toBeGreaterThanOrEqual(3);
      expect(verifyStateProofFile(description, text.replace('"value"', '"other"')).ok).toBe(false);
    }
  });
});

describe('a backup', () => {
  it('of a running node begins a new cluster with the same data, the same on every node', async () => {
    const cluster = await started();
    await cluster.execute('node1', { operation: 'put', key: 'greeting', value: 'hello' });
    await cluster.execute('node1', { operation: 'transfer', amount: 70 });
    await settled(cluster, 'node1');
    const backup = join(cluster.folder, 'backup');
    const about = must(await backupNode(cluster.directory('node1'), backup));
    expect(about).toMatchObject({ node_id: 'node1', sequence: expect.any(Number) as number });
    expect(existsSync(join(backup, 'keys'))).toBe(false);
    expect(await backupNode(cluster.directory('node1'), backup)).toMatchObject({ ok: false });

    const next = await TestCluster.make();
    clusters.push(next);
    const roots = new Set<string>();
    for (const name of next.names) {
      const options = { directory: next.directory(name), backup, oldReplicasGone: false };
      expect(await restoreNode({ ...options, asGenesis: false })).toMatchObject({ ok: false });
      roots.add(must(await restoreNode({ ...options, asGenesis: true })).root);
      expect(await restoreNode({ ...options, asGenesis: true })).toMatchObject({ ok: false });
    }
    expect(roots.size).toBe(1);
    await Promise.all(next.names.map(async (name) => next.startNode(name)));
    await next.ready();
    expect(await next.execute('node3', { operation: 'get', key: 'greeting' })).toMatchObject({
      result: { value: 'hello' },
    });
    expect(await next.execute('node3', { operation: 'transfer', amount: 5 })).toMatchObject({
      result: { to_balance: 75 },
    });
    const status = await settled(next, 'node4');
    expect(status.last_executed).toBeLessThan(about.sequence + 4);
  });

  it('replaces the state of one node that lost its disk, which then has to recover', async () => {
    const cluster = await started();
    await cluster.execute('node1', { operation: 'put', key: 'greeting', value: 'hello' });
    await settled(cluster, 'node4');
    const backup = join(cluster.folder, 'backup');
    const about = must(await backupNode(cluster.directory('node4'), backup));
    await cluster.stopNode('node4');
    const options = { directory: cluster.directory('node4'), backup, asGenesis: false, oldReplicasGone: false };
    expect(await restoreNode(options)).toMatchObject({ ok: false });
    for (const name of ['log', 'state']) rmSync(join(cluster.directory('node4'), name), { recursive: true });
    expect(must(await restoreNode(options))).toMatchObject({ nodeId: 'node4', root: about.root });
    await expect(cluster.startNode('node4')).rejects.toThrow(/recover/);
  });
});
