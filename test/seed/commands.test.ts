/**
 * The commands of the project's first document ("Testing PBFT"), with its very bodies, as an HTTP client sends them; and what it says of three
 * nodes. test/e2e runs them against real processes.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually, TestCluster } from '../support/nodes.ts';

const REQUEST = '{"operation": "transfer", "amount": 100}';

describe('Testing PBFT, on four nodes', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start();
  });
  afterAll(async () => cluster.end());

  test('Quick Status Check: primary node1, is_primary true, view 0, sequence 0, f 1, quorum_size 3', async () => {
    const { status, json } = await cluster.get('node1', '/pbft/status');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      node_id: 'node1',
      primary: 'node1',
      is_primary: true,
      view: 0,
      sequence: 0,
      f: 1,
      quorum_size: 3,
      byzantine_nodes: [],
    });
    expect(await cluster.status('node2')).toMatchObject({ node_id: 'node2', primary: 'node1', is_primary: false });
  });

  test('Submit Request: consensus_started, sequence 1, a digest', async () => {
    const { status, json } = await cluster.post('node1', '/pbft/request', REQUEST);
    expect(status).toBe(202);
    expect(json).toMatchObject({
      status: 'consensus_started',
      sequence: 1,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    expect(await cluster.status('node1')).toMatchObject({ sequence: 1 });
  });

  test('Simulate Byzantine Node: byzantine_nodes contains node2 afterwards', async () => {
    const { status } = await cluster.post('node1', '/pbft/simulate-byzantine', '{"node_id": "node2"}');
    expect(status).toBe(200);
    expect((await cluster.status('node1'))['byzantine_nodes']).toEqual(['node2']);
  });

  test('with node2 lying, requests still execute with consensus, and the digest mismatch is seen by the others', async () => {
    const { json } = await cluster.post('node1', '/pbft/request?wait=true', REQUEST);
    expect(json).toMatchObject({ consensus: true, result: { amount: 100 } });
    for (const name of ['node1', 'node3', 'node4']) {
      await eventually(`${name} marks node2`, async () =>
        ((await cluster.status(name))['byzantine_nodes'] as string[]).includes('node2'),
      );
    }
  });
});

describe('on three nodes', () => {
  let cluster: TestCluster;
  afterEach(async () => cluster.end());

  test('f is 0 and the quorum 2; one node may crash and requests still execute', async () => {
    cluster = await TestCluster.start({ nodes: 3 });
    expect(await cluster.status('node1')).toMatchObject({ n: 3, f: 0, quorum_size: 2, warnings: [] });
    await cluster.stopNode('node3');
    expect(await cluster.execute('node1', { operation: 'transfer', amount: 100 })).toMatchObject({ consensus: true });
  });

  test('the quorum is 1 only under the rule 2f+1, with a warning in the status', async () => {
    cluster = await TestCluster.start({ nodes: 3, quorumRule: '2f+1' });
    const status = await cluster.status('node1');
    expect(status).toMatchObject({ f: 0, quorum_size: 1, quorum_rule: '2f+1' });
    expect((status['warnings'] as string[]).join(' ')).toContain('2f+1');
    expect(await cluster.execute('node1', { operation: 'transfer', amount: 100 })).toMatchObject({ consensus: true });
  });
});
