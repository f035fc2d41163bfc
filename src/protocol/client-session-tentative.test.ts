import { describe, expect, it } from 'vitest';
import { asSequence, asView } from '../base/ids.ts';
import type { Reply } from '../messages/index.ts';
import { TIMEOUT, bytes, give, newSession, replyTo, signed, submit } from '../../test/support/client-session-kit.ts';
import type { Sending } from '../../test/support/client-session-kit.ts';

describe('a tentative result is accepted', () => {
  const tentative = (sending: Sending, from: number, view = 0, change: Partial<Reply> = {}): Reply =>
    replyTo(sending, from, { outcome: 'tentative', view: asView(view), ...change });

  it('on a quorum of one view', () => {
    const session = newSession();
    const sending = submit(session);
    expect(give(session, tentative(sending, 1))).toEqual([]);
    expect(give(session, tentative(sending, 2))).toEqual([]);
    expect(session.progress).toMatchObject({ matching: [1, 2], needed: 3 });
    expect(give(session, tentative(sending, 3))).toMatchObject([
      { outcome: { kind: 'executed', replies: [1, 2, 3], isTentative: true, receipt: undefined, view: 0 } },
    ]);
    expect(session.state).toBe('idle');
  });

  it('not on a quorum of several views: those of the earlier one may have taken it back', () => {
    const session = newSession();
    const sending = submit(session);
    for (const [from, view] of [
      [0, 0],
      [1, 0],
      [2, 1],
    ] as const)
      expect(give(session, tentative(sending, from, view))).toEqual([]);
    expect(give(session, tentative(sending, 3, 1))).toEqual([]);
    expect(give(session, tentative(sending, 1, 1))).toMatchObject([
      { outcome: { kind: 'executed', replies: [1, 2, 3], view: 1, isTentative: true } },
    ]);
  });

  it('on a quorum with those that say it was committed, of whatever view', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, replyTo(sending, 0, { view: asView(4) }));
    expect(give(session, tentative(sending, 1))).toEqual([]);
    expect(give(session, tentative(sending, 2))).toMatchObject([
      { outcome: { kind: 'executed', replies: [0, 1, 2], isTentative: true } },
    ]);
  });

  it('and f+1 that say it was committed need nobody else', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, tentative(sending, 0, 3));
    give(session, replyTo(sending, 1));
    expect(give(session, replyTo(sending, 0))).toMatchObject([
      { outcome: { kind: 'executed', replies: [0, 1], isTentative: false } },
    ]);
  });

  it('and a late copy takes nothing from what is committed', () => {
    const session = newSession();
    const sending = submit(session);
    give(session, replyTo(sending, 1));
    expect(give(session, tentative(sending, 1))).toEqual([]);
    expect(give(session, replyTo(sending, 2))).toMatchObject([{ outcome: { kind: 'executed', isTentative: false } }]);
  });

  it('and one that did not come to be is no lie', () => {
    const session = newSession();
    const sending = submit(session);
    const other = bytes('{"ok":false}');
    give(session, tentative(sending, 3, 0, { result: other, sequence: asSequence(6) }));
    give(session, replyTo(sending, 1));
    expect(give(session, replyTo(sending, 2))).toMatchObject([{ kind: 'outcome' }]);
    expect(give(session, tentative(sending, 0, 0, { result: other, sequence: asSequence(6) }))).toEqual([]);
  });

  it('another execution beside an accepted one is a lie, and those that were tentative prove it to nobody', () => {
    const session = newSession({ authentication: 'signature' });
    const sending = submit(session);
    for (const from of [0, 1, 2]) give(session, signed(tentative(sending, from)));
    const wrong = give(session, signed(replyTo(sending, 3, { sequence: asSequence(9) })));
    expect(wrong).toMatchObject([{ kind: 'wrong-reply', replica: 3, accepted: undefined }]);
    expect(wrong).toMatchObject([{ summary: expect.stringContaining('3 matching replies say') as string }]);
  });

  it('a call whose time is up does not claim that f+1 of them were enough', () => {
    const session = newSession();
    const sending = submit(session);
    for (const from of [0, 1]) give(session, tentative(sending, from, 0, { result: undefined }));
    expect(session.onTimeout(TIMEOUT)).toMatchObject([
      { outcome: { kind: 'unknown', message: expect.stringContaining('only 2 of 3') as string } },
    ]);
  });
});
