import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, Workplace } from './local-cluster.ts';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await place.clear();
});

test('a request with an Idempotency-Key, its node killed before it answers, the same request at another node: one transfer', async () => {
  await place.up();
  const headers = { 'idempotency-key': 'rent, May' };
  const transfer = { operation: 'transfer', to: 'landlord', amount: 100 };
  const first = place.post('node2', '/pbft/request?wait=true', transfer, headers).then(
    ({ status }) => status,
    () => 'its node died',
  );
  // As soon as any other node has seen it ordered, its own dies: whether it still answers is a matter of microseconds.
  await eventually('node1 has ordered it', async () => (await place.status('node1')).sequence >= 1);
  process.kill(place.pid('node2'), 'SIGKILL');
  expect([200, 'its node died']).toContain(await first);
  const again = await place.post('node3', '/pbft/request?wait=true', transfer, headers);
  expect(again).toMatchObject({ status: 200, body: { consensus: true, result: { amount: 100 } } });
  expect(again.headers.get('idempotent-replay')).toBe('true');
  expect(await place.balance('node4', 'landlord')).toBe(100);
  const other = await place.post('node4', '/pbft/request?wait=true', { ...transfer, amount: 200 }, headers);
  expect(other).toMatchObject({ status: 422, body: { error: { code: 'idempotency_key_reused' } } });
});
