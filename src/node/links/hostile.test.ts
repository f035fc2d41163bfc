import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { LINK_MAC, LinkedClient, LinkedReplica, RawPeer, startReplicas, until } from '../../../test/support/links.ts';
import { asClientId, asDigest, asReplicaId } from '../../base/ids.ts';
import { Identity } from '../identity.ts';
import { FRAME, joinFrames } from './framing.ts';
import { LINK_VERSION, describeRefusal, encodeGreeting } from './handshake.ts';
import type { LinkSettings } from './settings.ts';

let cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  await Promise.all(cleanups.map(async (cleanup) => cleanup()));
  cleanups = [];
});

/** One replica that listens, and a second one whose link to it must live through everything. */
async function startVictim(
  limits: Partial<LinkSettings> = {},
  listed: readonly Identity[] = [],
): Promise<[LinkedReplica, LinkedReplica]> {
  const isListed = (client: string): boolean => listed.some((identity) => identity.public.signing === client);
  const [victim, friend] = await startReplicas(2, { limits, isListed });
  if (victim === undefined || friend === undefined) throw new Error('two were started');
  cleanups.push(
    () => victim.stop(),
    () => friend.stop(),
  );
  return [victim, friend];
}

function raw(victim: LinkedReplica): RawPeer {
  const peer = new RawPeer(victim.port);
  cleanups.push(() => void peer.socket.destroy());
  return peer;
}

function startClient(victim: LinkedReplica, identity?: Identity): LinkedClient {
  const client = new LinkedClient([victim], identity === undefined ? {} : { identity });
  cleanups.push(() => client.links.close());
  return client;
}

/** The friend still gets through to the victim, on the link it had from the beginning. */
async function expectUnharmed(victim: LinkedReplica, friend: LinkedReplica): Promise<void> {
  const before = victim.frames.length;
  expect(friend.sendTo(victim.id, Uint8Array.of(42))).toBe(true);
  await until(() => victim.frames.slice(before).some(({ from }) => from === 'node2'), 'the friend is heard');
  expect(friend.happened).toEqual(['+node1']);
}

const header = (length: number, kind: number): Buffer => {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(length);
  bytes[4] = kind;
  return bytes;
};

describe('a stranger', () => {
  it.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), 'malformed'],
    ['a TLS hello', Buffer.from('16030100f8010000f4', 'hex'), 'malformed'],
    ['zeros', Buffer.alloc(1000), 'malformed'],
    ['random bytes', Buffer.from('fe'.repeat(500), 'hex'), 'malformed'],
    ['a hello that is too long', header(1025, FRAME.hello), 'oversized'],
    ['a hello of 4 GiB', header(0xffffffff, FRAME.hello), 'oversized'],
    ['a message', header(10, FRAME.message), 'unexpected-frame'],
    ['a ping', header(0, FRAME.ping), 'unexpected-frame'],
    ['an accept', joinFrames([{ kind: FRAME.accept, payload: new Uint8Array(64) }]), 'unexpected-frame'],
    ['an empty hello', header(0, FRAME.hello), 'malformed'],
    ['a hello of garbage', joinFrames([{ kind: FRAME.hello, payload: new Uint8Array(201).fill(1) }]), 'malformed'],
  ])('who sends %s is refused with its reason, and harms nobody (G22)', async (_, bytes, code) => {
    const [victim, friend] = await startVictim();
    const stranger = raw(victim);
    stranger.write(bytes);
    expect(await stranger.refusal()).toBe(code);
    await stranger.gone();
    expect(victim.refused).toMatchObject([{ from: 'stranger', code }]);
    await expectUnharmed(victim, friend);
  });

  it('who says nothing loses the connection at the deadline', async () => {
    const [victim] = await startVictim({ handshakeTimeoutMs: 50 });
    const silent = raw(victim);
    expect(await silent.refusal()).toBe('handshake-timeout');
    await silent.gone();
    await until(() => victim.running.stats().unauthenticated === 0, 'its place is free');
  });

  it('who dribbles a hello loses the connection at the deadline all the same', async () => {
    const [victim] = await startVictim({ handshakeTimeoutMs: 100 });
    const slow = raw(victim);
    const hello = joinFrames([{ kind: FRAME.hello, payload: await slow.helloOf(Identity.generate()) }]);
    let said = 0;
    const timer = setInterval(() => {
      slow.write(hello.subarray(said, said + 1));
      said += 1;
    }, 5);
    cleanups.push(() => clearInterval(timer));
    await slow.gone();
    expect(victim.running.stats().refused).toMatchObject({ 'handshake-timeout': 1 });
  });

  it('who comes a thousand times at once keeps nobody out', async () => {
    const [victim, friend] = await startVictim({ unauthenticatedLinks: 8, handshakeTimeoutMs: 60_000 });
    const storm = Array.from({ length: 1000 }, () => raw(victim));
    const client = startClient(victim);
    await client.connected(1);
    await until(() => storm.filter(({ closed }) => !closed).length <= 8, 'all but eight are gone');
    expect(victim.running.stats().unauthenticated).toBeLessThanOrEqual(8);
    expect(victim.running.stats().refused.overloaded).toBeGreaterThan(900);
    await expectUnharmed(victim, friend);
  });

  it('cannot fill the log: refusals of strangers are told at a bounded rate and all counted', async () => {
    const [victim] = await startVictim();
    for (let i = 0; i < 50; i += 1) raw(victim).write(Buffer.alloc(5));
    await until(() => victim.running.stats().refused.malformed === 50, 'all are counted');
    expect(victim.refused.length).toBeLessThanOrEqual(30);
  });

  it('cannot write control characters into a log', async () => {
    const [victim] = await startVictim();
    const stranger = raw(victim);
    stranger.send(FRAME.refuse, Uint8Array.from(Buffer.from('\u0004evil\n{"level":"error"}\u001b[2J')));
    await until(() => victim.refused.length === 1, 'the refusal is told');
    expect(victim.refused[0]?.reason).toMatch(/^[ -~]*$/);
  });
});

describe('a hello', () => {
  it('opens one connection and no other: replayed it is refused', async () => {
    const [victim] = await startVictim();
    const first = raw(victim);
    const hello = await first.helloOf(Identity.generate());
    first.send(FRAME.hello, hello);
    await first.received(FRAME.accept);
    const replay = raw(victim);
    await replay.received(FRAME.greeting);
    replay.send(FRAME.hello, hello);
    expect(await replay.refusal()).toBe('bad-signature');
  });

  it('with any byte altered opens nothing', async () => {
    const [victim, friend] = await startVictim({ unauthenticatedLinks: 300 });
    const peers = Array.from({ length: 202 }, () => raw(victim));
    const identity = Identity.generate();
    for (const [at, peer] of peers.entries()) {
      const hello = await peer.helloOf(identity);
      hello[at] = (hello[at] ?? 0) ^ 0x04;
      peer.send(FRAME.hello, hello);
    }
    for (const peer of peers) await peer.refusal();
    expect(peers.flatMap(({ frames }) => frames).filter(({ kind }) => kind === FRAME.accept)).toEqual([]);
    expect(victim.running.stats().clients.connected).toBe(0);
    expect(Object.keys(victim.running.stats().refused).toSorted()).toEqual([
      'bad-signature',
      'malformed',
      'version-mismatch',
      'wrong-cluster',
      'wrong-key',
      'wrong-replica',
    ]);
    await expectUnharmed(victim, friend);
  });

  it('of another major version is told which versions there are', async () => {
    const [victim] = await startVictim();
    const peer = raw(victim);
    const hello = await peer.helloOf(Identity.generate());
    hello[4] = 7;
    peer.send(FRAME.hello, hello);
    expect(await peer.refusal()).toBe('version-mismatch');
    expect(describeRefusal(await peer.received(FRAME.refuse)).reason).toContain(
      `${LINK_VERSION.major}.${LINK_VERSION.minor} here, 7.0 there`,
    );
  });

  it.each([
    ['another cluster', { clusterId: asDigest('ee'.repeat(32)) }, 'wrong-cluster'],
    ['another replica', { target: asReplicaId(1) }, 'wrong-replica'],
    ['another primitive for MACs', { mac: 'hmac-sha256' }, 'mac-mismatch'],
    ['an unknown replica as its own', { party: { kind: 'replica', replica: asReplicaId(9) } }, 'unknown-node'],
    ['the replica it came to as its own', { party: { kind: 'replica', replica: asReplicaId(0) } }, 'unknown-node'],
    ['a known replica with a key of its own', { party: { kind: 'replica', replica: asReplicaId(1) } }, 'wrong-key'],
  ] as const)('that names %s is refused', async (_, changes, code) => {
    const [victim, friend] = await startVictim();
    const peer = raw(victim);
    peer.send(FRAME.hello, await peer.helloOf(Identity.generate(), changes));
    expect(await peer.refusal()).toBe(code);
    await expectUnharmed(victim, friend);
  });

  it('that names the public keys of a replica needs its secret too', async () => {
    const [victim, friend] = await startVictim();
    const peer = raw(victim);
    const changes = { party: { kind: 'replica', replica: friend.id }, identity: friend.identity.public } as const;
    peer.send(FRAME.hello, await peer.helloOf(Identity.generate(), changes));
    expect(await peer.refusal()).toBe('bad-signature');
    await expectUnharmed(victim, friend);
  });

  it('of a client with a key that proves nothing is refused', async () => {
    const [victim] = await startVictim();
    const peer = raw(victim);
    const identity = Identity.generate();
    const signing = `01${'00'.repeat(31)}`;
    const changes = {
      party: { kind: 'client', client: asClientId(signing) },
      identity: { ...identity.public, signing },
    } as const;
    peer.send(FRAME.hello, await peer.helloOf(identity, changes));
    expect(await peer.refusal()).toBe('wrong-key');
  });

  it('is said once', async () => {
    const [victim] = await startVictim();
    const peer = raw(victim);
    await peer.authenticate();
    peer.send(FRAME.hello, await peer.helloOf(Identity.generate()));
    expect(await peer.refusal()).toBe('unexpected-frame');
  });
});

describe('an authenticated client', () => {
  it('who sends a frame above the limit loses its link before the frame is kept (G23)', async () => {
    const [victim, friend] = await startVictim({ frameBytes: 10_000 });
    const peer = raw(victim);
    await peer.authenticate();
    peer.send(FRAME.message, new Uint8Array(10_000));
    await until(() => victim.frames.length === 1, 'the largest frame is taken');
    peer.write(header(10_001, FRAME.message));
    expect(await peer.refusal()).toBe('oversized');
    expect(victim.refused[0]).toMatchObject({ code: 'oversized' });
    expect(victim.refused[0]?.from).toContain('client');
    await expectUnharmed(victim, friend);
  });

  it('who begins a frame and stops loses its link', async () => {
    const [victim, friend] = await startVictim({ stallTimeoutMs: 100 });
    const peer = raw(victim);
    await peer.authenticate();
    peer.write(header(1000, FRAME.message));
    const timer = setInterval(() => peer.write(Buffer.alloc(1)), 20);
    cleanups.push(() => clearInterval(timer));
    expect(await peer.refusal()).toBe('idle');
    await expectUnharmed(victim, friend);
  });

  it('who falls silent loses its link', async () => {
    const [victim, friend] = await startVictim({ idleTimeoutMs: 150 });
    const peer = raw(victim);
    await peer.authenticate();
    expect(await peer.refusal()).toBe('idle');
    await expectUnharmed(victim, friend);
  });

  it('who pings a lot gets few answers', async () => {
    const [victim, friend] = await startVictim();
    const peer = raw(victim);
    await peer.authenticate();
    peer.write(Buffer.concat(Array.from({ length: 100_000 }, () => header(0, FRAME.ping))));
    await peer.received(FRAME.pong);
    peer.send(FRAME.message, Uint8Array.of(1));
    await until(() => victim.frames.some(({ from }) => from.startsWith('client')), 'all pings are read');
    expect(peer.frames.filter(({ kind }) => kind === FRAME.pong).length).toBeLessThan(1000);
    await expectUnharmed(victim, friend);
  });

  it('who reads nothing costs a bounded queue, then loses its link', async () => {
    const limits = { clientQueueBytes: 2_000_000, stallTimeoutMs: 300 };
    const [victim, friend] = await startVictim(limits);
    const identity = Identity.generate();
    const peer = raw(victim);
    await peer.authenticate(identity);
    peer.socket.pause();
    const ping = setInterval(() => peer.send(FRAME.ping, new Uint8Array(0)), 50);
    cleanups.push(() => clearInterval(ping));
    const party = { kind: 'client', client: asClientId(identity.public.signing) } as const;
    const outcomes = { sent: 0, dropped: 0, most: 0 };
    const fill = setInterval(() => {
      for (let i = 0; i < 100; i += 1)
        outcomes[victim.running.send(party, new Uint8Array(10_000)) ? 'sent' : 'dropped'] += 1;
      outcomes.most = Math.max(outcomes.most, victim.running.stats().clients.queuedBytes);
    }, 1);
    cleanups.push(() => clearInterval(fill));
    await until(() => victim.refused.some(({ code }) => code === 'slow-reader'), 'its link is cut');
    expect(outcomes.dropped).toBeGreaterThan(0);
    expect(outcomes.most).toBeLessThanOrEqual(2_000_000);
    expect(victim.running.stats().clients.droppedFrames).toBeGreaterThanOrEqual(outcomes.dropped);
    await expectUnharmed(victim, friend);
  });
});

describe('many open clients', () => {
  it('find bounded room, and listed clients their own', async () => {
    const listed = Identity.generate();
    const [victim, friend] = await startVictim({ openClientLinks: 3 }, [listed]);
    const open = [raw(victim), raw(victim), raw(victim)];
    for (const peer of open) await peer.authenticate();
    const fourth = raw(victim);
    fourth.send(FRAME.hello, await fourth.helloOf(Identity.generate()));
    expect(await fourth.refusal()).toBe('too-many-clients');
    const client = startClient(victim, listed);
    await client.connected(1);
    open[0]?.socket.destroy();
    await until(() => victim.running.stats().clients.connected === 3, 'one has left');
    await raw(victim).authenticate();
    await expectUnharmed(victim, friend);
  });

  it('who hold most half-sent frames give way when memory is short; listed clients do not', async () => {
    const listed = Identity.generate();
    const [victim, friend] = await startVictim({ openClientIncomingBytes: 300_000 }, [listed]);
    const [small, large, exempt] = [raw(victim), raw(victim), raw(victim)];
    await small.authenticate();
    await large.authenticate();
    await exempt.authenticate(listed);
    exempt.write(Buffer.concat([header(1_000_000, FRAME.message), Buffer.alloc(500_000)]));
    small.write(Buffer.concat([header(1_000_000, FRAME.message), Buffer.alloc(20_000)]));
    large.write(Buffer.concat([header(1_000_000, FRAME.message), Buffer.alloc(400_000)]));
    await large.gone();
    expect(victim.refused).toMatchObject([{ code: 'overloaded' }]);
    small.write(Buffer.alloc(980_000));
    exempt.write(Buffer.alloc(500_000));
    await until(
      () => victim.frames.filter(({ bytes }) => bytes.length === 1_000_000).length >= 1,
      'the exempt one is heard',
    );
    expect(exempt.closed).toBe(false);
    await expectUnharmed(victim, friend);
  });
});

describe('what a replica dials', () => {
  const HOST = '127.0.0.1';

  /** Listens in the place of node2 and does what it is told with each connection. */
  async function startImpostor(
    onSocket: (socket: Socket) => void,
  ): Promise<{ readonly server: Server; readonly port: number }> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      onSocket(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    cleanups.push(
      () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          for (const socket of sockets) socket.destroy();
        }),
    );
    return { server, port: (server.address() as AddressInfo).port };
  }

  async function startDialler(port: number, limits: Partial<LinkSettings> = {}): Promise<LinkedReplica> {
    const replica = new LinkedReplica(0);
    const peer = new LinkedReplica(1);
    peer.port = port;
    await replica.start([replica, peer], { limits });
    cleanups.push(() => replica.stop());
    replica.running.connect();
    return replica;
  }

  const CLUSTER = asDigest('c1'.repeat(32));
  const greeting = encodeGreeting({
    clusterId: CLUSTER,
    replica: asReplicaId(1),
    mac: LINK_MAC,
    nonce: new Uint8Array(32),
  });
  const newer = Uint8Array.from(greeting);
  newer[4] = LINK_VERSION.major + 1;

  it.each([
    ['another major version', [{ kind: FRAME.greeting, payload: newer }], 'version-mismatch'],
    ['an accept without a hello', [{ kind: FRAME.accept, payload: new Uint8Array(64) }], 'unexpected-frame'],
    ['a message at once', [{ kind: FRAME.message, payload: new Uint8Array(64) }], 'unexpected-frame'],
    [
      'two greetings',
      [
        { kind: FRAME.greeting, payload: greeting },
        { kind: FRAME.greeting, payload: greeting },
      ],
      'unexpected-frame',
    ],
    [
      'an accept by another key',
      [
        { kind: FRAME.greeting, payload: greeting },
        { kind: FRAME.accept, payload: new Uint8Array(64) },
      ],
      'bad-signature',
    ],
    [
      'a short accept',
      [
        { kind: FRAME.greeting, payload: greeting },
        { kind: FRAME.accept, payload: new Uint8Array(3) },
      ],
      'bad-signature',
    ],
  ] as const)('is refused when it says %s', async (_, frames, code) => {
    const { port } = await startImpostor((socket) => socket.write(joinFrames(frames)));
    const replica = await startDialler(port);
    await until(() => replica.refused.some((refusal) => refusal.code === code), 'it is refused');
    expect(replica.happened).toEqual([]);
    expect(replica.frames).toEqual([]);
  });

  it('is given up when it says nothing, and tried again with a growing pause', async () => {
    const opened: number[] = [];
    const { port } = await startImpostor(() => opened.push(performance.now()));
    const replica = await startDialler(port, {
      handshakeTimeoutMs: 20,
      backoffMinMs: 20,
      backoffMaxMs: 60_000,
      lingerMs: 10,
    });
    await until(() => opened.length === 5, 'it was tried five times');
    const pauses = opened.slice(1).map((at, i) => at - (opened[i] ?? 0));
    expect(Math.max(...pauses)).toBe(pauses.at(-1));
    expect(replica.refused.every(({ code }) => code === 'handshake-timeout')).toBe(true);
  });

  it('is found dead when it answers no pings, and dialled again', async () => {
    const [left, right] = await startReplicas(2, { limits: { idleTimeoutMs: 200 } });
    if (left === undefined || right === undefined) throw new Error('two were started');
    cleanups.push(
      () => left.stop(),
      () => right.stop(),
    );
    // Between dialler and replica: lets everything through until it is frozen, as a cut cable would.
    const through: { frozen: boolean; connections: number } = { frozen: false, connections: 0 };
    const { port } = await startImpostor((socket) => {
      through.connections += 1;
      const onward = new RawPeer(right.port).socket;
      cleanups.push(() => void onward.destroy());
      socket.on('data', (chunk) => through.frozen || onward.write(chunk));
      onward.on('data', (chunk) => through.frozen || socket.write(chunk));
    });
    const third = new LinkedReplica(0, left.identity);
    await left.stop();
    await third.start([third, { address: { ...right.address, port } }] as LinkedReplica[], {
      limits: { idleTimeoutMs: 200 },
    });
    cleanups.push(() => third.stop());
    third.running.connect();
    await until(() => third.isLinkedTo(right.id), 'it is linked');
    through.frozen = true;
    await until(() => third.refused.some(({ code }) => code === 'idle'), 'it is found dead');
    await until(() => right.refused.some(({ code }) => code === 'idle'), 'by the other side too');
    through.frozen = false;
    await until(() => third.isLinkedTo(right.id), 'it is linked again');
    expect(third.happened).toEqual(['+node2', '-node2', '+node2']);
    expect(through.connections).toBeGreaterThan(1);
  });

  it('does not fill memory when it reads nothing: the queue is bounded and what does not fit is dropped', async () => {
    const limits = { queueBytes: 3_000_000, stallTimeoutMs: 60_000 };
    const [left, right] = await startReplicas(2, { limits });
    if (left === undefined || right === undefined) throw new Error('two were started');
    cleanups.push(
      () => left.stop(),
      () => right.stop(),
    );
    // Everything of one turn: nothing has left yet.
    let sent = 0;
    while (left.sendTo(right.id, new Uint8Array(1000))) sent += 1;
    const [stats] = left.running.stats().replicas;
    expect(stats?.queuedBytes).toBeLessThanOrEqual(3_000_000);
    expect(stats?.droppedFrames).toBe(1);
    expect(sent).toBe(Math.floor(3_000_000 / 1128));
    await until(() => right.frames.length === sent, 'what was queued arrives');
    expect(left.sendTo(right.id, new Uint8Array(1000))).toBe(true);
    let tiny = 0;
    while (left.sendTo(right.id, new Uint8Array(0))) tiny += 1;
    expect(tiny * 128).toBeLessThanOrEqual(3_000_000);
  });
});
