import { describe, expect, test } from 'vitest';
import { must } from '../../test/support/must.ts';
import type { Bytes } from '../base/bytes.ts';
import { asClientId, asDigest, asReplicaId } from '../base/ids.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import {
  EVERYBODY,
  CodecContext,
  decodeFrame,
  encodeFrame,
  encodeMessage,
  NO_PROOF,
  requestDigest,
} from '../messages/index.ts';
import type { Reply, Request } from '../messages/index.ts';
import { Identity, NodeAuthenticator } from '../node/index.ts';
import { authenticateRequests } from '../protocol/client-authentication.ts';
import { DEFAULT_CLUSTER } from '../protocol/config.ts';
import type { ClusterConfig } from '../protocol/config.ts';
import type { Party, StateMachine } from '../protocol/ports.ts';
import { UnreplicatedServer } from './unreplicated-server.ts';

const CLUSTER_ID = asDigest('5a'.repeat(32));
const SELF = asReplicaId(0);
const START_US = 1_800_000_000_000_000;

const utf8 = (text: string): Bytes => encodeUtf8(text) ?? new Uint8Array(0);

/** Counts its executions in its state; the result is the count. */
const counting: StateMachine = {
  execute(state) {
    const count = (state.get(utf8('count'))?.[0] ?? 0) + 1;
    state.put(utf8('count'), Uint8Array.of(count));
    return Uint8Array.of(count);
  },
};

/** The server and one client, on a log that is durable when the test says so. */
class Bench {
  readonly records: Bytes[] = [];
  readonly replies: Reply[] = [];
  readonly server: UnreplicatedServer;
  readonly #codec: CodecContext;
  readonly #client = Identity.generate();
  readonly #authenticator: NodeAuthenticator;
  readonly #link: Party;
  readonly #waiting: (() => void)[] = [];

  constructor() {
    const identity = Identity.generate();
    const shared = { clusterId: CLUSTER_ID, mac: DEFAULT_CLUSTER.mac, replicas: [identity.public], clients: [] };
    const client = asClientId(this.#client.public.signing);
    this.#link = { kind: 'client', client };
    this.#authenticator = new NodeAuthenticator({ ...shared, identity: this.#client, self: this.#link });
    const authenticator = new NodeAuthenticator({ ...shared, identity, self: { kind: 'replica', replica: SELF } });
    authenticator.admitClient(this.#client.public);
    this.#codec = new CodecContext(CLUSTER_ID, (bytes) => authenticator.sha256(bytes));
    const cluster: ClusterConfig = {
      ...DEFAULT_CLUSTER,
      clusterId: CLUSTER_ID,
      replicaCount: 1,
      openClients: true,
      clients: [],
    };
    this.server = new UnreplicatedServer({
      cluster,
      authenticator,
      codec: this.#codec,
      application: counting,
      log: {
        append: (record) => this.records.push(record),
        durable: async () => new Promise((resolve) => this.#waiting.push(resolve)),
      },
      send: (_to, frame) => this.#onFrame(frame),
      wallUs: () => START_US,
      onFault: (error) => {
        throw error;
      },
    });
  }

  /** A frame with one request for each of these timestamps, all of one session. */
  frame(...timestamps: readonly number[]): Bytes {
    const requests = timestamps.map((timestamp) => {
      const request: Request = {
        type: 'request',
        client: asClientId(this.#client.public.signing),
        session: START_US,
        timestamp,
        flags: 0,
        idempotency: undefined,
        operation: utf8(`operation ${timestamp}`),
        replier: SELF,
      };
      return { request, digest: requestDigest(this.#codec, request), asked: EVERYBODY };
    });
    const authenticated = authenticateRequests(this.#authenticator, this.#codec, 1, requests);
    return encodeFrame(encodeMessage({ type: 'requests', requests: authenticated }), NO_PROOF);
  }

  take(frame: Bytes): void {
    this.server.onFrame(this.#link, frame);
  }

  /** What was appended before the server last asked is durable now. */
  async sync(): Promise<void> {
    await turn();
    for (const resolve of this.#waiting.splice(0)) resolve();
    await turn();
  }

  #onFrame(frame: Bytes): void {
    const { message } = must(decodeFrame(frame, this.#codec));
    if (message.type === 'replies') this.replies.push(...message.replies);
  }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

const results = ({ replies }: Bench): readonly (number | undefined)[] => replies.map(({ result }) => result?.[0]);

describe('the server without replication', () => {
  test('executes authentic requests in the order they come, and replies with the full result', async () => {
    const bench = new Bench();
    bench.take(bench.frame(1, 2));
    await bench.sync();
    expect(results(bench)).toEqual([1, 2]);
    expect(bench.replies).toMatchObject([
      { outcome: 'executed', view: 0, sequence: 1, timestamp: 1 },
      { outcome: 'executed', view: 0, sequence: 1, timestamp: 2 },
    ]);
    expect(bench.server.counts).toEqual({ executed: 2, other: 0, refused: 0 });
  });

  test('no reply leaves before what it depends on is durable; one sync covers all that waits', async () => {
    const bench = new Bench();
    bench.take(bench.frame(1));
    await turn();
    bench.take(bench.frame(2));
    bench.take(bench.frame(3));
    await turn();
    expect(bench.records).toHaveLength(3);
    expect(results(bench)).toEqual([]);
    await bench.sync();
    expect(results(bench)).toEqual([1]);
    await bench.sync();
    expect(results(bench)).toEqual([1, 2, 3]);
  });

  test('a repeat is answered again and not executed again; an older one is not answered', async () => {
    const bench = new Bench();
    bench.take(bench.frame(1));
    bench.take(bench.frame(1));
    bench.take(bench.frame(2));
    bench.take(bench.frame(1));
    await bench.sync();
    expect(results(bench)).toEqual([1, 1, 2]);
    expect(bench.server.counts).toEqual({ executed: 2, other: 2, refused: 0 });
    expect(bench.records).toHaveLength(2);
  });

  test('what the table refuses is answered so', async () => {
    const bench = new Bench();
    bench.take(bench.frame(1));
    bench.take(bench.frame(3));
    await bench.sync();
    expect(bench.replies.map(({ outcome }) => outcome)).toEqual(['executed', 'table-error']);
    expect(bench.server.counts).toEqual({ executed: 1, other: 1, refused: 0 });
  });

  test('what is not authentic, or no request, is refused', async () => {
    const bench = new Bench();
    const stranger = new Bench();
    bench.take(stranger.frame(1));
    const broken = Uint8Array.from(bench.frame(1));
    const last = broken.length - 1;
    broken[last] = (broken[last] ?? 0) ^ 1;
    bench.take(broken);
    bench.take(Uint8Array.of(1, 2, 3));
    await bench.sync();
    expect(bench.server.counts).toEqual({ executed: 0, other: 0, refused: 3 });
    expect([bench.replies, bench.records]).toEqual([[], []]);
  });
});
