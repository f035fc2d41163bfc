import { describe, expect, test } from 'vitest';
import { Bench } from '../../test/support/bench.ts';
import { SESSION, replica, seq } from '../../test/support/core-kit.ts';
import { DamageableState } from '../../test/support/damageable-state.ts';
import { Rig } from '../../test/support/rig.ts';
import { recordLine, sentOf } from '../../test/support/transcript.ts';
import { asDigest, asView } from '../base/ids.ts';
import { UnusableRecords } from './recovery.ts';
import type { Record } from './record.ts';
import { isBarrier } from './record.ts';
import type { ReplicaStatus } from './status.ts';

const LIE = asDigest('ab'.repeat(32));

/** What a restart must not change. */
function durablePart(status: ReplicaStatus): unknown {
  const { view, highestAccepted, lastExecuted, lowWaterMark, highWaterMark, stateRoot, stateRootSequence } = status;
  const certain = status.suspicions
    .filter(({ certainty }) => certainty === 'certain')
    .map(({ node, kind }) => [node, kind]);
  return {
    view,
    highestAccepted: Math.max(highestAccepted, lastExecuted),
    lastExecuted,
    lowWaterMark,
    highWaterMark,
    stateRoot,
    stateRootSequence,
    agreedTime: status.agreedTime,
    certain,
  };
}

describe('records() → a new replica → the same replica', () => {
  test('at every moment of a run over three checkpoints, with liars: from the shortest list and from all that was written', () => {
    const rig = new Rig({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    const { kit } = rig;
    const check = (): void => {
      const expected = durablePart(rig.status);
      expect(durablePart(rig.restarted(rig.replica.records()).status)).toEqual(expected);
      expect(durablePart(rig.restarted().status)).toEqual(expected);
      expect(
        rig
          .restarted(rig.replica.records())
          .replica.records()
          .map((record) => recordLine(record)),
      ).toEqual(rig.replica.records().map((record) => recordLine(record)));
    };
    for (let sequence = 1; sequence <= 6; sequence += 1) {
      const batch = sequence === 3 ? undefined : kit.batchOf('x', { session: SESSION + sequence });
      const digest = kit.digestOfBatch(batch);
      const messages = [
        kit.prePrepare(sequence, batch),
        kit.prepare(3, sequence, LIE),
        kit.prepare(2, sequence, digest),
        kit.commit(0, sequence, digest),
        kit.commit(3, sequence, LIE),
        kit.commit(2, sequence, digest),
      ];
      for (const message of messages) {
        rig.receive(message);
        check();
      }
      for (const from of sequence % 2 === 0 ? [0, 2] : []) {
        const { message, signature } = kit.checkpoint(from, sequence, rig.status.stateRoot);
        rig.receive(message, { signature });
        check();
      }
    }
    expect(rig.status).toMatchObject({ lastExecuted: 6, lowWaterMark: 6 });
  });

  test('a slot that f+1 claims decided comes back with its body', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    for (const from of [2, 3])
      rig.receive({ type: 'decided', replica: replica(from), decisions: [{ sequence: seq(1), digest }] });
    rig.receive({ type: 'batch', replica: replica(2), sequence: seq(1), digest, batch });
    const again = rig.restarted(rig.replica.records());
    expect(again.status.lastExecuted).toBe(1);
    expect(
      sentOf(again.receive({ type: 'fetch', replica: replica(3), wanted: [{ sequence: seq(1), digest }] })),
    ).toHaveLength(1);
  });

  test('the votes it cast are cast again when somebody lacks them', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receiveAll([rig.kit.prePrepare(1, batch), rig.kit.prepare(2, 1, digest)]);
    const again = rig.restarted();
    expect(sentOf(again.receive(rig.kit.status(3)))).toEqual([
      rig.kit.prepare(1, 1, digest),
      rig.kit.commit(1, 1, digest),
    ]);
  });

  test('a checkpoint that was sealed and not durable is taken again by replaying, and spoken of once it is durable', () => {
    const rig = new Rig({
      cluster: { checkpointInterval: 1 },
      tuning: { pipeline: 2 },
      state: new DamageableState('when-settled'),
    });
    rig.settle();
    const outputs = rig.decide(1, rig.kit.batchOf('x'));
    expect(sentOf(outputs).map(({ type }) => type)).not.toContain('checkpoint');
    const again = rig.restarted();
    expect(again.status).toMatchObject({ lastExecuted: 1, stateRootSequence: 0 });
    expect(sentOf(again.started).map(({ type }) => type)).not.toContain('checkpoint');
    expect(again.state.unsettled()).toEqual([1]);
    expect(sentOf(again.settle()).map(({ type }) => type)).toContain('checkpoint');
    for (const from of [0, 2]) {
      const { message, signature } = rig.kit.checkpoint(from, 1, again.status.stateRoot);
      again.receive(message, { signature });
    }
    expect(again.restarted().status.lowWaterMark).toBe(1);
  });

  test('a checkpoint that was durable before the power went, and never announced, is announced after the restart', () => {
    const rig = new Rig({
      cluster: { checkpointInterval: 1 },
      tuning: { pipeline: 2 },
      state: new DamageableState('when-settled'),
    });
    rig.settle();
    rig.decide(1, rig.kit.batchOf('x'));
    rig.state.settle();
    const again = rig.restarted();
    expect(again.status).toMatchObject({ lastExecuted: 1, stateRootSequence: 1 });
    const { message, signature } = rig.kit.checkpoint(1, 1, again.status.stateRoot);
    expect(again.receive(rig.kit.status(3))).toContainEqual({ kind: 'send', to: [3], message, signature });
    for (const from of [0, 2]) {
      const vote = rig.kit.checkpoint(from, 1, again.status.stateRoot);
      again.receive(vote.message, { signature: vote.signature });
    }
    expect(again.status.lowWaterMark).toBe(1);
  });
});

describe('records that do not fit', () => {
  const withCheckpoint = (): Rig => {
    const rig = new Rig({ cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 } });
    rig.decide(1, rig.kit.batchOf('x'));
    for (const from of [0, 2]) {
      const { message, signature } = rig.kit.checkpoint(from, 1, rig.status.stateRoot);
      rig.receive(message, { signature });
    }
    return rig;
  };

  test('a stable checkpoint whose state was durable, and a state database without it: lost, or older than the log', () => {
    const rig = withCheckpoint();
    const records = rig.replica.records();
    expect(() => rig.restarted(records, { state: new DamageableState() })).toThrow(UnusableRecords);
    expect(() => rig.restarted(records, { state: new Rig({}, rig.kit).state.reopened() })).toThrow(
      /proof of checkpoint 1, whose state was durable, but the state database ends at 0: it is older than the log/,
    );
  });

  test('a state database that is newer than the log, or came without one, is where this replica starts', () => {
    const rig = withCheckpoint();
    expect(rig.restarted([]).status).toMatchObject({ lastExecuted: 1, lowWaterMark: 0, stateRootSequence: 1 });
  });

  test('a state that does not have the stable root: this replica has diverged, and executes nothing', () => {
    const rig = withCheckpoint();
    const other = new Rig({}, rig.kit);
    other.decide(1, rig.kit.batchOf('another', { session: SESSION + 1 }));
    const again = rig.restarted(rig.replica.records(), { state: other.state.reopened() });
    expect(again.status).toMatchObject({ diverged: true, mayExecute: false });
  });

  test('a state made under another configuration', () => {
    const rig = withCheckpoint();
    const records = rig.replica.records();
    const state = rig.state.reopened();
    expect(
      () => new Rig({ n: 7, cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 }, records, state }),
    ).toThrow(/under another configuration/);
  });

  test('a state made with other MACs', () => {
    const rig = withCheckpoint();
    const records = rig.replica.records();
    const state = rig.state.reopened();
    const cluster = { checkpointInterval: 1, mac: 'blake2b-256' } as const;
    expect(() => new Rig({ cluster, tuning: { pipeline: 2 }, records, state })).toThrow(/under another configuration/);
    expect(rig.restarted(records, { state }).status.diverged).toBe(false);
  });

  test('a record beyond the window: what came before it is missing', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const record: Record = {
      kind: 'accepted',
      view: asView(0),
      sequence: seq(1000),
      digest: rig.kit.digestOfBatch(batch),
      batch,
      signature: undefined,
    };
    expect(() => rig.restarted([record])).toThrow(UnusableRecords);
  });

  test('none at all are genesis', () => {
    expect(new Rig().restarted([]).status).toMatchObject({ lastExecuted: 0, lowWaterMark: 0, highestAccepted: 0 });
  });
});

test('only a hint is no barrier', () => {
  const bench = new Bench({ cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 } });
  bench.execute(bench.kit.authenticated('x'));
  const kinds = new Map(
    bench
      .node(1)
      .replica.records()
      .map((record) => [record.kind, isBarrier(record)]),
  );
  expect([...kinds.values()].every(Boolean)).toBe(true);
  const executed: Record = { kind: 'executed', view: asView(0), sequence: seq(1), digest: LIE, batch: undefined };
  expect(isBarrier(executed)).toBe(false);
});
