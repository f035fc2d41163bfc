import { describe, expect, test } from 'vitest';
import { seq } from '../../test/support/core-kit.ts';
import { DamageableState } from '../../test/support/damageable-state.ts';
import type { Rig } from '../../test/support/rig.ts';
import {
  answerAll,
  answerOf,
  asksOf,
  batchAt,
  certify,
  entriesOf,
  lagging,
  largeApp,
  makeSource,
  newKit,
  questionsIn,
} from '../../test/support/transfer-kit.ts';
import { eventsOfKind, sentOf } from '../../test/support/transcript.ts';
import type { Digest } from '../base/ids.ts';
import type { SignedCheckpoint, State } from '../messages/index.ts';
import type { Output } from './output.ts';

function rootAt(rig: Rig, sequence: number): Digest {
  const root = rig.checkpoints.get(sequence);
  if (root === undefined) throw new Error(`no checkpoint at ${sequence}`);
  return root;
}

describe('a transfer that the power cuts short', () => {
  const application = largeApp(500);
  const kit = newKit();
  const source = makeSource(kit, 1, application);
  const root = rootAt(source, 1);

  /** Answers so many questions, then starts again. */
  function cutAfter(count: number): { readonly rig: Rig; readonly taken: number } {
    const { rig, asked } = lagging(kit, root);
    const open = [...questionsIn(asked)];
    const answers: State[] = [];
    while (answers.length < count) {
      const question = open.shift();
      if (question === undefined) throw new Error(`it has come with ${answers.length} answers`);
      const answer = answerOf(source, question);
      answers.push(answer);
      open.push(...questionsIn(rig.receive(answer)));
    }
    return { rig: rig.restarted(), taken: entriesOf(answers) };
  }

  test('goes on after the restart with what it has; meanwhile nothing is executed, and votes go on', () => {
    const whole = entriesOf(answerAll(...startOf()).answers);
    const { rig, taken } = cutAfter(6);
    expect(taken).toBeGreaterThan(0);
    expect(rig.state.assembling).toBeDefined();
    expect(rig.status).toMatchObject({ mayExecute: false, lastExecuted: 0 });
    const voted = rig.decide(2, batchAt(kit, 2));
    expect(sentOf(voted).map(({ type }) => type)).toEqual(expect.arrayContaining(['prepare', 'commit']));
    expect(eventsOfKind(voted, 'executed')).toEqual([]);
    certify(rig, 1, root);
    const { answers, outputs } = answerAll(rig, source, rig.pass(250_000));
    expect(entriesOf(answers) + taken).toBe(whole);
    expect(eventsOfKind(outputs, 'executed').map(({ sequence }) => sequence)).toEqual([2]);
    expect(rig.status).toMatchObject({ lastExecuted: 2, lowWaterMark: 1, mayExecute: true });
  });

  function startOf(): [Rig, Rig, readonly Output[]] {
    const { rig, asked } = lagging(kit, root);
    return [rig, source, asked];
  }

  test('goes on to a later checkpoint when that is what the others still have', () => {
    const later = makeSource(kit, 2, application);
    const { rig } = cutAfter(6);
    certify(rig, 2, rootAt(later, 2));
    const { answers, outputs } = answerAll(rig, later, rig.pass(250_000));
    expect(eventsOfKind(outputs, 'transferred').map(({ sequence }) => sequence)).toEqual([2]);
    expect(rig.status).toMatchObject({ lastExecuted: 2, lowWaterMark: 2, stateRoot: rootAt(later, 2) });
    expect(entriesOf(answers)).toBeLessThan(500);
  });

  test('what the log holds is not executed on the old state, and is executed once the new one is there', () => {
    const { rig } = cutAfter(6);
    rig.decide(2, batchAt(kit, 2));
    const again = rig.restarted();
    expect(again.status).toMatchObject({ mayExecute: false, lastExecuted: 0 });
    certify(again, 1, root);
    answerAll(again, source, again.pass(250_000));
    again.decide(2, batchAt(kit, 2));
    expect(again.status.lastExecuted).toBe(2);
  });

  test('all had come, and was not durable: it is put in place again, without asking', () => {
    const { rig, asked } = lagging(kit, root, { state: new DamageableState('when-settled') });
    rig.settle();
    answerAll(rig, source, asked);
    expect(rig.state.unsettled()).toEqual([1]);
    const again = rig.restarted();
    expect(again.status).toMatchObject({ lastExecuted: 0, mayExecute: false });
    expect(sentOf(again.started).map(({ type }) => type)).not.toContain('checkpoint');
    certify(again, 1, root);
    expect(asksOf(again.pass(250_000))).toEqual([]);
    expect(again.state.unsettled()).toEqual([1]);
    again.settle();
    expect(again.status).toMatchObject({ lastExecuted: 1, lowWaterMark: 1, stateRoot: root });
  });

  test('it was durable, and nobody knew: it is where the replica starts, and it says so', () => {
    const { rig, asked } = lagging(kit, root, { state: new DamageableState('when-settled') });
    rig.settle();
    answerAll(rig, source, asked);
    rig.state.settle();
    const again = rig.restarted();
    expect(again.status).toMatchObject({ lastExecuted: 1, lowWaterMark: 0, mayExecute: true, stateRoot: root });
    const { message, signature } = kit.checkpoint(1, 1, root);
    expect(again.receive(kit.status(3))).toContainEqual({ kind: 'send', to: [3], message, signature });
    certify(again, 1, root, [0, 2]);
    expect(again.status.lowWaterMark).toBe(1);
  });
});

describe('a certificate far above, before genesis is durable', () => {
  test('h does not fall by a restart', () => {
    const kit = newKit();
    const source = makeSource(kit);
    const { rig } = lagging(kit, rootAt(source, 1), { state: new DamageableState('when-settled') });
    const { proof } = stableOf(source);
    const records = [
      ...rig.records,
      { kind: 'stable', sequence: seq(1), root: rootAt(source, 1), proof, hasState: false } as const,
    ];
    expect(rig.state.versions()).toEqual([]);
    const again = rig.restarted(records);
    expect(again.status.lowWaterMark).toBe(1);
    const { answers } = answerAll(again, source, again.pass(250_000));
    expect(answers).not.toEqual([]);
    expect(again.state.unsettled()).toEqual([1]);
    again.settle();
    expect(again.status).toMatchObject({ lastExecuted: 1, lowWaterMark: 1, stateRoot: rootAt(source, 1) });
  });

  function stableOf(rig: Rig): { readonly proof: readonly SignedCheckpoint[] } {
    const record = rig.records.find(({ kind }) => kind === 'stable');
    if (record?.kind !== 'stable') throw new Error('it is stable there');
    return record;
  }
});
