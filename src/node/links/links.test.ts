import { afterEach, describe, expect, it } from 'vitest';
import {
  CLUSTER,
  LinkedClient,
  LinkedReplica,
  reservePorts,
  startReplicas,
  until,
} from '../../../test/support/links.ts';
import { InvariantViolation } from '../../base/assert.ts';
import { asClientId, asDigest, asReplicaId } from '../../base/ids.ts';
import { Identity } from '../identity.ts';

const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((links) => links.close()));
});

async function startAll(count: number, options: Parameters<typeof startReplicas>[1] = {}): Promise<LinkedReplica[]> {
  const replicas = await startReplicas(count, options);
  running.push(...replicas.map((replica) => ({ close: () => replica.stop() })));
  return replicas;
}

async function startPair(options: Parameters<typeof startReplicas>[1] = {}): Promise<[LinkedReplica, LinkedReplica]> {
  const [left, right] = await startAll(2, options);
  if (left === undefined || right === undefined) throw new Error('two were started');
  return [left, right];
}

function startClient(
  replicas: readonly LinkedReplica[],
  options: ConstructorParameters<typeof LinkedClient>[1] = {},
): LinkedClient {
  const client = new LinkedClient(replicas, options);
  running.push(client.links);
  return client;
}

async function startConfigured(replicas: readonly LinkedReplica[]): Promise<void> {
  running.push(...replicas.map((replica) => ({ close: () => replica.stop() })));
  for (const replica of replicas) if (replica.links === undefined) await replica.start(replicas);
  for (const replica of replicas) replica.running.connect();
}

/** More than is read at once. */
const LARGE = new Uint8Array(256 * 1024);

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));
const read = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('links between replicas', () => {
  it('carry frames between all pairs, each named by the key that opened the link', async () => {
    const replicas = await startAll(4);
    for (const from of replicas) {
      for (const to of replicas) if (to !== from) from.sendTo(to.id, text(`${from.id}→${to.id}`));
    }
    await until(() => replicas.every(({ frames }) => frames.length === 3), 'every replica has three frames');
    for (const to of replicas) {
      const got = to.frames.map(({ from, bytes }) => `${from}: ${read(bytes)}`).toSorted();
      expect(got).toEqual(
        replicas.filter((from) => from !== to).map((from) => `node${from.id + 1}: ${from.id}→${to.id}`),
      );
    }
  });

  it('hand out plain bytes that nobody else holds, of any size up to the limit and in order', async () => {
    const [left, right] = await startPair();
    const sizes = [0, 1, 4, 5, 65_535, 65_536, 300_000, 4 * 1024 * 1024, 7];
    for (const [index, size] of sizes.entries())
      expect(left.sendTo(right.id, new Uint8Array(size).fill(index))).toBe(true);
    await until(() => right.frames.length === sizes.length, 'all frames are there');
    for (const [index, { bytes }] of right.frames.entries()) {
      expect(bytes.constructor).toBe(Uint8Array);
      expect(bytes.buffer.byteLength).toBe(sizes[index]);
      expect(bytes.every((byte) => byte === index)).toBe(true);
    }
  });

  it('write everything of one turn at once', async () => {
    const [left, right] = await startPair();
    const before = left.running.stats().replicas[0]?.sentFrames ?? 0;
    for (let i = 0; i < 1000; i += 1) left.sendTo(right.id, text(String(i)));
    expect(left.running.stats().replicas[0]?.sentFrames).toBe(before);
    await until(() => right.frames.length === 1000, 'all frames are there');
    expect(right.frames.map(({ bytes }) => Number(read(bytes)))).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('come back after a peer restarted, both ways, and say so', async () => {
    const [left, right] = await startPair();
    await right.stop();
    await until(() => !left.isLinkedTo(right.id), 'the loss is seen');
    expect(left.sendTo(right.id, text('lost'))).toBe(false);
    await startConfigured([left, right]);
    await until(() => left.isLinkedTo(right.id) && right.isLinkedTo(left.id), 'both are linked again');
    expect(left.happened).toEqual(['+node2', '-node2', '+node2']);
    left.sendTo(right.id, text('again'));
    await until(() => right.frames.length === 1, 'a frame is there');
    expect(read(right.frames[0]?.bytes ?? new Uint8Array(0))).toBe('again');
    expect(left.running.stats().replicas[0]?.droppedFrames).toBe(1);
  });

  it('are read more slowly while too many frames come that nobody can use, and in the end all are read', async () => {
    const [left, right] = await startPair({ limits: { uselessFrames: { perSecond: 20, atOnce: 5 } } });
    right.onFrame = (_frame, link) => right.running.blame(link);
    const since = performance.now();
    for (let sent = 0; sent < 15; sent += 1) expect(left.sendTo(right.id, LARGE)).toBe(true);
    await until(() => right.frames.length === 15, 'all frames are there');
    // Nine of the first fourteen were too many: no earlier than after 450 ms is the last one due. Timers may be a little early.
    expect(performance.now() - since).toBeGreaterThan(400);
    expect(left.isLinkedTo(right.id)).toBe(true);
  });

  it('of others are read as before meanwhile', async () => {
    const replicas = await startAll(3, { limits: { uselessFrames: { perSecond: 1, atOnce: 2 } } });
    const [flooding, right, other] = replicas;
    if (flooding === undefined || right === undefined || other === undefined) throw new Error('three were started');
    const from = (replica: LinkedReplica): number =>
      right.frames.filter(({ from: name }) => name === `node${replica.id + 1}`).length;
    right.onFrame = (frame, link) => {
      if (frame.from === 'node1') right.running.blame(link);
    };
    for (let sent = 0; sent < 30; sent += 1) flooding.sendTo(right.id, LARGE);
    await until(() => from(flooding) > 2, 'there were too many');
    for (let sent = 0; sent < 30; sent += 1) other.sendTo(right.id, LARGE);
    await until(() => from(other) === 30, 'all frames of the other one are there');
    expect(from(flooding)).toBeLessThan(30);
  });

  it('measure the round trip', async () => {
    const [left] = await startPair();
    await until(() => left.running.stats().replicas[0]?.roundTripMs !== undefined, 'a ping was answered');
    expect(left.running.stats().replicas[0]?.roundTripMs).toBeGreaterThan(0);
  });

  it('refuse a replica with another key than its configured one, and tell it', async () => {
    const [left, right] = [new LinkedReplica(0), new LinkedReplica(1)];
    await reservePorts([left, right]);
    const impostor = new LinkedReplica(1);
    impostor.port = right.port;
    await left.start([left, right]);
    await startConfigured([left, impostor]);
    await until(() => impostor.refused.some(({ reason }) => reason.includes('wrong-key')), 'the impostor is told');
    // The other way round: whoever answers on the port of node2 does not have node2's key.
    await until(
      () => left.refused.some(({ code }) => code === 'bad-signature' || code === 'wrong-key'),
      'left says so too',
    );
    expect(left.isLinkedTo(right.id)).toBe(false);
    expect(left.happened).toEqual([]);
    expect(left.frames).toEqual([]);
  });

  it('refuse a peer of another cluster on both sides', async () => {
    const [left, right] = [new LinkedReplica(0), new LinkedReplica(1)];
    await reservePorts([left, right]);
    await left.start([left, right]);
    await right.start([left, right], { clusterId: asDigest('dd'.repeat(32)) });
    await startConfigured([left, right]);
    await until(() => left.refused.some(({ code }) => code === 'wrong-cluster'), 'left refuses');
    await until(() => right.refused.some(({ code }) => code === 'wrong-cluster'), 'right refuses');
    expect(left.happened).toEqual([]);
  });

  it('refuse a peer that makes its MACs otherwise, on both sides, and say which way and what to do', async () => {
    const [left, right] = [new LinkedReplica(0), new LinkedReplica(1)];
    await reservePorts([left, right]);
    await left.start([left, right], { mac: 'hmac-sha256' });
    await right.start([left, right], { mac: 'blake2b-256' });
    await startConfigured([left, right]);
    await until(() => left.refused.some(({ code }) => code === 'mac-mismatch'), 'left refuses');
    await until(() => right.refused.some(({ code }) => code === 'mac-mismatch'), 'right refuses');
    const reasonAt = ({ refused }: LinkedReplica): string | undefined =>
      refused.find(({ code }) => code === 'mac-mismatch')?.reason;
    expect(reasonAt(left)).toContain('MACs are hmac-sha256 here, blake2b-256 there: give "mac" the same value');
    expect(reasonAt(right)).toContain('MACs are blake2b-256 here, hmac-sha256 there');
    expect([...left.happened, ...right.happened]).toEqual([]);
  });

  it('refuse a replica that is not in the configuration', async () => {
    const [left, right] = [new LinkedReplica(0), new LinkedReplica(1)];
    await reservePorts([left, right]);
    await left.start([left]);
    await right.start([left, right]);
    await startConfigured([left, right]);
    await until(() => left.refused.some(({ code }) => code === 'unknown-node'), 'left refuses');
    await until(() => right.refused.some(({ reason }) => reason.includes('unknown-node')), 'right is told');
    expect(right.happened).toEqual([]);
  });

  it('refuse an answer from another replica than the one dialled', async () => {
    const [left, right] = [new LinkedReplica(0), new LinkedReplica(2)];
    await reservePorts([left, right]);
    await right.start([left, right]);
    await left.start([left, { address: { ...right.address, id: asReplicaId(1) } }] as LinkedReplica[]);
    await startConfigured([left, right]);
    await until(() => left.refused.some(({ code }) => code === 'wrong-replica'), 'left refuses');
    expect(left.refused[0]?.reason).toContain('node2 was dialled, node3 answers');
  });
});

describe('links of clients', () => {
  it('refuse a cluster that makes its MACs otherwise, and the client is told', async () => {
    const replicas = await startAll(2);
    const client = startClient(replicas, { mac: 'hmac-sha256' });
    await until(() => client.refused.length >= 2, 'each link is refused');
    expect(new Set(client.refused.map(({ code }) => code))).toEqual(new Set(['mac-mismatch']));
    expect(client.refused[0]?.reason).toContain('MACs are hmac-sha256 here, blake2b-256 there');
    expect(client.happened).toEqual([]);
  });

  it('carry requests and replies on the connection the client made', async () => {
    const replicas = await startAll(4);
    const client = startClient(replicas);
    await client.connected(4);
    for (const replica of replicas)
      replica.onFrame = (frame, link) => replica.running.send(link, text(`${read(frame.bytes)}!`));
    for (const { id } of replicas) expect(client.links.send(id, text(`ask ${id}`))).toBe(true);
    await until(() => client.frames.length === 4, 'four replies are there');
    expect(client.frames.map(({ from, bytes }) => `${from} ${read(bytes)}`).toSorted()).toEqual(
      [0, 1, 2, 3].map((id) => `${id} ask ${id}!`),
    );
    expect(replicas[0]?.frames[0]?.from).toBe(`client ${client.identity.public.signing}`);
    expect(replicas[0]?.happened).toContain(`+client ${client.identity.public.signing}`);
  });

  it('show their proven identity to whoever admits clients', async () => {
    const [replica] = await startPair();
    const asked: unknown[] = [];
    replica.admitClient = (identity) => {
      asked.push(identity);
      return false;
    };
    const client = startClient([replica]);
    await until(() => client.refused.length > 0, 'the client is refused');
    expect(asked[0]).toEqual(client.identity.public);
    expect(client.refused[0]?.reason).toContain('client-not-admitted');
    expect(replica.refused[0]?.code).toBe('client-not-admitted');
    expect(replica.happened.filter((event) => event.includes('client'))).toEqual([]);
  });

  it('are replaced by a newer one of the same client', async () => {
    const [replica] = await startPair();
    const identity = Identity.generate();
    const older = startClient([replica], { identity, limits: { backoffMinMs: 60_000, backoffMaxMs: 60_000 } });
    await older.connected(1);
    const newer = startClient([replica], { identity });
    await newer.connected(1);
    await until(() => older.refused.length > 0, 'the older one is told');
    expect(older.refused[0]?.reason).toContain('replaced');
    const party = { kind: 'client', client: asClientId(identity.public.signing) } as const;
    replica.running.send(party, text('hello'));
    await until(() => newer.frames.length === 1, 'the newer one hears');
    expect(replica.running.stats().clients.connected).toBe(1);
    expect(older.frames).toEqual([]);
  });

  it('drop what is sent to a client that is not there', async () => {
    const [replica] = await startPair();
    const nobody = { kind: 'client', client: asClientId('ab'.repeat(32)) } as const;
    expect(replica.running.send(nobody, text('x'))).toBe(false);
    expect(replica.running.stats().clients.droppedFrames).toBe(1);
  });
});

describe('handlers that throw', () => {
  it('end the link they were called for, and no other (G22)', async () => {
    const replicas = await startAll(3);
    const [first, second, third] = replicas;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three were started');
    first.onFrame = ({ from, bytes }) => {
      if (from === 'node2' && read(bytes) === 'strange') throw new Error('no such type');
    };
    second.sendTo(first.id, text('strange'));
    await until(() => first.refused.some(({ code }) => code === 'handler-failed'), 'the link ends');
    expect(first.refused[0]).toMatchObject({ from: 'node2', code: 'handler-failed' });
    third.sendTo(first.id, text('fine'));
    await until(() => second.isLinkedTo(first.id), 'node2 comes back');
    second.sendTo(first.id, text('fine again'));
    await until(() => first.frames.length === 3, 'both are heard');
    expect(third.happened.filter((event) => event === '-node1')).toEqual([]);
  });

  it('let a broken invariant through, for it must end the process', async () => {
    const [left, right] = await startPair();
    const uncaught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      right.onFrame = () => {
        throw new InvariantViolation('two digests prepared');
      };
      left.sendTo(right.id, text('x'));
      await until(() => uncaught.length === 1, 'it surfaces');
      expect(uncaught[0]).toBeInstanceOf(InvariantViolation);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    }
  });

  it('do no harm when they only take notices', async () => {
    const [replica] = await startPair();
    const client = startClient([replica]);
    await client.connected(1);
    replica.happened.push = () => {
      throw new Error('the log is full');
    };
    await client.links.close();
    await until(() => replica.running.stats().refused['handler-failed'] === 1, 'the failure is counted');
    expect(replica.running.stats().clients.connected).toBe(0);
  });
});

it('tells a taken port from the system as it is', async () => {
  const [left] = await startPair();
  const other = new LinkedReplica(3);
  other.port = left.port;
  await expect(other.start([])).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(CLUSTER).toHaveLength(64);
});
