import { describe, expect, test } from 'vitest';
import { ALICE, BOB, SESSION, WALL_MS } from '../../test/support/core-kit.ts';
import type { CoreKit } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import type { RigOptions } from '../../test/support/rig.ts';
import { effectsOf, linesOf, refusalsOf, sentOf, suspicionsOf } from '../../test/support/transcript.ts';
import { asDigest } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { AuthenticatedRequest, PrePrepare } from '../messages/index.ts';
import type { Output } from './output.ts';

const primary = (options: Omit<RigOptions, 'self'> = {}): Rig => new Rig({ self: 0, ...options });

const proposalsIn = (outputs: readonly Output[]): readonly PrePrepare[] =>
  sentOf(outputs).filter((message) => message.type === 'pre-prepare');

/** Requests of as many sessions, each its first. */
const many = (kit: CoreKit, count: number, from = 0): readonly AuthenticatedRequest[] =>
  Array.from({ length: count }, (_, index) => kit.signed('x', { session: SESSION + from + index }));

/** The votes of node2 and node3 that make the primary execute a proposal. */
function vote(
  rig: Rig,
  { sequence, digest }: { readonly sequence: number; readonly digest: Digest },
): readonly Output[] {
  const { kit } = rig;
  return rig.receiveAll(
    [1, 2].flatMap((from) => [kit.prepare(from, sequence, digest), kit.commit(from, sequence, digest)]),
  );
}

function order(rig: Rig, outputs: readonly Output[]): readonly Output[] {
  return proposalsIn(outputs).flatMap((proposal) => vote(rig, proposal));
}

describe('a batch', () => {
  test('is on disk before its PRE-PREPARE leaves; the primary sends no PREPARE', () => {
    const rig = primary();
    const request = rig.kit.signed('x');
    const names = new Map([[rig.kit.digestOfBatch(rig.kit.batch([request])), 'A']]);
    expect(linesOf(rig.requests([request]), names)).toEqual([
      'request-received',
      'persist accepted v0 n1 A',
      'pre-prepared v0 n1 A',
      'send pre-prepare v0 n1 A → 1 2 3',
    ]);
  });

  test('bears the wall clock and goes out at once, without waiting for company', () => {
    const rig = primary();
    rig.wall = WALL_MS + 77;
    const [proposal] = proposalsIn(rig.requests(many(rig.kit, 1)));
    expect(proposal?.batch?.timestamp).toBe(WALL_MS + 77);
    expect(proposal?.sequence).toBe(1);
  });

  test('holds at most batchRequests, in order of arrival', () => {
    const rig = primary({ tuning: { batchRequests: 2 } });
    const requests = many(rig.kit, 5);
    const batches = proposalsIn(rig.requests(requests)).map((proposal) =>
      proposal.batch?.requests.map(({ digest }) => digest),
    );
    expect(batches).toEqual(
      [requests.slice(0, 2), requests.slice(2, 4), requests.slice(4)].map((batch) => batch.map(({ digest }) => digest)),
    );
  });

  test('closes before batchBytes, and takes one request however large', () => {
    const rig = primary({ tuning: { batchBytes: 1000 } });
    const [first, second, third] = ['a', 'b', 'c'].map((letter, at) =>
      rig.kit.signed(letter.repeat(600), { session: SESSION + at }),
    );
    const huge = rig.kit.signed('d'.repeat(5000), { session: SESSION + 9 });
    if (first === undefined || second === undefined || third === undefined) throw new Error('three were made');
    expect(proposalsIn(rig.requests([first, second, third, huge])).map(({ batch }) => batch?.requests.length)).toEqual([
      1, 1, 1, 1,
    ]);
  });
});

describe('the pipeline', () => {
  test('lets requests gather while it is full, and takes all of them when it has room', () => {
    const rig = primary({ tuning: { pipeline: 2 } });
    const [first, second] = [0, 1].map((at) => rig.requests(many(rig.kit, 1, at)));
    expect(proposalsIn(rig.requests(many(rig.kit, 3, 2)))).toEqual([]);
    const after = order(rig, first ?? []);
    expect(proposalsIn(after).map(({ sequence, batch }) => [sequence, batch?.requests.length])).toEqual([[3, 3]]);
    expect(proposalsIn(second ?? [])).toHaveLength(1);
  });

  describe('where eight sessions keep the primary busy, and a batch takes 4 ms', () => {
    const BATCH_US = 4000;

    /** A primary that has just executed a batch of eight, which took so long. */
    function busy(batchUs = BATCH_US): Rig {
      const rig = primary({ tuning: { pipeline: 8 } });
      const outputs = rig.requests(many(rig.kit, 8));
      rig.pass(batchUs);
      order(rig, outputs);
      return rig;
    }

    const sizes = (outputs: readonly Output[]): readonly (number | undefined)[] =>
      proposalsIn(outputs).map(({ batch }) => batch?.requests.length);

    test('half of them make the next batch', () => {
      const rig = busy();
      expect(sizes(rig.requests(many(rig.kit, 3, 100)))).toEqual([]);
      expect(sizes(rig.requests(many(rig.kit, 1, 103)))).toEqual([4]);
    });

    test('or as many as have come when a batch could have been agreed on since the last was executed', () => {
      const rig = busy();
      rig.pass(1000);
      rig.requests(many(rig.kit, 3, 100));
      expect(sizes(rig.pass(BATCH_US - 1001))).toEqual([]);
      expect(sizes(rig.pass(1))).toEqual([3]);
    });

    test('beside a batch in flight they are waited for as long as two take', () => {
      const rig = busy();
      const inFlight = rig.requests(many(rig.kit, 4, 100));
      rig.pass(1000);
      rig.requests(many(rig.kit, 3, 104));
      expect(sizes(rig.pass(2 * BATCH_US - 1))).toEqual([]);
      expect(sizes(rig.pass(1))).toEqual([3]);
      expect(sizes(inFlight)).toEqual([4]);
    });

    test('on a fast network a wait with nothing in flight may last two batches: that is no slow primary yet', () => {
      const rig = busy(500);
      rig.requests(many(rig.kit, 3, 100));
      expect(sizes(rig.pass(999))).toEqual([]);
      expect(sizes(rig.pass(1))).toEqual([3]);
    });

    test('and never more than 20 ms, however long a batch takes', () => {
      const rig = busy(300_000);
      rig.requests(many(rig.kit, 3, 100));
      expect(sizes(rig.pass(19_999))).toEqual([]);
      expect(sizes(rig.pass(1))).toEqual([3]);
    });

    test('who comes after a pause waits for nobody', () => {
      const rig = busy();
      rig.pass(BATCH_US);
      expect(sizes(rig.requests(many(rig.kit, 1, 100)))).toEqual([1]);
    });

    test('nor does one who comes when the others have been gone for a while', () => {
      const rig = busy();
      rig.pass(200_000);
      const inFlight = rig.requests(many(rig.kit, 1, 100));
      expect([...sizes(inFlight), ...sizes(rig.requests(many(rig.kit, 1, 101)))]).toEqual([1, 1]);
    });

    test('a batch in flight that is executed sets the time anew', () => {
      const rig = busy();
      const inFlight = rig.requests(many(rig.kit, 4, 100));
      rig.pass(BATCH_US);
      rig.requests(many(rig.kit, 3, 104));
      expect(sizes(order(rig, inFlight))).toEqual([]);
      expect(sizes(rig.pass(BATCH_US))).toEqual([3]);
    });
  });

  test('one session after another waits for nobody', () => {
    const rig = primary();
    for (let at = 0; at < 3; at += 1) {
      const outputs = rig.requests(many(rig.kit, 1, at));
      expect(proposalsIn(outputs)).toHaveLength(1);
      rig.pass(60_000);
      order(rig, outputs);
    }
  });

  test('never proposes above the high water mark', () => {
    const rig = primary({ cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 } });
    order(rig, rig.requests(many(rig.kit, 1)));
    order(rig, rig.requests(many(rig.kit, 1, 1)));
    expect(rig.status).toMatchObject({ lastExecuted: 2, lowWaterMark: 0, highWaterMark: 2 });
    expect(proposalsIn(rig.requests(many(rig.kit, 1, 2)))).toEqual([]);
    const { message, signature } = rig.kit.checkpoint(1, 1, rig.status.stateRoot);
    expect(rig.status.queuedRequests).toBe(1);
    expect(proposalsIn(rig.receive(message, { signature }))).toEqual([]);
  });

  test('a request that is in flight is not proposed again when it is sent again', () => {
    const rig = primary();
    rig.requests(many(rig.kit, 1));
    expect(effectsOf(rig.requests(many(rig.kit, 1)))).toEqual([]);
  });

  test('G09: nor is one that was executed: it gets its stored reply', () => {
    const rig = primary();
    order(rig, rig.requests([rig.kit.signed('x', { replier: 0 })]));
    expect(effectsOf(rig.requests([rig.kit.signed('x', { replier: 0 })]))).toEqual(['reply n1 t1 executed x#1']);
  });
});

describe('a restarted primary', () => {
  test('G21: gives no number a second time', () => {
    const rig = primary();
    rig.requests(many(rig.kit, 1));
    const again = rig.restarted();
    expect(proposalsIn(again.requests(many(rig.kit, 1, 1))).map(({ sequence }) => sequence)).toEqual([2]);
  });

  test('a number whose record did not reach the disk was not told to anyone, and is free', () => {
    const rig = primary();
    const request = rig.kit.signed('x');
    rig.requests([request]);
    expect(proposalsIn(rig.restarted([]).requests([rig.kit.signed('y')])).map(({ sequence }) => sequence)).toEqual([1]);
  });
});

describe('clients that were complained about (mac mode)', () => {
  function markAlice(rig: Rig): void {
    const request = rig.kit.authenticated('x', { session: SESSION + 100 });
    const [proposal] = proposalsIn(rig.requests([request], ALICE, 'mac'));
    if (proposal === undefined) throw new Error('nothing was proposed');
    const { view, sequence, digest } = proposal;
    for (const replica of [1, 2] as const) {
      const prepare = rig.kit.prepare(replica, sequence, digest);
      rig.receive({ type: 'complaint', replica: prepare.replica, view, sequence, digest, requests: [request.digest] });
    }
    expect(rig.status.markedClients).toEqual([ALICE]);
    vote(rig, proposal);
  }

  test('are proposed for only when they sign', () => {
    const rig = primary();
    markAlice(rig);
    const unsigned = rig.requests([rig.kit.authenticated('y')], ALICE, 'mac');
    expect(refusalsOf(unsigned)).toEqual(['requests signature-required']);
    expect(proposalsIn(rig.requests([rig.kit.signed('y')]))).toHaveLength(1);
    expect(proposalsIn(rig.requests([rig.kit.authenticated('y', { client: BOB })], BOB, 'mac'))).toHaveLength(1);
  });

  test('a request without a signature that waited before the mark waits for one, and then goes', () => {
    const rig = primary({ tuning: { pipeline: 1 } });
    const waiting = rig.kit.authenticated('late');
    const request = rig.kit.authenticated('x', { session: SESSION + 100 });
    const [proposal] = proposalsIn(rig.requests([request, waiting], ALICE, 'mac'));
    expect(proposal?.batch?.requests).toHaveLength(2);
    rig.requests([rig.kit.authenticated('later', { session: SESSION + 2 })], ALICE, 'mac');
    markWith(rig, proposal);
    expect(proposalsIn(vote(rig, proposal ?? rig.kit.prePrepare(1, undefined)))).toEqual([]);
    const outputs = rig.requests([rig.kit.signed('later', { session: SESSION + 2 })]);
    expect(proposalsIn(outputs).map(({ batch }) => batch?.requests.length)).toEqual([1]);
  });

  test('such a request holds up no idle checkpoint', () => {
    const rig = primary({ tuning: { pipeline: 1 } });
    const [proposal] = proposalsIn(rig.requests([rig.kit.authenticated('x')], ALICE, 'mac'));
    rig.requests([rig.kit.authenticated('later', { session: SESSION + 2 })], ALICE, 'mac');
    markWith(rig, proposal);
    vote(rig, proposal ?? rig.kit.prePrepare(1, undefined));
    expect(proposalsIn(rig.pass(2_000_000)).map(({ batch }) => batch?.flags)).toEqual([1]);
  });

  function markWith(rig: Rig, proposal: PrePrepare | undefined): void {
    if (proposal === undefined) throw new Error('nothing was proposed');
    const { view, sequence, digest, batch } = proposal;
    const requests = batch?.requests.map((entry) => entry.digest) ?? [];
    for (const from of [1, 2]) {
      const { replica } = rig.kit.prepare(from, sequence, digest);
      rig.receive({ type: 'complaint', replica, view, sequence, digest, requests });
    }
  }
});

describe('the idle checkpoint', () => {
  test('is ordered as an empty flagged batch 2 s after the last execution', () => {
    const rig = primary();
    order(rig, rig.requests(many(rig.kit, 1)));
    expect(proposalsIn(rig.pass(1_999_999))).toEqual([]);
    const [proposal] = proposalsIn(rig.pass(1));
    expect(proposal?.batch).toEqual({ timestamp: WALL_MS + 2000, flags: 1, requests: [] });
    const outputs = vote(rig, proposal ?? rig.kit.prePrepare(2, undefined));
    expect(effectsOf(outputs)).toContain('send checkpoint n2 of 0 → 1 2 3 signed');
  });

  test('only once: nothing was executed since', () => {
    const rig = primary();
    order(rig, rig.requests(many(rig.kit, 1)));
    order(rig, rig.pass(2_000_000));
    expect(proposalsIn(rig.pass(60_000_000))).toEqual([]);
  });

  test('not while something is in flight', () => {
    const rig = primary();
    order(rig, rig.requests(many(rig.kit, 1)));
    rig.requests(many(rig.kit, 1, 1));
    expect(proposalsIn(rig.pass(10_000_000))).toEqual([]);
  });

  test('not right after an ordinary checkpoint', () => {
    const rig = primary({ cluster: { checkpointInterval: 1 } });
    order(rig, rig.requests(many(rig.kit, 1)));
    expect(proposalsIn(rig.pass(10_000_000))).toEqual([]);
  });

  test('not at genesis, not by a backup', () => {
    expect(proposalsIn(primary().pass(10_000_000))).toEqual([]);
    const backup = new Rig();
    backup.decide(1, backup.kit.batchOf('x'));
    expect(proposalsIn(backup.pass(10_000_000))).toEqual([]);
  });

  test('with the window full it is not asked for again and again: the primary sleeps until its other timers', () => {
    const rig = primary({ cluster: { checkpointInterval: 3 }, tuning: { pipeline: 4 } });
    // Stable at 2 by a flagged batch, so that the window ends at 8, between two checkpoints.
    order(rig, rig.requests(many(rig.kit, 1)));
    order(rig, rig.pass(2_000_000));
    for (const from of [1, 2]) {
      const { message, signature } = rig.kit.checkpoint(from, 2, rig.status.stateRoot);
      rig.receive(message, { signature });
    }
    for (let at = 1; rig.status.lastExecuted < rig.status.highWaterMark; at += 1)
      order(rig, rig.requests(many(rig.kit, 1, at)));
    expect(rig.status).toMatchObject({ lastExecuted: 8, lowWaterMark: 2, stateRootSequence: 6 });
    let wakes = 0;
    const end = rig.monotonic + 5_000_000;
    for (
      let at = rig.replica.nextTimeout();
      at !== undefined && at <= end && wakes < 1000;
      at = rig.replica.nextTimeout()
    ) {
      expect(proposalsIn(rig.pass(Math.max(0, at - rig.monotonic)))).toEqual([]);
      wakes += 1;
    }
    expect(wakes).toBeLessThan(100);
  });
});

test('a PREPARE that lied about a number before the primary proposed it is held against its sender', () => {
  const rig = primary();
  rig.receive(rig.kit.prepare(2, 1, asDigest('ab'.repeat(32))));
  expect(suspicionsOf(rig.requests(many(rig.kit, 1)))).toEqual(['certain false-vote node3 v0 n1']);
});
