import { describe, expect, it } from 'vitest';
import { asSequence, asView } from '../base/ids.ts';
import { EVERYBODY, LIMITS, REQUEST_RECEIPT, replicaSetOf, requestDigest } from '../messages/index.ts';
import type { Request } from '../messages/index.ts';
import { makeQuorums } from './quorum.ts';
import {
  CLIENT,
  OPERATION,
  RESULT,
  SESSION,
  T,
  TIMEOUT,
  bytes,
  context,
  digest,
  give,
  liarsIn,
  newSession,
  outcomeOf,
  replica,
  replyTo,
  sendingOf,
  submit,
} from '../../test/support/client-session-kit.ts';

describe('a request', () => {
  it('goes to the primary first, unsigned, and is numbered 1, 2, 3 …', () => {
    const session = newSession();
    for (const timestamp of [1, 2, 3]) {
      const sending = submit(session);
      expect(sending.to).toEqual([0]);
      expect(sending.signed).toBe(false);
      expect(sending.request).toMatchObject({
        client: CLIENT,
        session: SESSION,
        timestamp,
        flags: 0,
        operation: OPERATION,
      });
      expect(sending.digest).toBe(requestDigest(context, sending.request));
      give(session, replyTo(sending, 0));
      expect(outcomeOf(give(session, replyTo(sending, 1)))?.kind).toBe('executed');
    }
  });

  it('on which enough agree, but not who was to return the result, goes out again after a tenth of T, to one who agrees', () => {
    const session = newSession();
    const sending = submit(session, 0, { replier: replica(3) });
    give(session, replyTo(sending, 1, { result: undefined }));
    expect(session.nextTimeout()).toBe(T / 2);
    give(session, replyTo(sending, 2, { result: undefined }));
    // The reply came 1 µs after the request went out.
    expect(session.nextTimeout()).toBe(1 + T / 10);
    const again = sendingOf(session.onTimeout(1 + T / 10));
    expect(again).toMatchObject({ signed: true, digest: sending.digest, request: { replier: 1 } });
    expect(outcomeOf(give(session, replyTo(sending, 1)))?.kind).toBe('executed');
  });

  it('asks some when told so, and everybody else when those have answered and do not agree', () => {
    const session = newSession();
    const asked = replicaSetOf([replica(1), replica(2)]);
    const sending = submit(session, 0, { asked, replier: replica(1) });
    expect(sending).toMatchObject({ to: [0], asked, signed: false });
    expect(give(session, replyTo(sending, 1, { result: bytes('a lie') }))).toEqual([]);
    expect(session.unanswered()).toEqual([2]);
    expect([[1], [2], [3, 0], [0, 2]].map((some) => session.awaits(some.map(replica)))).toEqual([
      false,
      true,
      false,
      true,
    ]);
    const others = sendingOf(give(session, replyTo(sending, 2)));
    // Those who have answered owe nothing any more.
    const expected = replicaSetOf([replica(0), replica(3)]);
    expect(others).toMatchObject({ to: [0, 3], asked: EVERYBODY, expected, signed: false, digest: sending.digest });
    expect(session.unanswered()).toEqual([]);
    expect(session.awaits([replica(2)])).toBe(false);
    expect(session.askOthers()).toEqual([]);
    const ended = give(session, replyTo(sending, 3));
    expect(outcomeOf(ended)).toMatchObject({ kind: 'executed', replies: [2, 3] });
    expect(liarsIn(ended)).toEqual([1]);
    expect(session.unanswered()).toEqual([]);
    expect(session.askOthers()).toEqual([]);
  });

  it('asks the others when one has answered and another has not, after a tenth of T', () => {
    const session = newSession();
    const asked = replicaSetOf([replica(1), replica(2)]);
    const sending = submit(session, 0, { asked, replier: replica(1) });
    expect(session.nextTimeout()).toBe(T / 2);
    give(session, replyTo(sending, 1), 10);
    const at = 10 + T / 10;
    expect(session.nextTimeout()).toBe(at);
    expect([session.missing(at - 1), session.missing(at)]).toEqual([[], [2]]);
    expect(session.onTimeout(at - 1)).toEqual([]);
    expect(sendingOf(session.onTimeout(at))).toMatchObject({ to: [0, 3], asked: EVERYBODY, signed: false });
    expect(session.nextTimeout()).toBe(T / 2);
    expect(session.missing(T / 2)).toEqual([]);
  });

  it('has no others to ask where all are asked by name, and waits for nothing that does not come', () => {
    const session = newSession();
    const everybody = replicaSetOf([0, 1, 2, 3].map(replica));
    const sending = submit(session, 0, { asked: everybody, replier: replica(1) });
    expect(sending.asked).toBe(EVERYBODY);
    give(session, replyTo(sending, 1), 10);
    expect(session.onTimeout(10 + T / 10)).toEqual([]);
    expect(session.nextTimeout()).toBe(T / 2);
  });

  it('names nobody as missing for a call that is over', () => {
    const session = newSession();
    submit(session, 0, { asked: replicaSetOf([replica(1), replica(2)]), replier: replica(1), timeoutUs: 5 });
    expect(session.missing(5)).toEqual([]);
  });

  it('asks everybody when it goes out again', () => {
    const session = newSession();
    submit(session, 0, { asked: replicaSetOf([replica(1), replica(2)]), replier: replica(1) });
    expect(sendingOf(session.onTimeout(T / 2))).toMatchObject({ to: [0, 1, 2, 3], asked: EVERYBODY, signed: true });
    expect(session.askOthers()).toEqual([]);
  });

  it('that is to be shown is signed and goes to all at once; who is asked is another matter', () => {
    const session = newSession();
    const asked = replicaSetOf([replica(1), replica(2)]);
    const sending = submit(session, 0, { asked, replier: replica(1), isShown: true });
    expect(sending).toMatchObject({ to: [0, 1, 2, 3], asked, signed: true });
    expect(session.nextTimeout()).toBe(T / 2);
  });

  it('is signed at once in signature mode', () => {
    expect(submit(newSession({ authentication: 'signature' })).signed).toBe(true);
  });

  it('after T/2 is signed and goes to all, then again after pauses that double up to the cap', () => {
    const session = newSession();
    const first = submit(session);
    const sentAt: number[] = [];
    for (let now = 0; now < 2_000; now += 1) {
      const outputs = session.onTimeout(now);
      if (outputs.length === 0) continue;
      const again = sendingOf(outputs);
      expect(again).toMatchObject({ to: [0, 1, 2, 3], signed: true, digest: first.digest });
      expect({ ...again.request, replier: 0 }).toEqual({ ...first.request, replier: 0 });
      expect(requestDigest(context, again.request)).toBe(first.digest);
      sentAt.push(now);
    }
    expect(sentAt).toEqual([50, 150, 350, 750, 1150, 1550, 1950]);
  });

  it('names another replica for the full result each time, and comes round to all', () => {
    const session = newSession();
    const repliers = [submit(session).request.replier];
    for (let now = 0; repliers.length < 5; now += 10) {
      const outputs = session.onTimeout(now);
      if (outputs.length > 0) repliers.push(sendingOf(outputs).request.replier);
    }
    expect(new Set(repliers.slice(0, 4)).size).toBe(4);
    expect(repliers[4]).toBe(repliers[0]);
  });

  it('asks one of those that vouch for the result, when only its bytes are missing', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, { ...replyTo(sending, 2), result: undefined });
    give(session, { ...replyTo(sending, 3), result: undefined });
    const asked = [50, 150, 350].map((now) => sendingOf(session.onTimeout(now)).request.replier);
    expect(asked.every((name) => name === replica(2) || name === replica(3))).toBe(true);
    expect(new Set(asked).size).toBe(2);
  });

  it('is not changed by what its caller does to the operation afterwards', () => {
    const session = newSession();
    const operation = bytes('abc');
    const submitted = session.submit(0, operation, { timeoutUs: TIMEOUT });
    operation[0] = 0;
    expect(submitted.ok && sendingOf(submitted.value).request.operation).toEqual(bytes('abc'));
  });

  it('carries its idempotency key and the wish for a receipt', () => {
    const { request } = submit(newSession(), 0, { idempotency: { scope: 's', key: 'k' }, receipt: true });
    expect(request.idempotency).toEqual({ scope: 's', key: 'k' });
    expect(request.flags).toBe(REQUEST_RECEIPT);
  });
});

describe('nothing is submitted', () => {
  it('while a request is under way, unresolved, or after the session was closed', () => {
    const session = newSession();
    const refusal = (): string | undefined => {
      const submitted = session.submit(0, OPERATION, { timeoutUs: TIMEOUT });
      return submitted.ok ? undefined : submitted.error.code;
    };
    const sending = submit(session);
    expect(refusal()).toBe('session_busy');
    session.onTimeout(TIMEOUT);
    expect(refusal()).toBe('session_unresolved');
    session.abandon();
    expect(refusal()).toBe('session_closed');
    expect(sending.request.timestamp).toBe(1);
  });

  it.each([
    ['operation_too_large', new Uint8Array(LIMITS.operationBytes + 1), undefined],
    ['bad_idempotency_key', OPERATION, { scope: '', key: '' }],
    ['bad_idempotency_key', OPERATION, { scope: '', key: 'x'.repeat(65) }],
    ['bad_idempotency_key', OPERATION, { scope: 'x'.repeat(65), key: 'k' }],
    ['bad_idempotency_key', OPERATION, { scope: '', key: 'ü' }],
    ['bad_idempotency_key', OPERATION, { scope: '\n', key: 'k' }],
  ])('%s, and the session stays as it was', (code, operation, idempotency) => {
    const session = newSession();
    const submitted = session.submit(0, operation, { timeoutUs: TIMEOUT, idempotency });
    expect(!submitted.ok && submitted.error.code).toBe(code);
    expect(session.state).toBe('idle');
    expect(submit(session).request.timestamp).toBe(1);
  });
});

describe('a result is accepted', () => {
  it('on f+1 matching replies of distinct replicas, with the full result from one', () => {
    const session = newSession();
    const sending = submit(session);
    expect(give(session, { ...replyTo(sending, 2), result: undefined })).toEqual([]);
    const outputs = give(session, replyTo(sending, 1));
    expect(outputs).toEqual([
      {
        kind: 'outcome',
        outcome: {
          kind: 'executed',
          requestDigest: sending.digest,
          view: 0,
          sequence: 7,
          digest: digest('batch 7'),
          result: RESULT,
          replayed: false,
          replies: [1, 2],
          receipt: undefined,
          isTentative: false,
        },
      },
    ]);
    expect(session.state).toBe('idle');
    expect(session.nextTimeout()).toBeUndefined();
  });

  it.each([1, 4, 5, 7])('with n = %i on exactly a quorum where there are read-only requests', (replicaCount) => {
    const session = newSession({ replicaCount, readOnlyRequests: true });
    const sending = submit(session);
    const { quorum } = makeQuorums(replicaCount);
    expect(session.progress?.needed).toBe(quorum);
    for (let from = 0; from < quorum - 1; from += 1) expect(give(session, replyTo(sending, from))).toEqual([]);
    expect(give(session, replyTo(sending, quorum - 1))).toMatchObject([{ kind: 'outcome' }]);
  });

  it('on no answer to a read', () => {
    const session = newSession();
    const sending = submit(session);
    for (const from of [0, 1, 2, 3])
      expect(give(session, replyTo(sending, from, { outcome: 'read', since: asSequence(7) }))).toEqual([]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7])('with n = %i on exactly f+1: where n ≤ 3 one node is believed', (replicaCount) => {
    const session = newSession({ replicaCount });
    const sending = submit(session);
    const { weak } = makeQuorums(replicaCount);
    for (let from = 0; from < weak - 1; from += 1) expect(give(session, replyTo(sending, from))).toEqual([]);
    expect(outcomeOf(give(session, replyTo(sending, weak - 1)))?.kind).toBe('executed');
  });

  it('whatever views the replies name', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, replyTo(sending, 1, { view: asView(4) }));
    expect(outcomeOf(give(session, replyTo(sending, 2, { view: asView(9) })))).toMatchObject({
      kind: 'executed',
      view: 4,
    });
  });

  it('as a replay when an idempotency key came again', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, replyTo(sending, 1, { outcome: 'replayed' }));
    expect(outcomeOf(give(session, replyTo(sending, 2, { outcome: 'replayed' })))).toMatchObject({
      kind: 'executed',
      replayed: true,
    });
  });

  it('though the result in full came first and a copy without it later, from the same replica', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, replyTo(sending, 1));
    give(session, { ...replyTo(sending, 1, { view: asView(1) }), result: undefined });
    expect(outcomeOf(give(session, { ...replyTo(sending, 2), result: undefined }))?.kind).toBe('executed');
  });
});

describe('replies out of place', () => {
  it('before the first request, after its end, for other sessions and clients change nothing', () => {
    const session = newSession();
    const foreign = newSession();
    const sending = submit(foreign);
    expect(give(session, replyTo(sending, 1))).toEqual([]);
    expect(give(session, replyTo(sending, 2))).toEqual([]);
    expect(session.state).toBe('idle');
    const own = submit(session);
    give(session, replyTo(own, 1));
    give(session, replyTo(own, 2));
    expect(give(session, replyTo(own, 3))).toEqual([]);
    expect(give(session, replyTo(own, 0))).toEqual([]);
    expect(session.state).toBe('idle');
  });

  it('an earlier request’s replies do not answer the next one', () => {
    const session = newSession();
    const first = submit(session);
    give(session, replyTo(first, 1));
    give(session, replyTo(first, 2));
    const second = submit(session);
    for (const from of [0, 1, 2, 3]) expect(give(session, replyTo(first, from))).toEqual([]);
    expect(session.state).toBe('waiting');
    give(session, replyTo(second, 0));
    expect(outcomeOf(give(session, replyTo(second, 3)))?.kind).toBe('executed');
  });

  it('to a closed session are ignored', () => {
    const session = newSession();
    const sending = submit(session);
    expect(outcomeOf(session.abandon())).toMatchObject({ kind: 'unknown', code: 'abandoned' });
    expect(give(session, replyTo(sending, 1))).toEqual([]);
    expect(give(session, replyTo(sending, 2))).toEqual([]);
    expect(session.state).toBe('closed');
    expect(session.abandon()).toEqual([]);
  });
});

describe('progress', () => {
  it('tells who agrees and how often the request was sent', () => {
    const session = newSession();
    expect(session.progress).toBeUndefined();
    const sending = submit(session);
    give(session, replyTo(sending, 3, { sequence: asSequence(9) }));
    session.onTimeout(50);
    expect(session.progress).toEqual({ requestDigest: sending.digest, attempts: 2, matching: [3], needed: 2 });
    const request: Request = sending.request;
    expect(request.session).toBe(session.session);
  });
});
