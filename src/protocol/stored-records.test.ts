import { describe, expect, test } from 'vitest';
import { Bench } from '../../test/support/bench.ts';
import { SESSION, replica, seq } from '../../test/support/core-kit.ts';
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

  test('what was taken anew while replaying is written down before it is spoken of', () => {
    const rig = new Rig({ cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 } });
    rig.decide(1, rig.kit.batchOf('x'));
    const cut = rig.records.slice(
      0,
      rig.records.findIndex(({ kind }) => kind === 'checkpoint'),
    );
    const again = rig.restarted(cut);
    expect(again.started[0]).toMatchObject({ kind: 'persist', record: { kind: 'checkpoint' } });
    for (const from of [0, 2]) {
      const { message, signature } = rig.kit.checkpoint(from, 1, again.status.stateRoot);
      again.receive(message, { signature });
    }
    expect(again.restarted().status.lowWaterMark).toBe(1);
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

  test('a stable checkpoint without its state', () => {
    const rig = withCheckpoint();
    const records = rig.replica.records().filter(({ kind }) => kind !== 'checkpoint');
    expect(() => rig.restarted(records)).toThrow(UnusableRecords);
  });

  test('a state that does not have the root that was announced', () => {
    const rig = withCheckpoint();
    const records = rig.replica.records().map((record): Record => {
      if (record.kind !== 'checkpoint') return record;
      const { checkpoint, signature } = record.checkpoint;
      return { ...record, checkpoint: { checkpoint: { ...checkpoint, root: LIE }, signature } };
    });
    expect(() => rig.restarted(records)).toThrow(/does not have the root that was announced/);
  });

  test('a state made under another configuration', () => {
    const rig = withCheckpoint();
    const records = rig.replica.records();
    expect(() => new Rig({ n: 7, cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 }, records })).toThrow(
      /under another configuration/,
    );
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
