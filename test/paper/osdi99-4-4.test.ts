// Castro & Liskov, Practical Byzantine Fault Tolerance, OSDI 1999, §4.4 "View Changes": each sentence that states a rule. Where TOCS 20(4) changes
// one, the title says how; tocs-view-change.test.ts has the rules of TOCS itself.
import { describe, expect, test } from 'vitest';
import { NULL_DIGEST, asDigest } from '../../src/base/ids.ts';
import type { Digest } from '../../src/base/ids.ts';
import type { SignedViewChange } from '../../src/messages/index.ts';
import { Bench } from '../support/bench.ts';
import { ALICE, SESSION, replica, seq } from '../support/core-kit.ts';
import type { CoreKit } from '../support/core-kit.ts';
import { Rig } from '../support/rig.ts';
import { effectsOf, eventsOfKind, refusalsOf, sentOf } from '../support/transcript.ts';
import {
  newViewOf,
  preparedAt,
  sentNewView,
  sentViewChange,
  stableAt,
  tell,
  viewChangeOf,
} from '../support/view-messages.ts';

const T = 500_000;
const ROOT = asDigest('0e'.repeat(32));

/** A backup that leaves view 0 because two others have: it is in view 1 or higher, and nothing was asked of it. */
function leave(rig: Rig, view = 1): SignedViewChange {
  const outputs = [0, 2].flatMap((from) => tell(rig, viewChangeOf(rig.kit, from, view)));
  return sentViewChange(outputs);
}

/** What `newViewOf` two VIEW-CHANGEs of others and one more says, entered by the rig: the primary of view 2 is node3. */
function enter(rig: Rig, view: number, claims: Parameters<typeof viewChangeOf>[3] = {}): ReturnType<typeof tell> {
  return tell(
    rig,
    newViewOf(
      rig.kit,
      view,
      [0, 2, 3].map((from) => viewChangeOf(rig.kit, from, view, claims)),
    ),
  );
}

const digestOf = (kit: CoreKit, operation: string): Digest => kit.digestOfBatch(kit.batchOf(operation));

describe('OSDI’99 §4.4: timeouts', () => {
  test('a backup starts a timer when it receives a request and the timer is not already running', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    rig.pass(T / 2);
    rig.requests([rig.kit.signed('y', { session: SESSION + 1 })]);
    expect(eventsOfKind(rig.pass(T / 2), 'view-change-started')).toMatchObject([{ view: 1, reason: 'timeout' }]);
  });

  test('it stops the timer when it is no longer waiting to execute the request', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    rig.decide(1, rig.kit.batchOf('x'));
    rig.pass(10 * T);
    expect(rig.status).toMatchObject({ view: 0, inViewChange: false });
  });

  test('but restarts it if at that point it is waiting to execute some other request', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    rig.requests([rig.kit.signed('y', { session: SESSION + 1 })]);
    rig.pass(T - 1);
    rig.decide(1, rig.kit.batchOf('x'));
    rig.pass(T - 1);
    expect(rig.status.view).toBe(0);
    rig.pass(1);
    expect(rig.status).toMatchObject({ view: 1, inViewChange: true });
  });

  test('if the timer of backup i expires in view v, it starts a view change to move the system to view v+1', () => {
    const rig = new Rig();
    enter(rig, 2);
    rig.requests([rig.kit.signed('x')]);
    expect(eventsOfKind(rig.pass(4 * T), 'view-change-started')).toMatchObject([{ view: 3, reason: 'timeout' }]);
  });
});

describe('OSDI’99 §4.4: VIEW-CHANGE', () => {
  test('it stops accepting messages other than CHECKPOINT, VIEW-CHANGE and NEW-VIEW (and what repairs: it still executes)', () => {
    const rig = new Rig({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    const { kit } = rig;
    for (const at of [1, 2]) rig.decide(at, kit.batchOf('x', { session: SESSION + at }));
    leave(rig);
    expect(refusalsOf(rig.receive(kit.prePrepare(3, kit.batchOf('late'))))).toEqual(['pre-prepare other-view']);
    expect(refusalsOf(rig.receive(kit.prepare(2, 3, ROOT)))).toEqual(['prepare other-view']);
    expect(refusalsOf(rig.receive(kit.commit(2, 3, ROOT)))).toEqual(['commit other-view']);
    const root = rig.status.stateRoot;
    for (const from of [0, 2]) {
      const { message, signature } = kit.checkpoint(from, 2, root);
      rig.receive(message, { signature });
    }
    expect(rig.status.lowWaterMark).toBe(2);
    enter(rig, 2, stableAt(kit, 2, root, [0, 2, 3]));
    expect(rig.status).toMatchObject({ view: 2, inViewChange: false });
  });

  test('it multicasts VIEW-CHANGE(v+1, n, C, P, i): n the last stable checkpoint, with 2f+1 (here q) CHECKPOINTs that prove it', () => {
    const rig = new Rig({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    const { kit } = rig;
    for (const at of [1, 2]) rig.decide(at, kit.batchOf('x', { session: SESSION + at }));
    const root = rig.status.stateRoot;
    for (const from of [0, 3]) {
      const { message, signature } = kit.checkpoint(from, 2, root);
      rig.receive(message, { signature });
    }
    rig.receive(kit.prePrepare(3, kit.batchOf('open')));
    const outputs = rig.pass(T);
    expect(outputs.find((output) => output.kind === 'send' && output.message.type === 'view-change')).toMatchObject({
      to: [0, 2, 3],
    });
    const { viewChange } = sentViewChange(outputs);
    expect(viewChange).toMatchObject({ view: 1, lowWaterMark: 2, root, replica: 1 });
    const signers = viewChange.stableProof.map(({ checkpoint }) => Number(checkpoint.replica));
    expect(new Set(signers)).toEqual(new Set([0, 1, 3]));
  });

  test('P has an entry for each request that prepared at i with a number higher than n (TOCS: n, digest and view, without the messages)', () => {
    const rig = new Rig();
    const { kit } = rig;
    const batches = [1, 2, 3].map((at) => kit.batchOf('x', { session: SESSION + at }));
    for (const [at, batch] of batches.entries()) rig.receive(kit.prePrepare(at + 1, batch));
    for (const at of [1, 3]) rig.receive(kit.prepare(2, at, kit.digestOfBatch(batches[at - 1])));
    const { prepared } = leave(rig).viewChange;
    expect(prepared).toEqual(
      [1, 3].map((at) => ({ sequence: at, digest: kit.digestOfBatch(batches[at - 1]), view: 0 })),
    );
  });
});

describe('OSDI’99 §4.4: the primary of the new view', () => {
  test('when it has 2f valid VIEW-CHANGEs of others (with its own q), it multicasts NEW-VIEW(v+1, V, O) with them', () => {
    const rig = new Rig();
    const outputs = tell(rig, viewChangeOf(rig.kit, 2, 1));
    expect([sentNewView(outputs), rig.status.view]).toEqual([undefined, 0]);
    const made = sentNewView(tell(rig, viewChangeOf(rig.kit, 3, 1)));
    // The second of them, f+1, moves it to view 1 as well: its own is the third.
    expect(made?.newView.supports.map(({ replica: from }) => from)).toEqual([1, 2, 3]);
    expect(rig.status).toMatchObject({ view: 1, inViewChange: false });
  });

  test('min-s is the latest stable checkpoint in V, max-s the highest number in a P: O has one entry for each number between them', () => {
    const rig = new Rig();
    const { kit } = rig;
    const digest = digestOf(kit, 'x');
    tell(rig, viewChangeOf(kit, 2, 1, stableAt(kit, 4, ROOT, [0, 2, 3])));
    const given = { ...stableAt(kit, 4, ROOT, [0, 2, 3]), ...preparedAt(7, digest) };
    const made = [0, 3].map((from) => sentNewView(tell(rig, viewChangeOf(kit, from, 1, given)))).find((each) => each);
    // Nobody has the body of 7 here, so the choice waits for it.
    expect(made).toBeUndefined();
    const outputs = rig.receive({
      type: 'batch',
      replica: replica(3),
      sequence: seq(7),
      digest,
      batch: kit.batchOf('x'),
    });
    const { newView } = sentNewView(outputs) ?? {};
    expect(newView?.start).toEqual({ sequence: 4, root: ROOT });
    expect(newView?.slots).toEqual([
      { sequence: 5, digest: NULL_DIGEST },
      { sequence: 6, digest: NULL_DIGEST },
      { sequence: 7, digest },
    ]);
  });

  test('where some P has the number, O has the digest with the highest view in V', () => {
    const rig = new Rig();
    const { kit } = rig;
    const [old, latest] = [kit.batchOf('old'), kit.batchOf('latest')];
    rig.receive(kit.prePrepare(1, old));
    rig.receive(kit.prepare(2, 1, kit.digestOfBatch(old)));
    const said = preparedAt(1, kit.digestOfBatch(latest), 4);
    for (const from of [0, 2, 3]) tell(rig, viewChangeOf(kit, from, 5, said));
    const outputs = rig.receive({
      type: 'batch',
      replica: replica(3),
      sequence: seq(1),
      digest: kit.digestOfBatch(latest),
      batch: latest,
    });
    expect(sentNewView(outputs)?.newView.slots).toEqual([{ sequence: 1, digest: kit.digestOfBatch(latest) }]);
  });

  test('where none has, it has null, which goes through the protocol like other requests, and whose execution is a no-op', () => {
    const rig = new Rig();
    const { kit } = rig;
    const batch = kit.batchOf('x');
    rig.receive(kit.prePrepare(2, batch));
    rig.receive(kit.prepare(2, 2, kit.digestOfBatch(batch)));
    const before = rig.status.stateRoot;
    for (const from of [2, 3]) tell(rig, viewChangeOf(kit, from, 1, preparedAt(2, kit.digestOfBatch(batch))));
    expect(rig.status).toMatchObject({ view: 1, inViewChange: false });
    for (const from of [2, 3]) rig.receive(kit.prepare(from, 1, NULL_DIGEST, 1));
    const outputs = [2, 3].flatMap((from) => rig.receive(kit.commit(from, 1, NULL_DIGEST, 1)));
    expect(eventsOfKind(outputs, 'executed')).toMatchObject([{ sequence: 1, digest: NULL_DIGEST, requests: [] }]);
    expect(outputs.filter(({ kind }) => kind === 'reply')).toEqual([]);
    expect(rig.status).toMatchObject({ lastExecuted: 1, stateRoot: before });
  });

  test('it appends O to its log, and if min-s is above its own stable checkpoint, inserts that proof and discards what is below', () => {
    const rig = new Rig();
    const { kit } = rig;
    rig.receive(kit.prePrepare(1, kit.batchOf('x')));
    for (const from of [0, 2, 3]) tell(rig, viewChangeOf(kit, from, 1, stableAt(kit, 4, ROOT, [0, 2, 3])));
    expect(rig.status).toMatchObject({ view: 1, inViewChange: false, lowWaterMark: 4 });
    expect(rig.replica.slots(seq(0), seq(99))).toEqual([]);
    expect(rig.records.some((record) => record.kind === 'stable' && record.sequence === 4 && !record.hasState)).toBe(
      true,
    );
  });
});

describe('OSDI’99 §4.4: NEW-VIEW at a backup', () => {
  const lies: readonly (readonly [string, (kit: CoreKit) => ReturnType<typeof newViewOf>])[] = [
    [
      'one whose VIEW-CHANGEs are too few',
      (kit) =>
        newViewOf(
          kit,
          2,
          [0, 2].map((from) => viewChangeOf(kit, from, 2)),
          {
            start: { sequence: seq(0), root: NULL_DIGEST },
            slots: [],
          },
        ),
    ],
    [
      'one in which a VIEW-CHANGE is not valid',
      (kit) =>
        newViewOf(
          kit,
          2,
          [0, 2, 3].map((from) => viewChangeOf(kit, from, 2, preparedAt(1, ROOT, 2))),
          {
            start: { sequence: seq(0), root: NULL_DIGEST },
            slots: [{ sequence: seq(1), digest: ROOT }],
          },
        ),
    ],
    [
      'one whose O leaves out what prepared',
      (kit) =>
        newViewOf(
          kit,
          2,
          [0, 2, 3].map((from) => viewChangeOf(kit, from, 2, preparedAt(1, ROOT))),
          {
            start: { sequence: seq(0), root: NULL_DIGEST },
            slots: [],
          },
        ),
    ],
    [
      'one whose O has null in place of what prepared',
      (kit) =>
        newViewOf(
          kit,
          2,
          [0, 2, 3].map((from) => viewChangeOf(kit, from, 2, preparedAt(1, ROOT))),
          {
            start: { sequence: seq(0), root: NULL_DIGEST },
            slots: [{ sequence: seq(1), digest: NULL_DIGEST }],
          },
        ),
    ],
  ];

  test.each(lies)('is accepted if its VIEW-CHANGEs are valid and O is correct; not %s', (_, make) => {
    const rig = new Rig();
    const outputs = tell(rig, make(rig.kit));
    expect(refusalsOf(outputs)).toEqual(['new-view wrong-new-view']);
    expect(rig.status.view).toBe(0);
    expect(rig.status.suspicions).toMatchObject([{ node: 2, kind: 'wrong-new-view', certainty: 'certain' }]);
  });

  test('nor one with a VIEW-CHANGE that its sender did not sign', () => {
    const rig = new Rig();
    const { kit } = rig;
    const [zero, two] = [0, 2].map((from) => viewChangeOf(kit, from, 2));
    const forged = { ...viewChangeOf(kit, 3, 2), signature: kit.of(2).sign(new Uint8Array(4)) };
    if (zero === undefined || two === undefined) throw new Error('two of them');
    expect(refusalsOf(tell(rig, newViewOf(kit, 2, [zero, two, forged])))).toEqual(['new-view unproven']);
    expect(rig.status.view).toBe(0);
  });

  test('then it multicasts a PREPARE for each message in O, and enters the view', () => {
    const rig = new Rig();
    const { kit } = rig;
    const batch = kit.batchOf('x');
    rig.receive(kit.prePrepare(2, batch));
    const digest = kit.digestOfBatch(batch);
    const outputs = enter(rig, 2, preparedAt(2, digest));
    expect(
      effectsOf(
        outputs,
        new Map([
          [digest, 'x'],
          [NULL_DIGEST, 'null'],
        ]),
      ).filter((line) => !line.startsWith('send fetch')),
    ).toEqual([
      'persist new-view v2',
      'persist accepted v2 n1 null',
      'send prepare v2 n1 null → 0 2 3',
      'persist accepted v2 n2 x',
      'send prepare v2 n2 x → 0 2 3',
    ]);
  });

  test('replicas redo the protocol for the numbers between min-s and max-s, but do not execute requests again', () => {
    const rig = new Rig();
    const { kit } = rig;
    const batch = kit.batchOf('x');
    const digest = kit.digestOfBatch(batch);
    rig.decide(1, batch);
    enter(rig, 2, preparedAt(1, digest));
    const outputs = [
      ...rig.receive(kit.prepare(0, 1, digest, 2)),
      ...[0, 2, 3].flatMap((from) => rig.receive(kit.commit(from, 1, digest, 2))),
    ];
    expect(sentOf(outputs)).toMatchObject([{ type: 'commit', view: 2, sequence: 1, digest }]);
    expect(eventsOfKind(outputs, 'executed')).toEqual([]);
  });

  test('a replica may be missing a request: it obtains it from another replica', () => {
    const rig = new Rig();
    const { kit } = rig;
    const batch = kit.batchOf('x');
    const digest = kit.digestOfBatch(batch);
    const outputs = enter(rig, 2, preparedAt(1, digest));
    expect(sentOf(outputs)).toContainEqual({ type: 'fetch', replica: 1, wanted: [{ sequence: 1, digest }] });
    const more = rig.receive({ type: 'batch', replica: replica(0), sequence: seq(1), digest, batch });
    expect(sentOf(more)).toMatchObject([{ type: 'prepare', view: 2, sequence: 1, digest }]);
  });

  test('or a stable checkpoint: it obtains that from one of those whose CHECKPOINTs certified it in V', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    bench.lose = ({ from, to }) => from === 3 || to === 3;
    for (let timestamp = 1; timestamp <= 6; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
    bench.node(0).crash();
    bench.lose = ({ from, to, message }) =>
      (from === 3 || to === 3) && !['new-view', 'view-change', 'fetch-state', 'state'].includes(message.type);
    const request = bench.kit.signed('x', { timestamp: 7 });
    bench.send([request], [1, 2], ALICE);
    bench.until(() => bench.node(1).status.view === 1, 'they leave view 0');
    bench.lose = () => false;
    bench.until(() => bench.node(3).count('x') === 7, 'node4 has the state, and goes on');
    expect(bench.node(3).events.filter(({ kind }) => kind === 'transferred')).toHaveLength(1);
    expect(bench.node(3).status).toMatchObject({ view: 1, inViewChange: false });
  });
});
