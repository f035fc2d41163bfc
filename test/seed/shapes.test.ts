/** The four messages as the project's first document shows them: its field names, in the JSON that nodes show and take. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LogBody } from '../../src/api/index.ts';
import { eventually, TestCluster } from '../support/nodes.ts';

const DIGEST = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
const SIGNATURE = expect.stringMatching(/^(?:ed25519|mac):[A-Za-z0-9_-]+$/) as string;

type Message = Readonly<Record<string, unknown>>;

describe.each(['mac', 'signature'] as const)('message shapes, authentication %s', (authentication) => {
  let cluster: TestCluster;
  let messages: readonly Message[];
  beforeAll(async () => {
    cluster = await TestCluster.start({ authentication });
    await cluster.post('node1', '/pbft/request?wait=true', '{"operation": "transfer", "amount": 100}');
    messages = await eventually('node2 has replied', async () => {
      const body = (await cluster.get('node2', '/pbft/log?messages=true')).json as LogBody;
      const recorded = (body.messages ?? []).map(({ message }) => message as Message);
      return recorded.some(({ type }) => type === 'replies') && recorded;
    });
  });
  afterAll(async () => cluster.end());

  const first = (type: string): Message | undefined => messages.find((message) => message['type'] === type);

  test('PRE-PREPARE: type, view, sequence, digest, request, timestamp in seconds, signature', () => {
    const message = first('pre-prepare');
    expect(message).toMatchObject({
      type: 'pre-prepare',
      view: 0,
      sequence: 1,
      digest: DIGEST,
      request: { operation: 'transfer', amount: 100 },
      signature: SIGNATURE,
    });
    const timestamp = Number(message?.['timestamp']);
    expect(Math.abs(timestamp - Date.now() / 1000)).toBeLessThan(60);
    expect(timestamp * 1000).toBeCloseTo(Math.round(timestamp * 1000), 3);
  });

  test.each(['prepare', 'commit'])('%s: type, view, sequence, digest, node_id, signature, and nothing else', (type) => {
    const message = first(type);
    expect(message).toEqual({
      type,
      view: 0,
      sequence: 1,
      digest: first('pre-prepare')?.['digest'],
      node_id: expect.stringMatching(/^node[1-4]$/) as string,
      signature: SIGNATURE,
    });
    expect(Object.keys(message ?? {})).toEqual(['type', 'view', 'sequence', 'digest', 'node_id', 'signature']);
  });

  test('REPLY: view, sequence, result "executed", node_id, no type; one MAC or signature proves all that travel together', () => {
    const together = first('replies');
    const [reply] = (together?.['replies'] ?? []) as readonly Message[];
    expect(reply).toMatchObject({ view: 0, sequence: 1, result: 'executed', node_id: 'node2' });
    expect(reply).not.toHaveProperty('type');
    const tree = together?.['tree_signature'] as Message | undefined;
    expect(authentication === 'mac' ? together?.['signature'] : tree?.['signature']).toEqual(SIGNATURE);
  });
});
