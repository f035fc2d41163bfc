import { describe, expect, it } from 'vitest';
import { asSequence, asView } from '../base/ids.ts';
import type { Reply } from '../messages/index.ts';
import { TIMEOUT, bytes, give, newSession, replyTo, signed, submit } from '../../test/support/client-session-kit.ts';
import type { Sending } from '../../test/support/client-session-kit.ts';

describe('a tentative result is accepted', () => {
  const tentative = (sending: Sending, from: number, view = 0, change: Partial<Reply> = {}): Reply =>
    replyTo(sending, from, { outcome: 'tentative', view: asView(view), ...change });

  it('on a quorum of one view', () => {
    const session = newSession({ tentativeExecution: true });
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
    const session = newSession({ tentativeExecution: true });
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
    const session = newSession({ tentativeExecution: true });
    const sending = submit(session);
    give(session, replyTo(sending, 0, { view: asView(4) }));
    expect(give(session, tentative(sending, 1))).toEqual([]);
    expect(give(session, tentative(sending, 2))).toMatchObject([
      { outcome: { kind: 'executed', replies: [0, 1, 2], isTentative: true } },
    ]);
  });

  it('and f+1 that say it was committed need nobody else', () => {
    const session = newSession({ tentativeExecution: true });
    const sending = submit(session);
    give(session, tentative(sending, 0, 3));
    give(session, replyTo(sending, 1));
    expect(give(session, replyTo(sending, 0))).toMatchObject([
      { outcome: { kind: 'executed', replies: [0, 1], isTentative: false } },
    ]);
  });

  it('and a late copy takes nothing from what is committed', () => {
    const session = newSession({ tentativeExecution: true });
    const sending = submit(session);
    give(session, replyTo(sending, 1));
    expect(give(session, tentative(sending, 1))).toEqual([]);
    expect(give(session, replyTo(sending, 2))).toMatchObject([{ outcome: { kind: 'executed', isTentative: false } }]);
  });

  it('and one that did not come to be is no lie, but another result of the very batch is one, which proves nothing to others', () => {
    const session = newSession({ authentication: 'signature', tentativeExecution: true });
    const sending = submit(session);
    const other = { result: bytes('{"ok":false}'), outcome: 'tentative' } as const;
    give(session, signed(tentative(sending, 3, 0, { ...other, sequence: asSequence(6) })));
    give(session, signed(replyTo(sending, 1)));
    expect(give(session, signed(replyTo(sending, 2)))).toMatchObject([{ kind: 'outcome' }]);
    expect(give(session, signed(tentative(sending, 0, 0, { ...other, sequence: asSequence(6) })))).toEqual([]);
    expect(give(session, signed(replyTo(sending, 0, other)))).toMatchObject([
      { kind: 'wrong-reply', replica: 0, accepted: undefined },
    ]);
  });

  it('a late one brings the result that a committed one lacks, and takes the place of none', () => {
    const session = newSession({ tentativeExecution: true });
    const sending = submit(session);
    const bare = { result: undefined };
    give(session, replyTo(sending, 0, bare));
    give(session, replyTo(sending, 1, bare));
    expect(give(session, tentative(sending, 0))).toMatchObject([{ outcome: { isTentative: false, replies: [0, 1] } }]);
    const other = newSession({ tentativeExecution: true });
    const again = submit(other);
    give(other, replyTo(again, 0));
    give(other, tentative(again, 0, 0, { sequence: asSequence(6) }));
    expect(give(other, replyTo(again, 1))).toMatchObject([{ outcome: { kind: 'executed', replies: [0, 1] } }]);
  });

  it('is not taken where the cluster has no such thing', () => {
    const session = newSession();
    const sending = submit(session);
    for (const from of [0, 1, 2, 3]) expect(give(session, tentative(sending, from))).toEqual([]);
    expect(session.progress?.matching).toEqual([]);
  });

  it('another execution beside an accepted one is a lie, and those that were tentative prove it to nobody', () => {
    const session = newSession({ authentication: 'signature', tentativeExecution: true });
    const sending = submit(session);
    for (const from of [0, 1, 2]) give(session, signed(tentative(sending, from)));
    const wrong = give(session, signed(replyTo(sending, 3, { sequence: asSequence(9) })));
    expect(wrong).toMatchObject([{ kind: 'wrong-reply', replica: 3, accepted: undefined }]);
    expect(wrong).toMatchObject([{ summary: expect.stringContaining('3 matching replies say') as string }]);
  });

  it.each([
    ['of one view, too few', [0, 0], 'only 2 of 3'],
    ['of two views', [0, 0, 1], 'only 2 of 3'],
  ])('a call whose time is up does not claim that it was executed on those %s', (_, views, text) => {
    const session = newSession({ tentativeExecution: true });
    const sending = submit(session);
    for (const [from, view] of views.entries()) give(session, tentative(sending, from, view));
    expect(session.progress).toMatchObject({ matching: [0, 1], needed: 3 });
    const [ended] = session.onTimeout(TIMEOUT);
    expect(ended).toMatchObject({ outcome: { kind: 'unknown', message: expect.stringContaining(text) as string } });
    expect(ended).toMatchObject({ outcome: { message: expect.stringContaining('may have been') as string } });
  });
});
