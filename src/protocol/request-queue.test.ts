import { describe, expect, test } from 'vitest';
import { ALICE, BOB, CoreKit, SESSION } from '../../test/support/core-kit.ts';
import type { RequestOptions } from '../../test/support/core-kit.ts';
import { EVERYBODY, REQUEST_COMPOUND, encodeOperations } from '../messages/index.ts';
import type { AuthenticatedRequest } from '../messages/index.ts';
import { RequestQueue } from './request-queue.ts';
import type { WaitingRequest } from './request-queue.ts';

const kit = new CoreKit();
const NOW = 5;
const signed = (options: RequestOptions = {}, operation = 'x'): AuthenticatedRequest => kit.signed(operation, options);
const session = (at: number, options: RequestOptions = {}): AuthenticatedRequest =>
  signed({ session: SESSION + at, ...options });

function newQueue(limits: { clientQueueBytes?: number; queueRequests?: number } = {}): RequestQueue {
  return new RequestQueue({ clientQueueBytes: 4 * 1024 * 1024, queueRequests: 16_384, ...limits });
}

function added(
  queue: RequestQueue,
  request: AuthenticatedRequest,
  verified: 'mac' | 'signature' = 'signature',
): WaitingRequest {
  const waiting = queue.add(request, verified, NOW);
  if (typeof waiting === 'string') throw new Error(waiting);
  return waiting;
}

const compound = (count: number, options: RequestOptions = {}): AuthenticatedRequest =>
  kit.signed(encodeOperations(Array.from({ length: count }, () => new Uint8Array(0))), {
    flags: REQUEST_COMPOUND,
    ...options,
  });

const order = (queue: RequestQueue): readonly string[] => [...queue.unproposed()].map(({ request }) => request.digest);

describe('one request per session', () => {
  test('is kept in order of arrival, and found by its digest', () => {
    const queue = newQueue();
    const second = session(0);
    const requests = [session(2), second, session(1)];
    for (const request of requests) added(queue, request);
    expect(order(queue)).toEqual(requests.map(({ digest }) => digest));
    expect(queue.find({ ...second })?.arrival).toBe(2);
    expect(queue.find(session(3))).toBeUndefined();
    expect(queue.holds(second.digest)).toBe(true);
    expect(queue.holds(session(3).digest)).toBe(false);
    expect(queue.size).toBe(3);
  });

  test('the same request again keeps its place', () => {
    const queue = newQueue();
    const first = added(queue, session(0));
    added(queue, session(1));
    expect(added(queue, session(0))).toBe(first);
    expect(queue.size).toBe(2);
  });

  test('another request under the same or a lower timestamp is refused', () => {
    const queue = newQueue();
    added(queue, signed({ timestamp: 2 }));
    expect(queue.add(signed({ timestamp: 2 }, 'y'), 'signature', NOW)).toBe('session-busy');
    expect(queue.add(signed({ timestamp: 1 }), 'signature', NOW)).toBe('session-busy');
    expect(queue.size).toBe(1);
  });

  test('a higher timestamp takes its place', () => {
    const queue = newQueue();
    const first = added(queue, signed());
    const second = added(queue, signed({ timestamp: 2 }));
    expect(order(queue)).toEqual([second.request.digest]);
    expect(queue.find(first.request)).toBeUndefined();
  });

  test('sessions of different clients with one number are different sessions', () => {
    const queue = newQueue();
    added(queue, signed());
    expect(typeof queue.add(signed({ client: BOB, timestamp: 3 }), 'signature', NOW)).toBe('object');
  });
});

describe('proofs', () => {
  const unsigned = kit.authenticated('x');

  test('a signature takes the place of MACs, and nothing takes its place', () => {
    const queue = newQueue();
    const waiting = added(queue, unsigned, 'mac');
    added(queue, signed({ replier: 2 }));
    expect(waiting).toMatchObject({
      verified: 'signature',
      request: { proof: { kind: 'signature' }, request: { replier: 2 } },
    });
    added(queue, unsigned, 'mac');
    expect(waiting).toMatchObject({ verified: 'signature', request: { proof: { kind: 'signature' } } });
  });

  test('who was asked by any copy stays asked; the proof that is here stays, but for a signature', () => {
    const queue = newQueue();
    const waiting = added(queue, kit.authenticated('x', { asked: [1, 2] }), 'mac');
    const first = waiting.request.proof;
    added(queue, kit.authenticated('x', { asked: [3], replier: 3 }), 'mac');
    expect([waiting.asked, waiting.request.request.replier]).toEqual([0b1110, 3]);
    expect(waiting.request.proof).toBe(first);
    const retransmission = kit.signAgain(waiting.request);
    added(queue, retransmission, 'signature');
    // Who passes on an earlier copy takes nothing back.
    added(queue, kit.authenticated('x', { asked: [1, 2] }), 'mac');
    added(queue, kit.signed('x', { asked: [1, 2] }), 'signature');
    expect(waiting.asked).toBe(EVERYBODY);
    queue.drop(waiting);
    expect(queue.size).toBe(0);
  });
});

describe('a compound request', () => {
  test('takes the places of its operations', () => {
    const queue = newQueue({ queueRequests: 10 });
    added(queue, compound(6));
    expect(queue.add(compound(5, { session: SESSION + 1 }), 'signature', NOW)).toBe('queue-full');
    const last = added(queue, compound(4, { session: SESSION + 1 }));
    expect(queue.add(session(2), 'signature', NOW)).toBe('queue-full');
    queue.drop(last);
    added(queue, compound(4, { session: SESSION + 2 }));
    expect(queue.size).toBe(2);
  });

  test('counts as so many in its share: who has few of them makes room for others', () => {
    const queue = newQueue({ queueRequests: 10 });
    const [first, second] = [5, 5].map((count, at) => added(queue, compound(count, { session: SESSION + at })));
    added(queue, compound(4, { client: BOB }));
    expect(queue.find((first as WaitingRequest).request)).toBe(first);
    expect(queue.find((second as WaitingRequest).request)).toBeUndefined();
    expect(queue.add(compound(4, { client: BOB, session: SESSION + 1 }), 'signature', NOW)).toBe('queue-full');
  });
});

describe('a compound request in a full queue', () => {
  test('takes no more than the share of its client, though others hold more', () => {
    const queue = newQueue({ queueRequests: 20 });
    for (let at = 0; at < 19; at += 1) added(queue, session(at));
    added(queue, signed({ client: BOB }));
    const ten = compound(10, { client: BOB, session: SESSION + 1 });
    expect(queue.add(ten, 'signature', NOW)).toBe('queue-full');
    expect(queue.size).toBe(20);
    added(queue, compound(9, { client: BOB, session: SESSION + 1 }));
    expect(queue.size).toBe(12);
    expect(queue.find(session(9))).toBeDefined();
    expect(queue.find(session(10))).toBeUndefined();
  });

  test('is let in as the only one of its client, whatever its share is', () => {
    const queue = newQueue({ queueRequests: 20 });
    for (let at = 0; at < 20; at += 1) added(queue, session(at));
    const [most, more] = [10, 11].map((count) => compound(count, { client: BOB }));
    // Alice keeps her share, so there is no room for eleven: then she gives nothing.
    expect(queue.add(more as AuthenticatedRequest, 'signature', NOW)).toBe('queue-full');
    expect(queue.size).toBe(20);
    added(queue, most as AuthenticatedRequest);
    expect(queue.size).toBe(11);
  });

  test('at a backup pushes out as many operations as it has', () => {
    const queue = newQueue({ queueRequests: 10 });
    for (let at = 0; at < 10; at += 1) added(queue, session(at));
    const four = compound(4, { session: SESSION + 20 });
    queue.evictIdle(four);
    expect(order(queue)).toEqual([4, 5, 6, 7, 8, 9].map((at) => session(at).digest));
    added(queue, four);
  });
});

test('whoever wants to know hears of each request that is here no more, whyever', () => {
  const dropped: string[] = [];
  const queue = new RequestQueue({ clientQueueBytes: 4 * 1024 * 1024, queueRequests: 16 }, (request) =>
    dropped.push(request.digest),
  );
  const first = added(queue, signed());
  const next = added(queue, signed({ timestamp: 2 }));
  expect(dropped).toEqual([first.request.digest]);
  queue.settle(ALICE, SESSION, 2);
  expect(dropped).toEqual([first.request.digest, next.request.digest]);
});

describe('bounds', () => {
  test('bytes of one client', () => {
    const queue = newQueue({ clientQueueBytes: 10_000 });
    let taken = 0;
    while (typeof queue.add(session(taken), 'signature', NOW) === 'object') taken += 1;
    expect(taken).toBe(9);
    expect(queue.add(session(100), 'signature', NOW)).toBe('queue-full');
    expect(typeof queue.add(signed({ client: BOB }), 'signature', NOW)).toBe('object');
  });

  test('requests in all', () => {
    const queue = newQueue({ queueRequests: 2 });
    added(queue, session(0));
    added(queue, session(1));
    expect(queue.add(session(2), 'signature', NOW)).toBe('queue-full');
  });

  test('for what a backup passed on its client makes room itself: by its latest that nobody else waits for', () => {
    const queue = newQueue({ queueRequests: 4 });
    const own = [0, 1, 2, 3].map((at) => added(queue, session(at)));
    const [proposed, first, timed, passed] = own;
    if (proposed === undefined || first === undefined || timed === undefined || passed === undefined)
      throw new Error('4');
    queue.markProposed(proposed);
    queue.startTimer(timed);
    expect(queue.add(passed.request, 'signature', NOW, true)).toBe(passed);
    expect(queue.add(session(4), 'signature', NOW)).toBe('queue-full');
    expect(typeof queue.add(session(4), 'signature', NOW, true)).toBe('object');
    expect(own.map((each) => queue.find(each.request) !== undefined)).toEqual([true, false, true, true]);
    expect(queue.add(session(5), 'signature', NOW, true)).toBe('queue-full');
    expect(queue.size).toBe(4);
  });

  test('nor does it hold more bytes for what was passed on', () => {
    const queue = newQueue({ clientQueueBytes: 10_000 });
    for (let at = 0; at < 9; at += 1) added(queue, session(at));
    for (let at = 10; at < 40; at += 1) queue.add(session(at), 'signature', NOW, true);
    expect(queue.size).toBe(9);
    expect(queue.bytes).toBeLessThanOrEqual(10_000);
  });

  test('what backups wait for does not give way to a later one of its session that only the primary was shown', () => {
    const queue = newQueue();
    const passed = queue.add(session(0), 'signature', NOW, true);
    expect(queue.add(session(0, { timestamp: 2 }), 'signature', NOW)).toBe('session-busy');
    expect(queue.find(session(0))).toBe(passed);
    // A later one that backups wait for says that the first was answered.
    expect(typeof queue.add(session(0, { timestamp: 2 }), 'signature', NOW, true)).toBe('object');
    expect(queue.find(session(0))).toBeUndefined();
  });

  test('what only the primary was shown gives way to another of its session that backups wait for', () => {
    const queue = newQueue();
    added(queue, signed({ timestamp: 3 }, 'planted'), 'mac');
    expect(queue.add(signed({}, 'shown'), 'signature', NOW)).toBe('session-busy');
    expect(typeof queue.add(signed({}, 'shown'), 'signature', NOW, true)).toBe('object');
    expect(queue.size).toBe(1);
  });

  test('but not once it is in a batch', () => {
    const queue = newQueue();
    queue.markProposed(added(queue, signed({}, 'planted'), 'mac'));
    expect(queue.add(signed({}, 'shown'), 'signature', NOW, true)).toBe('session-busy');
  });

  test('in a new view it is not known yet what backups wait for', () => {
    const queue = newQueue();
    queue.add(session(0), 'signature', NOW, true);
    queue.proposeAnew();
    expect(typeof queue.add(session(0, { timestamp: 2 }), 'signature', NOW)).toBe('object');
  });

  test('what was passed on is the last to give way to another client', () => {
    const queue = newQueue({ queueRequests: 4 });
    const own = [0, 1, 2].map((at) => added(queue, session(at)));
    const passed = queue.add(session(3), 'signature', NOW, true);
    for (const at of [0, 1]) added(queue, session(at, { client: BOB }));
    expect(own.map((each) => queue.find(each.request) !== undefined)).toEqual([true, false, false]);
    expect(typeof passed === 'object' && queue.find(passed.request)).toBe(passed);
  });

  test('G17: full of one client, it makes room for another, up to an equal share; what came last and is in no batch goes', () => {
    const queue = newQueue({ queueRequests: 4 });
    const [first, second, third] = [0, 1, 2, 3].map((at) => added(queue, session(at)));
    if (first === undefined || second === undefined || third === undefined) throw new Error('four were added');
    queue.markProposed(third);
    const bob = [0, 1].map((at) => added(queue, session(at, { client: BOB })));
    expect(order(queue)).toEqual([first, ...bob].map(({ request }) => request.digest));
    expect(queue.find(third.request)).toBe(third);
    expect(queue.add(session(2, { client: BOB }), 'signature', NOW)).toBe('queue-full');
    expect(queue.add(session(4), 'signature', NOW)).toBe('queue-full');
  });

  test('G22: the smallest requests of one client leave most of the queue to others', () => {
    const queue = newQueue();
    let taken = 0;
    while (typeof queue.add(kit.signed('', { session: SESSION + taken }), 'signature', NOW) === 'object') taken += 1;
    expect(taken).toBeLessThanOrEqual(16_384 / 4);
  });

  test('G23: the digests of a bundle that travel with a request count too, once while anyone holds the bundle', () => {
    const digests = Array.from({ length: 255 }, (_, at) =>
      kit.digestOf(kit.request('filler', { session: SESSION + at })),
    );
    const inBundle = (at: number): AuthenticatedRequest => {
      const request = kit.authenticated('x', { session: SESSION + at });
      if (request.proof.kind !== 'authenticator') throw new Error('a bundle was asked for');
      return {
        ...request,
        proof: {
          kind: 'authenticator',
          bundle: { asked: EVERYBODY, digests: [request.digest, ...digests], macs: [] },
          position: 0,
        },
      };
    };
    const queue = newQueue();
    const first = inBundle(0);
    added(queue, first, 'mac');
    const alone = queue.bytes;
    expect(alone).toBeGreaterThan(256 * 64);
    const shared: AuthenticatedRequest = { ...inBundle(1), proof: first.proof };
    added(queue, shared, 'mac');
    expect(queue.bytes - alone).toBeLessThan(2000);
    let taken = 2;
    while (typeof queue.add(inBundle(taken), 'mac', NOW) === 'object') taken += 1;
    expect(taken).toBeLessThan(200);
    for (let at = 0; at < taken; at += 1) queue.settle(ALICE, SESSION + at, 1);
    expect([queue.size, queue.bytes]).toEqual([0, 0]);
  });

  test('a signature in place of MACs gives the bundle back', () => {
    const queue = newQueue();
    added(queue, kit.authenticated('x'), 'mac');
    const before = queue.bytes;
    added(queue, kit.signed('x'));
    expect(queue.bytes).toBeLessThan(before);
    queue.settle(ALICE, SESSION, 1);
    expect(queue.bytes).toBe(0);
  });
});

describe('what becomes of a request', () => {
  test('proposed: it waits for execution, and is not proposed again', () => {
    const queue = newQueue();
    const waiting = added(queue, session(0));
    queue.markProposed(waiting);
    added(queue, session(0));
    expect([queue.unproposedCount, queue.size]).toEqual([0, 1]);
  });

  test('settled: whatever of its session is at or below the timestamp goes, nothing else', () => {
    const queue = newQueue();
    const waiting = added(queue, signed({ timestamp: 2 }));
    expect(queue.settle(ALICE, SESSION, 1)).toBeUndefined();
    expect(queue.settle(BOB, SESSION, 2)).toBeUndefined();
    expect(queue.settle(ALICE, SESSION, 3)).toBe(waiting);
    expect([queue.size, queue.bytes, queue.unproposedCount]).toEqual([0, 0, 0]);
  });

  test('timed: the oldest by arrival is told, whichever timer started first', () => {
    const queue = newQueue();
    const [first, second] = [added(queue, session(0)), added(queue, session(1))];
    queue.startTimer(second);
    expect(queue.oldestTimed()).toBe(second);
    queue.startTimer(first);
    expect(queue.oldestTimed()).toBe(first);
    queue.settle(ALICE, SESSION, 1);
    expect([queue.hasTimer(first), queue.oldestTimed()]).toEqual([false, second]);
  });

  test('pruned after a state transfer: what the table has seen executed', () => {
    const queue = newQueue();
    added(queue, session(0));
    added(queue, session(1, { timestamp: 2 }));
    added(queue, session(2));
    queue.prune((_, number) => (number === SESSION + 2 ? undefined : 1));
    expect([...queue.unproposed()].map(({ request }) => request.request.session - SESSION)).toEqual([1, 2]);
  });
});

describe('a backup whose queue is full of what nobody orders', () => {
  test('forgets the oldest that it does not time', () => {
    const queue = newQueue({ queueRequests: 3 });
    const waiting = [0, 1, 2].map((at) => added(queue, session(at)));
    queue.startTimer(waiting[0] ?? added(queue, session(0)));
    queue.evictIdle(signed({ client: BOB }));
    expect(order(queue)).toEqual([waiting[0], waiting[2]].map((each) => each?.request.digest));
  });

  test('keeps all while there is room', () => {
    const queue = newQueue({ queueRequests: 3 });
    added(queue, session(0));
    queue.evictIdle(session(200));
    expect(queue.size).toBe(1);
  });

  test('keeps what it times or has accepted, and then refuses', () => {
    const queue = newQueue({ queueRequests: 2 });
    queue.startTimer(added(queue, session(0)));
    queue.markProposed(added(queue, session(1)));
    queue.evictIdle(signed({ client: BOB }));
    expect(queue.add(session(2), 'signature', NOW)).toBe('queue-full');
  });

  test('where only one client has used up its share, one of its own goes', () => {
    const queue = newQueue({ clientQueueBytes: 103_000 });
    const other = added(queue, signed({ client: BOB }));
    const own = Array.from({ length: 100 }, (_, at) => added(queue, session(at)));
    queue.evictIdle(session(200));
    expect(queue.find(other.request)).toBe(other);
    expect(queue.find(own[0]?.request ?? other.request)).toBeUndefined();
    expect(queue.size).toBe(100);
  });
});
