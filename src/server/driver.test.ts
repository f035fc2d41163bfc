import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writtenBytes } from '../../test/support/written-bytes.ts';
import { applicationNamed } from '../apps/index.ts';
import { asClientId, asDigest, asReplicaId } from '../base/ids.ts';
import {
  EVERYBODY,
  CodecContext,
  decodeFrame,
  encodeFrame,
  encodeMessage,
  NO_PROOF,
  requestDigest,
  requestSigningBytes,
} from '../messages/index.ts';
import type { Reply, Request } from '../messages/index.ts';
import { DurableLog, Identity, NodeAuthenticator } from '../node/index.ts';
import { DEFAULT_CLUSTER, DEFAULT_TUNING } from '../protocol/config.ts';
import type { ReplicaConfig } from '../protocol/config.ts';
import type { Event } from '../protocol/event.ts';
import type { Now } from '../protocol/input.ts';
import type { Party } from '../protocol/ports.ts';
import { decodeRecord } from '../protocol/record-codec.ts';
import type { Record } from '../protocol/record.ts';
import { MemoryState } from '../state/index.ts';
import { Driver } from './driver.ts';
import type { DriverFault } from './driver.ts';

const CLUSTER = asDigest('ab'.repeat(32));
const NODE = Identity.generate();
const CLIENT = Identity.generate();
const client = asClientId(CLIENT.public.signing);
const clientLink: Party = { kind: 'client', client };

const authenticator = new NodeAuthenticator({
  identity: NODE,
  self: { kind: 'replica', replica: asReplicaId(0) },
  clusterId: CLUSTER,
  mac: 'blake2b-256',
  replicas: [NODE.public],
  clients: [CLIENT.public],
});
const clientAuthenticator = new NodeAuthenticator({
  identity: CLIENT,
  self: clientLink,
  clusterId: CLUSTER,
  mac: 'blake2b-256',
  replicas: [NODE.public],
  clients: [],
});
const codec = new CodecContext(CLUSTER, (bytes) => authenticator.sha256(bytes));

const config: ReplicaConfig = {
  self: asReplicaId(0),
  cluster: { ...DEFAULT_CLUSTER, clusterId: CLUSTER, replicaCount: 1, clients: [client], checkpointInterval: 4 },
  tuning: DEFAULT_TUNING,
};

/** A signed transfer of 100 under the session's timestamp, as a frame. */
const transfer = (session: number, timestamp: number): Uint8Array =>
  ask(session, timestamp, '{"operation":"transfer","amount":100}');

function ask(session: number, timestamp: number, operation: string): Uint8Array {
  const request: Request = {
    type: 'request',
    client,
    session,
    timestamp,
    flags: 0,
    idempotency: undefined,
    operation: Uint8Array.from(Buffer.from(operation)),
    replier: asReplicaId(0),
  };
  const digest = requestDigest(codec, request);
  const signature = clientAuthenticator.sign(requestSigningBytes(codec, digest));
  return encodeFrame(
    encodeMessage({
      type: 'requests',
      requests: [{ request, digest, proof: { kind: 'signature', asked: EVERYBODY, signature } }],
    }),
    NO_PROOF,
  );
}

function realClock(): Now {
  const [seconds, nanoseconds] = process.hrtime();
  return { monotonic: seconds * 1_000_000 + Math.floor(nanoseconds / 1000), wall: Date.now() };
}

interface Sent {
  readonly to: Party;
  readonly frame: Uint8Array;
  /** Bytes of the log file when it left. */
  readonly onDisk: number;
}

interface Running {
  readonly driver: Driver;
  readonly log: DurableLog;
  readonly sent: Sent[];
  readonly events: Event[];
  readonly faults: DriverFault[];
  readonly dropped: string[];
  readonly blamed: Party[];
  /** Messages as the observer was told of them. */
  readonly messages: string[];
}

describe('Driver on a real log, n = 1', () => {
  let directory: string;
  const running: Running[] = [];
  beforeEach(() => {
    state = new MemoryState((bytes) => authenticator.sha256(bytes));
    directory = mkdtempSync(join(tmpdir(), 'pbft-driver-'));
  });
  afterEach(async () => {
    for (const { driver, log } of running.splice(0)) {
      driver.stop();
      await log.close();
    }
    rmSync(directory, { recursive: true });
  });

  /** As a disk would, it outlives the driver. */
  let state: MemoryState;
  const place = (): string => join(directory, 'log');
  /** Bytes of the log's first segment that are there now. */
  const onDisk = (): number => writtenBytes(join(place(), '0000000001.seg'));
  const session = Date.now() * 1000;

  async function start(clock: () => Now = realClock): Promise<Running> {
    const opened = await DurableLog.open(place(), {
      owner: { clusterId: CLUSTER, replica: 0 },
      absent: 'make',
    });
    if (!opened.ok) throw new Error(opened.error.reason);
    const { log } = opened.value;
    const records = opened.value.records.map((bytes): Record => {
      const decoded = decodeRecord(bytes, codec);
      if (!decoded.ok) throw new Error(decoded.error.code);
      return decoded.value;
    });
    const application = applicationNamed('ledger');
    if (application === undefined) throw new Error('no ledger');
    state = MemoryState.reopened(state);
    const seen: Omit<Running, 'driver' | 'log'> = {
      sent: [],
      events: [],
      faults: [],
      dropped: [],
      blamed: [],
      messages: [],
    };
    const driver = new Driver({
      config,
      modules: { authenticator, application, state },
      codec,
      records,
      log,
      send: (to, frame) => seen.sent.push({ to, frame, onDisk: onDisk() }) > 0,
      blame: (link) => void seen.blamed.push(link),
      clock,
      lab: false,
      observer: {
        onEvent: (event) => void seen.events.push(event),
        onSync: () => undefined,
        onDropped: (reason) => void seen.dropped.push(reason),
        onRecorded: () => undefined,
        onSent: (to, message) => void seen.messages.push(`${message.type} to ${to.kind}`),
        onReceived: (from, input) => void seen.messages.push(`${input.kind} from ${from.kind}`),
        onBehaviour: () => undefined,
        onStopped: (fault) => void seen.faults.push(fault),
      },
    });
    const started = { driver, log, ...seen };
    running.push(started);
    driver.start();
    return started;
  }

  function replies({ sent }: Running): readonly Reply[] {
    return sent.flatMap(({ frame }) => {
      const decoded = decodeFrame(frame, codec);
      return decoded.ok && decoded.value.message.type === 'replies' ? decoded.value.message.replies : [];
    });
  }

  it('tells of each message when it comes, and of what follows from it when that leaves, but not of what was refused', async () => {
    const node = await start();
    node.driver.onFrame(clientLink, Uint8Array.of(255));
    const altered = transfer(session, 1);
    altered[altered.length - 2] = (altered.at(-2) ?? 0) ^ 1;
    node.driver.onFrame(clientLink, altered);
    expect(node.messages).toEqual([]);
    node.driver.onFrame(clientLink, transfer(session, 1));
    expect(node.messages).toEqual(['requests from client']);
    await expect.poll(() => node.messages).toEqual(['requests from client', 'replies to client']);
    expect(node.sent).toHaveLength(1);
  });

  it('lets no reply out before the record it depends on is on disk', async () => {
    const node = await start();
    const before = onDisk();
    node.driver.onFrame(clientLink, transfer(session, 1));
    expect(node.sent).toEqual([]);
    expect(node.driver.status().lastExecuted).toBe(1);
    await expect.poll(() => replies(node).length).toBe(1);
    expect(node.sent[0]?.onDisk).toBeGreaterThan(before + 64);
  });

  it('answers the replies of one turn to one client in one frame', async () => {
    const node = await start();
    for (let index = 0; index < 20; index += 1) node.driver.onFrame(clientLink, transfer(session + index, 1));
    await expect.poll(() => replies(node).length).toBe(20);
    expect(node.sent.length).toBeLessThan(10);
  });

  it('started again from its log it knows what it told, and goes on', async () => {
    const first = await start();
    for (let timestamp = 1; timestamp <= 10; timestamp += 1) {
      first.driver.onFrame(clientLink, transfer(session, timestamp));
      await expect.poll(() => replies(first).length).toBe(timestamp);
    }
    const { lastExecuted, lowWaterMark, stateRoot } = first.driver.status();
    expect(lowWaterMark).toBeGreaterThan(0);
    first.driver.stop();
    await first.log.close();
    const second = await start();
    expect(second.driver.status()).toMatchObject({ lastExecuted, lowWaterMark, stateRoot });
    second.driver.onFrame(clientLink, transfer(session, 10));
    second.driver.onFrame(clientLink, transfer(session, 11));
    await expect.poll(() => replies(second).at(-1)?.timestamp).toBe(11);
    second.driver.onFrame(clientLink, ask(session, 12, '{"operation":"balance","account":"default"}'));
    await expect.poll(() => replies(second).at(-1)?.timestamp).toBe(12);
    const result = Buffer.from(replies(second).at(-1)?.result ?? []).toString();
    expect(JSON.parse(result)).toMatchObject({ balance: 1100 });
  });

  it('slow: an answer leaves four fifths of the request timeout after it was ready; stopped meanwhile, never', async () => {
    const node = await start();
    expect(node.driver.behave('slow', true)).toBe(true);
    const began = realClock().monotonic;
    node.driver.onFrame(clientLink, transfer(session, 1));
    expect(node.driver.status().lastExecuted).toBe(1);
    await expect.poll(() => replies(node).length, { timeout: 5000 }).toBe(1);
    expect(realClock().monotonic - began).toBeGreaterThanOrEqual(0.8 * DEFAULT_TUNING.requestTimeoutUs);
    node.driver.onFrame(clientLink, transfer(session, 2));
    await expect.poll(() => node.driver.heldOutputs).toBe(0);
    node.driver.stop();
    expect(replies(node)).toHaveLength(1);
  });

  it('censor: the replica never learns of the requests of that client', async () => {
    const node = await start();
    expect(node.driver.behave('censor', true)).toBe(true);
    node.driver.onFrame(clientLink, transfer(session, 1));
    expect(node.driver.status().queuedRequests).toBe(0);
    expect(node.driver.status().lastExecuted).toBe(0);
    expect(node.driver.behave('censor', false)).toBe(true);
    node.driver.onFrame(clientLink, transfer(session, 1));
    await expect.poll(() => replies(node).length).toBe(1);
  });

  it('stops for good when its own rules are broken: nothing leaves any more', async () => {
    const clock = { ...realClock() };
    const node = await start(() => ({ ...clock }));
    clock.monotonic -= 1;
    node.driver.onFrame(clientLink, transfer(session, 1));
    expect(node.faults).toMatchObject([
      { code: 'invariant-violated', reason: expect.stringContaining('monotonic') as string },
    ]);
    expect(node.driver.isStopped).toBe(true);
    clock.monotonic += 1_000_000;
    node.driver.onFrame(clientLink, transfer(session, 1));
    expect(node.driver.deliver({})).toEqual({ ok: false, error: { kind: 'stopped' } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(node.sent).toEqual([]);
    expect(node.faults).toHaveLength(1);
    expect(node.dropped).toContain('stopped');
  });

  it('stopped while a record is on its way to disk, says nothing about it', async () => {
    const node = await start();
    node.driver.onFrame(clientLink, transfer(session, 1));
    node.driver.stop();
    await node.log.durable();
    await new Promise((resolve) => setImmediate(resolve));
    expect(node.sent).toEqual([]);
  });

  it('refuses whatever bytes a client sends, by name, and goes on', async () => {
    const node = await start();
    const good = transfer(session, 1);
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array(100),
      good.slice(0, 50),
      Uint8Array.from([...good, 0]),
      good.map((byte) => byte ^ 1),
    ]) {
      node.driver.onFrame(clientLink, bytes);
    }
    expect(node.events.filter((event) => event.kind === 'refused').map(({ code }) => code)).toEqual(
      Array.from({ length: 5 }, () => expect.stringMatching(/malformed|oversized|not-authentic/) as string),
    );
    expect(node.driver.status().lastExecuted).toBe(0);
    expect(node.blamed).toEqual(Array.from({ length: 5 }, () => clientLink));
    node.driver.onFrame(clientLink, good);
    await expect.poll(() => replies(node).length).toBe(1);
    expect(node.blamed).toHaveLength(5);
  });

  it('wakes the replica by itself when its deadline comes', async () => {
    const node = await start();
    node.driver.onFrame(clientLink, transfer(session, 1));
    // The idle checkpoint is ordered by a timer, two seconds after the last execution.
    await expect.poll(() => node.driver.status().stateRootSequence, { timeout: 5000 }).toBeGreaterThan(0);
  });
});
