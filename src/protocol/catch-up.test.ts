import { describe, expect, test } from 'vitest';
import { Bench } from '../../test/support/bench.ts';
import type { Packet } from '../../test/support/bench.ts';
import { ALICE, SESSION, replica, seq } from '../../test/support/core-kit.ts';
import type { CoreKit } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { effectsOf, eventsOfKind, refusalsOf, sentOf } from '../../test/support/transcript.ts';
import { asDigest, asView } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { Decided, Fetch } from '../messages/index.ts';

const LIE = asDigest('ab'.repeat(32));

const decided = (from: number, ...slots: readonly (readonly [number, Digest])[]): Decided => ({
  type: 'decided',
  replica: replica(from),
  decisions: slots.map(([sequence, digest]) => ({ sequence: seq(sequence), digest })),
});

const fetch = (from: number, ...slots: readonly (readonly [number, Digest])[]): Fetch => ({
  type: 'fetch',
  replica: replica(from),
  wanted: slots.map(([sequence, digest]) => ({ sequence: seq(sequence), digest })),
});

describe('STATUS goes out', () => {
  const HEARTBEAT = 1_000_000;
  const statusTimes = (rig: Rig, us: number): readonly number[] => {
    const times: number[] = [];
    const start = rig.monotonic;
    for (let passed = 0; passed < us; passed += 10_000) {
      if (sentOf(rig.pass(10_000)).some(({ type }) => type === 'status')) times.push(rig.monotonic - start);
    }
    return times;
  };

  test('at the start, and on every new link', () => {
    const rig = new Rig();
    expect(effectsOf(rig.started)).toEqual(['send status h0 e0 [] → 0 2 3']);
    expect(effectsOf(rig.step({ kind: 'connected', peer: replica(3) }))).toEqual(['send status h0 e0 [] → 3']);
  });

  test('once a second while nothing is open', () => {
    const rig = new Rig();
    rig.pass(100_000);
    expect(statusTimes(rig, 3 * HEARTBEAT)).toEqual([HEARTBEAT, 2 * HEARTBEAT, 3 * HEARTBEAT]);
  });

  test.each([
    ['a slot is open', (rig: Rig) => rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('x')))],
    ['only votes are known', (rig: Rig) => rig.receive(rig.kit.commit(2, 3, LIE))],
    ['a request waits', (rig: Rig) => rig.requests([rig.kit.signed('x')])],
    ['a peer claims to be further', (rig: Rig) => rig.receive(rig.kit.status(2, { lastExecuted: seq(5) }))],
  ])('every 100 ms while %s', (_, happen) => {
    const rig = new Rig();
    rig.pass(200_000);
    happen(rig);
    expect(statusTimes(rig, 300_000)).toEqual([100_000, 200_000, 300_000]);
  });

  test('a request without a signature, which nobody may ever order, does not make a backup talk more', () => {
    const rig = new Rig();
    rig.pass(100_000);
    rig.requests([rig.kit.authenticated('x')], ALICE, 'mac');
    expect(statusTimes(rig, 2 * HEARTBEAT)).toEqual([HEARTBEAT, 2 * HEARTBEAT]);
  });

  test('it says what is here: accepted, prepared, committed', () => {
    const rig = new Rig();
    const { kit } = rig;
    rig.decide(1, kit.batchOf('x'));
    rig.receive(kit.prePrepare(2, kit.batchOf('y', { session: SESSION + 1 })));
    rig.receive(kit.prePrepare(3, kit.batchOf('z', { session: SESSION + 2 })));
    rig.receive(kit.prepare(2, 3, kit.digestOfBatch(kit.batchOf('z', { session: SESSION + 2 }))));
    rig.decide(4, kit.batchOf('w', { session: SESSION + 3 }));
    rig.receive(kit.commit(2, 5, LIE));
    expect(effectsOf(rig.step({ kind: 'connected', peer: replica(0) }))).toEqual(['send status h0 e1 [2a 3p 4c] → 0']);
  });
});

describe('STATUS is answered with what the sender lacks', () => {
  /** A backup with slot 1 prepared, in the given mode. */
  function prepared(
    authentication: 'mac' | 'signature' = 'mac',
    self = 1,
  ): { readonly rig: Rig; readonly digest: Digest; readonly names: ReadonlyMap<Digest, string> } {
    const rig = new Rig({ self, cluster: { authentication } });
    const signature = authentication === 'signature' ? new Uint8Array(64).fill(1) : undefined;
    if (self === 0) {
      const digest = eventsOfKind(rig.requests([rig.kit.signed('x')]), 'pre-prepared')[0]?.digest ?? LIE;
      rig.receive(rig.kit.prepare(2, 1, digest), { signature });
      rig.receive(rig.kit.prepare(1, 1, digest), { signature });
      return { rig, digest, names: new Map([[digest, 'A']]) };
    }
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receive(rig.kit.prePrepare(1, batch), { signature });
    rig.receive(rig.kit.prepare(2, 1, digest), { signature });
    return { rig, digest, names: new Map([[digest, 'A']]) };
  }
  const slot = (
    isPrepared: boolean,
    committed = false,
  ): { sequence: ReturnType<typeof seq>; prepared: boolean; committed: boolean } => ({
    sequence: seq(1),
    prepared: isPrepared,
    committed,
  });

  test('nothing known of the slot: a backup resends its own votes, in mac mode no more', () => {
    const { rig, names } = prepared();
    expect(effectsOf(rig.receive(rig.kit.status(3)), names)).toEqual([
      'send prepare v0 n1 A → 3',
      'send commit v0 n1 A → 3',
    ]);
  });

  test('the primary resends its pre-prepare with the body, and its COMMIT', () => {
    const { rig, names } = prepared('mac', 0);
    expect(effectsOf(rig.receive(rig.kit.status(3)), names)).toEqual([
      'send pre-prepare v0 n1 A → 3',
      'send commit v0 n1 A → 3',
    ]);
  });

  test('in signature mode anybody’s signed messages too, the primary’s among them', () => {
    const { rig, names } = prepared('signature');
    expect(effectsOf(rig.receive(rig.kit.status(3)), names)).toEqual([
      'send pre-prepare v0 n1 A → 3 signed',
      'send prepare v0 n1 A → 3',
      'send prepare v0 n1 A → 3 signed',
      'send commit v0 n1 A → 3',
    ]);
  });

  test('never a message to its own author, nor the pre-prepare to the primary', () => {
    const { rig, names } = prepared('signature');
    expect(effectsOf(rig.receive(rig.kit.status(0)), names).filter((line) => line.includes('pre-prepare'))).toEqual([]);
    const other = prepared('signature');
    const lines = effectsOf(other.rig.receive(other.rig.kit.status(2, { slots: [slot(false)] })), other.names);
    expect(lines).toEqual(['send prepare v0 n1 A → 2', 'send commit v0 n1 A → 2']);
  });

  test('pre-prepared there: votes; prepared there: COMMITs; committed there: nothing', () => {
    const first = prepared();
    expect(effectsOf(first.rig.receive(first.rig.kit.status(3, { slots: [slot(false)] })), first.names)).toEqual([
      'send prepare v0 n1 A → 3',
      'send commit v0 n1 A → 3',
    ]);
    const second = prepared();
    expect(effectsOf(second.rig.receive(second.rig.kit.status(3, { slots: [slot(true)] })), second.names)).toEqual([
      'send commit v0 n1 A → 3',
    ]);
    const third = prepared();
    expect(effectsOf(third.rig.receive(third.rig.kit.status(3, { slots: [slot(true, true)] })), third.names)).toEqual(
      [],
    );
  });

  test('executed or committed here: DECIDED, which is worth more than votes', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const names = new Map([[rig.kit.digestOfBatch(batch), 'A']]);
    rig.decide(1, batch);
    expect(effectsOf(rig.receive(rig.kit.status(3)), names)[0]).toBe('send decided 1=A → 3');
    expect(effectsOf(rig.receive(rig.kit.status(2, { lastExecuted: seq(1) })), names)).toEqual([]);
  });

  test('of another view: no votes, but what is decided', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batchOf('x'));
    expect(sentOf(rig.receive(rig.kit.status(3, { view: asView(1) }))).map(({ type }) => type)).toEqual(['decided']);
  });

  test('with a lower h: the proof of the stable checkpoint; below an announced one: the own CHECKPOINT', () => {
    const rig = new Rig({ cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 } });
    rig.decide(1, rig.kit.batchOf('x'));
    expect(effectsOf(rig.receive(rig.kit.status(3, { lastExecuted: seq(1) })))).toEqual([
      'send checkpoint n1 of 1 → 3 signed',
    ]);
    for (const from of [0, 2]) {
      const { message, signature } = rig.kit.checkpoint(from, 1, rig.status.stateRoot);
      rig.receive(message, { signature });
    }
    rig.pass(60_000);
    expect(effectsOf(rig.receive(rig.kit.status(3, { lastExecuted: seq(1) })))).toEqual([
      'send checkpoint n1 of 1 → 3 signed',
      'send checkpoint n1 of 0 → 3 signed',
      'send checkpoint n1 of 2 → 3 signed',
    ]);
  });

  test('at a bounded rate per peer, and each peer for itself', () => {
    const { rig } = prepared();
    let sent = 0;
    for (let asked = 0; asked < 100; asked += 1) sent += sentOf(rig.receive(rig.kit.status(3))).length;
    expect(sent).toBe(2);
    expect(sentOf(rig.receive(rig.kit.status(2)))).toHaveLength(2);
    rig.pass(50_000);
    expect(sentOf(rig.receive(rig.kit.status(3)))).toHaveLength(2);
  });

  test('it is a hint: whatever it says moves nothing', () => {
    const rig = new Rig();
    const before = rig.status;
    const max = seq(Number.MAX_SAFE_INTEGER);
    rig.receive(
      rig.kit.status(3, {
        view: asView(Number.MAX_SAFE_INTEGER),
        lastExecuted: max,
        lowWaterMark: max,
        inViewChange: true,
        slots: [{ sequence: max, prepared: true, committed: true }],
      }),
    );
    expect(rig.status).toEqual(before);
  });
});

describe('DECIDED', () => {
  test('f+1 distinct claims decide; the body is asked for from those who claim, and executed when it comes', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    const names = new Map([[digest, 'A']]);
    expect(effectsOf(rig.receive(decided(2, [1, digest])))).toEqual([]);
    expect(effectsOf(rig.receive(decided(3, [1, digest])), names)).toEqual(['send fetch 1=A → 2 3']);
    const outputs = rig.receive({ type: 'batch', replica: replica(3), sequence: seq(1), digest, batch });
    expect(effectsOf(outputs, names)).toEqual(['reply n1 t1 executed x#1', 'persist executed v0 n1 A']);
    expect(rig.records.at(-1)).toMatchObject({ kind: 'executed', batch });
  });

  test('with the body here, waiting or accepted: executed at once', () => {
    for (const verified of ['signature', 'unverified'] as const) {
      const rig = new Rig();
      const batch = rig.kit.batchOf('x');
      rig.receive(rig.kit.prePrepare(1, batch), { verified: [verified] });
      rig.receiveAll([decided(2, [1, rig.kit.digestOfBatch(batch)]), decided(3, [1, rig.kit.digestOfBatch(batch)])]);
      expect(rig.status.lastExecuted).toBe(1);
    }
  });

  test.each([
    ['one sender twice', (digest: Digest) => [decided(2, [1, digest]), decided(2, [1, digest])]],
    ['two digests', (digest: Digest) => [decided(2, [1, digest]), decided(3, [1, LIE])]],
    [
      'a sender that changes its mind',
      (digest: Digest) => [decided(2, [1, LIE]), decided(2, [1, digest]), decided(3, [1, digest])],
    ],
    ['two numbers', (digest: Digest) => [decided(2, [1, digest]), decided(3, [2, digest])]],
  ])('not with %s', (_, make) => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    rig.receive(rig.kit.prePrepare(1, batch));
    rig.receiveAll(make(rig.kit.digestOfBatch(batch)));
    expect(rig.status.lastExecuted).toBe(0);
  });

  test('below h or beyond what is kept: nothing is remembered', () => {
    const rig = new Rig();
    rig.receiveAll([0, 2, 3].map((from) => decided(from, [0, LIE], [17, LIE], [Number.MAX_SAFE_INTEGER, LIE])));
    expect(rig.status.openSlots).toBe(0);
  });

  test('the same digest repeated in one message counts once', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receive(rig.kit.prePrepare(1, batch));
    rig.receive(decided(2, [1, digest], [1, digest], [1, digest]));
    expect(rig.status.lastExecuted).toBe(0);
  });
});

describe('FETCH and BATCH', () => {
  test('bodies that are held are sent, others are not', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receive(rig.kit.prePrepare(1, batch));
    const outputs = rig.receive(
      fetch(3, [1, digest], [1, LIE], [2, digest], [Number.MAX_SAFE_INTEGER, digest], [0, digest]),
    );
    expect(sentOf(outputs)).toEqual([{ type: 'batch', replica: replica(1), sequence: seq(1), digest, batch }]);
  });

  test('a flood of FETCH: each peer gets its allowance and no more', () => {
    const rig = new Rig();
    const batch = rig.kit.batch([rig.kit.signed('x'.repeat(60_000))]);
    const digest = rig.kit.digestOfBatch(batch);
    rig.receive(rig.kit.prePrepare(1, batch));
    const many = Array.from({ length: 4096 }, (): readonly [number, Digest] => [1, digest]);
    const first = sentOf(rig.receive(fetch(3, ...many))).length;
    expect(first).toBeLessThan(80);
    expect(refusalsOf(rig.receive(fetch(3, [1, digest])))).toEqual(['fetch budget-exhausted']);
    expect(sentOf(rig.receive(fetch(2, [1, digest])))).toHaveLength(1);
    rig.pass(50_000);
    expect(sentOf(rig.receive(fetch(3, [1, digest])))).toHaveLength(1);
  });

  test.each([
    ['that nothing decided', (kit: CoreKit) => ({ sequence: seq(1), batch: kit.batchOf('x') })],
    ['for a number that has no slot', (kit: CoreKit) => ({ sequence: seq(900), batch: kit.batchOf('x') })],
  ])('a BATCH %s is refused', (_, make) => {
    const rig = new Rig();
    const { sequence, batch } = make(rig.kit);
    const outputs = rig.receive({
      type: 'batch',
      replica: replica(3),
      sequence,
      digest: rig.kit.digestOfBatch(batch),
      batch,
    });
    expect(refusalsOf(outputs)).toEqual(['batch not-asked-for']);
  });

  test('so is one for another digest than the decided one, and a second copy', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receiveAll([decided(2, [1, digest]), decided(3, [1, digest])]);
    const other = rig.kit.batchOf('y');
    const send = (body: typeof batch): readonly string[] =>
      refusalsOf(
        rig.receive({
          type: 'batch',
          replica: replica(3),
          sequence: seq(1),
          digest: rig.kit.digestOfBatch(body),
          batch: body,
        }),
      );
    expect(send(other)).toEqual(['batch not-asked-for']);
    expect(send(batch)).toEqual([]);
    expect(send(batch)).toEqual(['batch not-asked-for']);
  });

  test('what is missing is asked for again at every STATUS, from all', () => {
    const rig = new Rig();
    const digest = rig.kit.digestOfBatch(rig.kit.batchOf('x'));
    const names = new Map([[digest, 'A']]);
    rig.receiveAll([decided(2, [1, digest]), decided(3, [1, digest])]);
    expect(effectsOf(rig.pass(100_000), names)).toContain('send fetch 1=A → 0 2 3');
    expect(effectsOf(rig.pass(100_000), names)).toContain('send fetch 1=A → 0 2 3');
  });
});

describe('every message of a request may be lost, once each: it is repaired without the client', () => {
  function run(authentication: 'mac' | 'signature', lose: ((packet: Packet) => boolean) | undefined): Bench {
    const bench = new Bench({ cluster: { authentication, checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    if (lose !== undefined) bench.lose = lose;
    for (let timestamp = 1; timestamp <= 2; timestamp += 1) {
      bench.send([
        authentication === 'mac' ? bench.kit.authenticated('x', { timestamp }) : bench.kit.signed('x', { timestamp }),
      ]);
      bench.until(() => bench.nodes.every((node) => node.status.lastExecuted >= timestamp), `request ${timestamp}`);
    }
    bench.until(
      () => bench.nodes.every((node) => node.status.lowWaterMark >= 2),
      'the checkpoint is stable everywhere',
    );
    return bench;
  }

  test.each(['mac', 'signature'] as const)('%s mode', (authentication) => {
    const whole = run(authentication, undefined);
    const total = whole.history.filter(
      ({ from, message }) => typeof from === 'number' && message.type !== 'status',
    ).length;
    expect(total).toBeGreaterThan(50);
    for (let lost = 0; lost < total; lost += 1) {
      let seen = 0;
      run(
        authentication,
        ({ from, message }) => typeof from === 'number' && message.type !== 'status' && seen++ === lost,
      );
    }
  });

  test.each(['pre-prepare', 'prepare', 'commit', 'checkpoint', 'decided', 'batch', 'status'] as const)(
    'all first %s messages, to everybody',
    (type) => {
      const lost = new Set<string>();
      run('mac', ({ from, to, message }) => {
        const key = `${String(from)} ${to}`;
        if (message.type !== type || lost.has(key)) return false;
        lost.add(key);
        return true;
      });
      expect(lost.size > 0 || ['decided', 'batch', 'status'].includes(type)).toBe(true);
    },
  );
});
