import { describe, expect, test } from 'vitest';
import { ALICE, BOB, SESSION, STRANGER, clientId, replica, text } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { effectsOf, linesOf, refusalsOf, sentOf } from '../../test/support/transcript.ts';
import { DEFAULT_CLUSTER } from './config.ts';
import { REQUEST_READ_ONLY } from '../messages/index.ts';
import type { AuthenticatedRequest } from '../messages/index.ts';
import type { Output } from './output.ts';

describe('a request at a backup', () => {
  test('signed, from its client: passed on to the primary, and kept', () => {
    const rig = new Rig();
    expect(linesOf(rig.requests([rig.kit.signed('x')]))).toEqual(['request-received', 'send requests x → 0']);
    expect(rig.status.queuedRequests).toBe(1);
  });

  test('several of one frame go on in one', () => {
    const rig = new Rig();
    const requests = [0, 1].map((at) => rig.kit.signed(`x${at}`, { session: SESSION + at }));
    expect(effectsOf(rig.requests(requests))).toEqual(['send requests x0 x1 → 0']);
  });

  test('again: passed on again, since the first may have been lost', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    expect(effectsOf(rig.requests([rig.kit.signed('x')]))).toEqual(['send requests x → 0']);
    expect(rig.status.queuedRequests).toBe(1);
  });

  test('with a MAC alone: kept, not passed on: it would convince nobody else', () => {
    const rig = new Rig();
    expect(effectsOf(rig.requests([rig.kit.authenticated('x')], ALICE, 'mac'))).toEqual([]);
    expect(rig.status.queuedRequests).toBe(1);
  });

  describe('that the primary orders nothing of, however much else', () => {
    /** Reasons for which the backup leaves the view: it was given `request`, and many batches without it come. */
    const reasons = (request: (rig: Rig) => AuthenticatedRequest): readonly string[] => {
      const rig = new Rig({ tuning: { queueRequests: 16, batchRequests: 16, pipeline: 1 } });
      rig.decide(1, rig.kit.batchOf('a', { client: BOB }));
      rig.requests([request(rig)]);
      const later = [2, 3, 4, 5, 6, 7].flatMap((at) =>
        rig.decide(at, rig.kit.batchOf('a', { client: BOB, timestamp: at })),
      );
      return later.flatMap((output) =>
        output.kind === 'event' && output.event.kind === 'view-change-started' ? [output.event.reason] : [],
      );
    };

    test('makes that primary a slow one', () => {
      expect(reasons((rig) => rig.kit.signed('x'))).toEqual(['slow-primary']);
    });

    test('but not by what can only be refused: of that the primary takes one at a time', () => {
      const old = SESSION - DEFAULT_CLUSTER.sessionHorizonUs - 1;
      expect(reasons((rig) => rig.kit.signed('x', { session: old }))).toEqual([]);
    });
  });

  test('passed on by a replica: kept, not sent in circles', () => {
    const rig = new Rig();
    expect(effectsOf(rig.requests([rig.kit.signed('x')], replica(2)))).toEqual([]);
    expect(rig.status.queuedRequests).toBe(1);
  });
});

describe('what a replica passes on to a primary whose queue its client has filled', () => {
  /** A primary that has proposed one request and may not propose more; then these wait, passed on by node2. */
  function crowded(junk: (rig: Rig, at: number) => AuthenticatedRequest): Rig {
    const rig = new Rig({ self: 0, tuning: { queueRequests: 4, batchRequests: 1, pipeline: 1 } });
    rig.requests([rig.kit.signed('first')]);
    for (const at of [1, 2, 3]) rig.requests([junk(rig, at)], replica(1));
    expect(rig.status.queuedRequests).toBe(4);
    return rig;
  }

  test('finds room, where the rest is what no backup waits for, whoever passed it on', () => {
    const rig = crowded(({ kit }, at) => kit.signed('junk', { session: SESSION + at, timestamp: 2 }));
    expect(refusalsOf(rig.requests([rig.kit.signed('x', { session: SESSION + 9 })], replica(1)))).toEqual([]);
  });

  test('and none in the place of what backups wait for as well', () => {
    const rig = crowded(({ kit }, at) => kit.signed('x', { session: SESSION + at }));
    const refusals = refusalsOf(rig.requests([rig.kit.signed('x', { session: SESSION + 9 })], replica(1)));
    expect(refusals).toEqual(['requests queue-full']);
  });
});

describe('a copy that a slow backup passes on of what is under way', () => {
  const proposedBy = (outputs: readonly Output[]): readonly string[] =>
    sentOf(outputs).flatMap((message) =>
      message.type === 'pre-prepare'
        ? (message.batch?.requests ?? []).map(({ request }) => text(request.operation))
        : [],
    );

  test('does not push out the next request of its session, nor is it ordered twice', () => {
    const rig = new Rig({ self: 0, tuning: { batchRequests: 1, pipeline: 1 } });
    const first = rig.kit.signed('a');
    const [prePrepare] = sentOf(rig.requests([first]));
    // Its client has its answer from others, and goes on.
    rig.requests([rig.kit.authenticated('b', { timestamp: 2 })], ALICE, 'mac');
    expect(refusalsOf(rig.requests([first], replica(3)))).toEqual(['requests duplicate']);
    if (prePrepare?.type !== 'pre-prepare') throw new Error('proposed');
    const votes = [1, 2].flatMap((sender) => [
      rig.kit.prepare(sender, 1, prePrepare.digest),
      rig.kit.commit(sender, 1, prePrepare.digest),
    ]);
    expect(proposedBy(rig.receiveAll(votes))).toEqual(['b']);
  });

  test('where it is not under way, it goes before what was shown to the primary alone', () => {
    const rig = new Rig({ self: 0, tuning: { batchRequests: 1, pipeline: 1 } });
    rig.requests([rig.kit.signed('other', { client: BOB })], BOB);
    rig.requests([rig.kit.authenticated('b', { timestamp: 2 })], ALICE, 'mac');
    expect(refusalsOf(rig.requests([rig.kit.signed('a')], replica(3)))).toEqual([]);
    expect(rig.status.queuedRequests).toBe(2);
  });
});

describe('a request is refused', () => {
  test('of a client that is not listed; with open clients it is taken', () => {
    const rig = new Rig();
    const request = rig.kit.signed('x', { client: STRANGER });
    expect(refusalsOf(rig.requests([request], STRANGER))).toEqual(['requests client-not-listed']);
    const open = new Rig({ cluster: { openClients: true } });
    expect(refusalsOf(open.requests([request], STRANGER))).toEqual([]);
  });

  test('flagged read-only: nothing of that kind is ordered', () => {
    const rig = new Rig({ self: 0 });
    const outputs = rig.requests([rig.kit.signed('x', { flags: REQUEST_READ_ONLY })]);
    expect(refusalsOf(outputs)).toEqual(['requests read-only-disabled']);
    expect(sentOf(outputs)).toEqual([]);
  });

  test('unverified, as one that a replica passed on may be', () => {
    const rig = new Rig({ self: 0 });
    const outputs = rig.requests([rig.kit.signed('x')], replica(2), 'unverified');
    expect(refusalsOf(outputs)).toEqual(['requests signature-required']);
    expect(sentOf(outputs)).toEqual([]);
  });

  test('without a signature where the mode demands one', () => {
    const rig = new Rig({ self: 0, cluster: { authentication: 'signature' } });
    expect(refusalsOf(rig.requests([rig.kit.authenticated('x')], ALICE, 'mac'))).toEqual([
      'requests signature-required',
    ]);
  });

  test('below the last of its session: it can change nothing and gets no answer', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batchOf('x'));
    rig.decide(2, rig.kit.batchOf('y', { timestamp: 2 }));
    const outputs = rig.requests([rig.kit.signed('x')]);
    expect(linesOf(outputs)).toEqual(['refused requests old-request']);
  });

  test('when its session has another one outstanding', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    expect(refusalsOf(rig.requests([rig.kit.signed('y')]))).toEqual(['requests session-busy']);
  });

  test('when its client’s share of the queue is full of what is timed; another client’s is taken', () => {
    const rig = new Rig({ tuning: { clientQueueBytes: 5000 } });
    const outputs = rig.requests(Array.from({ length: 5 }, (_, at) => rig.kit.signed('x', { session: SESSION + at })));
    expect(refusalsOf(outputs)).toEqual(['requests queue-full']);
    expect(refusalsOf(rig.requests([rig.kit.signed('x', { client: BOB })], BOB))).toEqual([]);
  });

  test('when another one of its client waits that can only be refused: old requests sent again are ordered one at a time', () => {
    const rig = new Rig({ self: 0 });
    rig.requests([rig.kit.signed('x')]);
    const digest = rig.kit.digestOfBatch(rig.kit.batchOf('x'));
    rig.receiveAll([1, 2].flatMap((from) => [rig.kit.prepare(from, 1, digest), rig.kit.commit(from, 1, digest)]));
    const { sessionHorizonUs } = rig.kit.cluster;
    const old = (at: number): AuthenticatedRequest =>
      rig.kit.signed('old', { session: SESSION - sessionHorizonUs - at });
    expect(sentOf(rig.requests([old(1)])).map(({ type }) => type)).toEqual(['pre-prepare']);
    expect(refusalsOf(rig.requests([old(2), old(3)]))).toEqual(['requests queue-full', 'requests queue-full']);
    expect(refusalsOf(rig.requests([rig.kit.signed('z', { timestamp: 2 }), old(1)]))).toEqual([]);
    const second = rig.kit.digestOfBatch({ ...rig.kit.batchOf('old'), requests: [old(1)] });
    rig.receiveAll([1, 2].flatMap((from) => [rig.kit.prepare(from, 2, second), rig.kit.commit(from, 2, second)]));
    expect(rig.status.lastExecuted).toBe(2);
    expect(refusalsOf(rig.requests([old(2)]))).toEqual([]);
  });

  test('one bad request of a frame does not cost the others', () => {
    const rig = new Rig({ self: 0 });
    const outputs = rig.requests([
      rig.kit.signed('x', { flags: REQUEST_READ_ONLY }),
      rig.kit.signed('y', { session: SESSION + 1 }),
    ]);
    expect(refusalsOf(outputs)).toEqual(['requests read-only-disabled']);
    expect(sentOf(outputs).map(({ type }) => type)).toEqual(['pre-prepare']);
  });
});

describe('the last request of a session, sent again', () => {
  test('gets its stored reply at once, with the full result from the replica it names now', () => {
    const rig = new Rig({ tuning: { fullResultBytes: 1 } });
    rig.decide(1, rig.kit.batchOf('x', { replier: 3 }));
    expect(effectsOf(rig.requests([rig.kit.signed('x', { replier: 1 })]))).toEqual(['reply n1 t1 executed x#1']);
    expect(effectsOf(rig.requests([rig.kit.signed('x', { replier: 2 })]))).toEqual(['reply n1 t1 executed digest']);
    expect(rig.status.queuedRequests).toBe(0);
  });

  test('after a restart too', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batchOf('x'));
    expect(effectsOf(rig.restarted().requests([rig.kit.signed('x')]))).toEqual(['reply n1 t1 executed x#1']);
  });

  test('another request under its timestamp is ordered, and refused there: the error is agreed on', () => {
    const rig = new Rig({ self: 0 });
    rig.requests([rig.kit.signed('x')]);
    const digest = rig.kit.digestOfBatch(rig.kit.batchOf('x'));
    rig.receiveAll([1, 2].flatMap((from) => [rig.kit.prepare(from, 1, digest), rig.kit.commit(from, 1, digest)]));
    expect(rig.status.lastExecuted).toBe(1);
    const outputs = rig.requests([rig.kit.signed('y')]);
    expect(sentOf(outputs).map(({ type }) => type)).toEqual(['pre-prepare']);
  });
});

describe('G23: whatever clients send', () => {
  test('the queue of a backup stays within its bounds, and takes the next honest request', () => {
    const rig = new Rig({ cluster: { openClients: true }, tuning: { queueRequests: 50 } });
    for (let at = 0; at < 500; at += 1) {
      const client = clientId(at % 8);
      rig.requests([rig.kit.authenticated('spam', { client, session: SESSION + at })], client, 'mac');
      expect(rig.status.queuedRequests).toBeLessThanOrEqual(50);
    }
    expect(refusalsOf(rig.requests([rig.kit.signed('x', { session: SESSION + 9999 })]))).toEqual([]);
  });
});
