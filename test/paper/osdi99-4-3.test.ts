// Castro & Liskov, Practical Byzantine Fault Tolerance, OSDI 1999, §4.3 "Garbage Collection": each sentence that states a rule.
import { describe, expect, test } from 'vitest';
import { asDigest } from '../../src/base/ids.ts';
import type { Output } from '../../src/protocol/output.ts';
import { Bench } from '../support/bench.ts';
import { SESSION, seq } from '../support/core-kit.ts';
import { Rig } from '../support/rig.ts';
import { effectsOf, eventsOfKind, refusalsOf, sentOf } from '../support/transcript.ts';

/** A backup with checkpoints every two numbers that executed up to `sequence`. */
function executed(sequence: number): Rig {
  const rig = new Rig({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
  for (let at = 1; at <= sequence; at += 1) rig.decide(at, rig.kit.batchOf('x', { session: SESSION + at }));
  return rig;
}

function announce(rig: Rig, from: number, sequence: number, root = rig.status.stateRoot): readonly Output[] {
  const { message, signature } = rig.kit.checkpoint(from, sequence, root);
  return rig.receive(message, { signature });
}

const phasesOf = (rig: Rig): readonly string[] =>
  rig.replica.slots(seq(0), seq(99)).map(({ sequence, phase }) => `${sequence} ${phase}`);

describe('OSDI’99 §4.3: what is kept', () => {
  test('messages stay in the log until the replica can prove that what they concern was executed by enough others', () => {
    const rig = executed(2);
    expect(phasesOf(rig)).toEqual(['1 executed', '2 executed']);
    announce(rig, 0, 2);
    expect(phasesOf(rig)).toEqual(['1 executed', '2 executed']);
    announce(rig, 2, 2);
    expect(phasesOf(rig)).toEqual([]);
  });

  test('a replica that misses messages all others have discarded is brought up to date by transferring the state, whose proof shows that it is right', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    bench.lose = ({ to, message }) => to === 3 && message.type !== 'status';
    for (let timestamp = 1; timestamp <= 8; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
    bench.lose = () => false;
    bench.until(() => bench.node(3).count('x') === 8, 'node4 has the state');
    expect(bench.node(3).events.filter(({ kind }) => kind === 'transferred')).not.toEqual([]);
  });
});

describe('OSDI’99 §4.3: checkpoints', () => {
  test('are produced when a number divisible by a constant is executed, not after every operation (deviation: also after a batch flagged for it)', () => {
    const rig = executed(5);
    expect([...rig.checkpoints.keys()]).toEqual([0, 2, 4]);
    const flagged = rig.kit.batch([], { flags: 1, timestamp: rig.wall });
    for (const from of [0, 2]) announce(rig, from, 4);
    const outputs = rig.decide(6, rig.kit.batchOf('y'));
    expect(eventsOfKind(outputs, 'checkpoint-taken')).toHaveLength(1);
    expect(eventsOfKind(rig.decide(7, flagged), 'checkpoint-taken')).toHaveLength(1);
  });

  test('a replica has the last stable checkpoint, those that are not stable yet, and a current state', () => {
    const rig = executed(4);
    announce(rig, 0, 2, rootAt(rig, 2));
    announce(rig, 2, 2, rootAt(rig, 2));
    rig.decide(5, rig.kit.batchOf('x', { session: SESSION + 5 }));
    expect(rig.status).toMatchObject({ lowWaterMark: 2, stateRootSequence: 4, lastExecuted: 5 });
    expect([...rig.checkpoints.keys()]).toEqual([2, 4]);
    expect(new Set([rootAt(rig, 2), rootAt(rig, 4)]).size).toBe(2);
  });

  test('the replica multicasts CHECKPOINT(n, digest of the state, i), signed: n is the last number the state reflects', () => {
    const rig = executed(1);
    const outputs = rig.decide(2, rig.kit.batchOf('x', { session: SESSION + 2 }));
    const sending = outputs.find((output) => output.kind === 'send' && output.message.type === 'checkpoint');
    expect(sending).toMatchObject({ to: [0, 2, 3], message: { sequence: 2, replica: 1, root: rig.status.stateRoot } });
    expect(sending?.kind === 'send' && sending.signature).toHaveLength(64);
  });

  test('its proof is 2f+1 (here q) CHECKPOINTs for n with the same digest, signed by different replicas, possibly the own among them', () => {
    const rig = executed(2);
    announce(rig, 0, 2);
    announce(rig, 0, 2);
    announce(rig, 3, 2, asDigest('ab'.repeat(32)));
    expect(rig.status.lowWaterMark).toBe(0);
    const outputs = announce(rig, 2, 2);
    expect(
      eventsOfKind(outputs, 'checkpoint-stable').map(({ replicas }) =>
        [...replicas].toSorted((left, right) => left - right),
      ),
    ).toEqual([[0, 1, 2]]);
    expect(rig.records.flatMap((record) => (record.kind === 'stable' ? [record.proof.length] : []))).toEqual([3]);
  });
});

describe('OSDI’99 §4.3: stable', () => {
  test('pre-prepares, prepares and commits at or below n are discarded, those above stay', () => {
    const rig = executed(2);
    rig.receive(rig.kit.prePrepare(3, rig.kit.batchOf('x', { session: SESSION + 3 })));
    for (const from of [0, 2]) announce(rig, from, 2);
    expect(phasesOf(rig)).toEqual(['3 pre-prepared']);
    expect(
      rig.replica.records().map((record) => ('sequence' in record ? `${record.kind} ${record.sequence}` : record.kind)),
    ).toEqual(['stable 2', 'accepted 3']);
  });

  test('so are all earlier checkpoints and CHECKPOINT messages', () => {
    const rig = executed(4);
    const root = rootAt(rig, 2);
    announce(rig, 3, 2, root);
    for (const from of [0, 2]) announce(rig, from, 4);
    expect([...rig.checkpoints.keys()]).toEqual([4]);
    expect(refusalsOf(announce(rig, 3, 2, root))).toEqual(['checkpoint below-window']);
    expect(rig.status.lowWaterMark).toBe(4);
  });
});

describe('OSDI’99 §4.3: the water marks', () => {
  test('h is the number of the last stable checkpoint, H = h + L, L twice the interval: nobody stalls while a checkpoint becomes stable', () => {
    const rig = executed(2);
    expect(rig.status).toMatchObject({ lowWaterMark: 0, highWaterMark: 4 });
    for (const at of [3, 4]) rig.decide(at, rig.kit.batchOf('x', { session: SESSION + at }));
    expect(rig.status.lastExecuted).toBe(4);
    for (const from of [0, 2]) announce(rig, from, 4);
    expect(rig.status).toMatchObject({ lowWaterMark: 4, highWaterMark: 8 });
  });

  test('they limit what is accepted: the same pre-prepare is taken once the marks have moved', () => {
    const rig = executed(4);
    const late = rig.kit.prePrepare(5, rig.kit.batchOf('late', { session: SESSION + 99 }));
    expect(effectsOf(rig.receive(late))).toEqual([]);
    announce(rig, 0, 4);
    const outputs = announce(rig, 2, 4);
    expect(sentOf(outputs).map(({ type }) => type)).toContain('prepare');
  });
});

function rootAt(rig: Rig, sequence: number): ReturnType<typeof asDigest> {
  const root = rig.checkpoints.get(sequence);
  if (root === undefined) throw new Error(`no checkpoint at ${sequence}`);
  return root;
}
