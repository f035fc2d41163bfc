/** `POST /pbft/message`: a protocol message in its JSON form is taken like any other, and what is wrong with it is named. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, TestCluster } from '../support/nodes.ts';
import type { HttpAnswer } from '../support/nodes.ts';

type Message = Readonly<Record<string, unknown>>;
interface Recorded {
  readonly direction: 'sent' | 'received';
  readonly peer: string;
  readonly message: Message;
}

const codeOf = ({ status, json }: HttpAnswer): readonly unknown[] => [
  status,
  (json as { error?: { code?: unknown } }).error?.code,
];

describe.each(['mac', 'signature'] as const)('POST /pbft/message, authentication %s', (authentication) => {
  let cluster: TestCluster;
  beforeAll(async () => {
    // No idle checkpoint: it would move the marks while the test looks at them.
    cluster = await TestCluster.start({ authentication, tuning: { idle_checkpoint_ms: 600_000 } });
    await cluster.execute('node1', { operation: 'transfer', amount: 100 });
    await eventually('node2 has executed it', async () => (await cluster.status('node2'))['last_executed'] === 1);
  });
  afterAll(async () => cluster.end());

  /** What node2 recorded of slot 1. */
  async function recorded(direction: Recorded['direction'], type: string, peer?: string): Promise<Message> {
    const { json } = await cluster.get('node2', '/pbft/log?from=1&to=1&messages=true');
    const { messages } = json as { messages: readonly Recorded[] };
    const found = messages.find(
      (one) => one.direction === direction && one.message['type'] === type && (peer ?? one.peer) === one.peer,
    );
    if (found === undefined) throw new Error(`node2 recorded no ${type} ${direction}`);
    return found.message;
  }

  let before: readonly unknown[];
  const marks = async (): Promise<readonly unknown[]> => {
    const { sequence, last_executed, view, byzantine_nodes } = await cluster.status('node2');
    return [sequence, last_executed, view, byzantine_nodes];
  };
  beforeEach(async () => {
    before = await marks();
  });
  afterEach(async () => {
    const after = await marks();
    if (JSON.stringify(after) !== JSON.stringify(before))
      throw new Error(`it changed something: ${JSON.stringify([before, after])}`);
  });

  it.each(['pre-prepare', 'prepare', 'commit'])('takes a recorded %s again as a duplicate', async (type) => {
    const message = await recorded('received', type);
    const answer = await cluster.post('node2', '/pbft/message', message);
    expect([answer.status, answer.json]).toEqual([200, { status: 'duplicate' }]);
  });

  it('takes a STATUS, which changes nothing', async () => {
    const found = await eventually('a STATUS was recorded', async () => {
      const { json } = await cluster.get('node2', '/pbft/log?messages=true');
      return (json as { messages: readonly Recorded[] }).messages.find(
        (one) => one.direction === 'received' && one.message['type'] === 'status',
      );
    });
    const answer = await cluster.post('node2', '/pbft/message', found.message);
    expect([answer.status, answer.json]).toEqual([202, { status: 'accepted' }]);
  });

  it.each([
    ['an altered digest', { digest: 'f'.repeat(64) }],
    ['an altered view', { view: 1 }],
    ['an altered sequence', { sequence: 2 }],
    ['another author', { node_id: 'node3' }],
  ])('refuses a COMMIT with %s: its proof covers every field', async (_, change) => {
    const message = await recorded('received', 'commit', 'node1');
    expect(codeOf(await cluster.post('node2', '/pbft/message', { ...message, ...change }))).toEqual([
      401,
      'not_authentic',
    ]);
  });

  it('refuses a message without proof, with one of the wrong kind, and with one made for another node', async () => {
    const { signature: _, ...unsigned } = await recorded('received', 'commit');
    expect(codeOf(await cluster.post('node2', '/pbft/message', unsigned))).toEqual([401, 'not_authentic']);
    const otherKind = authentication === 'mac' ? `ed25519:${'A'.repeat(86)}` : `mac:${'A'.repeat(43)}`;
    expect(codeOf(await cluster.post('node2', '/pbft/message', { ...unsigned, signature: otherKind }))).toEqual([
      401,
      'not_authentic',
    ]);
    const own = await recorded('sent', 'commit');
    expect(codeOf(await cluster.post('node2', '/pbft/message', own))).toEqual([401, 'not_authentic']);
  });

  it('refuses what is no message', async () => {
    const commit = await recorded('received', 'commit');
    const cases: readonly unknown[] = [
      {},
      { type: 'nonsense' },
      { ...commit, extra: 1 },
      { ...commit, view: -1 },
      { ...commit, view: 1.5 },
      { ...commit, view: '0' },
      { ...commit, sequence: 2 ** 53 },
      { ...commit, digest: 'XYZ' },
      { ...commit, digest: 'A'.repeat(64) },
      { ...commit, node_id: 'node0' },
      { ...commit, signature: 'sig_node2_...' },
      { ...commit, type: 'prepare' },
      [commit],
      'commit',
      null,
    ];
    for (const message of cases) {
      const answer = await cluster.post('node2', '/pbft/message', JSON.stringify(message));
      expect([answer.status, (message as { type?: string } | null)?.type]).toEqual([
        expect.toSatisfy((status) => status === 400 || status === 401),
        (message as { type?: string } | null)?.type,
      ]);
    }
    const named = await cluster.post('node2', '/pbft/message', { ...commit, view: -1 });
    expect(named.json).toMatchObject({
      error: { code: 'malformed_message', details: { reason: expect.stringContaining('view') as string } },
    });
  });

  it('refuses what is nested too deep or repeats fields without end, and goes on serving', async () => {
    const prePrepare = await recorded('received', 'pre-prepare');
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    for (const body of [
      deep,
      `{"type":"pre-prepare","request":${deep}}`,
      JSON.stringify({ ...prePrepare, request: 0 }).replace('"request":0', `"request":${deep}`),
    ]) {
      const { status } = await cluster.post('node2', '/pbft/message', body);
      expect([400, 401]).toContain(status);
    }
    const many = { ...prePrepare, requests: Array.from({ length: 20_000 }, () => ({})), request: undefined };
    expect([400, 401, 413]).toContain((await cluster.post('node2', '/pbft/message', many)).status);
    expect((await cluster.get('node2', '/healthz')).status).toBe(200);
  });

  it('refuses a REPLY and SIMULATE-BYZANTINE at this door', async () => {
    const order = { type: 'simulate-byzantine', node_id: 'node1', target: 'node2', behaviour: 'silent', enabled: true };
    const { status } = await cluster.post('node2', '/pbft/message', order);
    expect([400, 401, 409]).toContain(status);
  });

  it('refuses a body above its limit', async () => {
    const body = `{"type":"commit","x":"${'x'.repeat(1_100_000)}"}`;
    expect(codeOf(await cluster.post('node2', '/pbft/message', body))).toEqual([413, 'body_too_large']);
  });
});
