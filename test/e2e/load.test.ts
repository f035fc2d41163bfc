import { afterEach, beforeEach, expect, test } from 'vitest';
import { Workplace } from './local-cluster.ts';

/** All of it in CI; a tenth, which finds the same faults, where somebody waits. */
const REQUESTS = process.env['CI'] === undefined ? 1000 : 10_000;
const CLIENTS = 50;

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await place.clear();
});

test(`${REQUESTS} requests through one node from ${CLIENTS} clients: none lost, none twice, all nodes at the same root`, async () => {
  await place.up();
  let next = 0;
  const results: unknown[] = [];
  const work = async (): Promise<void> => {
    while (next < REQUESTS) {
      next += 1;
      const { status, body } = await place.post('node1', '/pbft/request?wait=true', {
        operation: 'transfer',
        to: 'crowd',
        amount: 1,
      });
      results.push(status === 200 ? (body['result'] as { to_balance: number }).to_balance : body);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, work));
  // Each transfer saw its own balance after it: every number from 1 to the last, each once.
  expect(results.toSorted((left, right) => Number(left) - Number(right))).toEqual(
    Array.from({ length: REQUESTS }, (_, index) => index + 1),
  );
  const statuses = await place.sameRoots(30_000);
  expect(statuses.flatMap(({ suspicions }) => suspicions.filter(({ certainty }) => certainty === 'certain'))).toEqual(
    [],
  );
  expect(await place.balance('node4', 'crowd')).toBe(REQUESTS);
}, 300_000);
