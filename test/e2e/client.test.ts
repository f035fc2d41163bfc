import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PbftClient } from '../../src/client/index.ts';
import type { Outcome } from '../../src/client/index.ts';
import { Identity } from '../../src/node/index.ts';
import { describeCluster, readClusterFile } from '../../src/server/config/index.ts';
import { must } from '../support/must.ts';
import { eventually, Workplace } from './local-cluster.ts';

let place: Workplace;
let client: PbftClient | undefined;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await client?.close();
  await place.clear();
});

/** More than there are sessions, so that some wait for one. */
const REQUESTS = 300;
/** Two cores that have other things to do as well are slow, and no reason to give up. */
const PATIENT = { timeoutMs: 45_000 };

/** A client with a key that nobody has listed, over links of its own. */
function connect(): PbftClient {
  const cluster = describeCluster(must(readClusterFile(join(place.folder, 'pbft-data/cluster.json'))));
  client = new PbftClient({ cluster, identity: Identity.generate() });
  return client;
}

const bytesOf = (operation: object): Uint8Array => Buffer.from(JSON.stringify(operation));
const resultOf = (outcome: Outcome): unknown =>
  outcome.kind === 'executed' ? JSON.parse(Buffer.from(outcome.result).toString('utf8')) : outcome;

test.each([
  ['mac', 'blake2b-256'],
  ['mac', 'hmac-sha256'],
  ['signature', 'blake2b-256'],
])('the client library over its own links, with a node killed meanwhile (%s, %s)', async (mode, mac) => {
  const up = await place.up('--authentication', mode, '--mac', mac);
  const native = connect();
  const transfers = Array.from({ length: REQUESTS }, async () =>
    native.submit(bytesOf({ operation: 'transfer', to: 'native', amount: 1 }), PATIENT),
  );
  process.kill(place.pid('node4'), 'SIGKILL');
  const outcomes = await Promise.all(transfers);
  expect(outcomes.filter(({ kind }) => kind !== 'executed')).toEqual([]);
  const balances = outcomes.map((outcome) => (resultOf(outcome) as { to_balance: number }).to_balance);
  expect(balances.toSorted((left, right) => left - right)).toEqual(
    Array.from({ length: REQUESTS }, (_, index) => index + 1),
  );
  await eventually('node4 is back', () => up.stderr.includes('node4 is back'));
  const again = await native.submit(bytesOf({ operation: 'balance', account: 'native' }), { receipt: true });
  expect(resultOf(again)).toEqual({ account: 'native', balance: REQUESTS });
  expect(again.kind === 'executed' && again.receipt?.length).toBeGreaterThanOrEqual(2);
  await eventually('the client is linked to all', () => native.stats.connected.length === 4);
  await place.sameRoots();
});

test('[G25] without a quorum a call ends as unknown, and is executed once at most when the others are back', async () => {
  await place.up();
  const native = connect();
  expect((await native.submit(bytesOf({ operation: 'balance' }))).kind).toBe('executed');
  const pids = place.pids();
  const stopped = ['node2', 'node3', 'node4'].map((name) => place.pid(name));
  for (const pid of stopped) process.kill(pid, 'SIGSTOP');
  const unknown = await native.submit(bytesOf({ operation: 'transfer', amount: 1 }), { timeoutMs: 800 });
  for (const pid of stopped) process.kill(pid, 'SIGCONT');
  expect(unknown).toMatchObject({ kind: 'unknown', code: 'deadline' });
  // It may still be executed, and here it is: exactly once.
  await eventually('the transfer is executed after all', async () => (await place.balance('node1', 'default')) === 1);
  expect(pids).toHaveLength(4);
});
