import { describe, expect, test } from 'vitest';
import { SESSION, STRANGER, replica } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import type { RigOptions } from '../../test/support/rig.ts';
import { effectsOf, linesOf, refusalsOf, sentOf } from '../../test/support/transcript.ts';
import { NULL_DIGEST, asDigest } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import { REQUEST_READ_ONLY } from '../messages/index.ts';
import type { Batch } from '../messages/index.ts';

const HALF_HORIZON_MS = 300_000;
const named = (rig: Rig, batch: Batch): ReadonlyMap<Digest, string> => new Map([[rig.kit.digestOfBatch(batch), 'A']]);
const flagged = (rig: Rig): Batch => rig.kit.batch([], { flags: 1, timestamp: rig.wall });

describe('a PRE-PREPARE that is accepted', () => {
  test('is written down with its body, then PREPARE goes to all others', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    expect(linesOf(rig.receive(rig.kit.prePrepare(1, batch)), named(rig, batch))).toEqual([
      'persist accepted v0 n1 A',
      'pre-prepared v0 n1 A',
      'send prepare v0 n1 A → 0 2 3',
    ]);
    expect(rig.records[0]).toMatchObject({ kind: 'accepted', batch });
    expect(rig.status.highestAccepted).toBe(1);
  });

  test('carries the signature of the primary into the record, where it has one', () => {
    const rig = new Rig({ cluster: { authentication: 'signature' } });
    const signature = new Uint8Array(64).fill(7);
    rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('x')), { signature });
    expect(rig.records[0]).toMatchObject({ kind: 'accepted', signature });
  });

  test('may be for any number of the window, in any order', () => {
    const rig = new Rig();
    for (const sequence of [8, 3, 1]) {
      const outputs = rig.receive(rig.kit.prePrepare(sequence, rig.kit.batchOf('x', { session: SESSION + sequence })));
      expect(sentOf(outputs)).toHaveLength(1);
    }
  });

  test('may be the null batch: recorded, prepared, committed and executed like any other', () => {
    const rig = new Rig();
    const names = new Map([[NULL_DIGEST, 'null']]);
    expect(linesOf(rig.decide(1, undefined), names)).toEqual([
      'persist accepted v0 n1 null',
      'pre-prepared v0 n1 null',
      'send prepare v0 n1 null → 0 2 3',
      'persist prepared v0 n1 null',
      'prepared v0 n1 null',
      'send commit v0 n1 null → 0 2 3',
      'committed v0 n1 null',
      'executed v0 n1 null',
      'persist executed v0 n1 null',
    ]);
    expect(rig.status).toMatchObject({ lastExecuted: 1, agreedTime: 0 });
  });
});

describe('a PRE-PREPARE is refused, in this order', () => {
  const refusal = (rig: Rig, sequence: number, batch: Batch | undefined, view = 0): readonly string[] => {
    const outputs = rig.receive(rig.kit.prePrepare(sequence, batch, view));
    expect(effectsOf(outputs).filter((line) => !line.startsWith('persist certain'))).toEqual([]);
    return refusalsOf(outputs);
  };

  test('of another view: later or, at a primary of it, even by itself', () => {
    expect(refusal(new Rig(), 1, undefined, 2)).toEqual(['pre-prepare other-view']);
    expect(refusal(new Rig(), 1, undefined, 4)).toEqual(['pre-prepare other-view']);
  });

  test('not from the primary of its view', () => {
    const rig = new Rig();
    const message = rig.kit.prePrepare(1, rig.kit.batchOf('x'));
    const outputs = rig.step({
      kind: 'message',
      message,
      author: replica(2),
      signature: undefined,
      requests: ['signature'],
    });
    expect(refusalsOf(outputs)).toEqual(['pre-prepare not-from-primary']);
  });

  test('at the primary', () => {
    const rig = new Rig({ self: 0 });
    const message = rig.kit.prePrepare(1, rig.kit.batchOf('x'), 0);
    const outputs = rig.step({
      kind: 'message',
      message,
      author: replica(2),
      signature: undefined,
      requests: ['signature'],
    });
    expect(refusalsOf(outputs)).toEqual(['pre-prepare not-from-primary']);
  });

  test('at or below h', () => {
    const rig = stableAt(4);
    expect(refusal(rig, 4, rig.kit.batchOf('y', { session: SESSION + 99 }))).toEqual(['pre-prepare below-window']);
    expect(refusal(rig, 0, undefined)).toEqual(['pre-prepare below-window']);
  });

  test('more than a window above the high mark', () => {
    expect(refusal(new Rig(), 17, undefined)).toEqual(['pre-prepare above-window']);
    expect(refusal(new Rig(), Number.MAX_SAFE_INTEGER, undefined)).toEqual(['pre-prepare above-window']);
  });

  test('with another digest than the accepted one', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('x')));
    const outputs = rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('y')));
    expect(refusalsOf(outputs)).toEqual(['pre-prepare other-digest-accepted']);
    // Not accepted, and the view of such a primary ends here.
    expect(effectsOf(outputs)).toEqual([
      'persist certain equivocation node1 v0 n1',
      'persist view-change v1',
      'send view-change → 0 2 3 signed',
    ]);
  });

  test('with the accepted digest once more', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('x')));
    expect(refusal(rig, 1, rig.kit.batchOf('x'))).toEqual(['pre-prepare duplicate']);
  });

  test('for a number executed here with another digest: no vote, no assertion, no halt', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    for (const from of [2, 3]) {
      rig.receive({
        type: 'decided',
        replica: replica(from),
        decisions: [{ sequence: rig.kit.prePrepare(1, batch).sequence, digest }],
      });
    }
    rig.receive({ type: 'batch', replica: replica(2), sequence: rig.kit.prePrepare(1, batch).sequence, digest, batch });
    expect(rig.status.lastExecuted).toBe(1);
    expect(refusal(rig, 1, rig.kit.batchOf('y'))).toEqual(['pre-prepare other-digest-executed']);
    expect(sentOf(rig.receive(rig.kit.prePrepare(1, batch)))).toHaveLength(1);
  });

  test('with neither request nor flag', () => {
    const rig = new Rig();
    expect(refusal(rig, 1, rig.kit.batch([]))).toEqual(['pre-prepare empty-batch']);
  });

  test('flagged, and not empty', () => {
    const rig = new Rig();
    expect(refusal(rig, 1, rig.kit.batch([rig.kit.signed('x')], { flags: 1 }))).toEqual([
      'pre-prepare flagged-batch-not-empty',
    ]);
  });

  test('with a read-only request among them', () => {
    const rig = new Rig();
    const batch = rig.kit.batch([
      rig.kit.signed('x'),
      rig.kit.signed('y', { session: SESSION + 1, flags: REQUEST_READ_ONLY }),
    ]);
    expect(refusal(rig, 1, batch)).toEqual(['pre-prepare read-only-in-batch']);
  });

  test('older than half the horizon; the bound itself is taken', () => {
    const rig = new Rig();
    const old = rig.kit.batch([rig.kit.signed('x')], { timestamp: rig.wall - HALF_HORIZON_MS - 1 });
    expect(refusal(rig, 1, old)).toEqual(['pre-prepare timestamp-too-old']);
    const edge = rig.kit.batch([rig.kit.signed('x')], { timestamp: rig.wall - HALF_HORIZON_MS });
    expect(sentOf(rig.receive(rig.kit.prePrepare(1, edge)))).toHaveLength(1);
  });

  test('by a replica that knows that its state is wrong', () => {
    const rig = stableAt(0, { cluster: { checkpointInterval: 1 } });
    rig.decide(1, rig.kit.batchOf('x'));
    for (const from of [0, 2, 3]) {
      const { message, signature } = rig.kit.checkpoint(from, 1, asDigest('ab'.repeat(32)));
      rig.receive(message, { signature });
    }
    expect(refusal(rig, 2, rig.kit.batchOf('y', { session: SESSION + 1 }))).toEqual(['pre-prepare diverged']);
  });
});

describe('a PRE-PREPARE that must wait is kept, and accepted when it may be', () => {
  test('above the window: G12: when a checkpoint is stable', () => {
    const rig = new Rig({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    const batch = rig.kit.batchOf('late', { session: SESSION + 99 });
    expect(linesOf(rig.receive(rig.kit.prePrepare(5, batch)))).toEqual(['buffered above-window n5']);
    for (const sequence of [1, 2]) rig.decide(sequence, rig.kit.batchOf('x', { session: SESSION + sequence }));
    const outputs = [0, 2].flatMap((from) => {
      const { message, signature } = rig.kit.checkpoint(from, 2, rig.status.stateRoot);
      return rig.receive(message, { signature });
    });
    expect(effectsOf(outputs, named(rig, batch)).slice(-2)).toEqual([
      'persist accepted v0 n5 A',
      'send prepare v0 n5 A → 0 2 3',
    ]);
  });

  test('at the far end of what is kept, and no further', () => {
    const rig = new Rig({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    expect(refusalsOf(rig.receive(rig.kit.prePrepare(8, undefined)))).toEqual([]);
    expect(refusalsOf(rig.receive(rig.kit.prePrepare(9, undefined)))).toEqual(['pre-prepare above-window']);
  });

  test('with a timestamp ahead of the own clock by more than the bound: when the clock gets there', () => {
    const rig = new Rig();
    const batch = rig.kit.batch([rig.kit.signed('x')], { timestamp: rig.wall + 12_000 });
    expect(linesOf(rig.receive(rig.kit.prePrepare(1, batch)))).toEqual([
      'buffered timestamp-ahead n1',
      'uncertain clock-skew node1 v0 n1',
    ]);
    expect(sentOf(rig.pass(1_999_000)).filter(({ type }) => type === 'prepare')).toEqual([]);
    expect(sentOf(rig.pass(1_000)).filter(({ type }) => type === 'prepare')).toHaveLength(1);
  });

  test('with a timestamp at the bound: at once', () => {
    const rig = new Rig();
    const batch = rig.kit.batch([rig.kit.signed('x')], { timestamp: rig.wall + 10_000 });
    expect(sentOf(rig.receive(rig.kit.prePrepare(1, batch)))).toHaveLength(1);
  });

  test('far in the future: it is looked at once a minute, and moves nobody', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, rig.kit.batch([rig.kit.signed('x')], { timestamp: 253_402_300_799_999 })));
    expect(sentOf(rig.pass(120_000_000)).filter(({ type }) => type === 'prepare')).toEqual([]);
    expect(rig.status.agreedTime).toBe(0);
  });

  test('flagged, within a second of the last flagged one: when the second is over', () => {
    const rig = new Rig({ tuning: { requestTimeoutUs: 5_000_000 } });
    const first = flagged(rig);
    rig.receive(rig.kit.prePrepare(1, first));
    rig.pass(400_000);
    const outputs = rig.receive(rig.kit.prePrepare(2, flagged(rig)));
    expect(linesOf(outputs)).toEqual(['buffered flagged-too-soon n2']);
    expect(sentOf(rig.pass(599_999)).filter(({ type }) => type === 'prepare')).toEqual([]);
    expect(sentOf(rig.pass(1)).filter(({ type }) => type === 'prepare')).toHaveLength(1);
  });

  test('with a request not known to be its client’s: when the request comes with a signature', () => {
    const rig = new Rig();
    const request = rig.kit.authenticated('x', {}, [1]);
    rig.receive(rig.kit.prePrepare(1, rig.kit.batch([request])), { verified: ['unverified'] });
    const outputs = rig.requests([rig.kit.signed('x')]);
    expect(sentOf(outputs).map(({ type }) => type)).toEqual(['requests', 'prepare']);
  });

  test('or when the same PRE-PREPARE comes with a proof that convinces', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    rig.receive(rig.kit.prePrepare(1, batch), { verified: ['unverified'] });
    const outputs = rig.receive(rig.kit.prePrepare(1, batch), { verified: ['signature'] });
    expect(sentOf(outputs).map(({ type }) => type)).toEqual(['prepare']);
  });

  test.each([
    ['with a request that nobody can verify', ['unverified'], 0],
    ['an hour ahead', ['signature'], 3_600_000],
  ] as const)(
    '%s: it gives way to a second one, which gets the vote, and the primary is called certain',
    (_, verified, aheadMs) => {
      const rig = new Rig();
      const first = rig.kit.batch([rig.kit.signed('x')], { timestamp: rig.wall + aheadMs });
      const second = rig.kit.batch([rig.kit.signed('y')], { timestamp: rig.wall });
      rig.receive(rig.kit.prePrepare(1, first), { verified });
      const outputs = rig.receive(rig.kit.prePrepare(1, second));
      expect(linesOf(outputs, named(rig, second))).toEqual([
        'persist certain equivocation node1 v0 n1',
        'certain equivocation node1 v0 n1',
        'persist accepted v0 n1 A',
        'pre-prepared v0 n1 A',
        'send prepare v0 n1 A → 0 2 3',
        'persist view-change v1',
        'view-change-started',
        'send view-change → 0 2 3 signed',
      ]);
      expect(refusalsOf(rig.receive(rig.kit.prePrepare(1, first)))).toEqual(['pre-prepare other-view']);
    },
  );

  test('or not at all, when its client is none of ours', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x', { client: STRANGER });
    expect(sentOf(rig.receive(rig.kit.prePrepare(1, batch))).map(({ type }) => type)).toEqual(['complaint']);
    const open = new Rig({ cluster: { openClients: true } });
    expect(sentOf(open.receive(open.kit.prePrepare(1, batch))).map(({ type }) => type)).toEqual(['prepare']);
  });
});

/** A backup whose stable checkpoint is at `sequence`, a multiple of the interval. */
function stableAt(sequence: number, options: RigOptions = {}): Rig {
  const rig = new Rig(options);
  for (let at = 1; at <= sequence; at += 1) rig.decide(at, rig.kit.batchOf('x', { session: SESSION + at }));
  for (const from of sequence === 0 ? [] : [0, 2]) {
    const { message, signature } = rig.kit.checkpoint(from, sequence, rig.status.stateRoot);
    rig.receive(message, { signature });
  }
  expect(rig.status.lowWaterMark).toBe(sequence);
  return rig;
}
