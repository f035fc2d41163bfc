import { describe, expect, test } from 'vitest';
import { ALICE, BOB, SESSION, replica, seq } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { effectsOf, eventsOfKind, linesOf } from '../../test/support/transcript.ts';
import { asDigest } from '../base/ids.ts';
import type { Output } from './output.ts';

const T = 500_000;
const timeouts = (outputs: readonly Output[]): number => eventsOfKind(outputs, 'request-timeout').length;

describe('what starts the timer of a backup', () => {
  test('a signed request from a client that would execute now: T later the primary is suspected, and its view ends here', () => {
    const rig = new Rig({ tuning: { statusIntervalUs: 70_000 } });
    expect(effectsOf(rig.requests([rig.kit.signed('x')]))).toEqual(['send requests x → 0']);
    expect(timeouts(rig.pass(T - 1))).toBe(0);
    const outputs = rig.pass(1);
    expect(eventsOfKind(outputs, 'request-timeout')).toEqual([
      { kind: 'request-timeout', view: 0, requestDigest: rig.kit.signed('x').digest, sequence: undefined },
    ]);
    expect(linesOf(outputs)).toEqual([
      'request-timeout',
      'uncertain unresponsive node1 v0 n0',
      'persist view-change v1',
      'view-change-started',
      'send view-change → 0 2 3 signed',
    ]);
  });

  test('an accepted slot that is not executed', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('x')));
    expect(eventsOfKind(rig.pass(T), 'request-timeout').map((event) => event.sequence)).toEqual([1]);
  });

  test('in the view change no request times out, and without a quorum beside it this replica goes no further', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    expect(timeouts(rig.pass(20 * T))).toBe(1);
    expect(rig.status).toMatchObject({ view: 1, inViewChange: true });
  });
});

describe('a primary', () => {
  test('leaves a view in which what it proposed is not executed, and suspects nobody for it', () => {
    const rig = new Rig({ self: 0 });
    rig.requests([rig.kit.signed('x')]);
    expect(timeouts(rig.pass(T - 1))).toBe(0);
    const outputs = rig.pass(1);
    expect(eventsOfKind(outputs, 'request-timeout').map(({ sequence }) => sequence)).toEqual([1]);
    expect(rig.status).toMatchObject({ view: 1, inViewChange: true, suspicions: [] });
  });

  test('does not for requests that it has not proposed', () => {
    const rig = new Rig({ self: 0, cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2, batchRequests: 1 } });
    for (const [index, client] of [ALICE, BOB].entries()) {
      const [{ digest } = { digest: asDigest('00'.repeat(32)) }] = eventsOfKind(
        rig.requests([rig.kit.signed('x', { client })]),
        'pre-prepared',
      );
      for (const from of [1, 2]) rig.receive(rig.kit.prepare(from, index + 1, digest));
      for (const from of [1, 2]) rig.receive(rig.kit.commit(from, index + 1, digest));
    }
    expect(rig.status).toMatchObject({ lastExecuted: 2, lowWaterMark: 0 });
    rig.requests([rig.kit.signed('y', { session: SESSION + 1 })]);
    expect(rig.status.queuedRequests).toBe(1);
    expect(timeouts(rig.pass(20 * T))).toBe(0);
  });
});

describe('when f+1 others have executed more', () => {
  const claim = (rig: Rig, from: number, lastExecuted: number): readonly Output[] =>
    rig.receive(rig.kit.status(from, { lastExecuted: seq(lastExecuted) }));

  test('and go on, nobody is blamed, for as long as they do', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    for (let at = 1; at <= 4; at += 1) {
      for (const from of [0, 2, 3]) claim(rig, from, at);
      expect(timeouts(rig.pass(T))).toBe(0);
    }
  });

  // What one correct replica alone executed, no f+1 can tell: with a liar that only claims to have executed it they are f+1 for ever (seed 1000360).
  test('and stand still, the view ends all the same, one T later', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    for (const from of [0, 2]) claim(rig, from, 1);
    expect(timeouts(rig.pass(T))).toBe(0);
    for (const from of [0, 2]) claim(rig, from, 1);
    expect(timeouts(rig.pass(T))).toBe(1);
  });

  test('the claims of f count for nothing, however they grow', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    claim(rig, 0, 1_000_000);
    expect(timeouts(rig.pass(T))).toBe(1);
  });
});

describe('what does not', () => {
  const silent: readonly [string, (rig: Rig) => void][] = [
    ['a request without a signature', (rig) => rig.requests([rig.kit.authenticated('x')], undefined, 'mac')],
    [
      'a signed request passed on by a replica, which may have told all but the primary',
      (rig) => rig.requests([rig.kit.signed('x')], replica(3)),
    ],
    [
      'a request whose session cannot open: too far ahead',
      (rig) => rig.requests([rig.kit.signed('x', { session: SESSION + 600_000_000 })]),
    ],
    [
      'a request whose session cannot open: too old',
      (rig) => rig.requests([rig.kit.signed('x', { session: SESSION - 600_000_000 })]),
    ],
    ['a request ahead of its turn', (rig) => rig.requests([rig.kit.signed('x', { timestamp: 2 })])],
    [
      'votes for a slot without its pre-prepare',
      (rig) => rig.receive(rig.kit.prepare(2, 1, rig.kit.digestOfBatch(rig.kit.batchOf('x')))),
    ],
    ['a pre-prepare above the window', (rig) => rig.receive(rig.kit.prePrepare(9, rig.kit.batchOf('x')))],
    [
      'a pre-prepare with an unverified request',
      (rig) => rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('x')), { verified: ['unverified'] }),
    ],
    [
      'an executed request that comes again',
      (rig) => {
        rig.decide(1, rig.kit.batchOf('x'));
        rig.requests([rig.kit.signed('x')]);
      },
    ],
  ];

  test.each(silent)('%s', (_, happen) => {
    const rig = new Rig();
    happen(rig);
    expect(timeouts(rig.pass(10 * T))).toBe(0);
  });

  test('anything, at a replica that knows that its state is wrong', () => {
    const rig = new Rig({ cluster: { checkpointInterval: 1 } });
    rig.decide(1, rig.kit.batchOf('x'));
    rig.receive(rig.kit.prePrepare(2, rig.kit.batchOf('y')));
    for (const from of [0, 2, 3]) {
      const { message, signature } = rig.kit.checkpoint(from, 1, rig.kit.digestOfBatch(undefined));
      rig.receive(message, { signature });
    }
    expect(rig.status.diverged).toBe(true);
    expect(timeouts(rig.pass(T))).toBe(0);
  });
});

describe('what restarts or stops it', () => {
  test('the execution of what was waited for stops it', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    rig.pass(T - 1);
    rig.decide(1, rig.kit.batchOf('x'));
    expect(timeouts(rig.pass(10 * T))).toBe(0);
  });

  test('each execution restarts it for the rest', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    rig.requests([rig.kit.signed('y', { session: SESSION + 1 })]);
    rig.pass(T - 1);
    rig.decide(1, rig.kit.batchOf('x'));
    expect(timeouts(rig.pass(T - 1))).toBe(0);
    expect(timeouts(rig.pass(1))).toBe(1);
  });

  test('but not the execution of a request that came later than the oldest, which still waits', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    rig.requests([rig.kit.signed('y', { session: SESSION + 1 })]);
    rig.pass(T - 1);
    rig.decide(1, rig.kit.batchOf('y', { session: SESSION + 1 }));
    expect(timeouts(rig.pass(1))).toBe(1);
  });

  test('a batch with the oldest and a later one restarts it, whatever their order in it: nobody was overtaken', () => {
    const rig = new Rig();
    const { kit } = rig;
    const first = kit.signed('x');
    const second = kit.signed('y', { session: SESSION + 1 });
    rig.requests([first, second]);
    rig.requests([kit.signed('z', { session: SESSION + 2 })]);
    rig.pass(T - 1);
    rig.decide(1, kit.batch([second, first]));
    expect(timeouts(rig.pass(T - 1))).toBe(0);
    expect(timeouts(rig.pass(1))).toBe(1);
  });

  test('another request of the same session, executed, settles what is below it', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    rig.decide(1, rig.kit.batchOf('other'));
    expect(timeouts(rig.pass(10 * T))).toBe(0);
  });

  test('a request of another client does not settle it', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    rig.decide(1, rig.kit.batchOf('x', { client: BOB }));
    expect(timeouts(rig.pass(T))).toBe(1);
  });

  test('G05: the commit that completes a quorum and the deadline in one step: the slot is executed, the primary not blamed', () => {
    const rig = new Rig();
    const { kit } = rig;
    const batch = kit.batchOf('x');
    const digest = kit.digestOfBatch(batch);
    rig.receiveAll([kit.prePrepare(1, batch), kit.prepare(2, 1, digest), kit.commit(0, 1, digest)]);
    rig.monotonic += T + 1;
    const outputs = rig.receive(kit.commit(2, 1, digest));
    expect(timeouts(outputs)).toBe(0);
    expect(rig.status.lastExecuted).toBe(1);
  });

  test('G17: a restart starts it anew: what the log replays is no reason to blame the primary', () => {
    const rig = new Rig();
    const { kit } = rig;
    rig.receive(kit.prePrepare(2, kit.batchOf('y', { session: SESSION + 1 })));
    rig.decide(1, kit.batchOf('x'));
    const again = rig.restarted();
    expect(timeouts(again.pass(T - 1))).toBe(0);
    expect(timeouts(again.pass(1))).toBe(1);
  });
});
