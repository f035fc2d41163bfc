import { describe, expect, test } from 'vitest';
import { CoreKit, bytes, replica } from '../../test/support/core-kit.ts';
import { asSequence, asView, NULL_DIGEST } from '../base/ids.ts';
import { REQUEST_READ_ONLY, resultDigest } from '../messages/index.ts';
import type { Reply } from '../messages/index.ts';
import { ClientRead } from './client-read.ts';
import type { ReadVerdict } from './client-read.ts';

const kit = new CoreKit();
const CLIENT = kit.cluster.clients[0] ?? kit.request('x').client;

function begin(replicaCount = 4, authentication: 'mac' | 'signature' = 'mac'): ClientRead {
  const cluster = { replicaCount, quorumRule: 'intersecting', authentication } as const;
  const nonce = { session: 77, timestamp: 99 };
  return new ClientRead({ cluster, client: CLIENT, nonce, patienceUs: 1000 }, kit.codec, {
    now: 5000,
    operation: bytes('get x'),
  });
}

interface Said {
  readonly result?: string;
  readonly since?: number;
  readonly sequence?: number;
  /** The full result is there. */
  readonly isFull?: boolean;
}

function answer(
  read: ClientRead,
  from: number,
  { result = 'v', since = 3, sequence = 5, isFull = true }: Said = {},
): Reply {
  const { client, session, timestamp } = read.request;
  return {
    type: 'reply',
    view: asView(0),
    sequence: asSequence(sequence),
    digest: NULL_DIGEST,
    replica: replica(from),
    client,
    session,
    timestamp,
    requestDigest: read.digest,
    outcome: 'read',
    resultDigest: resultDigest(kit.codec, bytes(result)),
    since: asSequence(since),
    result: isFull ? bytes(result) : undefined,
    receipt: undefined,
  };
}

const give = (read: ClientRead, from: number, said: Said = {}): ReadVerdict | undefined =>
  read.onReply(answer(read, from, said), replica(from));

describe('a read', () => {
  test('goes to all, flagged, under a nonce and not in a session; signed where the mode is so', () => {
    const read = begin();
    expect(read.to).toEqual([0, 1, 2, 3]);
    expect(read.request).toMatchObject({
      flags: REQUEST_READ_ONLY,
      session: 77,
      timestamp: 99,
      idempotency: undefined,
    });
    expect([read.isSigned, begin(4, 'signature').isSigned]).toEqual([false, true]);
  });

  test.each([
    [1, 1],
    [4, 3],
    [5, 4],
    [7, 5],
  ])('of %i replicas is answered by %i that say the same, and by none fewer', (replicaCount, quorum) => {
    const read = begin(replicaCount);
    for (let from = 0; from < quorum - 1; from += 1) expect(give(read, from)).toBeUndefined();
    expect(give(read, quorum - 1)).toMatchObject({ kind: 'read', result: bytes('v'), sequence: 3 });
  });

  test('needs the full result from one of them', () => {
    const read = begin();
    for (const from of [0, 1, 2]) expect(give(read, from, { isFull: false })).toBeUndefined();
    expect(give(read, 3)).toMatchObject({ kind: 'read', replies: [0, 1, 2, 3] });
  });

  test('of states that differ, where what was read has not changed between them', () => {
    const read = begin();
    give(read, 0, { since: 2, sequence: 4 });
    give(read, 1, { since: 3, sequence: 9 });
    expect(give(read, 2, { since: 1, sequence: 3 })).toMatchObject({ kind: 'read', sequence: 3, replies: [0, 1, 2] });
  });

  /**
   * x was v at 1, u from 2 on, and v again from 3 on. That it is u was acknowledged by nodes 1, 2 and 4 before the read began. Node 3 is still at 1, node 1 at
   * 3 already, node 4 lies. Were their v's taken for one, the next reader, who asks when node 3 has come to 2, could be told u by nodes 2, 3 and 4: first v,
   * then u, which no order of the two writes explains.
   */
  test('is not answered by equal results of different times: the value may have changed and changed back', () => {
    const read = begin();
    give(read, 0, { since: 3, sequence: 3 });
    give(read, 2, { since: 1, sequence: 1 });
    expect(give(read, 3, { since: 1, sequence: 3 })).toBeUndefined();
    expect(give(read, 1, { result: 'u', since: 2, sequence: 2 })).toEqual({ kind: 'undecided', why: 'conflict' });
  });

  test('is undecided as soon as no quorum can agree any more, or when its time is up', () => {
    const read = begin();
    give(read, 0);
    give(read, 1, { result: 'w' });
    expect(give(read, 2, { result: 'u' })).toEqual({ kind: 'undecided', why: 'conflict' });
    const slow = begin();
    expect(slow.deadline).toBe(6000);
    expect(slow.onTimeout(5999)).toBeUndefined();
    expect(slow.onTimeout(6000)).toEqual({ kind: 'undecided', why: 'timeout' });
  });

  test.each<readonly [string, (reply: Reply) => Reply]>([
    ['of another replica', (reply) => ({ ...reply, replica: replica(1) })],
    ['to another request', (reply) => ({ ...reply, requestDigest: NULL_DIGEST })],
    ['under another nonce', (reply) => ({ ...reply, timestamp: 98 })],
    ['of an execution', (reply) => ({ ...reply, outcome: 'executed', since: undefined })],
    ['without a time', (reply) => ({ ...reply, since: undefined })],
    ['whose time ends before it begins', (reply) => ({ ...reply, since: asSequence(6) })],
    ['whose result is another than it says', (reply) => ({ ...reply, result: bytes('w') })],
  ])('takes no reply %s', (_, change) => {
    const read = begin();
    give(read, 0);
    give(read, 1);
    expect(read.onReply(change(answer(read, 2)), replica(2))).toBeUndefined();
    expect(give(read, 2)).toMatchObject({ kind: 'read' });
  });

  test('counts a replica once, by the first it says', () => {
    const read = begin();
    give(read, 0);
    give(read, 1);
    expect(give(read, 1)).toBeUndefined();
    expect(give(read, 0, { result: 'w' })).toBeUndefined();
    expect(give(read, 2)).toMatchObject({ kind: 'read', replies: [0, 1, 2] });
  });
});
