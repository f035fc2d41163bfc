/** `POST /pbft/request` and `GET /pbft/requests/{id}` on four real nodes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Compile } from 'typebox/compile';
import { ExecutedBody, RequestStatusBody, StartedBody, StatusBody } from '../../src/api/index.ts';
import { eventually, TestCluster } from '../support/nodes.ts';
import type { HttpAnswer } from '../support/nodes.ts';

const HEX = /^[0-9a-f]{64}$/;
const TRANSFER = { operation: 'transfer', amount: 100 };

interface Answered {
  readonly request_id: string;
  readonly sequence: number;
  readonly digest: string;
  readonly replies: readonly string[];
  readonly result: { readonly balance?: number; readonly error?: { readonly code: string } };
}

const answered = ({ json }: HttpAnswer): Answered => json as Answered;

async function balanceAt(cluster: TestCluster, name: string): Promise<number | undefined> {
  const { json } = await cluster.post(name, '/pbft/request?wait=true', { operation: 'balance', account: 'default' });
  return (json as Answered).result.balance;
}

describe('requests', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start();
  });
  afterAll(async () => cluster.end());

  it('are answered 202 as soon as they have a sequence number', async () => {
    const before = (await cluster.status('node1')) as { readonly sequence: number };
    const answer = await cluster.post('node1', '/pbft/request', TRANSFER);
    expect(answer.status).toBe(202);
    expect(Compile(StartedBody).Check(answer.json)).toBe(true);
    expect(answer.json).toMatchObject({
      status: 'consensus_started',
      sequence: before.sequence + 1,
      digest: expect.stringMatching(HEX) as string,
    });
  });

  it.each(['node1', 'node2', 'node3', 'node4'])(
    'are executed for whoever waits at %s, with f+1 repliers',
    async (name) => {
      const before = (await balanceAt(cluster, name)) ?? NaN;
      const answer = await cluster.post(name, '/pbft/request?wait=true', TRANSFER);
      expect(answer.status).toBe(200);
      expect(Compile(ExecutedBody).Check(answer.json)).toBe(true);
      expect(answer.json).toMatchObject({ status: 'executed', consensus: true, view: 0 });
      expect(answered(answer).replies.length).toBeGreaterThanOrEqual(2);
      expect(await balanceAt(cluster, name)).toBe(before + 100);
    },
  );

  it('move the state of every node to the same root', async () => {
    await cluster.post('node2', '/pbft/request?wait=true', TRANSFER);
    const roots = await eventually('all nodes at one root', async () => {
      const all = await Promise.all(cluster.names.map(async (name) => cluster.status(name)));
      const same = all.every(
        (one) => one['state_root'] === all[0]?.['state_root'] && one['state_root_sequence'] === one['last_executed'],
      );
      return same && all;
    });
    expect(roots.every((status) => Compile(StatusBody).Check(status))).toBe(true);
  });

  it('that the application refuses were ordered: 200 with result.error', async () => {
    const answer = await cluster.post('node3', '/pbft/request?wait=true', { operation: 'nonsense' });
    expect(answer.status).toBe(200);
    expect(answered(answer).result.error?.code).toBe('unknown_operation');
  });

  it('can be followed at any node, phase by phase', async () => {
    const { request_id: id, sequence } = answered(await cluster.post('node2', '/pbft/request?wait=true', TRANSFER));
    for (const name of cluster.names) {
      const found = await eventually(`${name} has executed it`, async () => {
        const answer = await cluster.get(name, `/pbft/requests/${id}`);
        return (answer.json as { status?: string }).status === 'executed' && answer;
      });
      expect(Compile(RequestStatusBody).Check(found.json)).toBe(true);
      expect(found.json).toMatchObject({
        request_id: id,
        sequence,
        outcome: 'executed',
        phases: {
          pre_prepare: { done: true, nodes: ['node1'] },
          prepare: { done: true, needed: 2 },
          commit: { done: true, needed: 3 },
        },
      });
    }
    expect((await cluster.get('node2', `/pbft/requests/${id}`)).json).toMatchObject({
      phases: { reply: { done: true, needed: 2 } },
      result: { amount: 100 },
    });
  });

  it.each(['0'.repeat(64), 'nonsense', '0'.repeat(65)])('that are not known are 404: %s', async (id) => {
    const answer = await cluster.get('node1', `/pbft/requests/${id}`);
    expect([answer.status, (answer.json as { error: { code: string } }).error.code]).toEqual([
      404,
      'unknown_or_forgotten',
    ]);
  });

  it('under way in great number all end, each once', async () => {
    const before = (await balanceAt(cluster, 'node1')) ?? NaN;
    const answers = await Promise.all(
      Array.from({ length: 500 }, async () =>
        cluster.post('node4', '/pbft/request?wait=true&timeout_ms=20000', { operation: 'transfer', amount: 1 }),
      ),
    );
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(await balanceAt(cluster, 'node1')).toBe(before + 500);
    for (const name of cluster.names) {
      const suspicions = (await cluster.status(name))['suspicions'] as readonly { readonly kind: string }[];
      // A busy machine may make a node slow; it makes none send what is malformed or false.
      expect(suspicions.filter(({ kind }) => kind !== 'unresponsive')).toEqual([]);
    }
  });
});

describe('an Idempotency-Key', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start();
  });
  afterAll(async () => cluster.end());

  it('gives the first outcome again, at any node, and executes nothing', async () => {
    const key = { 'idempotency-key': 'key 1' };
    const first = await cluster.post('node1', '/pbft/request?wait=true', TRANSFER, key);
    expect(first.headers.get('idempotent-replay')).toBeNull();
    for (const name of cluster.names) {
      const again = await cluster.post(name, '/pbft/request?wait=true', TRANSFER, key);
      expect([again.status, again.headers.get('idempotent-replay')]).toEqual([200, 'true']);
      expect(answered(again).result).toEqual(answered(first).result);
    }
    expect(await balanceAt(cluster, 'node1')).toBe(100);
  });

  it('is known to those who do not wait, too', async () => {
    const key = { 'idempotency-key': 'key 2' };
    const first = await cluster.post('node1', '/pbft/request', TRANSFER, key);
    const again = await cluster.post('node2', '/pbft/request', TRANSFER, key);
    expect([first.status, first.headers.get('idempotent-replay')]).toEqual([202, null]);
    expect([again.status, again.headers.get('idempotent-replay')]).toEqual([202, 'true']);
    expect(await balanceAt(cluster, 'node3')).toBe(200);
  });

  it.each(['', '?wait=true'])('with another body is refused: 422 (%s)', async (query) => {
    const key = { 'idempotency-key': `key 3${query}` };
    await cluster.post('node1', '/pbft/request?wait=true', TRANSFER, key);
    const other = await cluster.post('node2', `/pbft/request${query}`, { operation: 'transfer', amount: 7 }, key);
    expect([other.status, (other.json as { error: { code: string } }).error.code]).toEqual([
      422,
      'idempotency_key_reused',
    ]);
  });
});

describe('a cluster that cannot decide', () => {
  it('answers 503 when a request was surely not submitted, 504 when its outcome is unknown, and decides it later', async () => {
    const cluster = await TestCluster.start();
    try {
      await cluster.stopNode('node3');
      const { json: status } = await cluster.get('node2', '/healthz');
      expect(status).toMatchObject({ status: 'live' });
      await cluster.stopNode('node4');
      await eventually(
        'node2 has noticed',
        async () => ((await cluster.status('node2'))['connected_peers'] as string[]).length === 1,
      );
      const refused = await cluster.post('node2', '/pbft/request', TRANSFER);
      expect([refused.status, (refused.json as { error: { code: string } }).error.code]).toEqual([
        503,
        'not_submitted',
      ]);
      expect(refused.headers.get('retry-after')).toMatch(/^[0-9]+$/);
      const unready = await cluster.get('node2', '/readyz');
      expect([unready.status, (unready.json as { error: { code: string } }).error.code]).toEqual([503, 'not_ready']);
      await cluster.startNode('node3');
      await cluster.ready();
      const executed = await cluster.post('node2', '/pbft/request?wait=true', TRANSFER);
      expect(executed.status).toBe(200);
    } finally {
      await cluster.end();
    }
  });

  it('tells the request_id when time is over, by which the outcome can be asked for', async () => {
    const cluster = await TestCluster.start();
    try {
      // With two liars that say nothing no quorum votes, although all links stand.
      for (const target of ['node3', 'node4']) {
        await cluster.post(target, '/pbft/simulate-byzantine', { node_id: target, behaviour: 'silent' });
      }
      const late = await cluster.post('node2', '/pbft/request?wait=true&timeout_ms=300', TRANSFER);
      expect(late.status).toBe(504);
      const { code, details } = (late.json as { error: { code: string; details: { request_id: string } } }).error;
      expect(code).toBe('outcome_unknown');
      for (const target of ['node3', 'node4']) {
        await cluster.post(target, '/pbft/simulate-byzantine', {
          node_id: target,
          behaviour: 'silent',
          enabled: false,
        });
      }
      await eventually('it is executed after all', async () => {
        const { json } = await cluster.get('node2', `/pbft/requests/${details.request_id}`);
        return (json as { status?: string }).status === 'executed';
      });
    } finally {
      await cluster.end();
    }
  });

  it('takes no more requests than it has room for, and says that the others were surely not submitted', async () => {
    const cluster = await TestCluster.start({}, { pendingRequests: 3 });
    try {
      for (const target of ['node3', 'node4']) {
        await cluster.post(target, '/pbft/simulate-byzantine', { node_id: target, behaviour: 'silent' });
      }
      const answers = await Promise.all(
        Array.from({ length: 8 }, async () =>
          cluster.post('node2', '/pbft/request?wait=true&timeout_ms=500', TRANSFER),
        ),
      );
      const statuses = answers.map(({ status }) => status).toSorted((left, right) => left - right);
      expect(statuses).toEqual([503, 503, 503, 503, 503, 504, 504, 504]);
    } finally {
      await cluster.end();
    }
  });
});
