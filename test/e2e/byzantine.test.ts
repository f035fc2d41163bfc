import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, Workplace } from './local-cluster.ts';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await place.clear();
});

test('after simulate-byzantine on node2 the next requests execute, and every other node names node2 with kind, view, sequence and evidence', async () => {
  await place.up();
  const switched = await place.post('node1', '/pbft/simulate-byzantine', { node_id: 'node2' });
  expect(switched).toMatchObject({
    status: 200,
    body: { node_id: 'node2', enabled: true, byzantine_nodes: ['node2'], exceeds_f: false },
  });
  for (let amount = 1; amount <= 5; amount += 1) {
    const { body } = await place.post('node3', '/pbft/request?wait=true', { operation: 'transfer', to: 'x', amount });
    expect(body).toMatchObject({
      status: 'executed',
      consensus: true,
      result: { to_balance: (amount * (amount + 1)) / 2 },
    });
  }
  for (const name of ['node1', 'node3', 'node4']) {
    const named = await eventually(`${name} names node2`, async () => {
      const { suspicions, byzantine_nodes: nodes } = await place.status(name);
      return (
        nodes.includes('node2') &&
        suspicions.find(({ node_id: node, certainty }) => node === 'node2' && certainty === 'certain')
      );
    });
    expect(named).toMatchObject({ kind: 'false-vote', view: 0 });
    expect(named.sequence).toBeGreaterThan(0);
    expect(named.evidence).toContain('node2');
    const { suspicions } = await place.status(name);
    expect(suspicions.filter(({ node_id: node, certainty }) => node !== 'node2' && certainty === 'certain')).toEqual(
      [],
    );
  }
  expect((await place.status('node1')).byzantine_nodes).toEqual(['node2']);
});
