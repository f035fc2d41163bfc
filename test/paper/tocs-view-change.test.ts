// Castro & Liskov, Practical Byzantine Fault Tolerance and Proactive Recovery, ACM TOCS 20(4), 2002: the view change (P, Q, the decision
// procedure, NEW-VIEW, timers), as this project has it: with signed VIEW-CHANGEs, hence no acknowledgements. docs/protocol.md has the words.
import { describe, expect, test } from 'vitest';
import { NULL_DIGEST, asSequence } from '../../src/base/ids.ts';
import { checkChoice, decide } from '../../src/protocol/decision.ts';
import type { ViewChangeClaims } from '../../src/protocol/view-change-claims.ts';
import { makeQuorums } from '../../src/protocol/quorum.ts';
import { SESSION, seq } from '../support/core-kit.ts';
import { Rig } from '../support/rig.ts';
import { eventsOfKind, refusalsOf, sentOf } from '../support/transcript.ts';
import { A, B, checkpoint, claim, entry, root } from '../support/view-change-kit.ts';
import { newViewOf, preparedAt, sentViewChange, tell, viewChangeOf } from '../support/view-messages.ts';

const T = 500_000;
const FOUR = makeQuorums(4);
const held = (): boolean => true;
/** What is chosen at number 1; undefined while the decision waits. */
function chosenAtOne(claims: readonly ViewChangeClaims[], holds: () => boolean = held): string | undefined {
  const decision = decide(claims, FOUR, holds);
  return decision.kind === 'chosen' ? decision.choice.slots.find(({ sequence }) => sequence === 1)?.digest : undefined;
}
const said = (index: number, what: typeof A, view: number): ViewChangeClaims =>
  claim(index, { prepared: [entry(what, view)], prePrepared: [entry(what, view)] });

/** Enters `view` by a NEW-VIEW of three others, each of which says so. */
function enter(rig: Rig, view: number, given: Parameters<typeof viewChangeOf>[3] = {}): ReturnType<typeof tell> {
  return tell(
    rig,
    newViewOf(
      rig.kit,
      view,
      [0, 2, 3].map((from) => viewChangeOf(rig.kit, from, view, given)),
    ),
  );
}

describe('TOCS, view changes: P and Q', () => {
  test('P has for each number the digest that prepared here in the latest view, and that view', () => {
    const rig = new Rig();
    const { kit } = rig;
    const batch = kit.batchOf('x');
    const digest = kit.digestOfBatch(batch);
    rig.receive(kit.prePrepare(1, batch));
    rig.receive(kit.prepare(2, 1, digest));
    enter(rig, 2, preparedAt(1, digest));
    rig.receive(kit.prepare(0, 1, digest, 2));
    const { viewChange } = sentViewChange([0, 2].flatMap((from) => tell(rig, viewChangeOf(kit, from, 3))));
    expect(viewChange.prepared).toEqual([{ sequence: 1, digest, view: 2 }]);
  });

  test('Q has for each number each digest that pre-prepared here, with the latest view in which it did', () => {
    const rig = new Rig();
    const { kit } = rig;
    const [x, y] = [kit.batchOf('x'), kit.batchOf('y', { session: SESSION + 1 })];
    rig.receive(kit.prePrepare(1, x));
    enter(rig, 2);
    rig.receive(kit.prePrepare(1, y, 2));
    enter(rig, 6, { prePrepared: preparedAt(1, kit.digestOfBatch(x), 0).prePrepared });
    rig.receive(kit.prePrepare(1, x, 6));
    const { viewChange } = sentViewChange([0, 2].flatMap((from) => tell(rig, viewChangeOf(kit, from, 7))));
    const listed = [
      { sequence: 1, digest: kit.digestOfBatch(x), view: 6 },
      { sequence: 1, digest: kit.digestOfBatch(y), view: 2 },
    ];
    expect(viewChange.prepared).toEqual([]);
    expect(viewChange.prePrepared).toEqual(listed.toSorted((left, right) => (left.digest < right.digest ? -1 : 1)));
  });

  test('null is recorded, prepared and listed in P and Q like any other', () => {
    const rig = new Rig();
    const { kit } = rig;
    rig.receive(kit.prePrepare(1, undefined));
    rig.receive(kit.prepare(2, 1, NULL_DIGEST));
    const { viewChange } = sentViewChange([0, 2].flatMap((from) => tell(rig, viewChangeOf(kit, from, 1))));
    expect(viewChange).toMatchObject(preparedAt(1, NULL_DIGEST));
  });

  test('they survive a restart, and an execution', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batchOf('x'));
    const again = rig.restarted();
    const { viewChange } = sentViewChange([0, 2].flatMap((from) => tell(again, viewChangeOf(again.kit, from, 1))));
    expect(viewChange).toMatchObject(preparedAt(1, rig.kit.digestOfBatch(rig.kit.batchOf('x'))));
  });
});

describe('TOCS, view changes: the start', () => {
  test('the highest checkpoint that f+1 list, or that one proves', () => {
    const listing = (index: number): ViewChangeClaims => claim(index, { checkpoints: [checkpoint(4, 'r')] });
    const start = (claims: readonly ViewChangeClaims[]): unknown => {
      const decision = decide(claims, FOUR, held);
      return decision.kind === 'chosen' ? decision.choice.start : decision.reason;
    };
    expect(start([listing(1), claim(2), claim(3)])).toEqual({ sequence: 0, root: NULL_DIGEST });
    expect(start([listing(1), listing(2), claim(3)])).toEqual({ sequence: 4, root: root('r') });
    const proven = claim(1, { lowWaterMark: asSequence(4), root: root('r') });
    expect(start([proven, claim(2), claim(3)])).toEqual({ sequence: 4, root: root('r') });
    expect(start([listing(1), claim(2)])).toEqual({ code: 'claims', count: 2, needed: 3 });
  });
});

describe('TOCS, view changes: the decision at one number', () => {
  test('A1: 2f+1 (here q) prepared nothing there, or in a lower view, or the same digest in the same view', () => {
    expect(chosenAtOne([said(0, A, 0), said(1, A, 0), claim(2)])).toBe(A);
    expect(chosenAtOne([said(0, A, 0), said(1, A, 0), said(2, B, 1), said(3, B, 1)])).toBe(B);
    // Two of three prepared something else in a later view: A cannot be chosen, and B waits for whoever pre-prepared it.
    expect(chosenAtOne([said(0, A, 0), said(1, B, 1), claim(2)])).toBeUndefined();
  });

  test('A2: f+1 pre-prepared it in that view or a later one', () => {
    const alone = claim(0, { prepared: [entry(A, 1)], prePrepared: [entry(A, 1)] });
    const earlier = claim(1, { prePrepared: [entry(A, 0)] });
    expect(chosenAtOne([alone, earlier, claim(2)])).toBeUndefined();
    expect(chosenAtOne([alone, claim(1, { prePrepared: [entry(A, 1)] }), claim(2)])).toBe(A);
    expect(chosenAtOne([alone, claim(1, { prePrepared: [entry(A, 2)] }), claim(2)])).toBe(A);
  });

  test('A3: the primary has the request; without it the decision waits, and says what to fetch', () => {
    const claims = [said(0, A, 0), said(1, A, 0), claim(2)];
    expect(chosenAtOne(claims, () => false)).toBeUndefined();
    expect(decide(claims, FOUR, () => false)).toMatchObject({
      kind: 'waiting',
      reason: { code: 'slots', slots: [{ sequence: 1, fetch: [A] }] },
    });
  });

  test('B: null, if 2f+1 (here q) have no entry for the number in P', () => {
    const liar = said(3, A, 5);
    expect(chosenAtOne([claim(0), claim(1), liar])).toBeUndefined();
    expect(chosenAtOne([claim(0), claim(1), claim(2), liar])).toBe(NULL_DIGEST);
  });

  test('the decision is run again as more VIEW-CHANGEs arrive, and with those of all correct replicas there always is one', () => {
    const correct = [said(0, A, 0), said(1, A, 0), claim(2)];
    expect(chosenAtOne([said(3, B, 5), ...correct.slice(1)])).toBeUndefined();
    expect(chosenAtOne([said(3, B, 5), ...correct])).toBe(A);
  });
});

describe('TOCS, view changes: NEW-VIEW', () => {
  const claims = [said(0, A, 0), said(1, A, 0), claim(2)];
  const start = { sequence: asSequence(0), root: NULL_DIGEST };
  const at = (sequence: number, digest: typeof A): { sequence: ReturnType<typeof seq>; digest: typeof A } => ({
    sequence: seq(sequence),
    digest,
  });

  test.each([
    ['what follows', { start, slots: [at(1, A)] }, undefined],
    ['another digest', { start, slots: [at(1, B)] }, 'unjustified-digest'],
    ['null for what prepared', { start, slots: [at(1, NULL_DIGEST)] }, 'unjustified-digest'],
    ['a number less', { start, slots: [] }, 'missing-slot'],
    ['a number more', { start, slots: [at(1, A), at(2, B)] }, 'excess-slot'],
    ['a start that nobody proves', { start: { sequence: asSequence(4), root: root('r') }, slots: [] }, 'wrong-start'],
  ])('a backup checks the choice against the VIEW-CHANGEs: %s', (_, choice, code) => {
    expect(checkChoice(choice, claims, FOUR)?.code).toBe(code);
  });

  test('with q of distinct replicas, or it is refused', () => {
    const choice = { start, slots: [at(1, A)] };
    expect(checkChoice(choice, claims.slice(1), FOUR)?.code).toBe('too-few-claims');
    expect(checkChoice(choice, [said(0, A, 0), said(0, A, 0), said(1, A, 0)], FOUR)?.code).toBe('repeated-replica');
  });

  test('at most one is accepted per view, none for a view below the own, and a valid one alone suffices', () => {
    const rig = new Rig();
    const { kit } = rig;
    enter(rig, 2);
    expect(rig.status).toMatchObject({ view: 2, inViewChange: false });
    const second = newViewOf(
      kit,
      2,
      [0, 1, 3].map((from) => viewChangeOf(kit, from, 2)),
    );
    expect(refusalsOf(tell(rig, second))).toEqual(['new-view duplicate']);
    expect(rig.status.suspicions).toMatchObject([{ node: 2, kind: 'wrong-new-view', certainty: 'certain' }]);
    const old = new Rig({}, kit);
    for (const from of [0, 2]) tell(old, viewChangeOf(kit, from, 3));
    expect(refusalsOf(enter(old, 2))).toEqual(['new-view old-view']);
    expect(old.status).toMatchObject({ view: 3, inViewChange: true });
  });

  test('its start is the floor: nothing at or below it is accepted in the view, whatever h is', () => {
    const rig = new Rig();
    const { kit } = rig;
    enter(rig, 2, { checkpoints: [{ sequence: seq(4), root: root('r') }] });
    expect(rig.status).toMatchObject({ view: 2, lowWaterMark: 0 });
    expect(refusalsOf(rig.receive(kit.prePrepare(4, kit.batchOf('x'), 2)))).toEqual(['pre-prepare below-window']);
    expect(sentOf(rig.receive(kit.prePrepare(5, kit.batchOf('x'), 2)))).toMatchObject([
      { type: 'prepare', sequence: 5 },
    ]);
  });
});

describe('TOCS, view changes: timers', () => {
  test('the next timer runs once 2f+1 (here q) are seen in v+1 or higher, for twice as long, and doubles each time, up to a cap', () => {
    const rig = new Rig({ n: 7, self: 6, tuning: { maxTimeoutUs: 6 * T } });
    rig.requests([rig.kit.signed('x')]);
    rig.pass(T);
    const patience: number[] = [];
    for (const view of [1, 2, 3, 4]) {
      for (const from of [0, 1, 2]) tell(rig, viewChangeOf(rig.kit, from, view));
      rig.pass(50 * T);
      expect(rig.status).toMatchObject({ view, viewChange: { timeoutAtUs: undefined } });
      tell(rig, viewChangeOf(rig.kit, 3, view));
      patience.push((rig.status.viewChange?.timeoutAtUs ?? 0) - rig.monotonic);
      rig.pass(6 * T);
    }
    expect(patience).toEqual([2 * T, 4 * T, 6 * T, 6 * T]);
  });

  test('two of four in the new view: no timer; the third starts it', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    rig.pass(T);
    tell(rig, viewChangeOf(rig.kit, 0, 1));
    expect(rig.status.viewChange?.timeoutAtUs).toBeUndefined();
    const other = new Rig({ self: 2 }, rig.kit);
    other.requests([rig.kit.signed('x')]);
    other.pass(T);
    for (const from of [0, 3]) tell(other, viewChangeOf(rig.kit, from, 1));
    expect(other.status.viewChange?.timeoutAtUs).toBe(other.monotonic + 2 * T);
    expect(eventsOfKind(other.pass(2 * T), 'view-change-started')).toMatchObject([{ view: 2, reason: 'timeout' }]);
    for (const from of [0, 3]) tell(other, viewChangeOf(rig.kit, from, 2));
    // Of view 2 it is itself the primary: it has q, and needs no timer.
    expect(other.status).toMatchObject({ view: 2, inViewChange: false });
  });

  test('those scattered over higher views count: nobody waits for VIEW-CHANGEs of exactly v+1', () => {
    const rig = new Rig({ n: 7 });
    rig.requests([rig.kit.signed('x')]);
    rig.pass(T);
    for (const [from, view] of [
      [2, 1],
      [3, 1],
      [4, 2],
      [5, 3],
    ] as const)
      tell(rig, viewChangeOf(rig.kit, from, view));
    expect(rig.status).toMatchObject({ view: 1, inViewChange: true });
    expect(rig.status.viewChange?.seenInView).toEqual([1, 2, 3, 4, 5]);
    expect(rig.status.viewChange?.timeoutAtUs).toBe(rig.monotonic + 2 * T);
  });

  test('it stops at NEW-VIEW when nothing is waited for, and at the first execution in the new view', () => {
    const idle = new Rig();
    enter(idle, 2);
    idle.pass(20 * T);
    expect(idle.status).toMatchObject({ view: 2, inViewChange: false });
    const busy = new Rig();
    busy.requests([busy.kit.signed('x')]);
    busy.requests([busy.kit.signed('y', { session: SESSION + 1 })]);
    enter(busy, 2);
    const batch = busy.kit.batchOf('x');
    const digest = busy.kit.digestOfBatch(batch);
    busy.receive(busy.kit.prePrepare(1, batch, 2));
    for (const from of [0, 3]) busy.receive(busy.kit.prepare(from, 1, digest, 2));
    for (const from of [0, 2, 3]) busy.receive(busy.kit.commit(from, 1, digest, 2));
    expect(busy.status).toMatchObject({ view: 2, lastExecuted: 1 });
  });

  test('known requests are passed on to the new primary', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    const passedOn = enter(rig, 2).find((output) => output.kind === 'send' && output.message.type === 'requests');
    expect(passedOn).toMatchObject({ to: [2] });
  });

  test.each([
    [0, 4 * T],
    [1, 2 * T],
    [2, T],
    [3, T],
  ])(
    'T doubled twice, then %i stable checkpoints at multiples of K: it halves with each, down to where it began',
    (count, patience) => {
      const rig = new Rig({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
      const { kit } = rig;
      for (const view of [2, 3]) for (const from of [0, 3]) tell(rig, viewChangeOf(kit, from, view));
      enterAsBackup(rig, 4);
      for (let sequence = 1; sequence <= 2 * count; sequence += 1) {
        executeIn(rig, 4, sequence);
        if (sequence % 2 === 0) makeStable(rig, sequence);
      }
      expect(rig.status).toMatchObject({ view: 4, lowWaterMark: 2 * count });
      rig.requests([kit.signed('late', { session: SESSION + 99 })]);
      rig.pass(patience - 1);
      expect(rig.status.view).toBe(4);
      rig.pass(1);
      expect(rig.status.view).toBe(5);
    },
  );
});

/** The primary of view 4 is node1. */
function enterAsBackup(rig: Rig, view: number): void {
  tell(
    rig,
    newViewOf(
      rig.kit,
      view,
      [0, 2, 3].map((from) => viewChangeOf(rig.kit, from, view)),
    ),
  );
}

function executeIn(rig: Rig, view: number, sequence: number): void {
  const { kit } = rig;
  const batch = kit.batchOf('x', { session: SESSION + sequence });
  const digest = kit.digestOfBatch(batch);
  rig.receive(kit.prePrepare(sequence, batch, view));
  for (const from of [2, 3]) rig.receive(kit.prepare(from, sequence, digest, view));
  for (const from of [0, 2, 3]) rig.receive(kit.commit(from, sequence, digest, view));
}

function makeStable(rig: Rig, sequence: number): void {
  for (const from of [0, 2]) {
    const { message, signature } = rig.kit.checkpoint(from, sequence, rig.status.stateRoot);
    rig.receive(message, { signature });
  }
}
