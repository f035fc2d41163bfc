import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asSequence } from '../base/ids.ts';
import type { ClientOutcome, ClientOutput } from './client-session.ts';
import { TABLE_ERROR_CODES } from './table-error.ts';
import type { SessionBounds, TableErrorCode } from './table-error.ts';
import {
  HORIZON,
  OPERATION,
  SESSION,
  T,
  TIMEOUT,
  bytes,
  errorReply,
  give,
  newSession,
  outcomeOf,
  replyTo,
  sendingOf,
  submit,
} from '../../test/support/client-session-kit.ts';

describe('every call ends (G25)', () => {
  it('at its deadline, as unknown, when nobody answers', () => {
    const session = newSession();
    submit(session);
    let now = 0;
    let outcome: ClientOutcome | undefined;
    while (outcome === undefined && now < 10 * TIMEOUT) {
      now = session.nextTimeout() ?? now + 1;
      outcome = outcomeOf(session.onTimeout(now));
    }
    expect(now).toBe(TIMEOUT);
    expect(outcome).toMatchObject({
      kind: 'unknown',
      code: 'deadline',
      message: expect.stringContaining('no replica') as string,
    });
    expect(session.state).toBe('unresolved');
    expect(session.nextTimeout()).toBeUndefined();
    expect(session.onTimeout(now + 1)).toEqual([]);
  });

  it('and says how far it came', () => {
    const few = newSession();
    give(few, replyTo(submit(few), 3));
    expect(outcomeOf(few.onTimeout(TIMEOUT))).toMatchObject({
      message: expect.stringContaining('1 of 2 matching replies came in time (node4)') as string,
    });
    const noResult = newSession();
    const sending = submit(noResult);
    for (const from of [0, 1]) give(noResult, { ...replyTo(sending, from), result: undefined });
    expect(outcomeOf(noResult.onTimeout(TIMEOUT))).toMatchObject({
      message: expect.stringContaining('none sent the full result') as string,
    });
  });

  it('an unknown outcome may become known later; the session is then usable again', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, replyTo(sending, 1));
    session.onTimeout(TIMEOUT);
    const outputs = give(session, replyTo(sending, 2), TIMEOUT + 5);
    expect(outputs).toMatchObject([{ kind: 'late-outcome', outcome: { kind: 'executed', replies: [1, 2] } }]);
    expect(submit(session).request.timestamp).toBe(2);
  });

  it('the same request is tried again, never another one under its timestamp', () => {
    const session = newSession();
    const sending = submit(session);
    session.onTimeout(TIMEOUT);
    const again = sendingOf(session.retry(TIMEOUT + 10, TIMEOUT));
    expect(again).toMatchObject({ digest: sending.digest, signed: true, to: [0, 1, 2, 3] });
    expect(again.request.timestamp).toBe(1);
    expect(session.nextTimeout()).toBe(TIMEOUT + 10 + T / 2);
    give(session, replyTo(again, 0));
    expect(outcomeOf(give(session, replyTo(again, 2)))?.kind).toBe('executed');
    expect(submit(session).request.timestamp).toBe(2);
  });

  it('a retry ends at its own deadline', () => {
    const session = newSession();
    submit(session);
    session.onTimeout(TIMEOUT);
    session.retry(10_000, 500);
    expect(session.onTimeout(10_499)).not.toMatchObject([{ kind: 'outcome' }]);
    expect(outcomeOf(session.onTimeout(10_500))).toMatchObject({ kind: 'unknown', code: 'deadline' });
  });

  it('only an unresolved call can be tried again: anything else is a bug of ours', () => {
    const session = newSession();
    expect(() => session.retry(0, 1)).toThrow('unresolved');
    submit(session);
    expect(() => session.retry(0, 1)).toThrow('unresolved');
    expect(() => newSession().submit(0, OPERATION, { timeoutUs: Number.NaN })).toThrow('deadline');
  });

  it('whatever comes in whatever order, once and no later than the deadline', () => {
    const event = fc.oneof(
      fc.record({
        from: fc.nat({ max: 4 }),
        sequence: fc.constantFrom(7, 8),
        code: fc.option(fc.constantFrom(...TABLE_ERROR_CODES)),
        full: fc.boolean(),
      }),
      fc.nat({ max: 2000 }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40, size: 'max' }), (events) => {
        const session = newSession();
        const sending = submit(session);
        let now = 0;
        const outputs: ClientOutput[] = [];
        for (const happening of events) {
          if (typeof happening === 'number') {
            now += happening;
            outputs.push(...session.onTimeout(now));
            continue;
          }
          const { from, code, full } = happening;
          const bounds = { sessionFloor: 0, agreedTime: SESSION + HORIZON };
          const reply =
            code === null
              ? replyTo(sending, from, { sequence: asSequence(happening.sequence) })
              : errorReply(sending, from, code, bounds, happening.sequence);
          outputs.push(...give(session, full ? reply : { ...reply, result: undefined }, now));
        }
        outputs.push(...session.onTimeout(Math.max(now, TIMEOUT)));
        expect(outputs.filter((output) => output.kind === 'outcome')).toHaveLength(1);
        expect(outputs.filter((output) => output.kind === 'late-outcome').length).toBeLessThanOrEqual(1);
        expect(session.state).not.toBe('waiting');
      }),
      { numRuns: 300 },
    );
  });
});

describe('errors of the client table, from f+1', () => {
  const behind = { sessionFloor: 0, agreedTime: SESSION + HORIZON };
  const ahead = { sessionFloor: 0, agreedTime: SESSION - HORIZON };
  const floored = { sessionFloor: SESSION, agreedTime: SESSION + 1 };
  const near = { sessionFloor: 0, agreedTime: SESSION + 1 };
  const NEVER = 'rejected';
  const MAYBE = 'unknown';

  it.each([
    ['client_unknown', undefined, NEVER, 'closed', 'is not listed'],
    ['timestamp_reused', near, NEVER, 'closed', 'another request took its place'],
    ['idempotency_key_reused', undefined, NEVER, 'idle', 'its timestamp is used up'],
    ['session_refused', behind, NEVER, 'closed', 'too far behind ever to open'],
    ['session_refused', ahead, MAYBE, 'unresolved', 'may open when agreed time has come nearer'],
    ['session_refused', floored, MAYBE, 'closed', 'may have been open, and evicted'],
    ['session_refused', undefined, MAYBE, 'closed', 'without bounds nothing is certain'],
    ['session_expired', near, MAYBE, 'closed', 'an earlier sending may have been executed'],
    ['timestamp_gap', near, MAYBE, 'closed', 'earlier requests may yet be executed'],
    ['too_many_clients', near, MAYBE, 'unresolved', 'a place may be free later'],
  ] satisfies readonly [TableErrorCode, SessionBounds | undefined, string, string, string][])(
    '%s with %o: %s, session %s (%s)',
    (code, bounds, kind, state, _reason) => {
      const session = newSession();
      const sending = submit(session);
      give(session, errorReply(sending, 1, code, bounds));
      const outcome = outcomeOf(give(session, errorReply(sending, 2, code, bounds)));
      expect(outcome).toMatchObject({ kind, code, bounds, requestDigest: sending.digest });
      expect(session.state).toBe(state);
    },
  );

  it('too far behind is no longer certain for a call older than a horizon', () => {
    const session = newSession();
    const sending = submit(session, 0, { timeoutUs: 2 * HORIZON });
    give(session, errorReply(sending, 1, 'session_refused', behind), HORIZON);
    expect(outcomeOf(give(session, errorReply(sending, 2, 'session_refused', behind), HORIZON))?.kind).toBe('unknown');
  });

  it('an error that this client does not know leaves the outcome unknown', () => {
    const session = newSession();
    const sending = submit(session);
    const strange = { outcome: 'table-error' as const, result: bytes('{"error":{"code":"new_in_2.0","message":"?"}}') };
    give(session, replyTo(sending, 1, strange));
    expect(outcomeOf(give(session, replyTo(sending, 2, strange)))).toMatchObject({
      kind: 'unknown',
      code: 'unreadable_error',
    });
    expect(session.state).toBe('closed');
  });

  it('at different places in the order are different errors: no certificate', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, errorReply(sending, 1, 'client_unknown', undefined, 7));
    expect(give(session, errorReply(sending, 2, 'client_unknown', undefined, 8))).toEqual([]);
    expect(outcomeOf(give(session, errorReply(sending, 1, 'client_unknown', undefined, 8)))?.kind).toBe('rejected');
  });

  it('do not hide an execution: both are kept, each counted apart', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, replyTo(sending, 1));
    give(session, errorReply(sending, 1, 'session_expired', near, 9));
    give(session, errorReply(sending, 3, 'session_expired', near, 8));
    expect(outcomeOf(give(session, replyTo(sending, 2)))).toMatchObject({ kind: 'executed', replies: [1, 2] });
  });

  it('late copies of the error that ended a call do not end its retry', () => {
    const session = newSession();
    const sending = submit(session);
    for (const from of [0, 1]) give(session, errorReply(sending, from, 'too_many_clients', near, 7));
    expect(session.state).toBe('unresolved');
    session.retry(100, TIMEOUT);
    for (const from of [2, 3])
      expect(give(session, errorReply(sending, from, 'too_many_clients', near, 7))).toEqual([]);
    for (const from of [2, 3])
      expect(give(session, errorReply(sending, from, 'too_many_clients', near, 6))).toEqual([]);
    expect(session.state).toBe('waiting');
    give(session, replyTo(sending, 0, { sequence: asSequence(12) }));
    expect(outcomeOf(give(session, replyTo(sending, 1, { sequence: asSequence(12) })))?.kind).toBe('executed');
  });

  it('a refusal that is accepted late closes the session; one that leaves it unknown says nothing again', () => {
    const final = newSession();
    const first = submit(final);
    final.onTimeout(TIMEOUT);
    give(final, errorReply(first, 1, 'client_unknown'));
    expect(give(final, errorReply(first, 2, 'client_unknown'))).toMatchObject([
      { kind: 'late-outcome', outcome: { kind: 'rejected' } },
    ]);
    expect(final.state).toBe('closed');

    const open = newSession();
    const second = submit(open);
    open.onTimeout(TIMEOUT);
    give(open, errorReply(second, 1, 'too_many_clients', near));
    expect(give(open, errorReply(second, 2, 'too_many_clients', near))).toEqual([]);
    expect(open.state).toBe('unresolved');
  });
});
