/** Read-only requests over HTTP, in a cluster that answers them without ordering and in one that does not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestCluster } from '../support/nodes.ts';

const GET = '{"operation":"get","key":"a"}';
const READ = '/pbft/request?read_only=true&timeout_ms=60000';

interface Told {
  readonly status?: string;
  readonly sequence?: number;
  readonly replies?: readonly string[];
  readonly result?: { readonly value?: unknown; readonly error?: { readonly code?: string } };
}

async function put(cluster: TestCluster, value: number): Promise<Told> {
  const body = JSON.stringify({ operation: 'put', key: 'a', value });
  return (await cluster.post('node1', '/pbft/request?wait=true&timeout_ms=60000', body)).json as Told;
}

describe('where read-only requests are on', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ readOnlyRequests: true });
  });
  afterAll(async () => cluster.end());

  it('a write takes a quorum of replies, and every read after it sees it, at every node', async () => {
    for (const value of [1, 2, 3]) {
      const written = await put(cluster, value);
      expect(written.replies?.length).toBeGreaterThanOrEqual(3);
      for (const name of ['node1', 'node2', 'node3', 'node4']) {
        const answer = await cluster.post(name, READ, GET);
        const told = answer.json as Told;
        expect([answer.status, told.result?.value]).toEqual([200, value]);
        expect(told.sequence).toBeGreaterThanOrEqual(written.sequence ?? NaN);
      }
    }
  });

  it('is refused under an idempotency key, and nothing is submitted', async () => {
    const { sequence = NaN } = await put(cluster, 5);
    const answer = await cluster.post('node1', READ, GET, { 'idempotency-key': 'k1' });
    expect([answer.status, answer.json]).toMatchObject([400, { error: { code: 'idempotency_key_for_read' } }]);
    expect((await put(cluster, 6)).sequence).toBe(sequence + 1);
  });

  it('is refused with wait=false, which it could not keep to, and taken with wait=true', async () => {
    const refused = await cluster.post('node1', `${READ}&wait=false`, GET);
    expect([refused.status, refused.json]).toMatchObject([
      400,
      { error: { code: 'invalid_request', details: { problems: [{ in: 'querystring', field: 'wait' }] } } },
    ]);
    expect((await cluster.post('node1', `${READ}&wait=true`, GET)).status).toBe(200);
  });

  it('is answered without being ordered', async () => {
    const { sequence: before = NaN } = await put(cluster, 7);
    let ordered = 0;
    // A machine that has too much to do may take longer than a read is given: then it is ordered after all.
    const told = await eventually('a read that is not ordered', async () => {
      const answer = (await cluster.post('node2', READ, GET)).json as Told;
      if (answer.status === 'read') return answer;
      ordered += 1;
      return undefined;
    });
    expect(told).toMatchObject({ sequence: before + ordered, result: { value: 7 } });
    expect(told.replies?.length).toBeGreaterThanOrEqual(3);
    expect((await put(cluster, 8)).sequence).toBe(before + ordered + 1);
  });
});

describe('where they are off', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ nodes: 4 });
  });
  afterAll(async () => cluster.end());

  it('a read-only request is ordered like any other', async () => {
    const { sequence = NaN } = await put(cluster, 1);
    const told = (await cluster.post('node1', READ, GET)).json as Told;
    expect(told).toMatchObject({ status: 'executed', sequence: sequence + 1, result: { value: 1 } });
  });
});
