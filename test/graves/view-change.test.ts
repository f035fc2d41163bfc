// Graves G05, G06, G13 and G14: what a view change must keep, at one replica.
import { describe, expect, test } from 'vitest';
import { NULL_DIGEST, asDigest, asView } from '../../src/base/ids.ts';
import type { Digest } from '../../src/base/ids.ts';
import type { SignedViewChange, ViewChange } from '../../src/messages/index.ts';
import { Bench } from '../support/bench.ts';
import { CoreKit, SESSION, replica, seq } from '../support/core-kit.ts';
import { Rig } from '../support/rig.ts';
import { eventsOfKind, refusalsOf, sentOf } from '../support/transcript.ts';
import { newViewOf, preparedAt, sentNewView, stableAt, tell, viewChangeOf } from '../support/view-messages.ts';

const T = 500_000;
const OTHER = asDigest('0e'.repeat(32));

/** All orders of these. */
function orders<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

describe('G05: the timer and the commit quorum at one slot', () => {
  const STEPS = ['pre-prepare', 'prepare', 'commit 0', 'commit 2', 'commit 3', 'timer'] as const;
  const kit = new CoreKit();
  const batch = kit.batchOf('x');
  const digest = kit.digestOfBatch(batch);

  /** Either the timer fires by itself, or its deadline passes unnoticed until the next message comes. */
  function take(rig: Rig, step: (typeof STEPS)[number], isNoticed: boolean): void {
    if (step === 'timer' && isNoticed) rig.pass(T);
    else if (step === 'timer') rig.monotonic += T + 1;
    else if (step === 'pre-prepare') rig.receive(kit.prePrepare(1, batch));
    else if (step === 'prepare') rig.receive(kit.prepare(2, 1, digest));
    else rig.receive(kit.commit(Number(step.slice(-1)), 1, digest));
  }

  /** The VIEW-CHANGE with which it left view 0; undefined if it stayed. */
  function leftWith(rig: Rig): ViewChange | undefined {
    return rig.records.find((each) => each.kind === 'view-change')?.viewChange.viewChange;
  }

  const count = (rig: Rig, kind: string): number => rig.records.filter((each) => each.kind === kind).length;

  function standing(rig: Rig): object {
    const left = leftWith(rig);
    return {
      isLeft: left !== undefined,
      claims: left && [left.prepared.length, left.prePrepared.length],
      lastExecuted: rig.status.lastExecuted,
      executions: count(rig, 'executed'),
    };
  }

  test.each([
    ['in a step of its own', true],
    ['in the step of the message that follows', false],
  ])(
    'in each of the 720 orders, the timer %s: executed in time, the view stays; left, it is in P, and executed all the same, once',
    (_, isNoticed) => {
      const seen = new Set<string>();
      for (const order of orders(STEPS)) {
        const rig = new Rig({}, kit);
        const told = order.join(', ');
        let isInTime = false;
        for (const [at, step] of order.entries()) {
          take(rig, step, isNoticed);
          // Together with the message that completes the quorum the deadline comes too late.
          if (order[isNoticed ? at : at - 1] === 'timer') isInTime = rig.status.lastExecuted === 1;
        }
        const isLast = !isNoticed && order.at(-1) === 'timer';
        if (isLast) isInTime = rig.status.lastExecuted === 1;
        rig.pass(0);
        const left = leftWith(rig);
        const isPrepared = rig.records.some(({ kind }) => kind === 'prepared');
        expect({ told, ...standing(rig) }).toEqual({
          told,
          // What it accepted and prepared it says when it leaves, and what it prepared is executed all the same, once.
          isLeft: isInTime ? false : left !== undefined,
          claims: left === undefined ? undefined : [count(rig, 'prepared'), count(rig, 'accepted')],
          lastExecuted: isPrepared ? 1 : 0,
          executions: isPrepared ? 1 : 0,
        });
        seen.add(
          `${isInTime ? 'in time' : 'late'}, ${left === undefined ? 'stayed' : 'left'}, ${isPrepared ? '' : 'not '}prepared`,
        );
      }
      expect(seen).toEqual(
        new Set([
          'in time, stayed, prepared',
          'late, stayed, prepared',
          'late, left, not prepared',
          'late, left, prepared',
        ]),
      );
    },
  );

  test('after each frame of a slot the timers of all backups fire, then the rest arrives: one batch at the number, one execution', () => {
    const atStake = new Set<number>();
    for (let delivered = 0; delivered < 45; delivered += 1) {
      const bench = new Bench();
      const request = bench.kit.signed('x');
      bench.send([request], [0, 1, 2, 3]);
      for (let left = delivered; left > 0 && bench.packets.length > 0; left -= 1)
        for (const packet of bench.packets.splice(0, 1)) bench.deliver(packet);
      bench.monotonic += T + 1000;
      for (const node of bench.nodes) node.step({ kind: 'timeout' });
      bench.until(() => bench.isConverged() && bench.isAnswered(request.digest), `after ${delivered} frames`);
      expect(
        bench.nodes.map((node) => node.count('x')),
        `after ${delivered} frames`,
      ).toEqual([1, 1, 1, 1]);
      atStake.add(Math.max(...bench.nodes.map((node) => node.status.view)));
    }
    expect(atStake).toEqual(new Set([0, 1]));
  });
});

describe('G06: garbage among VIEW-CHANGEs', () => {
  /** What a liar may say about number 1, where `digest` prepared at correct replicas in view 0. */
  const garbage = (kit: CoreKit, digest: Digest, root: Digest): readonly (readonly [string, Partial<ViewChange>])[] => [
    ['nothing', {}],
    ['another digest, prepared', preparedAt(1, OTHER)],
    ['another digest, prepared in a view that nobody was in', preparedAt(1, OTHER, 2)],
    ['the digest, prepared in a view that nobody was in', preparedAt(1, digest, 2)],
    ['null, prepared', preparedAt(1, NULL_DIGEST, 2)],
    ['a number that nobody proposed', preparedAt(5, OTHER, 2)],
    ['a number outside the window', preparedAt(400, OTHER)],
    ['a view of the future', preparedAt(1, OTHER, 9)],
    ['a checkpoint that nobody has', { checkpoints: [{ sequence: seq(4), root: OTHER }] }],
    ['an h that it does not prove', stableAt(kit, 4, root, [3])],
    ['an h that its own f prove many times', stableAt(kit, 4, root, [3, 3, 3])],
    ['a list that descends', { prepared: [...preparedAt(2, OTHER).prepared, ...preparedAt(1, OTHER).prepared] }],
  ];

  test('n = 4, f = 1: one of them garbage, in every place of the order: the good digest is chosen', () => {
    const kit = new CoreKit();
    const batch = kit.batchOf('x');
    const digest = kit.digestOfBatch(batch);
    for (const [what, lie] of garbage(kit, digest, OTHER)) {
      // View 3 is led by node4; view 5 by node2, who holds the body: it chooses.
      const said = (from: number): SignedViewChange =>
        viewChangeOf(kit, from, 5, from === 3 ? lie : preparedAt(1, digest));
      for (const order of orders([0, 2, 3])) {
        const rig = new Rig({}, kit);
        rig.receive(kit.prePrepare(1, batch));
        rig.receive(kit.prepare(2, 1, digest));
        const made = order.map((from) => sentNewView(tell(rig, said(from)))).find((each) => each !== undefined);
        expect(made?.newView.slots[0], `${what}, in the order ${order.join(' ')}`).toEqual({ sequence: 1, digest });
        expect(rig.status, `${what}`).toMatchObject({ view: 5, inViewChange: false });
      }
    }
  });

  test('n = 7, f = 2: two that agree in a lie, before and after the good ones', () => {
    const kit = new CoreKit({ n: 7 });
    const batch = kit.batchOf('x');
    const digest = kit.digestOfBatch(batch);
    for (const [what, lie] of garbage(kit, digest, OTHER)) {
      const said = (from: number): SignedViewChange =>
        viewChangeOf(kit, from, 8, from >= 5 ? lie : preparedAt(1, digest));
      for (const order of [
        [5, 6, 0, 2, 3, 4],
        [0, 5, 2, 6, 3, 4],
        [0, 2, 3, 5, 6, 4],
        [0, 2, 3, 4, 5, 6],
      ]) {
        const rig = new Rig({}, kit);
        rig.receive(kit.prePrepare(1, batch));
        for (const from of [2, 3, 4, 5]) rig.receive(kit.prepare(from, 1, digest));
        const made = order.map((from) => sentNewView(tell(rig, said(from)))).find((each) => each !== undefined);
        expect(made?.newView.slots[0], `${what}, in the order ${order.join(' ')}`).toEqual({ sequence: 1, digest });
      }
    }
  });
});

describe('G13: a NEW-VIEW that starts below', () => {
  /** A backup with checkpoints every four numbers that executed six; its h is 4. */
  function ahead(): Rig {
    const rig = new Rig();
    for (let at = 1; at <= 6; at += 1) rig.decide(at, rig.kit.batchOf('x', { session: SESSION + at }));
    const root = rig.checkpoints.get(4) ?? OTHER;
    for (const from of [0, 2]) {
      const { message, signature } = rig.kit.checkpoint(from, 4, root);
      rig.receive(message, { signature });
    }
    return rig;
  }

  test('neither last-executed nor h falls, nothing is executed again, and what was executed is voted for again', () => {
    const rig = ahead();
    const { kit } = rig;
    expect(rig.status).toMatchObject({ lowWaterMark: 4, lastExecuted: 6 });
    const entries = [1, 2, 3, 4, 5, 6].flatMap(
      (at) => preparedAt(at, kit.digestOfBatch(kit.batchOf('x', { session: SESSION + at }))).prepared,
    );
    const behind = { prepared: entries, prePrepared: entries };
    const newView = newViewOf(
      kit,
      2,
      [0, 2, 3].map((from) => viewChangeOf(kit, from, 2, behind)),
    );
    expect(newView.newView.start.sequence).toBe(0);
    const outputs = tell(rig, newView);
    expect(rig.status).toMatchObject({ view: 2, inViewChange: false, lowWaterMark: 4, lastExecuted: 6 });
    expect(eventsOfKind(outputs, 'executed')).toEqual([]);
    expect(
      sentOf(outputs).flatMap((message) =>
        message.type === 'prepare' ? [`${message.sequence} v${message.view}`] : [],
      ),
    ).toEqual(['5 v2', '6 v2']);
    for (const at of [5, 6]) {
      const { digest } = entries[at - 1] ?? { digest: OTHER };
      const more = [0, 3].flatMap((from) => [
        ...rig.receive(kit.prepare(from, at, digest, 2)),
        ...rig.receive(kit.commit(from, at, digest, 2)),
      ]);
      expect(eventsOfKind(more, 'executed')).toEqual([]);
    }
    expect(rig.status.lastExecuted).toBe(6);
    expect(rig.restarted().status).toMatchObject({ view: 2, lowWaterMark: 4, lastExecuted: 6 });
  });

  test('null chosen where it has executed something, as liars beyond f could make it: no vote, no execution, no halt', () => {
    const rig = ahead();
    const { kit } = rig;
    const lies = [0, 2, 3].map((from) => viewChangeOf(kit, from, 2, preparedAt(6, NULL_DIGEST, 1)));
    const outputs = tell(rig, newViewOf(kit, 2, lies));
    expect(rig.status).toMatchObject({ view: 2, lastExecuted: 6, lowWaterMark: 4, diverged: false });
    expect(sentOf(outputs).filter(({ type }) => type === 'prepare')).toEqual([]);
  });
});

describe('G14: a digest whose body is missing', () => {
  test('some hold it, the new primary does not: it fetches the body and chooses the digest', () => {
    const bench = new Bench();
    const request = bench.kit.signed('x');
    bench.lose = ({ to, message }) =>
      message.type === 'commit' || message.type === 'decided' || (message.type === 'pre-prepare' && to === 1);
    bench.send([request]);
    bench.run();
    const prepared = bench.nodes.map((node) => node.replica.slots(seq(1), seq(1))[0]?.phase);
    expect(prepared).toEqual(['prepared', 'none', 'prepared', 'prepared']);
    bench.node(0).crash();
    bench.lose = () => false;
    bench.send([bench.kit.signAgain(request)], [1, 2, 3]);
    bench.until(() => bench.isAnswered(request.digest) && bench.node(1).count('x') === 1, 'the request is answered');
    expect(bench.node(1).events.filter(({ kind }) => kind === 'body-fetched')).not.toEqual([]);
    const [made] = bench.node(1).events.filter((event) => event.kind === 'new-view-made');
    expect(made).toMatchObject({ view: 1, start: 0, slots: 1, nulls: 0 });
  });

  test('nobody can supply it: a prepared digest that one liar claims is not waited for', () => {
    const rig = new Rig();
    const { kit } = rig;
    const lie = { prepared: preparedAt(1, OTHER).prepared, prePrepared: preparedAt(1, OTHER).prePrepared };
    const outputs = [3, 0, 2].map((from) => tell(rig, viewChangeOf(kit, from, 1, from === 3 ? lie : {})));
    const made = outputs.map(sentNewView).find((each) => each !== undefined);
    expect(made?.newView.slots).toEqual([{ sequence: 1, digest: NULL_DIGEST }]);
  });

  test('Q lists only what is held with its body, on disk: nothing that waits, was only voted for, or was only decided', () => {
    const rig = new Rig();
    const { kit } = rig;
    rig.receive(kit.prePrepare(1, kit.batchOf('held')));
    rig.receive(kit.prePrepare(2, kit.batchOf('not proven', { session: SESSION + 2 })), { verified: ['unverified'] });
    const voted = kit.digestOfBatch(kit.batchOf('voted', { session: SESSION + 3 }));
    for (const from of [2, 3]) rig.receive(kit.prepare(from, 3, voted));
    for (const from of [2, 3])
      rig.receive({ type: 'decided', replica: replica(from), decisions: [{ sequence: seq(4), digest: OTHER }] });
    for (const from of [0, 2]) tell(rig, viewChangeOf(kit, from, 2));
    const own = rig.records.find((record) => record.kind === 'view-change')?.viewChange.viewChange;
    expect(own?.prePrepared).toEqual([{ sequence: 1, digest: kit.digestOfBatch(kit.batchOf('held')), view: 0 }]);
    expect(rig.records.some((record) => record.kind === 'accepted' && record.sequence === 1)).toBe(true);
  });

  test('a body that Q lists is served until its number is stable, executions and restarts later', () => {
    const rig = new Rig();
    const { kit } = rig;
    const batch = kit.batchOf('x');
    const wanted = [{ sequence: seq(1), digest: kit.digestOfBatch(batch) }];
    for (let at = 1; at <= 3; at += 1) rig.decide(at, at === 1 ? batch : kit.batchOf('x', { session: SESSION + at }));
    const again = rig.restarted();
    again.pass(1000);
    const outputs = again.receive({ type: 'fetch', replica: replica(3), wanted });
    expect(sentOf(outputs)).toMatchObject([{ type: 'batch', sequence: 1, batch }]);
  });

  test('a NEW-VIEW that names a digest which does not follow from its VIEW-CHANGEs is refused: nobody looks for that body', () => {
    const rig = new Rig();
    const { kit } = rig;
    const honest = [0, 2, 3].map((from) => viewChangeOf(kit, from, 2, from === 0 ? preparedAt(1, OTHER) : {}));
    const choice = { start: { sequence: seq(0), root: NULL_DIGEST }, slots: [{ sequence: seq(1), digest: OTHER }] };
    const outputs = tell(rig, newViewOf(kit, 2, honest, choice));
    expect(refusalsOf(outputs)).toEqual(['new-view wrong-new-view']);
    expect(sentOf(outputs).filter(({ type }) => type === 'fetch')).toEqual([]);
    expect(rig.status.view).toBe(asView(0));
  });
});
