import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asView } from '../base/ids.ts';
import { makeQuorums } from './quorum.ts';
import { ViewEstimate } from './view-estimate.ts';
import { give, newSession, replica, replyTo, submit } from '../../test/support/client-session-kit.ts';

describe('the primary', () => {
  const views = (replicaCount = 4): ViewEstimate => new ViewEstimate(makeQuorums(replicaCount));

  it('is believed on f+1: one liar moves nobody, and the belief never falls', () => {
    const estimate = views();
    estimate.observe(replica(3), asView(Number.MAX_SAFE_INTEGER));
    expect(estimate.view).toBe(0);
    estimate.observe(replica(1), asView(2));
    expect(estimate.view).toBe(2);
    expect(estimate.primary).toBe(2);
    estimate.observe(replica(1), asView(1));
    estimate.observe(replica(2), asView(1));
    expect(estimate.view).toBe(2);
  });

  it('is learned from replies, by all sessions that share the estimate', () => {
    const shared = views();
    const session = newSession({}, shared);
    const sending = submit(session);
    give(session, replyTo(sending, 1, { view: asView(6) }));
    give(session, replyTo(sending, 2, { view: asView(6) }));
    expect(submit(newSession({}, shared)).to).toEqual([2]);
  });

  it('with n ≤ 3 is who any one replica says', () => {
    const estimate = views(3);
    estimate.observe(replica(2), asView(4));
    expect(estimate.primary).toBe(1);
  });

  it('is never one that no correct replica has been in a view of, nor behind f+1 that agree', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 20 })), { maxLength: 60, size: 'max' }),
        (events) => {
          const estimate = views(7);
          const named = Array.from({ length: 7 }, () => 0);
          for (const [from, view] of events) {
            const before = estimate.view;
            estimate.observe(replica(from), asView(view));
            named[from] = Math.max(named[from] ?? 0, view);
            expect(estimate.view).toBeGreaterThanOrEqual(before);
            expect(named.filter((other) => other >= estimate.view).length).toBeGreaterThanOrEqual(3);
            expect(named.filter((other) => other > estimate.view).length).toBeLessThan(3);
          }
        },
      ),
    );
  });
});
