import { describe, expect, test } from 'vitest';
import { replica, seq } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { asDigest } from '../base/ids.ts';
import type { Wait } from './status.ts';
import { describeWait } from './wait-text.ts';

const ROOT = asDigest('ab'.repeat(32));

/** For how long each is waited for, in ms. */
function waits(rig: Rig): readonly (readonly [string, number])[] {
  return rig.replica.waits().map((wait) => [describeWait(wait), (rig.monotonic - wait.sinceUs) / 1000]);
}

function ofSlot(rig: Rig, sequence: number): Wait | undefined {
  return rig.replica.slots(seq(sequence), seq(sequence))[0]?.waitingFor;
}

describe('of a slot', () => {
  test('each phase: who voted, who could still, and since when it stands there', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receive(rig.kit.prepare(2, 1, digest));
    const opened = rig.monotonic;
    rig.pass(100_000);
    const base = { sequence: 1, amount: undefined };
    expect(ofSlot(rig, 1)).toEqual({
      ...base,
      what: 'pre-prepare',
      needed: 1,
      have: [],
      missing: [0],
      sinceUs: opened,
    });
    rig.receive(rig.kit.prePrepare(1, batch));
    const prepared = rig.monotonic;
    rig.pass(100_000);
    expect(ofSlot(rig, 1)).toEqual({
      ...base,
      what: 'commits',
      needed: 3,
      have: [1],
      missing: [0, 2, 3],
      sinceUs: prepared,
    });
  });

  test('the own pre-prepare at the primary, votes of backups missing', () => {
    const rig = new Rig({ self: 0 });
    rig.requests([rig.kit.signed('x')]);
    expect(ofSlot(rig, 1)).toMatchObject({ what: 'prepares', needed: 2, have: [], missing: [1, 2, 3] });
  });

  test('a body that was decided and is not here: anyone may send it', () => {
    const rig = new Rig();
    for (const from of [2, 3])
      rig.receive({ type: 'decided', replica: replica(from), decisions: [{ sequence: seq(1), digest: ROOT }] });
    expect(ofSlot(rig, 1)).toMatchObject({ what: 'body', needed: 1, have: [], missing: [0, 2, 3] });
  });

  test('above the window: the checkpoint that is on its way, and who has signed it', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(9, rig.kit.batchOf('x')));
    const { message, signature } = rig.kit.checkpoint(3, 4, ROOT);
    rig.receive(message, { signature });
    expect(ofSlot(rig, 9)).toMatchObject({ what: 'stable-checkpoint', needed: 3, have: [3], missing: [0, 1, 2] });
  });

  test('a request that is not proven here: f+1 who vouch for it', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    rig.receive(rig.kit.prePrepare(1, batch), { verified: ['unverified'] });
    expect(ofSlot(rig, 1)).toMatchObject({ what: 'request-proof', needed: 2, have: [0], missing: [1, 2, 3] });
  });

  test('a batch from the future', () => {
    const rig = new Rig();
    const batch = rig.kit.batch([rig.kit.signed('x')], { timestamp: rig.wall + 60_000 });
    rig.receive(rig.kit.prePrepare(1, batch));
    expect(ofSlot(rig, 1)).toMatchObject({ what: 'batch-time', needed: 0, missing: [] });
  });

  test('a restart begins anew, so that no time is told that nobody measured', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('x')));
    const again = rig.restarted();
    again.pass(50_000);
    expect(ofSlot(again, 1)?.sinceUs).toBe(again.monotonic - 50_000);
  });
});

describe('of the replica', () => {
  test('nothing, when nothing is open', () => {
    const rig = new Rig();
    expect(waits(rig)).toEqual([]);
    rig.decide(1, rig.kit.batchOf('x'));
    expect(waits(rig)).toEqual([]);
  });

  test('requests that a backup knows and no batch has, from when the oldest came', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    rig.pass(40_000);
    rig.requests([rig.kit.signed('y', { session: 1_700_000_000_000_001 })]);
    rig.pass(2_000);
    expect(waits(rig)).toEqual([['a batch of node1 with 2 waiting requests', 42]]);
  });

  test('requests at a primary whose pipeline is full', () => {
    const rig = new Rig({ self: 0, tuning: { pipeline: 1 } });
    rig.requests([rig.kit.signed('x')]);
    rig.requests([rig.kit.signed('y', { session: 1_700_000_000_000_001 })]);
    expect(rig.replica.waits()).toMatchObject([{ what: 'window', missing: [], amount: 1 }]);
  });

  test('a checkpoint taken here until q have signed the same root', () => {
    const rig = new Rig();
    for (const number of [1, 2, 3, 4]) rig.decide(number, rig.kit.batchOf('x', { timestamp: number }));
    const { message, signature } = rig.kit.checkpoint(2, 4, rig.status.stateRoot);
    rig.receive(message, { signature });
    const other = rig.kit.checkpoint(3, 4, ROOT);
    rig.receive(other.message, { signature: other.signature });
    rig.pass(10_000);
    expect(rig.replica.waits()).toMatchObject([
      { what: 'checkpoints', sequence: 4, needed: 3, have: [1, 2], missing: [0, 3], sinceUs: rig.monotonic - 10_000 },
    ]);
    const last = rig.kit.checkpoint(0, 4, rig.status.stateRoot);
    rig.receive(last.message, { signature: last.signature });
    expect(waits(rig)).toEqual([]);
  });

  test('what f+1 others have executed; one alone may lie', () => {
    const rig = new Rig();
    rig.receive(rig.kit.status(3, { lastExecuted: seq(900) }));
    expect(waits(rig)).toEqual([]);
    rig.receive(rig.kit.status(2, { lastExecuted: seq(3) }));
    expect(rig.replica.waits()).toMatchObject([{ what: 'decisions', sequence: 3, needed: 2, missing: [2, 3] }]);
  });

  test('the state of a certified checkpoint, and how much of it has come', () => {
    const rig = new Rig();
    for (const from of [0, 2, 3]) {
      const { message, signature } = rig.kit.checkpoint(from, 40, ROOT);
      rig.receive(message, { signature });
    }
    rig.pass(3_000_000);
    const [state] = rig.replica.waits();
    expect(state).toMatchObject({ what: 'state', sequence: 40, needed: 1, amount: 0 });
    expect(state?.missing).toHaveLength(1);
    expect(describeWait(state ?? { ...NO_WAIT, what: 'turn' })).toMatch(
      /^the state of checkpoint 40 from node\d \(0 bytes so far\)$/,
    );
  });

  test('repair, when the own state contradicts a stable checkpoint', () => {
    const rig = new Rig();
    for (const number of [1, 2, 3, 4]) rig.decide(number, rig.kit.batchOf('x', { timestamp: number }));
    for (const from of [0, 2, 3]) {
      const { message, signature } = rig.kit.checkpoint(from, 4, ROOT);
      rig.receive(message, { signature });
    }
    rig.pass(1_000);
    expect(rig.replica.waits()[0]).toMatchObject({ what: 'repair', sinceUs: rig.monotonic - 1_000 });
  });
});

const NO_WAIT = { sequence: seq(0), needed: 0, have: [], missing: [], sinceUs: 0, amount: undefined } as const;
