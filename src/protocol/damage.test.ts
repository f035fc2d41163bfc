import { describe, expect, test } from 'vitest';
import { SESSION } from '../../test/support/core-kit.ts';
import type { CoreKit } from '../../test/support/core-kit.ts';
import { DamageableState } from '../../test/support/damageable-state.ts';
import { Rig } from '../../test/support/rig.ts';
import {
  answerAll,
  asksOf,
  batchAt,
  certify,
  counterKey,
  entriesOf,
  largeApp,
  makeSource,
  newKit,
} from '../../test/support/transfer-kit.ts';
import { effectsOf, eventsOfKind, sentOf, suspicionsOf } from '../../test/support/transcript.ts';
import { newViewOf, preparedAt, stableAt, tell, viewChangeOf } from '../../test/support/view-messages.ts';
import { NULL_DIGEST } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { Output } from './output.ts';

const application = largeApp(500);
const executedIn = (outputs: readonly Output[]): readonly number[] =>
  eventsOfKind(outputs, 'executed').map(({ sequence }) => sequence);

/** Node2, which executed three, checkpoints every two; 2 is stable. And node3, which has the same. */
function executedThree(durable: 'at-once' | 'when-settled' = 'at-once'): {
  readonly kit: CoreKit;
  readonly rig: Rig;
  readonly source: Rig;
  readonly root: Digest;
} {
  const kit = newKit(2);
  const source = makeSource(kit, 2, application);
  const root = source.status.stateRoot;
  const rig = new Rig({ application, state: new DamageableState(durable) }, kit);
  for (let at = 1; at <= 3; at += 1) rig.decide(at, batchAt(kit, at));
  rig.settle();
  rig.settle();
  certify(rig, 2, root, [0, 2]);
  expect(rig.status).toMatchObject({ lastExecuted: 3, lowWaterMark: 2, stateRoot: root });
  return { kit, rig, source, root };
}

describe('a state that cannot be read while a batch is executed', () => {
  test('nothing is executed on it any more, that batch not in part either; votes and their records go on', () => {
    const { kit, rig } = executedThree();
    rig.state.damage(counterKey('x'));
    const outputs = rig.decide(4, batchAt(kit, 4));
    expect(eventsOfKind(outputs, 'state-damaged')).toHaveLength(1);
    expect(executedIn(outputs)).toEqual([]);
    expect(sentOf(outputs).map(({ type }) => type)).toEqual(['prepare', 'commit']);
    expect(rig.status).toMatchObject({ lastExecuted: 3, mayExecute: false, stateRootSequence: 2 });
    const next = rig.decide(5, batchAt(kit, 5));
    expect(sentOf(next).map(({ type }) => type)).toEqual(['prepare', 'commit']);
    expect(executedIn(next)).toEqual([]);
    expect(rig.replica.waits().map(({ what }) => what)).toContain('repair');
  });

  test('nobody is told of the requests of the batch that came before the damage: they have not happened here (seeds 1026872, 1032576, 1033497)', () => {
    const { kit, rig } = executedThree();
    rig.state.damage(counterKey('x'));
    const batch = kit.batch([
      kit.signed('a word that nobody used', { session: SESSION + 500 }),
      kit.signed('x', { session: SESSION + 501 }),
    ]);
    const outputs = rig.decide(4, batch);
    expect(eventsOfKind(outputs, 'state-damaged')).toHaveLength(1);
    expect(outputs.filter(({ kind }) => kind === 'reply')).toEqual([]);
  });

  test('no CHECKPOINT of it leaves, though its seal was under way', () => {
    const { kit, rig } = executedThree('when-settled');
    rig.decide(4, batchAt(kit, 4));
    expect(rig.state.unsettled()).toEqual([4]);
    rig.step({ kind: 'damaged', reason: 'a scrub has found it' });
    expect(sentOf(rig.settle()).map(({ type }) => type)).not.toContain('checkpoint');
    expect(
      sentOf(rig.receive(kit.status(3))).filter((sent) => sent.type === 'checkpoint' && sent.sequence > 2),
    ).toEqual([]);
  });

  test('it is repaired from the stable checkpoint by what is damaged alone, and all above is executed again', () => {
    const { kit, rig, source, root } = executedThree();
    rig.state.damage(counterKey('x'));
    rig.decide(4, batchAt(kit, 4));
    rig.decide(5, batchAt(kit, 5));
    const asked = rig.pass(150_000);
    expect(asksOf(asked)).toEqual(['n2 → 2']);
    const { answers, outputs } = answerAll(rig, source, asked);
    expect(suspicionsOf(outputs)).toEqual([]);
    expect(eventsOfKind(outputs, 'transferred')).toMatchObject([{ sequence: 2, root }]);
    expect(executedIn(outputs)).toEqual([3, 4, 5]);
    expect(rig.status).toMatchObject({ lastExecuted: 5, mayExecute: true, stateRootSequence: 4 });
    expect(entriesOf(answers)).toBeLessThan(100);
    const right = new Rig({ application }, kit);
    for (let at = 1; at <= 5; at += 1) right.decide(at, batchAt(kit, at));
    expect(rig.checkpoints.get(4)).toBe(right.checkpoints.get(4));
    expect(effectsOf(outputs)).toContain('send checkpoint n4 of 1 → 0 2 3 signed');
  });

  test('before any checkpoint: it is repaired from the first that the others certify', () => {
    const kit = newKit(2);
    const source = makeSource(kit, 2, application);
    const rig = new Rig({ application }, kit);
    rig.decide(1, batchAt(kit, 1));
    rig.state.damage(counterKey('x'));
    rig.decide(2, batchAt(kit, 2));
    expect(rig.status).toMatchObject({ lastExecuted: 1, mayExecute: false });
    expect(asksOf(rig.pass(2_000_000))).toEqual([]);
    certify(rig, 2, source.status.stateRoot);
    const { outputs } = answerAll(rig, source, rig.pass(250_000));
    expect(eventsOfKind(outputs, 'transferred').map(({ sequence }) => sequence)).toEqual([2]);
    expect(rig.status).toMatchObject({ lastExecuted: 2, lowWaterMark: 2, mayExecute: true });
  });

  // Its own CHECKPOINT is the third that q takes, and a view that starts at genesis names no state that could be fetched (seed 1004198).
  test('in a view that starts at genesis: from a checkpoint that f+1 others signed, where q cannot without it', () => {
    const kit = newKit(2);
    const source = makeSource(kit, 2, application);
    const rig = new Rig({ application }, kit);
    rig.decide(1, batchAt(kit, 1));
    rig.state.damage(counterKey('x'));
    tell(
      rig,
      newViewOf(
        kit,
        2,
        [0, 2, 3].map((from) => viewChangeOf(kit, from, 2)),
      ),
    );
    rig.step({ kind: 'damaged', reason: 'a bad sector' });
    certify(rig, 2, source.status.stateRoot, [2, 3]);
    const { outputs } = answerAll(rig, source, rig.pass(2_000_000));
    expect(eventsOfKind(outputs, 'transferred').map(({ sequence }) => sequence)).toEqual([2]);
    expect(rig.status).toMatchObject({ view: 2, lastExecuted: 2, lowWaterMark: 2, mayExecute: true });
  });

  test('what the application would answer to a damaged read is not asked: it cannot catch it and go on', () => {
    const { kit, source } = executedThree();
    const catching = {
      ...application,
      execute: (...[state, operation, context]: Parameters<typeof application.execute>) => {
        try {
          return application.execute(state, operation, context);
        } catch {
          return Uint8Array.of(0);
        }
      },
    };
    const rig = new Rig({ application: catching }, kit);
    for (let at = 1; at <= 2; at += 1) rig.decide(at, batchAt(kit, at));
    certify(rig, 2, source.status.stateRoot, [0, 2]);
    rig.state.damage(counterKey('x'));
    expect(executedIn(rig.decide(3, batchAt(kit, 3)))).toEqual([]);
    expect(rig.status.mayExecute).toBe(false);
  });
});

describe('damage that something else has found', () => {
  test('stops execution at once and is repaired like any other; once more is nothing new', () => {
    const { kit, rig, source } = executedThree();
    expect(eventsOfKind(rig.step({ kind: 'damaged', reason: 'a scrub has found it' }), 'state-damaged')).toEqual([
      { kind: 'state-damaged', reason: 'a scrub has found it' },
    ]);
    expect(eventsOfKind(rig.step({ kind: 'damaged', reason: 'and again' }), 'state-damaged')).toEqual([]);
    expect(executedIn(rig.decide(4, batchAt(kit, 4)))).toEqual([]);
    answerAll(rig, source, rig.pass(150_000));
    expect(rig.status).toMatchObject({ lastExecuted: 4, mayExecute: true });
  });
});

describe('damage at the start', () => {
  const damagedAt: readonly (readonly [string, (rig: Rig) => void])[] = [
    ['what the replayed batches read', (rig) => rig.state.damage(counterKey('x'))],
    ['the configuration', (rig) => rig.state.damage(Uint8Array.of(0, 1, 0))],
    ['the progress', (rig) => rig.state.damage(Uint8Array.of(0, 1, 1))],
    [
      'the client table',
      (rig) => {
        const [row] = rig.state.range(Uint8Array.of(0, 3), Uint8Array.of(0, 4), 1);
        rig.state.damage(row?.key ?? new Uint8Array(0));
      },
    ],
  ];

  test.each(damagedAt)('%s: it starts, says so, votes, executes nothing, and is repaired', (_, damage) => {
    const { kit, rig, source, root } = executedThree();
    damage(rig);
    const again = rig.restarted();
    expect(eventsOfKind(again.started, 'state-damaged')).toHaveLength(1);
    expect(again.status).toMatchObject({ mayExecute: false, lowWaterMark: 2 });
    const outputs = again.decide(4, batchAt(kit, 4));
    expect(sentOf(outputs).map(({ type }) => type)).toEqual(['prepare', 'commit']);
    expect(executedIn(outputs)).toEqual([]);
    const fetched = answerAll(again, source, again.pass(250_000));
    expect(eventsOfKind(fetched.outputs, 'transferred')).toMatchObject([{ sequence: 2, root }]);
    expect(executedIn(fetched.outputs)).toEqual([3, 4]);
    expect(again.status).toMatchObject({ lastExecuted: 4, mayExecute: true });
  });

  test('what was executed in an earlier life, and cannot be in this one yet, binds all the same: no vote for another', () => {
    const { kit, rig, root } = executedThree();
    rig.state.damage(counterKey('x'));
    const again = rig.restarted();
    const others = { ...stableAt(kit, 2, root, [0, 2, 3]), ...preparedAt(3, NULL_DIGEST, 1) };
    const claims = [0, 2, 3].map((from) => viewChangeOf(kit, from, 2, others));
    const outputs = tell(again, newViewOf(kit, 2, claims));
    expect(again.status).toMatchObject({ view: 2, mayExecute: false });
    expect(sentOf(outputs).filter(({ type }) => type === 'prepare')).toEqual([]);
  });
});
