import { expect, test } from 'vitest';
import { asClientId, asDigest, asReplicaId } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import { CodecContext, EVERYBODY, LIMITS, decodeFrame, replicaSetOf, requestDigest } from '../messages/index.ts';
import { Identity, NodeAuthenticator } from '../node/index.ts';
import { Sealer } from '../protocol/seal.ts';
import { Outbox } from './outbox.ts';
import type { Dispatch } from './outbox.ts';

const clusterId = asDigest('c1'.repeat(32));
const identity = Identity.generate();
const client = asClientId(identity.public.signing);
const replicas = [0, 1, 2, 3].map(asReplicaId);
const authenticator = new NodeAuthenticator({
  identity,
  self: { kind: 'client', client },
  clusterId,
  mac: 'blake2b-256',
  replicas: replicas.map(() => Identity.generate().public),
  clients: [],
});
const codec = new CodecContext(clusterId, (bytes) => authenticator.sha256(bytes));

function makeDispatch(timestamp: number, change: Partial<Dispatch> = {}, operationBytes = 3): Dispatch {
  const request = {
    type: 'request' as const,
    client,
    session: 7,
    timestamp,
    flags: 0,
    idempotency: undefined,
    operation: new Uint8Array(operationBytes),
    replier: asReplicaId(1),
  };
  const never = (): void => undefined;
  const digest = requestDigest(codec, request);
  const [to, asked] = [[asReplicaId(0)], EVERYBODY];
  const whole = { to, request, digest, asked, signed: false, isRepeat: false, proof: undefined, onSent: never };
  return { ...whole, isOver: () => false, ...change };
}

/** The frames that these become in one turn: to whom, the timestamps of the requests, and their proofs. */
async function framesOf(
  dispatches: readonly Dispatch[],
): Promise<(readonly [to: ReplicaId, timestamps: number[], proofs: string[]])[]> {
  const frames: (readonly [ReplicaId, number[], string[]])[] = [];
  const outbox = new Outbox({
    authenticator,
    codec,
    sealer: new Sealer({ clusterId, authentication: 'mac' }, authenticator),
    replicaCount: replicas.length,
    send: (to, frame) => {
      const decoded = decodeFrame(frame, codec);
      const requests = decoded.ok && decoded.value.message.type === 'requests' ? decoded.value.message.requests : [];
      frames.push([
        to,
        requests.map(({ request }) => request.timestamp),
        requests.map(({ proof }) =>
          proof.kind === 'signature' ? 'signed' : `${proof.position} of ${proof.bundle.digests.length}`,
        ),
      ]);
      return true;
    },
  });
  for (const dispatch of dispatches) outbox.put(dispatch);
  await new Promise((resolve) => setImmediate(resolve));
  return frames;
}

test('what is ready in one turn stands in one frame under one authenticator', async () => {
  expect(await framesOf([1, 2, 3].map((timestamp) => makeDispatch(timestamp)))).toEqual([
    [0, [1, 2, 3], ['0 of 3', '1 of 3', '2 of 3']],
  ]);
});

test('what is over goes nowhere', async () => {
  expect(await framesOf([makeDispatch(1, { isOver: () => true })])).toEqual([]);
  expect(await framesOf([makeDispatch(1, { isOver: () => true }), makeDispatch(2)])).toEqual([[0, [2], ['0 of 1']]]);
});

test('a request twice in one turn goes into two frames', async () => {
  const repeat = makeDispatch(1, { isRepeat: true });
  expect(await framesOf([makeDispatch(1), makeDispatch(2), repeat, makeDispatch(3)])).toEqual([
    [0, [1, 2], ['0 of 2', '1 of 2']],
    [0, [1, 3], ['0 of 2', '1 of 2']],
  ]);
});

test('more than fits a bundle, or a frame, is parted', async () => {
  const many = Array.from({ length: LIMITS.requestsPerBundle + 1 }, (_, index) => makeDispatch(index + 1));
  expect((await framesOf(many)).map(([, timestamps]) => timestamps.length)).toEqual([LIMITS.requestsPerBundle, 1]);
  const fitting = Math.floor(LIMITS.batchBytes / 4 / LIMITS.operationBytes);
  const large = Array.from({ length: fitting + 1 }, (_, index) => makeDispatch(index + 1, {}, LIMITS.operationBytes));
  expect((await framesOf(large)).map(([, timestamps]) => timestamps.length)).toEqual([fitting, 1]);
});

test('those that ask others stand under another authenticator, signed ones under none, and each receiver gets all of its own', async () => {
  const some = replicaSetOf([1, 2].map(asReplicaId));
  const shown = makeDispatch(2, { to: replicas, signed: true });
  const frames = await framesOf([
    makeDispatch(1, { asked: some }),
    shown,
    makeDispatch(3),
    makeDispatch(4, { asked: some }),
  ]);
  expect(frames.filter(([to]) => to !== 0).toSorted(([left], [right]) => left - right)).toEqual(
    [1, 2, 3].map((replica) => [replica, [2], ['signed']]),
  );
  const [, timestamps, proofs] = frames.find(([to]) => to === 0) ?? [0, [], []];
  expect(
    timestamps
      .map((timestamp, index) => [timestamp, proofs[index]])
      .toSorted(([left = 0], [right = 0]) => Number(left) - Number(right)),
  ).toEqual([
    [1, '0 of 2'],
    [2, 'signed'],
    [3, '0 of 1'],
    [4, '1 of 2'],
  ]);
});
