import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asSequence, asView } from '../base/ids.ts';
import { TABLE_ERROR_CODES } from './table-error.ts';
import {
  ALTERATIONS,
  RESULT,
  SESSION,
  bytes,
  digest,
  errorReply,
  give,
  liarsIn,
  newSession,
  outcomeOf,
  replica,
  replyTo,
  signed,
  submit,
} from '../../test/support/client-session-kit.ts';

describe('f liars', () => {
  it.each(ALTERATIONS)('G01: two replies that differ in %s are no certificate', (_, change) => {
    const session = newSession();
    const sending = submit(session);
    expect(outcomeOf(give(session, replyTo(sending, 1)))).toBeUndefined();
    expect(outcomeOf(give(session, replyTo(sending, 3, change)))).toBeUndefined();
    expect(session.state).toBe('waiting');
    expect(outcomeOf(give(session, replyTo(sending, 2)))).toMatchObject({
      kind: 'executed',
      result: RESULT,
      replies: [1, 2],
    });
  });

  it.each(ALTERATIONS)('a lie about %s that comes first, in the middle or last changes nothing', (_, change) => {
    for (const order of [
      [3, 1, 2],
      [1, 3, 2],
      [1, 2, 3],
    ]) {
      const session = newSession();
      const sending = submit(session);
      const outputs = order.flatMap((from) => give(session, replyTo(sending, from, from === 3 ? change : {})));
      expect(outcomeOf(outputs)).toMatchObject({ kind: 'executed', result: RESULT, sequence: 7, replies: [1, 2] });
    }
  });

  it('G01: fields mixed from different replies never make a certificate', () => {
    const session = newSession({ replicaCount: 7 });
    const sending = submit(session);
    const values = [asSequence(7), asSequence(8)].flatMap((sequence) =>
      [digest('a'), digest('b')].map((batch) => ({ sequence, digest: batch })),
    );
    values.forEach((change, from) => expect(outcomeOf(give(session, replyTo(sending, from, change)))).toBeUndefined());
    give(session, replyTo(sending, 4, { result: bytes('x') }));
    expect(outcomeOf(give(session, replyTo(sending, 5, { result: bytes('y') })))).toBeUndefined();
    expect(session.state).toBe('waiting');
  });

  it('G04: one replica counts once, however often and with whatever it answers', () => {
    const session = newSession();
    const sending = submit(session);
    for (let round = 0; round < 5; round += 1) {
      expect(outcomeOf(give(session, replyTo(sending, 3, { view: asView(round) })))).toBeUndefined();
      expect(outcomeOf(give(session, replyTo(sending, 3, { sequence: asSequence(8 + round) })))).toBeUndefined();
      expect(outcomeOf(give(session, errorReply(sending, 3, 'client_unknown')))).toBeUndefined();
    }
    expect(session.state).toBe('waiting');
    expect(session.progress?.matching).toHaveLength(1);
  });

  it('the author is who the link says, not who the reply names', () => {
    const session = newSession();
    const sending = submit(session);
    expect(session.onReply(1, replyTo(sending, 1), replica(3))).toEqual([]);
    expect(session.onReply(1, replyTo(sending, 2), replica(3))).toEqual([]);
    expect(session.progress?.matching).toEqual([]);
  });

  it('a replica outside the cluster is nobody', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, replyTo(sending, 4));
    expect(outcomeOf(give(session, replyTo(sending, 200)))).toBeUndefined();
    expect(outcomeOf(give(session, replyTo(sending, 1)))).toBeUndefined();
  });

  it('nor does another result under the digest of one that is here', () => {
    const session = newSession();
    const sending = submit(session);
    const truth = replyTo(sending, 1);
    give(session, truth);
    const lie = replyTo(sending, 2, { result: bytes('{"ok":false}'), resultDigest: truth.resultDigest });
    const outputs = give(session, lie);
    expect(outcomeOf(outputs)).toBeUndefined();
    expect(liarsIn(outputs)).toEqual([2]);
    expect(outcomeOf(give(session, replyTo(sending, 3)))).toMatchObject({
      kind: 'executed',
      result: RESULT,
      replies: [1, 3],
    });
  });

  it('a result that does not hash to the digest beside it counts for nothing and gives its sender away', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, { ...replyTo(sending, 1), result: undefined });
    const lie = { ...replyTo(sending, 3), result: bytes('{"ok":"forged"}') };
    expect(liarsIn(give(session, lie))).toEqual([3]);
    expect(give(session, lie)).toEqual([]);
    expect(session.state).toBe('waiting');
    expect(outcomeOf(give(session, replyTo(sending, 2)))).toMatchObject({ result: RESULT, replies: [1, 2] });
  });

  it('cannot reject a request: f errors are not enough, whatever they say', () => {
    for (const code of TABLE_ERROR_CODES) {
      const session = newSession();
      const sending = submit(session);
      expect(give(session, errorReply(sending, 3, code, { sessionFloor: 0, agreedTime: SESSION }))).toEqual([]);
      give(session, replyTo(sending, 0));
      expect(outcomeOf(give(session, replyTo(sending, 1)))?.kind).toBe('executed');
    }
  });

  it('of any kind never lead to another result than the correct one', () => {
    const lie = fc.record({
      from: fc.constantFrom(5, 6),
      sequence: fc.constantFrom(7, 8),
      batch: fc.constantFrom('batch 7', 'batch 8'),
      outcome: fc.constantFrom('executed' as const, 'replayed' as const, 'table-error' as const),
      result: fc.constantFrom('{"ok":true}', 'x'),
      full: fc.boolean(),
    });
    const honest = fc.constantFrom(0, 1, 2, 3, 4);
    fc.assert(
      fc.property(fc.array(fc.oneof(lie, honest), { maxLength: 40, size: 'max' }), (events) => {
        const session = newSession({ replicaCount: 7 });
        const sending = submit(session);
        const answered = new Set<number>();
        const outputs = events.flatMap((event) => {
          if (typeof event === 'number') {
            answered.add(event);
            return give(session, replyTo(sending, event));
          }
          const { from, batch, outcome, full } = event;
          const reply = replyTo(sending, from, {
            sequence: asSequence(event.sequence),
            digest: digest(batch),
            outcome,
            result: bytes(event.result),
          });
          return give(session, full ? reply : { ...reply, result: undefined });
        });
        const outcome = outcomeOf(outputs);
        const isRight =
          outcome === undefined || (outcome.kind === 'executed' && outcome.sequence === 7 && !outcome.replayed);
        expect(isRight).toBe(true);
        expect(answered.size < 3 || session.state === 'idle').toBe(true);
        expect(liarsIn(outputs).every((name) => name >= 5)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a liar is named', () => {
  it.each(ALTERATIONS.slice(0, 3).concat(ALTERATIONS.slice(4, 6)))(
    'when it claimed another execution (%s), before or after the accepted one, once per request',
    (_, change) => {
      const before = newSession();
      const first = submit(before);
      give(before, replyTo(first, 3, change));
      give(before, replyTo(first, 1));
      expect(liarsIn(give(before, replyTo(first, 2)))).toEqual([3]);
      expect(liarsIn(give(before, replyTo(first, 3, change)))).toEqual([]);

      const after = newSession();
      const second = submit(after);
      give(after, replyTo(second, 1));
      give(after, replyTo(second, 2));
      expect(liarsIn(give(after, replyTo(second, 3, change)))).toEqual([3]);
      expect(liarsIn(give(after, replyTo(second, 3, change)))).toEqual([]);
    },
  );

  it('also while a later request is under way, and for several requests back', () => {
    const session = newSession();
    const sendings = Array.from({ length: 5 }, () => {
      const sending = submit(session);
      give(session, replyTo(sending, 1));
      give(session, replyTo(sending, 2));
      return sending;
    });
    submit(session);
    for (const sending of sendings)
      expect(liarsIn(give(session, replyTo(sending, 3, { result: bytes('x') })))).toEqual([3]);
  });

  it('with what it said and what was accepted', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, replyTo(sending, 1));
    give(session, replyTo(sending, 2));
    const lie = replyTo(sending, 3, { sequence: asSequence(99) });
    const [output] = give(session, lie);
    expect(output).toMatchObject({ kind: 'wrong-reply', replica: 3, reply: lie });
    expect(output?.kind === 'wrong-reply' && output.summary).toContain('node4 claims request');
  });

  it('but not for another view, a table error, another request, or silence', () => {
    const session = newSession();
    const sending = submit(session);
    const outputs = [
      ...give(session, errorReply(sending, 0, 'session_expired', { sessionFloor: 1, agreedTime: 2 })),
      ...give(session, replyTo(sending, 1)),
      ...give(session, replyTo(sending, 2)),
      ...give(session, replyTo(sending, 3, { view: asView(5) })),
      ...give(session, errorReply(sending, 3, 'session_expired', { sessionFloor: 1, agreedTime: 2 })),
      ...give(session, replyTo(sending, 3, { requestDigest: digest('x'), sequence: asSequence(1) })),
    ];
    expect(liarsIn(outputs)).toEqual([]);
  });
});

describe('receipts', () => {
  it('hold f+1 matching replies, each with its signature', () => {
    const session = newSession();
    const sending = submit(session, 0, { receipt: true });
    const replies = [
      signed(replyTo(sending, 1)),
      signed({ ...replyTo(sending, 2, { view: asView(3) }), result: undefined }),
    ];
    const outputs = replies.flatMap((reply) => give(session, reply));
    expect(outcomeOf(outputs)).toMatchObject({ kind: 'executed', receipt: replies });
  });

  it('a reply without a valid signature does not count where one is asked for', () => {
    const session = newSession();
    const sending = submit(session, 0, { receipt: true });
    const good = signed(replyTo(sending, 1));
    give(session, good);
    const forged = { ...replyTo(sending, 2), receipt: good.receipt };
    const altered = { ...signed(replyTo(sending, 2)), view: asView(1) };
    const others = [replyTo(sending, 2), forged, altered, { ...good, replica: replica(3) }];
    for (const reply of others) expect(outcomeOf(give(session, reply))).toBeUndefined();
    expect(outcomeOf(give(session, signed(replyTo(sending, 3))))).toMatchObject({ kind: 'executed', replies: [1, 3] });
  });

  it('are not checked twice for the same reply', () => {
    let checks = 0;
    const session = newSession({}, undefined, () => (checks += 1));
    const sending = submit(session, 0, { receipt: true });
    const reply = signed(replyTo(sending, 1));
    for (let copy = 0; copy < 5; copy += 1) give(session, reply);
    expect(checks).toBe(1);
  });

  it('keep the view that was signed when a copy without signature comes from another view', () => {
    const session = newSession({ authentication: 'signature' });
    const sending = submit(session);
    const first = signed(replyTo(sending, 1, { view: asView(2) }));
    const second = signed(replyTo(sending, 2, { view: asView(2) }));
    give(session, first);
    give(session, replyTo(sending, 1, { view: asView(3) }));
    expect(outcomeOf(give(session, second))).toMatchObject({ receipt: [first, second] });
  });

  it('in signature mode come without asking; replies without signature still count, but make no receipt', () => {
    const session = newSession({ authentication: 'signature' });
    const sending = submit(session);
    give(session, signed(replyTo(sending, 1)));
    expect(outcomeOf(give(session, replyTo(sending, 2)))).toMatchObject({ kind: 'executed', receipt: undefined });
  });

  it('nobody asked for are not kept: their signatures were not checked', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, signed(replyTo(sending, 1)));
    expect(outcomeOf(give(session, signed(replyTo(sending, 2))))).toMatchObject({
      kind: 'executed',
      receipt: undefined,
    });
  });
});
