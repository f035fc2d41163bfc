/**
 * What tests of the core are made of: a cluster's configuration, an application that counts, parties with keys, requests, batches and messages.
 * Cryptography is the simulator's (nobody can forge), SHA-256 the real one.
 */
import { hash } from 'node:crypto';
import type { Bytes } from '../../src/base/bytes.ts';
import { NULL_DIGEST, asClientId, asDigest, asReplicaId, asSequence, asView } from '../../src/base/ids.ts';
import type { ClientId, Digest, ReplicaId, Sequence } from '../../src/base/ids.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/base/utf8.ts';
import {
  EVERYBODY,
  CodecContext,
  batchDigest,
  checkpointBytes,
  requestDigest,
  replicaSetOf,
} from '../../src/messages/index.ts';
import type {
  AuthenticatedRequest,
  Batch,
  Checkpoint,
  Commit,
  PrePrepare,
  Prepare,
  Request,
  Status,
} from '../../src/messages/index.ts';
import { authenticateRequests, signRequest } from '../../src/protocol/client-authentication.ts';
import { DEFAULT_CLUSTER, DEFAULT_TUNING } from '../../src/protocol/config.ts';
import type { UnprovenRequest } from '../../src/protocol/client-authentication.ts';
import type { ClusterConfig, TuningConfig } from '../../src/protocol/config.ts';
import type { Authenticator, Party, StateMachine, Transaction } from '../../src/protocol/ports.ts';
import { IdealAuthority } from '../../src/simulation/ideal-authenticator.ts';

export const sha256 = (bytes: Bytes): Digest => asDigest(hash('sha256', bytes, 'hex'));
export const replica = (index: number): ReplicaId => asReplicaId(index);
export const seq = (number: number): Sequence => asSequence(number);
export const bytes = (text: string): Bytes => encodeUtf8(text) ?? new Uint8Array(0);
export const text = (data: Bytes | undefined): string => decodeUtf8(data ?? new Uint8Array(0)) ?? '';

/** Wall clock of every test at its beginning, ms since 1970. */
export const WALL_MS = 1_700_000_000_000;
/** The same in µs: a good number for a first session. */
export const SESSION = WALL_MS * 1000;
/** Where all monotonic clocks begin, µs. */
export const START_US = 1_000_000_000;

export const clientId = (index: number): ClientId => asClientId((0xa0 + index).toString(16).repeat(32));
/** Listed in every test cluster. */
export const ALICE: ClientId = clientId(0);
export const BOB: ClientId = clientId(1);
/** Has keys that everybody knows, and is not listed. */
export const STRANGER: ClientId = clientId(9);

/**
 * Counts how often each operation was executed: `x` answers `x#1`, then `x#2`, so nobody can execute twice unseen. `throw` throws after
 * changing something, `nothing` returns no bytes, `big N` returns N of them.
 */
export const countingApp: StateMachine = {
  execute(state: Transaction, operation: Bytes): Bytes {
    const word = text(operation);
    const count = Number(text(state.get(bytes(`count ${word}`)))) + 1;
    state.put(bytes(`count ${word}`), bytes(String(count)));
    if (word.startsWith('throw')) throw new Error('an application that throws');
    if (word.startsWith('nothing')) return JSON.parse('null') as Bytes;
    if (word.startsWith('big ')) return new Uint8Array(Number(word.slice(4)));
    return bytes(`${word}#${count}`);
  },
};

export interface KitOptions {
  readonly n?: number;
  readonly cluster?: Partial<ClusterConfig>;
  readonly tuning?: Partial<TuningConfig>;
}

export interface RequestOptions {
  readonly client?: ClientId;
  readonly session?: number;
  readonly timestamp?: number;
  readonly flags?: number;
  readonly replier?: number;
  /** Who is to reply, everybody when left out. */
  readonly asked?: readonly number[];
  readonly idempotency?: { readonly scope: string; readonly key: string };
}

/** One cluster's configuration and keys, and everything its parties can say. */
export class CoreKit {
  readonly cluster: ClusterConfig;
  readonly tuning: TuningConfig;
  readonly codec: CodecContext;
  readonly authority = new IdealAuthority(sha256);

  constructor({ n = 4, cluster = {}, tuning = {} }: KitOptions = {}) {
    this.cluster = {
      ...DEFAULT_CLUSTER,
      clusterId: asDigest('11'.repeat(32)),
      replicaCount: n,
      clients: [ALICE, BOB],
      checkpointInterval: 4,
      ...cluster,
    };
    this.tuning = {
      ...DEFAULT_TUNING,
      pipeline: Math.min(DEFAULT_TUNING.pipeline, 2 * this.cluster.checkpointInterval),
      ...tuning,
    };
    this.codec = new CodecContext(this.cluster.clusterId, sha256);
    for (let index = 0; index < 16; index += 1) this.authority.admitClient(clientId(index));
  }

  of(party: number | ClientId): Authenticator {
    const named: Party =
      typeof party === 'number' ? { kind: 'replica', replica: replica(party) } : { kind: 'client', client: party };
    return this.authority.authenticator(named);
  }

  request(operation: string | Bytes, options: RequestOptions = {}): Request {
    return {
      type: 'request',
      client: options.client ?? ALICE,
      session: options.session ?? SESSION,
      timestamp: options.timestamp ?? 1,
      flags: options.flags ?? 0,
      idempotency: options.idempotency,
      operation: typeof operation === 'string' ? bytes(operation) : operation,
      replier: replica(options.replier ?? 1),
    };
  }

  digestOf(request: Request): Digest {
    return requestDigest(this.codec, request);
  }

  #unproven(request: Request, { asked = [] }: RequestOptions): UnprovenRequest {
    return { request, digest: this.digestOf(request), asked: replicaSetOf(asked.map(replica)) };
  }

  /** Signed by the client it names. */
  signed(operation: string | Bytes, options: RequestOptions = {}): AuthenticatedRequest {
    const request = this.request(operation, options);
    return signRequest(this.of(request.client), this.codec, this.#unproven(request, options));
  }

  /** The same request with its client's signature: a retransmission. */
  signAgain({ request, digest }: AuthenticatedRequest): AuthenticatedRequest {
    return signRequest(this.of(request.client), this.codec, { request, digest, asked: EVERYBODY });
  }

  /** Under an authenticator of the client it names; the MACs for `spoiled` replicas are wrong. */
  authenticated(
    operation: string | Bytes,
    options: RequestOptions = {},
    spoiled: readonly number[] = [],
  ): AuthenticatedRequest {
    const request = this.request(operation, options);
    const unproven = [this.#unproven(request, options)];
    const [made] = authenticateRequests(this.of(request.client), this.codec, this.cluster.replicaCount, unproven);
    if (made?.proof.kind !== 'authenticator') throw new Error('one request gives one authenticator');
    const { bundle, position } = made.proof;
    const macs = bundle.macs.map((mac, index) => (spoiled.includes(index) ? mac.map((byte) => byte ^ 1) : mac));
    return { ...made, proof: { kind: 'authenticator', bundle: { ...bundle, macs }, position } };
  }

  batch(requests: readonly AuthenticatedRequest[], change: Partial<Batch> = {}): Batch {
    return { timestamp: WALL_MS, flags: 0, requests, ...change };
  }

  /** A batch of one signed request. */
  batchOf(operation: string, options: RequestOptions = {}): Batch {
    return this.batch([this.signed(operation, options)]);
  }

  digestOfBatch(batch: Batch | undefined): Digest {
    return batch === undefined ? NULL_DIGEST : batchDigest(this.codec, batch);
  }

  prePrepare(sequence: number, batch: Batch | undefined, view = 0): PrePrepare {
    return {
      type: 'pre-prepare',
      view: asView(view),
      sequence: seq(sequence),
      digest: this.digestOfBatch(batch),
      batch,
    };
  }

  prepare(from: number, sequence: number, digest: Digest, view = 0): Prepare {
    return { type: 'prepare', view: asView(view), sequence: seq(sequence), digest, replica: replica(from) };
  }

  commit(from: number, sequence: number, digest: Digest, view = 0): Commit {
    return { type: 'commit', view: asView(view), sequence: seq(sequence), digest, replica: replica(from) };
  }

  checkpoint(
    from: number,
    sequence: number,
    root: Digest,
  ): { readonly message: Checkpoint; readonly signature: Bytes } {
    const message: Checkpoint = { type: 'checkpoint', sequence: seq(sequence), root, replica: replica(from) };
    return { message, signature: this.of(from).sign(checkpointBytes(this.codec, message)) };
  }

  status(from: number, change: Partial<Status> = {}): Status {
    return {
      type: 'status',
      replica: replica(from),
      view: asView(0),
      inViewChange: false,
      lowWaterMark: seq(0),
      lastExecuted: seq(0),
      slots: [],
      ...change,
    };
  }
}
