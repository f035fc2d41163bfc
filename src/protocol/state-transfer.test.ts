import { describe, expect, test } from 'vitest';
import { Bench } from '../../test/support/bench.ts';
import type { Packet } from '../../test/support/bench.ts';
import { CoreKit, SESSION, bytes, replica, seq } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { eventsOfKind, refusalsOf, sentOf, suspicionsOf } from '../../test/support/transcript.ts';
import { asDigest } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { State } from '../messages/index.ts';
import type { Output } from './output.ts';

const LIE = asDigest('ab'.repeat(32));
const EMPTY = new Uint8Array(0);

/** A replica that executed one batch, so that its checkpoint at 1 is the one others certify: what a correct source holds. */
function source(kit: CoreKit, self = 0): { readonly rig: Rig; readonly root: Digest } {
  const rig = new Rig({ self: self === 0 ? 2 : self }, kit);
  rig.decide(
    1,
    kit.batchOf('x'),
    [2, 3]
      .filter((from) => from !== self)
      .concat(1)
      .slice(0, 2)
      .filter((from) => from !== rig.status.self),
  );
  return { rig, root: rig.status.stateRoot };
}

const newKit = (): CoreKit => new CoreKit({ cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 } });

/** Node2, which missed sequence 1 and holds the CHECKPOINTs of the three others for it; it waits two STATUS ticks and asks. */
function lagging(kit: CoreKit, root: Digest): { readonly rig: Rig; readonly asked: readonly Output[] } {
  const rig = new Rig({}, kit);
  for (const from of [0, 2, 3]) {
    const { message, signature } = kit.checkpoint(from, 1, root);
    rig.receive(message, { signature });
  }
  return { rig, asked: rig.pass(250_000) };
}

const asksOf = (outputs: readonly Output[]): readonly string[] =>
  outputs.flatMap((output) =>
    output.kind === 'send' && output.message.type === 'fetch-state'
      ? [`n${output.message.sequence} → ${output.to.join(' ')}`]
      : [],
  );

const state = (from: number, root: Digest, change: Partial<State> = {}): State => ({
  type: 'state',
  replica: replica(from),
  sequence: seq(1),
  root,
  after: EMPTY,
  held: true,
  isLast: false,
  entries: [{ key: bytes('k'), value: bytes('v') }],
  ...change,
});

describe('when a state is asked for', () => {
  test('at the second STATUS tick at which a certified checkpoint is above what was executed and nothing moves; of one signer', () => {
    const kit = newKit();
    const { rig, asked } = lagging(kit, LIE);
    expect(asksOf(asked)).toEqual(['n1 → 0']);
    expect(rig.status.lowWaterMark).toBe(0);
  });

  test('not with fewer than f+1 CHECKPOINTs of one root', () => {
    const rig = new Rig({}, newKit());
    for (const [from, root] of [
      [0, LIE],
      [2, rig.kit.digestOfBatch(undefined)],
      [3, rig.kit.digestOfBatch(rig.kit.batchOf('z'))],
    ] as const) {
      const { message, signature } = rig.kit.checkpoint(from, 1, root);
      rig.receive(message, { signature });
    }
    expect(asksOf(rig.pass(5_000_000))).toEqual([]);
  });

  test('with f+1, of which one is correct: they entitle to fetch, and h stays', () => {
    const rig = new Rig({}, newKit());
    for (const from of [0, 2]) {
      const { message, signature } = rig.kit.checkpoint(from, 1, LIE);
      rig.receive(message, { signature });
    }
    expect(asksOf(rig.pass(400_000))[0]).toBe('n1 → 0');
    expect(rig.status.lowWaterMark).toBe(0);
  });

  test('not when the slot is executed after all', () => {
    const kit = newKit();
    const { root } = source(kit);
    const rig = new Rig({}, kit);
    for (const from of [0, 2, 3]) {
      const { message, signature } = kit.checkpoint(from, 1, root);
      rig.receive(message, { signature });
    }
    rig.pass(120_000);
    rig.decide(1, kit.batchOf('x'));
    expect(asksOf(rig.pass(2_000_000))).toEqual([]);
    expect(rig.status.lowWaterMark).toBe(1);
  });

  test('of the next signer when one does not answer, does not hold it, or takes too long; after the last one, at the next tick again', () => {
    const kit = newKit();
    const { rig } = lagging(kit, LIE);
    expect(asksOf(rig.pass(1_000_000))).toEqual(['n1 → 0', 'n1 → 0', 'n1 → 0', 'n1 → 2']);
    expect(asksOf(rig.receive(state(2, LIE, { held: false, entries: [] })))).toEqual(['n1 → 3']);
    expect(asksOf(rig.receive(state(3, LIE, { held: false, entries: [] })))).toEqual([]);
    expect(asksOf(rig.pass(200_000))).toEqual(['n1 → 0']);
  });
});

describe('what is taken as an answer', () => {
  const refused = (change: Partial<State> & { readonly from?: number }): readonly string[] => {
    const { rig } = lagging(newKit(), LIE);
    const { from = 0, ...rest } = change;
    return refusalsOf(rig.receive(state(from, LIE, rest)));
  };

  test.each([
    ['from another than the one asked', { from: 2 }],
    ['for another number', { sequence: seq(2) }],
    ['for another root', { root: asDigest('cd'.repeat(32)) }],
    ['for another place', { after: bytes('j') }],
  ])('nothing %s', (_, change) => {
    expect(refused(change)).toEqual(['state not-asked-for']);
  });

  test('nothing that was not asked for at all', () => {
    const rig = new Rig();
    expect(refusalsOf(rig.receive(state(0, LIE)))).toEqual(['state not-asked-for']);
  });

  test('entries in order; the next are asked for behind the last', () => {
    const { rig } = lagging(newKit(), LIE);
    const outputs = rig.receive(state(0, LIE));
    expect(sentOf(outputs)).toEqual([
      { type: 'fetch-state', replica: replica(1), sequence: seq(1), root: LIE, after: bytes('k') },
    ]);
    expect(refusalsOf(rig.receive(state(0, LIE)))).toEqual(['state not-asked-for']);
  });

  test.each([
    ['none, and not the last', []],
    [
      'out of order',
      [
        { key: bytes('b'), value: EMPTY },
        { key: bytes('a'), value: EMPTY },
      ],
    ],
    [
      'one key twice',
      [
        { key: bytes('b'), value: EMPTY },
        { key: bytes('b'), value: EMPTY },
      ],
    ],
  ])('entries: %s: the source lies, certain, and the next is asked', (_, entries) => {
    const { rig } = lagging(newKit(), LIE);
    const outputs = rig.receive(state(0, LIE, { entries }));
    expect(suspicionsOf(outputs)).toEqual(['certain wrong-state node1 v0 n1']);
    expect(asksOf(outputs)).toEqual(['n1 → 2']);
  });

  test('a whole state with another root: the source lies, certain; the own state stays', () => {
    const { rig } = lagging(newKit(), LIE);
    rig.receive(state(0, LIE));
    const outputs = rig.receive(state(0, LIE, { after: bytes('k'), entries: [], isLast: true }));
    expect(suspicionsOf(outputs)).toEqual(['certain wrong-state node1 v0 n1']);
    expect(asksOf(outputs)).toEqual(['n1 → 2']);
    expect(rig.status.lastExecuted).toBe(0);
    rig.decide(1, rig.kit.batchOf('x'));
    expect(rig.status.lastExecuted).toBe(1);
  });

  test('a liar who trickles entries for ever costs ten seconds, then the next is asked', () => {
    const { rig } = lagging(newKit(), LIE);
    let key = 0;
    let after: Uint8Array = EMPTY;
    let asked: readonly string[] = [];
    const start = rig.monotonic;
    while (rig.monotonic - start < 20_000_000 && !asked.includes('n1 → 2')) {
      asked = asksOf(rig.pass(900_000));
      key += 1;
      const next = bytes(`k${String(key).padStart(9, '0')}`);
      asked = [...asked, ...asksOf(rig.receive(state(0, LIE, { after, entries: [{ key: next, value: EMPTY }] })))];
      after = next;
    }
    expect(rig.monotonic - start).toBeLessThan(12_000_000);
  });
});

describe('a state that has come', () => {
  test('is durable before the own CHECKPOINT for it leaves, and then stable', () => {
    const kit = newKit();
    const { rig: held, root } = source(kit);
    const { rig } = lagging(kit, root);
    const answer = sentOf(
      held.receive({ type: 'fetch-state', replica: replica(1), sequence: seq(1), root, after: EMPTY }),
    )[0];
    if (answer?.type !== 'state') throw new Error('it holds the state');
    rig.receive({ ...answer, replica: replica(0) });
    const last = answer.entries.at(-1)?.key ?? EMPTY;
    const outputs = rig.receive({ ...answer, replica: replica(0), after: last, entries: [], isLast: true });
    const kinds = outputs.map((output) =>
      output.kind === 'send' ? output.message.type : output.kind === 'persist' ? output.record.kind : output.kind,
    );
    expect(kinds.filter((kind) => kind !== 'event')).toEqual(['checkpoint', 'checkpoint', 'stable', 'truncate']);
    expect(rig.status).toMatchObject({ lastExecuted: 1, lowWaterMark: 1, stateRoot: root, diverged: false });
    expect(rig.restarted().status).toMatchObject({ lastExecuted: 1, lowWaterMark: 1, stateRoot: root });
  });

  test('comes through a network that loses every third frame, however many parts it has', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    bench.lose = ({ to, message }) => to === 3 && message.type !== 'status';
    for (let timestamp = 1; timestamp <= 40; timestamp += 1) {
      bench.execute(bench.kit.signed('big 200000', { session: SESSION + timestamp }));
    }
    let sent = 0;
    bench.lose = ({ from, to }) => (from === 3 || to === 3) && sent++ % 3 === 0;
    bench.until(() => bench.isConverged(), 'node4 has the whole state', 30_000_000);
    const parts = bench.history.filter(({ to, message }) => to === 3 && message.type === 'state').length;
    expect(parts).toBeGreaterThan(15);
  });

  test('that is no longer held is an answer: nobody is blamed', () => {
    const { rig: held } = source(newKit());
    const [answer] = sentOf(
      held.receive({ type: 'fetch-state', replica: replica(1), sequence: seq(1), root: LIE, after: EMPTY }),
    );
    expect(answer).toMatchObject({ type: 'state', held: false, isLast: false, entries: [] });
  });
});

describe('a replica left behind the window', () => {
  const behind = (options: { readonly authentication?: 'mac' | 'signature' } = {}): Bench => {
    const bench = new Bench({ cluster: { checkpointInterval: 2, ...options }, tuning: { pipeline: 4 } });
    bench.lose = ({ to, message }) => to === 3 && message.type !== 'status';
    for (let timestamp = 1; timestamp <= 12; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
    expect(bench.node(3).status.lastExecuted).toBe(0);
    return bench;
  };

  test.each(['mac', 'signature'] as const)('catches up and votes again, %s mode', (authentication) => {
    const bench = behind({ authentication });
    bench.lose = () => false;
    bench.until(() => bench.isConverged(), 'node4 has caught up');
    expect(bench.node(3).count('x')).toBe(12);
    bench.node(1).crash();
    bench.execute(bench.kit.signed('x', { timestamp: 13 }));
    expect(bench.node(3).count('x')).toBe(13);
  });

  test('one lost message after the other, each of them: it still catches up', () => {
    const total = (() => {
      const bench = behind();
      const before = bench.history.length;
      bench.lose = () => false;
      bench.until(() => bench.isConverged(), 'node4 has caught up');
      return bench.history.slice(before).filter(({ from, to }) => from === 3 || to === 3).length;
    })();
    for (let lost = 0; lost < total; lost += 3) {
      const bench = behind();
      let seen = 0;
      bench.lose = ({ from, to }) => (from === 3 || to === 3) && seen++ === lost;
      bench.until(() => bench.isConverged(), `message ${lost} lost`);
      expect(bench.node(3).count('x')).toBe(12);
    }
  });

  test('a liar among the sources is named by the one it lied to, and by nobody else', () => {
    const bench = behind();
    bench.node(0).rewrite = (outputs) =>
      outputs.map((output) =>
        output.kind === 'send' && output.message.type === 'state' && output.message.entries.length > 0
          ? {
              ...output,
              message: {
                ...output.message,
                entries: output.message.entries.map((entry) => ({ ...entry, value: bytes('lie') })),
              },
            }
          : output,
      );
    bench.lose = () => false;
    bench.until(() => bench.isConverged(), 'node4 has caught up');
    expect(bench.node(3).suspicions.filter((line) => line.startsWith('certain'))).toEqual([
      expect.stringMatching(/^certain wrong-state node1 /),
    ]);
    expect(
      [0, 1, 2].flatMap((index) => bench.node(index).suspicions.filter((line) => line.startsWith('certain'))),
    ).toEqual([]);
  });

  test('the primary left behind by its own COMMITs being lost: the cluster goes on', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    bench.lose = ({ to, message }) => to === 0 && (message.type === 'commit' || message.type === 'decided');
    bench.execute(bench.kit.signed('x'));
    bench.execute(bench.kit.signed('x', { timestamp: 2 }));
    bench.lose = () => false;
    for (let timestamp = 3; timestamp <= 12; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
    bench.until(() => bench.isConverged(), 'all are at 12');
    expect(bench.nodes.map((node) => node.count('x'))).toEqual([12, 12, 12, 12]);
  });
});

describe('a transfer that is overtaken: what lacked came after all', () => {
  const isLast = ({ to, message }: Packet): boolean => to === 3 && message.type === 'state' && message.isLast;

  test.each([1, 3])('%i batches later its last part arrives: it changes nothing, and stops nobody', (more) => {
    const bench = new Bench({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    const missed = ({ to, message }: Packet): boolean =>
      to === 3 && (message.type === 'commit' || message.type === 'decided');
    bench.lose = missed;
    for (let timestamp = 1; timestamp <= 2; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
    const commits = bench.history.filter(missed);
    bench.lose = (packet) => missed(packet) || isLast(packet);
    bench.until(() => bench.history.some(isLast), 'the transfer is nearly done');
    const held = bench.history.filter(isLast);
    bench.lose = ({ to, message }) => to === 3 && message.type === 'state';
    for (const commit of commits) bench.deliver(commit);
    bench.run();
    for (let timestamp = 3; timestamp < 3 + more; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
    const before = bench.node(3).status;
    expect(before.lastExecuted).toBe(2 + more);
    for (const packet of held) bench.deliver(packet);
    expect(bench.node(3).status).toMatchObject({
      lastExecuted: before.lastExecuted,
      lowWaterMark: before.lowWaterMark,
    });
    const executed = bench.node(3).events.flatMap((event) => (event.kind === 'executed' ? [event.sequence] : []));
    expect(executed).toEqual([...new Set(executed)]);
  });
});

describe('a replica whose state is wrong', () => {
  test('stops executing, fetches the certified state, and goes on', () => {
    const kit = newKit();
    const { rig: held, root } = source(kit);
    const rig = new Rig({}, kit);
    rig.decide(1, kit.batchOf('another', { session: SESSION + 7 }));
    for (const from of [0, 2, 3]) {
      const { message, signature } = kit.checkpoint(from, 1, root);
      rig.receive(message, { signature });
    }
    expect(rig.status.diverged).toBe(true);
    const asked = rig.pass(250_000);
    expect(asksOf(asked)).toEqual(['n1 → 0']);
    const answer = sentOf(
      held.receive({ type: 'fetch-state', replica: replica(1), sequence: seq(1), root, after: EMPTY }),
    )[0];
    if (answer?.type !== 'state') throw new Error('it holds the state');
    rig.receive({ ...answer, replica: replica(0) });
    rig.receive({
      ...answer,
      replica: replica(0),
      after: answer.entries.at(-1)?.key ?? EMPTY,
      entries: [],
      isLast: true,
    });
    expect(rig.status).toMatchObject({ diverged: false, stateRoot: root, lowWaterMark: 1 });
    expect(eventsOfKind(rig.decide(2, kit.batchOf('y', { session: SESSION + 1 })), 'executed')).toHaveLength(1);
  });
});

describe('answering', () => {
  test('a flood of FETCH-STATE: a peer gets its allowance, the last question is answered later, the others are for nothing', () => {
    const kit = newKit();
    const rig = new Rig({ self: 2 }, kit);
    rig.decide(
      1,
      kit.batch(Array.from({ length: 40 }, (_, at) => kit.signed('big 60000', { session: SESSION + at }))),
      [1],
    );
    const ask = {
      type: 'fetch-state',
      replica: replica(3),
      sequence: seq(1),
      root: rig.status.stateRoot,
      after: EMPTY,
    } as const;
    let answers = 0;
    for (let sent = 0; sent < 500; sent += 1) answers += sentOf(rig.receive(ask)).length;
    expect(answers).toBeLessThan(20);
    expect(answers).toBeGreaterThan(1);
    expect(sentOf(rig.receive({ ...ask, replica: replica(0) }))).toHaveLength(1);
    expect(sentOf(rig.pass(50_000)).filter((message) => message.type === 'state')).toHaveLength(1);
  });
});
