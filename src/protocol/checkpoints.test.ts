import { describe, expect, test } from 'vitest';
import { CoreKit, SESSION, replica, seq } from '../../test/support/core-kit.ts';
import { DamageableState } from '../../test/support/damageable-state.ts';
import { Rig } from '../../test/support/rig.ts';
import type { RigOptions } from '../../test/support/rig.ts';
import {
  effectsOf,
  eventsOfKind,
  linesOf,
  refusalsOf,
  suspicionLine,
  suspicionsOf,
} from '../../test/support/transcript.ts';
import { newViewOf, stableAt, tell, viewChangeOf } from '../../test/support/view-messages.ts';
import { asDigest } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { Output } from './output.ts';

const LIE = asDigest('ab'.repeat(32));
const OTHER_LIE = asDigest('cd'.repeat(32));

/** A backup that executed up to `sequence`; every number is a checkpoint unless the interval says otherwise. */
function executed(sequence: number, options: RigOptions = {}, kit?: CoreKit): Rig {
  const rig = new Rig({ cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 }, ...options }, kit);
  for (let at = 1; at <= sequence; at += 1) rig.decide(at, rig.kit.batchOf('x', { session: SESSION + at }));
  return rig;
}

function announce(rig: Rig, from: number, sequence: number, root: Digest): readonly Output[] {
  const { message, signature } = rig.kit.checkpoint(from, sequence, root);
  return rig.receive(message, { signature });
}

const rootOf = (rig: Rig): Digest => rig.status.stateRoot;

describe('taking a checkpoint', () => {
  test('every K numbers: the state is sealed, and CHECKPOINT leaves, signed, once it is hashed and durable', () => {
    const state = new DamageableState('when-settled');
    const rig = executed(0, { cluster: { checkpointInterval: 2 }, state });
    state.settle();
    rig.decide(1, rig.kit.batchOf('x'));
    expect(state.unsettled()).toEqual([]);
    const outputs = rig.decide(2, rig.kit.batchOf('y', { session: SESSION + 1 }));
    expect(state.unsettled()).toEqual([2]);
    // It may become durable behind the records of what it came from, and not before.
    expect(effectsOf(outputs).at(-1)).toBe('store n2');
    expect(linesOf(rig.settle())).toEqual(['checkpoint-taken n2', 'send checkpoint n2 of 1 → 0 2 3 signed']);
    expect([...rig.checkpoints.keys()]).toEqual([0, 2]);
  });

  test('no CHECKPOINT before its state is durable, whatever else happens: votes of others, STATUS, time, restarts', () => {
    const kit = new CoreKit({ cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 } });
    const root = rootOf(executed(1, {}, kit));
    const state = new DamageableState('when-settled');
    const rig = executed(1, { state }, kit);
    state.settle();
    const outputs = [
      ...rig.step({ kind: 'sealed' }),
      ...[0, 2, 3].flatMap((from) => announce(rig, from, 1, root)),
      ...rig.receive(kit.status(3)),
      ...rig.step({ kind: 'connected', peer: replica(3) }),
      ...rig.pass(3_000_000),
    ];
    expect(effectsOf(outputs).filter((line) => /checkpoint|stable|truncate/.test(line))).toEqual([]);
    expect(rig.status).toMatchObject({ lowWaterMark: 0, stateRootSequence: 0 });
    const again = rig.restarted();
    expect(effectsOf(again.started).filter((line) => line.startsWith('send checkpoint'))).toEqual([]);
    const told = effectsOf(rig.settle());
    expect(told.slice(0, 3)).toEqual([
      'send checkpoint n1 of 1 → 0 2 3 signed',
      'persist stable n1 of 3',
      'truncate to stable n1 of 3',
    ]);
    expect(rig.status).toMatchObject({ lowWaterMark: 1, stateRoot: root });
  });

  test('several sealed ones become durable in their order, and are announced in it', () => {
    const state = new DamageableState('when-settled');
    const rig = executed(0, { state });
    state.settle();
    for (const at of [1, 2]) rig.decide(at, rig.kit.batchOf('x', { session: SESSION + at }));
    expect(state.unsettled()).toEqual([1, 2]);
    state.settle();
    state.settle();
    expect(effectsOf(rig.step({ kind: 'sealed' }))).toEqual([
      'send checkpoint n1 of 1 → 0 2 3 signed',
      'send checkpoint n2 of 1 → 0 2 3 signed',
    ]);
    expect(effectsOf(rig.step({ kind: 'sealed' }))).toEqual([]);
  });

  test('after a flagged batch, whatever its number', () => {
    const rig = executed(0, { cluster: { checkpointInterval: 4 } });
    const flagged = rig.kit.batch([], { flags: 1, timestamp: rig.wall });
    expect(effectsOf(rig.decide(1, flagged)).at(-1)).toBe('send checkpoint n1 of 1 → 0 2 3 signed');
    expect([...rig.checkpoints.keys()]).toEqual([0, 1]);
  });

  test('the root is a function of the content: equal on replicas that executed the same, however it came', () => {
    const first = executed(2);
    const second = new Rig({ self: 2 }, first.kit);
    for (const at of [2, 1]) second.decide(at, first.kit.batchOf('x', { session: SESSION + at }), [1, 3]);
    expect(second.status.lastExecuted).toBe(2);
    expect(rootOf(second)).toBe(rootOf(first));
  });

  test('the configuration is part of it: another interval, another root from genesis on', () => {
    const roots = [1, 2].map((checkpointInterval) =>
      rootOf(new Rig({ cluster: { checkpointInterval }, tuning: { pipeline: 2 } })),
    );
    expect(roots[0]).not.toBe(roots[1]);
  });
});

describe('stable: q matching CHECKPOINTs, the own among them', () => {
  test('h moves, the proof is written down, the log is cut', () => {
    const rig = executed(1);
    expect(effectsOf(announce(rig, 0, 1, rootOf(rig)))).toEqual([]);
    expect(linesOf(announce(rig, 2, 1, rootOf(rig)))).toEqual([
      'persist stable n1 of 3',
      'truncate to stable n1 of 3',
      'collect below n1',
      'checkpoint-stable n1',
    ]);
    expect(rig.status).toMatchObject({ lowWaterMark: 1, highWaterMark: 3, openSlots: 0 });
    expect(rig.replica.slots(seq(0), seq(9))).toEqual([]);
  });

  test('CHECKPOINTs that came before the own one count', () => {
    const rig = executed(0);
    const root = rootOf(executed(1));
    announce(rig, 0, 1, root);
    announce(rig, 2, 1, root);
    expect(rig.status.lowWaterMark).toBe(0);
    const effects = effectsOf(rig.decide(1, rig.kit.batchOf('x', { session: SESSION + 1 })));
    expect(effects.slice(-4)).toEqual([
      'send checkpoint n1 of 1 → 0 2 3 signed',
      'persist stable n1 of 3',
      'truncate to stable n1 of 3',
      'collect below n1',
    ]);
  });

  test('a higher one makes what lies below it superfluous', () => {
    const rig = executed(2);
    announce(rig, 0, 2, rootOf(rig));
    announce(rig, 2, 2, rootOf(rig));
    expect(rig.status.lowWaterMark).toBe(2);
    expect(rig.replica.records().map(({ kind }) => kind)).toEqual(['stable']);
    expect([...rig.checkpoints.keys()]).toEqual([2]);
  });

  test.each([
    [
      'one sender twice',
      [
        [0, 'own'],
        [0, 'own'],
      ],
    ],
    [
      'another root among them',
      [
        [0, 'own'],
        [2, LIE],
      ],
    ],
    ['for another number', [[0, 'own']]],
  ] as const)('not with %s', (_, votes) => {
    const rig = executed(1);
    for (const [from, root] of votes) announce(rig, from, 1, root === 'own' ? rootOf(rig) : root);
    announce(rig, 2, 2, rootOf(rig));
    expect(rig.status.lowWaterMark).toBe(0);
  });

  test('h never falls', () => {
    const rig = executed(2);
    for (const from of [0, 2]) announce(rig, from, 2, rootOf(rig));
    for (const from of [0, 2, 3]) announce(rig, from, 1, LIE);
    expect(rig.status.lowWaterMark).toBe(2);
  });

  test('announced checkpoints are kept, restarts included, until a higher one is stable', () => {
    const rig = executed(2);
    expect([...rig.checkpoints.keys()]).toEqual([0, 1, 2]);
    const again = rig.restarted();
    expect([...again.checkpoints.keys()]).toEqual([0, 1, 2]);
    for (const from of [0, 2]) announce(again, from, 2, rootOf(rig));
    expect(again.status.lowWaterMark).toBe(2);
  });

  test('with the records of the log cut off, a restart is at the same place', () => {
    const rig = executed(1);
    for (const from of [0, 2]) announce(rig, from, 1, rootOf(rig));
    rig.receive(rig.kit.prePrepare(2, rig.kit.batchOf('y')));
    const again = rig.restarted(rig.replica.records());
    expect(again.status).toMatchObject({ ...rig.status, suspicions: [] });
  });
});

describe('a CHECKPOINT is refused', () => {
  test('at or below h; once more; and above h with another root than the sender named before', () => {
    const rig = executed(2);
    for (const from of [0, 2]) announce(rig, from, 2, rootOf(rig));
    expect(refusalsOf(announce(rig, 3, 2, rootOf(rig)))).toEqual(['checkpoint duplicate']);
    expect(refusalsOf(announce(rig, 3, 1, LIE))).toEqual(['checkpoint below-window']);
    expect(refusalsOf(announce(rig, 3, 3, LIE))).toEqual([]);
    expect(refusalsOf(announce(rig, 3, 3, LIE))).toEqual(['checkpoint duplicate']);
    expect(refusalsOf(announce(rig, 3, 3, OTHER_LIE))).toEqual(['checkpoint contradicts-earlier-vote']);
  });
});

describe('what is said against whom', () => {
  test('a root that differs from the stable one: certain, before and after it is stable, with the quorum’s as evidence', () => {
    const rig = executed(1);
    announce(rig, 3, 1, LIE);
    announce(rig, 0, 1, rootOf(rig));
    expect(suspicionsOf(announce(rig, 2, 1, rootOf(rig)))).toEqual(['certain wrong-checkpoint node4 v0 n1']);
    expect(rig.status.suspicions[0]?.evidence.frames).toHaveLength(4);
    const late = executed(1);
    for (const from of [0, 2]) announce(late, from, 1, rootOf(late));
    expect(suspicionsOf(announce(late, 3, 1, LIE))).toEqual(['certain wrong-checkpoint node4 v0 n1']);
  });

  test('a root that no quorum contradicts: nothing', () => {
    const rig = executed(1);
    expect(suspicionsOf(announce(rig, 3, 1, LIE))).toEqual([]);
    expect(suspicionsOf(announce(rig, 2, 1, OTHER_LIE))).toEqual([]);
  });

  test('two roots of one sender for one number: certain, its two signed CHECKPOINTs are the proof', () => {
    const rig = executed(0);
    announce(rig, 3, 1, LIE);
    expect(suspicionsOf(announce(rig, 3, 1, OTHER_LIE))).toEqual(['certain contradictory-votes node4 v0 n1']);
    expect(rig.status.suspicions[0]?.evidence.frames).toHaveLength(2);
  });

  test('a root other than the own that q signed: this replica has diverged; nobody else is blamed', () => {
    const rig = executed(1);
    announce(rig, 0, 1, LIE);
    announce(rig, 2, 1, LIE);
    const outputs = announce(rig, 3, 1, LIE);
    expect(eventsOfKind(outputs, 'diverged')).toEqual([
      { kind: 'diverged', sequence: 1, own: rootOf(rig), stable: LIE },
    ]);
    expect(rig.status).toMatchObject({ diverged: true, lowWaterMark: 0 });
    expect(rig.status.suspicions.map(suspicionLine)).toEqual([]);
  });

  test('diverged: no more execution, votes, proposals or replies', () => {
    const rig = executed(1);
    for (const from of [0, 2, 3]) announce(rig, from, 1, LIE);
    const outputs = rig.decide(2, rig.kit.batchOf('y', { session: SESSION + 9 }));
    expect(effectsOf(outputs)).toEqual([]);
    expect(rig.status.lastExecuted).toBe(1);
    const asked = rig.requests([rig.kit.signed('x', { session: SESSION + 1 })]);
    expect(refusalsOf(asked)).toEqual(['requests diverged']);
    expect(effectsOf(asked)).toEqual([]);
  });
});

describe('a NEW-VIEW proves a checkpoint whose own state is sealed and not durable', () => {
  function adopting(root: (rig: Rig) => Digest): Rig {
    const rig = executed(1, { state: new DamageableState('when-settled') });
    rig.settle();
    const stable = stableAt(rig.kit, 1, root(rig), [0, 2, 3]);
    tell(
      rig,
      newViewOf(
        rig.kit,
        2,
        [0, 2, 3].map((from) => viewChangeOf(rig.kit, from, 2, stable)),
      ),
    );
    expect(rig.status).toMatchObject({ view: 2, lowWaterMark: 1, diverged: false });
    return rig;
  }

  test('with another root: this replica has diverged, which shows when its own is hashed; it is not announced', () => {
    const rig = adopting(() => LIE);
    const outputs = rig.settle();
    expect(eventsOfKind(outputs, 'diverged')).toMatchObject([{ sequence: 1, stable: LIE }]);
    expect(effectsOf(outputs).filter((line) => line.startsWith('send checkpoint'))).toEqual([]);
    expect(rig.status).toMatchObject({ diverged: true, mayExecute: false });
  });

  test('with the same root: it is announced when it is durable', () => {
    const rig = adopting(({ kit }) => rootOf(executed(1, {}, kit)));
    const outputs = rig.settle();
    expect(eventsOfKind(outputs, 'diverged')).toEqual([]);
    expect(effectsOf(outputs)).toContain('send checkpoint n1 of 1 → 0 2 3 signed');
    expect(rig.status).toMatchObject({ diverged: false, mayExecute: true });
  });
});

describe('G23: CHECKPOINTs that are kept', () => {
  test('far above: the highest of a sender does not push out the one that makes a certificate', () => {
    const rig = executed(0);
    for (const from of [0, 2]) announce(rig, from, 100, LIE);
    announce(rig, 3, 100, LIE);
    announce(rig, 3, 1_000_000, OTHER_LIE);
    const asked = rig.pass(300_000);
    expect(effectsOf(asked)).toContain('send fetch-state → 2');
  });

  test('far above: an old certificate does not keep out a newer one that liars contradicted first (seed 1118416)', () => {
    const rig = executed(0, { n: 7 });
    const [liars, correct] = [
      [0, 2],
      [3, 4, 5, 6],
    ];
    for (const from of [...liars, ...correct]) announce(rig, from, 100, LIE);
    for (const from of liars) announce(rig, from, 200, OTHER_LIE);
    // As often as others are asked: the signatures of the liars, too, which the certificate takes.
    for (let time = 0; time < 3; time += 1) for (const from of [...liars, ...correct]) announce(rig, from, 200, LIE);
    expect(eventsOfKind(rig.pass(300_000), 'transfer-started')).toMatchObject([{ sequence: 200, root: LIE }]);
  });
});

test('under q = 1 (one replica) the own CHECKPOINT is the proof', () => {
  const rig = new Rig({ n: 1, self: 0, cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 } });
  const outputs = rig.requests([rig.kit.signed('x', { replier: 0 })]);
  expect(effectsOf(outputs).map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
    'persist accepted',
    'persist prepared',
    'reply n1',
    'persist executed',
    'store n1',
    'persist stable',
    'truncate to',
    'collect below',
  ]);
  expect(rig.status).toMatchObject({ lowWaterMark: 1, self: replica(0) });
});
