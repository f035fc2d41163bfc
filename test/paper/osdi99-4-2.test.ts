// Castro & Liskov, Practical Byzantine Fault Tolerance, OSDI 1999, §4.2 "Normal-Case Operation": each sentence that states a rule.
import { describe, expect, test } from 'vitest';
import { asDigest } from '../../src/base/ids.ts';
import { Intake } from '../../src/protocol/intake.ts';
import { Sealer } from '../../src/protocol/seal.ts';
import { Bench } from '../support/bench.ts';
import { ALICE, SESSION, replica, seq } from '../support/core-kit.ts';
import { Rig } from '../support/rig.ts';
import { effectsOf, eventsOfKind, refusalsOf, sentOf } from '../support/transcript.ts';

const LIE = asDigest('ab'.repeat(32));

describe('OSDI’99 §4.2: starting', () => {
  test('a replica’s state is that of the service, a log of the messages it accepted, and its view', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('x')));
    expect(rig.status).toMatchObject({ view: 0, stateRoot: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    expect(rig.replica.slots(seq(1), seq(1))).toHaveLength(1);
  });

  test('the primary starts the three phases at once for a request it receives', () => {
    const rig = new Rig({ self: 0 });
    expect(sentOf(rig.requests([rig.kit.signed('x')])).map(({ type }) => type)).toEqual(['pre-prepare']);
  });

  test('unless as many are in progress as may be: then it buffers requests, and multicasts them later as a group', () => {
    const rig = new Rig({ self: 0, tuning: { pipeline: 1 } });
    const [proposal] = eventsOfKind(rig.requests([rig.kit.signed('x')]), 'pre-prepared');
    for (const session of [1, 2, 3])
      expect(sentOf(rig.requests([rig.kit.signed('x', { session: SESSION + session })]))).toEqual([]);
    const digest = proposal?.digest ?? LIE;
    const outputs = rig.receiveAll(
      [1, 2].flatMap((from) => [rig.kit.prepare(from, 1, digest), rig.kit.commit(from, 1, digest)]),
    );
    expect(eventsOfKind(outputs, 'pre-prepared').map(({ requests }) => requests.length)).toEqual([3]);
  });
});

describe('OSDI’99 §4.2: pre-prepare', () => {
  test('the primary assigns a sequence number, multicasts PRE-PREPARE(view, number, digest) with the request, and appends it to its log', () => {
    const rig = new Rig({ self: 0 });
    const [message] = sentOf(rig.requests([rig.kit.signed('x')]));
    expect(message).toMatchObject({ type: 'pre-prepare', view: 0, sequence: 1 });
    if (message?.type !== 'pre-prepare') throw new Error('it is one');
    expect(message.digest).toBe(rig.kit.digestOfBatch(message.batch));
    expect(rig.records[0]).toMatchObject({ kind: 'accepted', sequence: 1, digest: message.digest });
  });

  test('consecutive requests get consecutive numbers', () => {
    const rig = new Rig({ self: 0 });
    const numbers = [0, 1, 2].flatMap((at) =>
      eventsOfKind(rig.requests([rig.kit.signed('x', { session: SESSION + at })]), 'pre-prepared'),
    );
    expect(numbers.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  test('requests are piggybacked, and not part of what is signed or MAC’d: the digest binds them', () => {
    const rig = new Rig();
    const [frame] = new Sealer(rig.kit.cluster, rig.kit.of(0)).seal(
      rig.kit.prePrepare(1, rig.kit.batchOf('x')),
      [{ kind: 'replica', replica: replica(1) }],
      undefined,
    );
    const intake = new Intake(rig.kit.cluster, replica(1), rig.kit.of(1));
    const opened = intake.open(frame ?? new Uint8Array(0), { kind: 'replica', replica: replica(0) });
    expect(opened.ok).toBe(true);
    expect(rig.kit.digestOfBatch(rig.kit.batch([rig.kit.authenticated('x')]))).toBe(
      rig.kit.digestOfBatch(rig.kit.batch([rig.kit.signed('x')])),
    );
  });
});

describe('OSDI’99 §4.2: a backup accepts a pre-prepare provided', () => {
  const accepts = (rig: Rig, ...received: Parameters<Rig['receive']>): boolean =>
    sentOf(rig.receive(...received)).some(({ type }) => type === 'prepare');

  test('the signatures (deviation: or MACs) in the request and the pre-prepare are correct, and d is the digest of the request', () => {
    const rig = new Rig();
    const message = rig.kit.prePrepare(1, rig.kit.batchOf('x'));
    expect(accepts(rig, message, { verified: ['unverified'] })).toBe(false);
    const intake = new Intake(rig.kit.cluster, replica(1), rig.kit.of(1));
    const sealedBy = (by: number, batch = message.batch): string => {
      const parties = [{ kind: 'replica', replica: replica(1) }] as const;
      const [frame] = new Sealer(rig.kit.cluster, rig.kit.of(by)).seal({ ...message, batch }, parties, undefined);
      const opened = intake.open(frame ?? new Uint8Array(0), { kind: 'replica', replica: replica(0) });
      return opened.ok ? 'accepted' : opened.error.code;
    };
    expect([sealedBy(0), sealedBy(2), sealedBy(0, rig.kit.batchOf('y'))]).toEqual([
      'accepted',
      'not-authentic',
      'malformed',
    ]);
  });

  test('it is in view v', () => {
    expect(accepts(new Rig(), new Rig().kit.prePrepare(1, undefined, 0))).toBe(true);
    expect(accepts(new Rig(), new Rig().kit.prePrepare(1, undefined, 4))).toBe(false);
  });

  test('it has not accepted a pre-prepare for view v and number n with a different digest', () => {
    for (const [sequence, isAccepted] of [
      [1, false],
      [2, true],
    ] as const) {
      const rig = new Rig();
      expect(accepts(rig, rig.kit.prePrepare(1, rig.kit.batchOf('x')))).toBe(true);
      expect(accepts(rig, rig.kit.prePrepare(sequence, rig.kit.batchOf('y')))).toBe(isAccepted);
    }
  });

  test('the number is between h and H: a faulty primary cannot exhaust the numbers with a very large one (deviation: up to L above H it is kept for later)', () => {
    const rig = new Rig();
    expect(accepts(rig, rig.kit.prePrepare(0, undefined))).toBe(false);
    expect(accepts(rig, rig.kit.prePrepare(1, undefined))).toBe(true);
    expect(accepts(rig, rig.kit.prePrepare(8, undefined))).toBe(true);
    expect(accepts(rig, rig.kit.prePrepare(9, undefined))).toBe(false);
    expect(refusalsOf(rig.receive(rig.kit.prePrepare(17, undefined)))).toEqual(['pre-prepare above-window']);
  });

  test('if it accepts, it multicasts PREPARE(v, n, d, i) to all other replicas and adds both to its log', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const outputs = rig.receive(rig.kit.prePrepare(1, batch));
    expect(sentOf(outputs)).toEqual([rig.kit.prepare(1, 1, rig.kit.digestOfBatch(batch))]);
    expect(outputs.find((output) => output.kind === 'send')).toMatchObject({ to: [0, 2, 3] });
    expect(rig.replica.slots(seq(1), seq(1))[0]).toMatchObject({ phase: 'pre-prepared', prepares: [1] });
  });

  test('otherwise it does nothing', () => {
    const rig = new Rig();
    const before = rig.status;
    expect(effectsOf(rig.receive(rig.kit.prePrepare(1, undefined, 4)))).toEqual([]);
    expect(rig.status).toEqual(before);
  });
});

describe('OSDI’99 §4.2: prepare', () => {
  test('a replica, the primary too, accepts PREPAREs that are authentic, of its view, between h and H (deviation: those of later views and up to L above H are kept, and count for nothing yet)', () => {
    for (const self of [0, 1]) {
      const rig = new Rig({ self });
      expect(refusalsOf(rig.receive(rig.kit.prepare(2, 1, LIE)))).toEqual([]);
      expect(refusalsOf(rig.receive(rig.kit.prepare(2, 0, LIE)))).toEqual(['prepare below-window']);
      expect(refusalsOf(rig.receive(rig.kit.prepare(2, 17, LIE)))).toEqual(['prepare above-window']);
      rig.receive(rig.kit.prepare(2, 2, LIE, 1));
      expect(rig.replica.slots(seq(1), seq(2)).map(({ phase }) => phase)).toEqual(['none', 'none']);
    }
  });

  test('prepared(m, v, n, i): the request, its pre-prepare, and 2f PREPAREs (here q−1) of different backups that match it', () => {
    const rig = new Rig({ n: 7 });
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receive(rig.kit.prePrepare(1, batch));
    expect(eventsOfKind(rig.receiveAll([2, 3].map((from) => rig.kit.prepare(from, 1, digest))), 'prepared')).toEqual(
      [],
    );
    expect(eventsOfKind(rig.receive(rig.kit.prepare(4, 1, digest)), 'prepared')).toHaveLength(1);
  });

  test('they match when view, number and digest are the same', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receive(rig.kit.prePrepare(1, batch));
    const others = [rig.kit.prepare(2, 1, digest, 1), rig.kit.prepare(2, 2, digest), rig.kit.prepare(3, 1, LIE)];
    expect(eventsOfKind(rig.receiveAll(others), 'prepared')).toEqual([]);
  });

  test('non-faulty replicas agree on a total order within a view: no two of them are prepared for different requests at one (v, n), even under an equivocating primary', () => {
    for (const toFirst of [[1], [1, 2], [1, 3], [1, 2, 3]]) {
      const bench = new Bench();
      const [a, b] = [bench.kit.batchOf('a'), bench.kit.batchOf('b')];
      bench.node(0).crash();
      bench.forge(0, bench.kit.prePrepare(1, a), toFirst);
      bench.forge(
        0,
        bench.kit.prePrepare(1, b),
        [1, 2, 3].filter((to) => !toFirst.includes(to)),
      );
      for (const batch of [a, b]) bench.forge(0, bench.kit.commit(0, 1, bench.kit.digestOfBatch(batch)), [1, 2, 3]);
      bench.pass(1_000_000);
      const prepared = bench.up.flatMap((node) =>
        node.events.flatMap((event) => (event.kind === 'prepared' ? [event.digest] : [])),
      );
      expect(new Set(prepared).size).toBeLessThanOrEqual(1);
    }
  });
});

describe('OSDI’99 §4.2: commit', () => {
  test('a replica multicasts COMMIT(v, n, d, i) when prepared becomes true', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receive(rig.kit.prePrepare(1, batch));
    expect(sentOf(rig.receive(rig.kit.prepare(2, 1, digest)))).toEqual([rig.kit.commit(1, 1, digest)]);
    expect(sentOf(rig.receive(rig.kit.prepare(3, 1, digest)))).toEqual([]);
  });

  test('replicas accept COMMITs that are authentic, of their view, between h and H (deviation: kept ahead as PREPAREs are)', () => {
    const rig = new Rig();
    expect(refusalsOf(rig.receive(rig.kit.commit(2, 1, LIE)))).toEqual([]);
    expect(refusalsOf(rig.receive(rig.kit.commit(2, 0, LIE)))).toEqual(['commit below-window']);
    expect(refusalsOf(rig.receive(rig.kit.commit(2, 17, LIE)))).toEqual(['commit above-window']);
  });

  test('committed-local(m, v, n, i): prepared, and 2f+1 (here q) matching COMMITs of different replicas, possibly the own', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receiveAll([rig.kit.commit(0, 1, digest), rig.kit.commit(2, 1, digest), rig.kit.commit(3, 1, digest)]);
    expect(rig.status.lastExecuted).toBe(0);
    rig.receive(rig.kit.prePrepare(1, batch));
    expect(rig.status.lastExecuted).toBe(0);
    rig.receive(rig.kit.prepare(2, 1, digest));
    expect(rig.status.lastExecuted).toBe(1);
  });

  test('committed-local at one non-faulty replica means prepared at f+1 non-faulty ones', () => {
    const bench = new Bench();
    bench.send([bench.kit.authenticated('x')]);
    while (bench.packets.length > 0) {
      const [packet] = bench.packets.splice(0, 1);
      if (packet !== undefined) bench.deliver(packet);
      const has = (kind: 'committed' | 'prepared'): number =>
        bench.nodes.filter((node) => node.events.some((event) => event.kind === kind)).length;
      expect(has('committed') === 0 || has('prepared') >= 2).toBe(true);
    }
    expect(bench.nodes.every((node) => node.count('x') === 1)).toBe(true);
  });
});

describe('OSDI’99 §4.2: execution', () => {
  test('after committed-local, when its state reflects all lower numbers: all non-faulty replicas execute in the same order', () => {
    const rig = new Rig();
    rig.decide(3, rig.kit.batchOf('c', { session: SESSION + 3 }));
    rig.decide(2, rig.kit.batchOf('b', { session: SESSION + 2 }));
    expect(rig.status.lastExecuted).toBe(0);
    const outputs = rig.decide(1, rig.kit.batchOf('a', { session: SESSION + 1 }));
    expect(eventsOfKind(outputs, 'executed').map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  test('after executing they send a reply to the client', () => {
    const rig = new Rig();
    const replies = rig
      .decide(1, rig.kit.batchOf('x'))
      .flatMap((output) => (output.kind === 'reply' ? [output.reply.client] : []));
    expect(replies).toEqual([ALICE]);
  });

  test('requests with a timestamp below that of the last reply to the client are discarded: exactly once', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batch([rig.kit.signed('x'), rig.kit.signed('y', { timestamp: 2 })]));
    const outputs = rig.decide(2, rig.kit.batchOf('x'));
    expect(eventsOfKind(outputs, 'executed')[0]?.requests.map(({ outcome }) => outcome)).toEqual(['ignored']);
    expect(refusalsOf(rig.requests([rig.kit.signed('x')]))).toEqual(['requests old-request']);
  });

  test('nothing depends on the order of delivery: messages stay in the log until the request can be executed, whatever way they come', () => {
    const kit = new Rig().kit;
    const batches = [1, 2].map((at) => kit.batchOf('x', { session: SESSION + at }));
    const messages = batches.flatMap((batch, index) => {
      const digest = kit.digestOfBatch(batch);
      const at = index + 1;
      return [
        kit.prePrepare(at, batch),
        kit.prepare(2, at, digest),
        kit.commit(0, at, digest),
        kit.commit(2, at, digest),
      ];
    });
    const orders = permutations(messages.slice(0, 4)).map((first) => [...first, ...messages.slice(4)]);
    for (const order of [...orders, ...orders.map((each) => each.toReversed())]) {
      const rig = new Rig({}, kit);
      rig.receiveAll(order);
      expect(rig.status.lastExecuted).toBe(2);
    }
  });
});

function permutations<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  if (items.length <= 1) return [items];
  return items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}
