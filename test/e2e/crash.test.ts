import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, isAlive, Workplace } from './local-cluster.ts';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await place.clear();
});

/** Sends transfers of 1 one after the other from `clients` clients until told to stop; says how many were executed. */
function load(clients: number, gateway: string): { readonly stop: () => Promise<number> } {
  let isRunning = true;
  let key = 0;
  const work = async (): Promise<number> => {
    let executed = 0;
    while (isRunning) {
      key += 1;
      const headers = { 'idempotency-key': `load-${key}` };
      const body = { operation: 'transfer', to: 'load', amount: 1 };
      await eventually('a transfer is executed', async () => {
        const answer = await place.post(gateway, '/pbft/request?wait=true', body, headers);
        return answer.body['status'] === 'executed';
      });
      executed += 1;
    }
    return executed;
  };
  const workers = Array.from({ length: clients }, work);
  return {
    stop: async () => {
      isRunning = false;
      const counts = await Promise.all(workers);
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}

test('[PROTOCOL: durability] a backup killed under load comes back by itself, takes part and agrees', async () => {
  const up = await place.up();
  const running = load(4, 'node1');
  await eventually('some requests', async () => (await place.status('node1')).last_executed > 20);
  const pid = place.pid('node3');
  process.kill(pid, 'SIGKILL');
  await eventually('node3 is back', () => up.stderr.includes('node3 is back'));
  expect(place.pid('node3')).not.toBe(pid);
  const { last_executed: then } = await place.status('node1');
  await eventually('node3 executes what came after', async () => (await place.status('node3')).last_executed > then);
  const executed = await running.stop();
  expect(await place.balance('node3', 'load')).toBe(executed);
  const statuses = await place.sameRoots();
  expect(statuses.flatMap(({ suspicions }) => suspicions.filter(({ certainty }) => certainty === 'certain'))).toEqual(
    [],
  );
  // It votes again: with another one silent, the quorum needs it.
  process.kill(place.pid('node4'), 'SIGSTOP');
  const needed = await place.post('node1', '/pbft/request?wait=true', { operation: 'transfer', to: 'load', amount: 1 });
  process.kill(place.pid('node4'), 'SIGCONT');
  expect(needed.body).toMatchObject({ status: 'executed', result: { to_balance: executed + 1 } });
});

test('[G20] everything killed at once and started again: same balances, next sequence', async () => {
  const up = await place.up();
  const running = load(4, 'node2');
  await eventually('some requests', async () => (await place.status('node1')).last_executed > 20);
  const executed = await running.stop();
  const before = await place.balance('node1', 'load');
  expect(before).toBe(executed);
  const { last_executed: last } = await place.status('node1');
  await place.killAll(up);
  await place.up();
  expect(await place.balance('node4', 'load')).toBe(executed);
  const next = await place.post('node3', '/pbft/request?wait=true', { operation: 'transfer', to: 'load', amount: 1 });
  expect(next.body).toMatchObject({ status: 'executed', result: { to_balance: executed + 1 } });
  expect(next.body['sequence']).toBeGreaterThan(last);
  const statuses = await place.sameRoots();
  expect(statuses.flatMap(({ suspicions }) => suspicions.filter(({ certainty }) => certainty === 'certain'))).toEqual(
    [],
  );
});

test('[G09] an idempotency key, its node killed, the same request at another node: one transfer', async () => {
  await place.up();
  const pay = { operation: 'transfer', to: 'landlord', amount: 750 };
  const headers = { 'idempotency-key': 'rent-2026-11' };
  const first = place.post('node2', '/pbft/request?wait=true', pay, headers).catch(() => undefined);
  await eventually('it is on its way', async () => (await place.status('node1')).sequence >= 1);
  process.kill(place.pid('node2'), 'SIGKILL');
  await first;
  const again = await place.post('node3', '/pbft/request?wait=true', pay, headers);
  expect(again).toMatchObject({ status: 200, body: { status: 'executed', result: { to_balance: 750 } } });
  expect(again.headers.get('idempotent-replay')).toBe('true');
  expect(await place.balance('node4', 'landlord')).toBe(750);
  const other = await place.post('node4', '/pbft/request?wait=true', { ...pay, amount: 1 }, headers);
  expect(other.status).toBe(422);
});

test('a node that dies again and again stays down, and the others go on', async () => {
  const up = await place.up();
  for (let death = 1; death <= 5; death += 1) {
    const pid = await eventually('node4 has a process', () => {
      const now = place.pid('node4');
      return isAlive(now) && now;
    });
    process.kill(pid, 'SIGKILL');
    await eventually('it is gone', () => !isAlive(pid));
    const sign = death < 5 ? `${'node4 is back'}` : 'node4 died 5 times within a minute and stays down';
    await eventually(sign, () => up.stderr.split(sign).length > (death < 5 ? death : 1));
  }
  const answer = await place.post('node1', '/pbft/request?wait=true', { operation: 'transfer', amount: 1 });
  expect(answer.body).toMatchObject({ status: 'executed' });
});
