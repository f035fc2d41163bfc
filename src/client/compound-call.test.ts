/** Calls of one turn as one request, and what becomes of each. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { must } from '../../test/support/must.ts';
import { bytesOf, echo, ScriptedReplicas } from '../../test/support/scripted-replicas.ts';
import type { Script } from '../../test/support/scripted-replicas.ts';
import type { Bytes } from '../base/bytes.ts';
import { REQUEST_COMPOUND, CodecContext, LIMITS, decodeOperations, encodeResults } from '../messages/index.ts';
import type { AuthenticatedRequest } from '../messages/index.ts';
import { Identity, sha256 } from '../node/index.ts';
import type { Outcome } from './outcome.ts';
import { PbftClient } from './pbft-client.ts';
import type { PbftClientOptions } from './pbft-client.ts';

const clients: PbftClient[] = [];
const clusters: ScriptedReplicas[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map(async (client) => client.close()));
  await Promise.all(clusters.splice(0).map(async (cluster) => cluster.close()));
});

/** A cluster whose replicas carry out lists: each operation in capitals, but for those that do not fit. */
async function start(
  options: Partial<PbftClientOptions> = {},
  doesFit: (operation: string) => boolean = () => true,
): Promise<[ScriptedReplicas, PbftClient]> {
  const cluster = new ScriptedReplicas(4);
  clusters.push(cluster);
  await cluster.listen();
  cluster.script = capitals(cluster, doesFit);
  const timing = { requestTimeoutUs: 60_000_000, retryCapUs: 60_000_000 };
  const client = new PbftClient({ cluster: cluster.describe(), identity: Identity.generate(), timing, ...options });
  clients.push(client);
  await vi.waitUntil(() => client.stats.connected.length === 4, { timeout: 5000, interval: 5 });
  return [cluster, client];
}

const textOf = (bytes: Bytes): string => Buffer.from(bytes).toString('utf8');
const isCompound = ({ request }: AuthenticatedRequest): boolean => (request.flags & REQUEST_COMPOUND) !== 0;

function listIn(cluster: ScriptedReplicas, { request }: AuthenticatedRequest): readonly string[] {
  const codec = new CodecContext(cluster.clusterId, sha256);
  return must(decodeOperations(request.operation, codec)).map(textOf);
}

function capitals(cluster: ScriptedReplicas, doesFit: (operation: string) => boolean): Script {
  return (request, replica) => {
    if (!isCompound(request)) return echo(request, replica);
    const list = listIn(cluster, request);
    return {
      result: encodeResults(list.map((each) => (doesFit(each) ? bytesOf(each.toUpperCase()) : undefined))),
    };
  };
}

/** The requests that the primary got, each once: lists, or single operations. */
function toPrimary(cluster: ScriptedReplicas): readonly (string | readonly string[])[] {
  const requests = cluster.received.filter(({ replica }) => Number(replica) === 0).flatMap((frame) => frame.requests);
  const seen = new Map(requests.map((request) => [request.digest, request]));
  return [...seen.values()].map((request) =>
    isCompound(request) ? listIn(cluster, request) : textOf(request.request.operation),
  );
}

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `n${index}`);
const submitAll = async (client: PbftClient, operations: readonly string[]): Promise<readonly Outcome[]> =>
  Promise.all(operations.map(async (operation) => client.submit(bytesOf(operation))));
const resultsOf = (outcomes: readonly Outcome[]): readonly string[] =>
  outcomes.map((outcome) => (outcome.kind === 'executed' ? textOf(outcome.result) : outcome.kind));

describe('calls of one turn', () => {
  test('go out as one request, and each has its own result', async () => {
    const [cluster, client] = await start();
    expect(resultsOf(await submitAll(client, names(50)))).toEqual(names(50).map((name) => name.toUpperCase()));
    expect(toPrimary(cluster)).toEqual([names(50)]);
    expect(client.stats).toMatchObject({ underWay: 0, queued: 0, idleSessions: 1 });
  });

  test('are one under way each, within the limit; the others wait, and go out together as well', async () => {
    const [cluster, client] = await start({ sessions: 20 });
    const all = submitAll(client, names(50));
    expect(client.stats).toMatchObject({ underWay: 20, queued: 30 });
    expect(resultsOf(await all)).toEqual(names(50).map((name) => name.toUpperCase()));
    expect(toPrimary(cluster)).toEqual([names(20), names(40).slice(20), names(50).slice(40)]);
  });

  test('of which there is one go out as it is', async () => {
    const [cluster, client] = await start();
    expect(resultsOf([await client.submit(bytesOf('one'))])).toEqual(['ONE']);
    expect(toPrimary(cluster)).toEqual(['one']);
  });

  test('go out one by one where that is wished', async () => {
    const [cluster, client] = await start({ compound: false });
    await submitAll(client, names(3));
    expect(toPrimary(cluster)).toEqual(names(3));
  });

  test('that ask for more than their result go out alone', async () => {
    const [cluster, client] = await start();
    const { signal } = new AbortController();
    await Promise.all([
      client.submit(bytesOf('a'), { receipt: true }),
      client.submit(bytesOf('b')),
      client.submit(bytesOf('c'), { idempotency: { scope: '', key: 'k' } }),
      client.submit(bytesOf('d'), { signal }),
      client.submit(bytesOf('e'), { onIssued: () => undefined }),
      client.submit(bytesOf('f'), { onProgress: () => undefined }),
      client.submit(bytesOf('g')),
    ]);
    expect(new Set(toPrimary(cluster))).toEqual(new Set(['a', 'c', 'd', 'e', 'f', ['b', 'g']]));
  });

  test('that allow for other times go out apart', async () => {
    const [cluster, client] = await start();
    await Promise.all(
      [5000, 5000, 6000, 6000].map(async (timeoutMs, index) => client.submit(bytesOf(`n${index}`), { timeoutMs })),
    );
    expect(toPrimary(cluster)).toEqual([
      ['n0', 'n1'],
      ['n2', 'n3'],
    ]);
  });

  test('of more than one request holds go out in several: by number, and by bytes', async () => {
    const [cluster, client] = await start({ sessions: 1000 });
    await submitAll(client, names(600));
    expect(toPrimary(cluster).map((list) => list.length)).toEqual([256, 256, 88]);
    cluster.received.length = 0;
    const large = names(20).map((name) => name.padEnd(LIMITS.operationBytes / 16, '.'));
    await submitAll(client, large);
    expect(toPrimary(cluster).map((list) => list.length)).toEqual([15, 5]);
    cluster.received.length = 0;
    const larger = names(2).map((name) => name.padEnd(LIMITS.operationBytes / 16 + 1, '.'));
    await submitAll(client, larger);
    expect(toPrimary(cluster)).toEqual(larger);
  });

  test('may use their buffers again at once', async () => {
    const [, client] = await start();
    const buffer = bytesOf('abc');
    const calls = ['abc', 'def', 'ghi'].map(async (text) => {
      buffer.set(bytesOf(text));
      return client.submit(buffer);
    });
    buffer.fill(0);
    expect(resultsOf(await Promise.all(calls))).toEqual(['ABC', 'DEF', 'GHI']);
  });
});

describe('what does not fit beside the others', () => {
  test('is asked for again, alone', async () => {
    const [cluster, client] = await start({}, (operation) => operation !== 'n1');
    expect(resultsOf(await submitAll(client, names(3)))).toEqual(['N0', 'N1', 'N2']);
    expect(toPrimary(cluster)).toEqual([names(3), 'n1']);
  });

  test('and so is all of it where replicas agree that it was no list for them', async () => {
    const [cluster, client] = await start();
    cluster.script = echo;
    expect(resultsOf(await submitAll(client, names(3)))).toEqual(['N0', 'N1', 'N2']);
    expect(toPrimary(cluster).slice(1)).toEqual(names(3));
  });
});

describe('every call ends', () => {
  test('with its request: unknown for all of them', async () => {
    const [cluster, client] = await start();
    cluster.script = () => undefined;
    const calls = names(3).map(async (name) => client.submit(bytesOf(name), { timeoutMs: 300 }));
    for (const outcome of await Promise.all(calls))
      expect(outcome).toMatchObject({ kind: 'unknown', code: 'deadline' });
    expect(client.stats).toMatchObject({ underWay: 0, queued: 0 });
  });

  test('as rejected where nothing was sent', async () => {
    const [cluster, client] = await start();
    await cluster.close();
    await vi.waitUntil(() => client.stats.connected.length === 0, { timeout: 5000, interval: 5 });
    const calls = names(3).map(async (name) => client.submit(bytesOf(name), { timeoutMs: 200 }));
    for (const outcome of await Promise.all(calls)) expect(outcome).toMatchObject({ kind: 'rejected' });
  });

  test('when the client closes, before the turn is over and after', async () => {
    const [cluster, client] = await start();
    cluster.script = () => undefined;
    const sent = names(2).map(async (name) => client.submit(bytesOf(name)));
    await vi.waitUntil(() => cluster.received.length > 0);
    const unsent = names(2).map(async (name) => client.submit(bytesOf(name)));
    await client.close();
    for (const outcome of await Promise.all(sent)) expect(outcome).toMatchObject({ kind: 'unknown' });
    for (const outcome of await Promise.all(unsent)) expect(outcome).toMatchObject({ kind: 'rejected' });
  });
});
