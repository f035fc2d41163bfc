/**
 * What encoding and decoding cost: `node bench/codec.ts`. Prints nanoseconds per operation: the median of many short rounds, and the best
 * tenth, which is what it costs when the machine does nothing else.
 */
import { hash } from 'node:crypto';
import { cpus } from 'node:os';
import { asClientId, asDigest, asReplicaId, asSequence, asView } from '../src/base/ids.ts';
import type { Digest } from '../src/base/ids.ts';
import type {
  AuthenticatedRequest,
  Batch,
  Bundle,
  Message,
  PrePrepare,
  Prepare,
  Proof,
  Replies,
  Request,
} from '../src/messages/index.ts';
import {
  EVERYBODY,
  CodecContext,
  authenticatedBytes,
  batchDigest,
  decodeFrame,
  encodeFrame,
  encodeMessage,
  requestDigest,
  resultDigest,
} from '../src/messages/index.ts';
import { argumentsOf } from './support/arguments.ts';

argumentsOf('codec.ts', { places: [] });

const WARM_UP_MS = 300;
const ROUNDS = 400;
const ROUND_MS = 1;
const BATCH_SIZE = 200;

const clusterId = asDigest('c1'.repeat(32));
const context = new CodecContext(clusterId, (bytes) => hash('sha256', bytes, 'hex') as Digest);
const mac = new Uint8Array(16).fill(0x5a);
const proof: Proof = { kind: 'mac', mac };
const operation = new TextEncoder().encode('{"operation":"transfer","amount":100}');

function quantile(sorted: readonly number[], fraction: number): string {
  return (sorted[Math.floor(sorted.length * fraction)] ?? 0).toFixed(0).padStart(9);
}

function measure(name: string, run: () => unknown): void {
  let runs = 1;
  for (const start = performance.now(); performance.now() - start < WARM_UP_MS;) {
    if (timeMs(run, runs) < ROUND_MS) runs *= 2;
  }
  const rounds = Array.from({ length: ROUNDS }, () => (timeMs(run, runs) * 1e6) / runs).sort(
    (left, right) => left - right,
  );
  console.log(`${name.padEnd(76)}${quantile(rounds, 0.5)}${quantile(rounds, 0.1)}`);
}

let sink: unknown;

function timeMs(run: () => unknown, runs: number): number {
  const start = performance.now();
  for (let i = 0; i < runs; i += 1) sink = run();
  return performance.now() - start;
}

function hex(seed: number): string {
  return hash('sha256', `seed ${seed}`, 'hex');
}

function makeRequest(index: number, client: number): Request {
  return {
    type: 'request',
    client: asClientId(hex(client)),
    session: 1_700_000_000_000_000 + index,
    timestamp: 1 + index,
    flags: 0,
    idempotency: undefined,
    operation,
    replier: asReplicaId(index % 4),
  };
}

/** `perBundle` requests of one client share an authenticator; 0: each is signed, and all are of one client. */
function makeBatch(perBundle: number): Batch {
  const requests: AuthenticatedRequest[] = [];
  for (let start = 0; start < BATCH_SIZE; start += Math.max(1, perBundle)) {
    const plain = Array.from({ length: Math.max(1, perBundle) }, (_, i) =>
      makeRequest(start + i, perBundle === 0 ? 0 : start),
    );
    const digests = plain.map((request) => requestDigest(context, request));
    const bundle: Bundle = { asked: EVERYBODY, digests, macs: [mac, mac, mac, mac] };
    plain.forEach((request, position) =>
      requests.push({
        request,
        digest: digests[position] as Digest,
        proof:
          perBundle === 0
            ? { kind: 'signature', asked: EVERYBODY, signature: new Uint8Array(64) }
            : { kind: 'authenticator', bundle, position },
      }),
    );
  }
  return { timestamp: 1_700_000_000_000, flags: 0, requests };
}

function makePrePrepare(batch: Batch): PrePrepare {
  return {
    type: 'pre-prepare',
    view: asView(1),
    sequence: asSequence(70_000),
    digest: batchDigest(context, batch),
    batch,
  };
}

function both(name: string, message: Message): void {
  const frame = encodeFrame(encodeMessage(message), proof);
  if (!decodeFrame(frame, context).ok) throw new Error(`${name}: does not decode`);
  // The hash of a context that hashes nothing: every digest is the expected one, the codec alone is left.
  const replayed: Digest[] = [];
  decodeFrame(
    frame,
    new CodecContext(clusterId, (bytes) => replayed[replayed.push(context.sha256(bytes)) - 1] as Digest),
  );
  let next = 0;
  const codecOnly = new CodecContext(clusterId, () => replayed[next++ % replayed.length] as Digest);
  measure(`${name}, encode (${frame.length} bytes)`, () => encodeMessage(message));
  measure(`${name}, decode, hashing not counted`, () => decodeFrame(frame, codecOnly));
  if (replayed.length > 0) measure(`${name}, decode, hashing counted`, () => decodeFrame(frame, context));
}

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${process.version}; nanoseconds, median and best tenth of ${ROUNDS} rounds`,
);

const prepare: Prepare = {
  type: 'prepare',
  view: asView(1),
  sequence: asSequence(70_000),
  digest: asDigest(hex(1)),
  replica: asReplicaId(2),
};
const encoded = encodeMessage(prepare);
both('PREPARE', prepare);
measure('PREPARE, frame for one receiver', () => encodeFrame(encoded, proof));
measure('PREPARE, bytes to authenticate', () => authenticatedBytes(context, encoded));
both(`PRE-PREPARE of ${BATCH_SIZE}, one bundle`, makePrePrepare(makeBatch(BATCH_SIZE)));
both(`PRE-PREPARE of ${BATCH_SIZE}, 10 a bundle`, makePrePrepare(makeBatch(10)));
both(`PRE-PREPARE of ${BATCH_SIZE}, a bundle and a client each`, makePrePrepare(makeBatch(1)));
both(`PRE-PREPARE of ${BATCH_SIZE}, one client, signed`, makePrePrepare(makeBatch(0)));

const result = new TextEncoder().encode('{"ok":true,"balance":1234}');
const client = asClientId(hex(0));
const replies: Replies = {
  type: 'replies',
  replica: asReplicaId(2),
  client,
  replies: Array.from({ length: BATCH_SIZE }, (_, index) => ({
    type: 'reply',
    view: asView(1),
    sequence: asSequence(70_000),
    digest: asDigest(hex(1)),
    replica: asReplicaId(2),
    client,
    session: 1_700_000_000_000_000 + index,
    timestamp: 1 + index,
    requestDigest: asDigest(hex(1000 + index)),
    outcome: 'executed',
    resultDigest: resultDigest(context, result),
    since: undefined,
    result: index % 4 === 2 ? result : undefined,
    receipt: undefined,
  })),
};
both(`REPLIES of ${BATCH_SIZE}`, replies);
if (sink === undefined) console.log('nothing was measured');
