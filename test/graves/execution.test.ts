// Graves G09, G12, G17 and G21: exactly once, the water marks, spurious suspicion of the primary, and a restarted node that contradicts itself.
import { describe, expect, test } from 'vitest';
import { Bench } from '../support/bench.ts';
import type { Packet } from '../support/bench.ts';
import { contradictionsIn } from '../support/contradictions.ts';
import { BOB, SESSION, WALL_MS, replica } from '../support/core-kit.ts';
import type { CoreKit, RequestOptions } from '../support/core-kit.ts';
import { Rig } from '../support/rig.ts';
import { eventsOfKind } from '../support/transcript.ts';

const everywhere = (bench: Bench, operation: string): readonly number[] =>
  bench.nodes.map((node) => node.count(operation));
const timeouts = (bench: Bench): number =>
  bench.nodes.flatMap((node) => node.events.filter(({ kind }) => kind === 'request-timeout')).length;

describe('G09: a request is executed once, whatever comes again', () => {
  test('replayed after every node was restarted from a checkpoint that already has it', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 2 } });
    const requests = [1, 2, 3, 4].map((timestamp) => bench.kit.signed('x', { timestamp }));
    for (const request of requests) bench.execute(request);
    bench.pass(3_000_000);
    expect(new Set(bench.nodes.map((node) => node.status.lowWaterMark))).toEqual(new Set([4]));
    for (const node of bench.nodes) {
      node.crash();
      node.start();
    }
    for (const request of requests) bench.send([request], [0, 1, 2, 3]);
    bench.pass(3_000_000);
    expect(everywhere(bench, 'x')).toEqual([4, 4, 4, 4]);
  });

  test('retransmitted to all at every moment of its way', () => {
    for (let delivered = 0; delivered < 60; delivered += 1) {
      const bench = new Bench();
      const request = bench.kit.authenticated('x');
      bench.send([request]);
      for (let left = delivered; left > 0; left -= 1) {
        const [packet] = bench.packets.splice(0, 1);
        if (packet !== undefined) bench.deliver(packet);
      }
      bench.send([bench.kit.signAgain(request)], [0, 1, 2, 3]);
      bench.until(
        () => bench.isConverged() && bench.isAnswered(request.digest),
        `retransmitted after ${delivered} frames`,
      );
      expect(everywhere(bench, 'x')).toEqual([1, 1, 1, 1]);
    }
  });

  test('proposed again by a restarted primary that has forgotten that it did', () => {
    const bench = new Bench();
    bench.lose = ({ message }) => message.type === 'commit' || message.type === 'decided';
    const request = bench.kit.signed('x');
    bench.send([request]);
    bench.run();
    bench.node(0).crash();
    bench.node(0).start();
    bench.send([request]);
    bench.run();
    bench.lose = () => false;
    bench.until(() => bench.isConverged() && bench.node(0).status.lastExecuted === 2, 'both slots are executed');
    expect(everywhere(bench, 'x')).toEqual([1, 1, 1, 1]);
  });

  test('every frame delivered twice and in reverse', () => {
    const bench = new Bench();
    for (let timestamp = 1; timestamp <= 6; timestamp += 1) {
      bench.send([bench.kit.authenticated('x', { timestamp })]);
      while (bench.packets.length > 0) {
        const packets = bench.take(() => true).toReversed();
        for (const packet of [...packets, ...packets]) bench.deliver(packet);
      }
      bench.until(() => bench.isConverged(), `request ${timestamp}`);
    }
    expect(everywhere(bench, 'x')).toEqual([6, 6, 6, 6]);
  });

  test('the whole history of the network played back', () => {
    const bench = new Bench();
    for (let timestamp = 1; timestamp <= 6; timestamp += 1) bench.execute(bench.kit.authenticated('x', { timestamp }));
    const roots = bench.nodes.map((node) => node.status.stateRoot);
    for (const packet of bench.history.slice()) bench.deliver(packet);
    bench.run();
    expect(everywhere(bench, 'x')).toEqual([6, 6, 6, 6]);
    expect(bench.nodes.map((node) => node.status.stateRoot)).toEqual(roots);
    expect(bench.nodes.flatMap((node) => node.suspicions.filter((line) => line.startsWith('certain')))).toEqual([]);
  });
});

describe('G12: a primary ahead of the others’ marks', () => {
  test('K = 2, L = 4: its proposals just above their high mark are kept, and served when they catch up', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4, batchRequests: 1 } });
    const isLate = ({ to, message }: Packet): boolean => to === 3 && message.type === 'checkpoint';
    for (let timestamp = 1; timestamp <= 3; timestamp += 1) bench.execute(bench.kit.authenticated('x', { timestamp }));
    bench.lose = isLate;
    bench.execute(bench.kit.authenticated('x', { timestamp: 4 }));
    const [ahead, behind] = [bench.node(0).status, bench.node(3).status];
    expect([ahead.lowWaterMark, behind.lowWaterMark]).toEqual([4, 2]);
    bench.lose = (packet) => isLate(packet) || (packet.from === 3 && packet.message.type === 'status');
    for (let session = 1; session <= 3; session += 1)
      bench.send([bench.kit.authenticated('y', { session: SESSION + session })]);
    bench.run();
    expect(bench.node(3).events.some((event) => event.kind === 'buffered' && event.what === 'above-window')).toBe(true);
    bench.lose = () => false;
    bench.until(() => bench.isConverged(), 'the one behind has caught up');
    expect(everywhere(bench, 'y')).toEqual([3, 3, 3, 3]);
    expect(bench.node(3).events.some(({ kind }) => kind === 'transferred')).toBe(false);
  });
});

describe('G17: with a correct primary and a timely network no client and no f replicas make a timer expire, or anyone certain of a lie', () => {
  const attacks: readonly (readonly [string, (bench: Bench, kit: CoreKit) => void])[] = [
    [
      'an executed request that is received again, by everybody',
      (bench, kit) => {
        bench.execute(kit.signed('x'));
        for (let times = 0; times < 5; times += 1) bench.send([kit.signed('x')], [0, 1, 2, 3]);
      },
    ],
    [
      'different requests under one timestamp for every replica',
      (bench, kit) => {
        for (const to of [0, 1, 2, 3]) bench.send([kit.signed(`to ${to}`)], [to]);
      },
    ],
    [
      'different requests under one timestamp, the primary left out',
      (bench, kit) => {
        for (const to of [1, 2, 3]) bench.send([kit.signed(`to ${to}`)], [to]);
      },
    ],
    [
      'a later timestamp to the primary, the earlier one to the backups',
      (bench, kit) => {
        bench.send([kit.signed('late', { timestamp: 2 })]);
        bench.send([kit.signed('early')], [1, 2, 3]);
      },
    ],
    ['a signed request that only one backup gets', (bench, kit) => bench.send([kit.signed('x')], [2])],
    [
      'sessions from the future and the past',
      (bench, kit) => {
        for (const offset of [-700_000_000, 700_000_000, Number.MAX_SAFE_INTEGER - SESSION])
          bench.send([kit.signed('x', { session: SESSION + offset })], [0, 1, 2, 3]);
      },
    ],
    ['timestamps ahead of their turn', (bench, kit) => bench.send([kit.signed('x', { timestamp: 7 })], [0, 1, 2, 3])],
    [
      'authenticators that are bad for the primary',
      (bench, kit) => bench.send([kit.authenticated('x', {}, [0])], [0, 1, 2, 3]),
    ],
    ['authenticators that are bad for two backups', (bench, kit) => bench.send([kit.authenticated('x', {}, [2, 3])])],
    [
      'more sessions than a client may have',
      (bench, kit) => {
        for (let at = 0; at < 40; at += 1) bench.send([kit.signed('x', { session: SESSION + at })], [0, 1, 2, 3]);
      },
    ],
    [
      'a request that one replica passes on to all but the primary',
      (bench, kit) => bench.send([kit.signed('x')], [1, 2], replica(3)),
    ],
    [
      'votes for a number whose proposal never comes',
      (bench, kit) => {
        const digest = kit.digestOfBatch(kit.batchOf('nothing'));
        bench.forge(3, kit.prepare(3, 1, digest), [1, 2]);
        bench.forge(3, kit.commit(3, 2, digest), [0, 1, 2]);
      },
    ],
    [
      'a replica that claims to be far ahead',
      (bench, kit) =>
        bench.forge(
          3,
          kit.status(3, { lastExecuted: kit.prepare(3, 999, kit.digestOfBatch(undefined)).sequence }),
          [0, 1, 2],
        ),
    ],
  ];

  test.each(attacks)('%s', (_, attack) => {
    const bench = new Bench({ cluster: { sessionsPerClient: 8 } });
    attack(bench, bench.kit);
    bench.run();
    for (let timestamp = 1; timestamp <= 5; timestamp += 1) {
      bench.pass(400_000);
      bench.execute(bench.kit.authenticated('honest', { client: BOB, timestamp }));
    }
    bench.pass(3_000_000);
    expect(timeouts(bench)).toBe(0);
    const against = bench.nodes.flatMap((node) =>
      node.status.suspicions.filter(({ node: accused }) => accused === replica(0)),
    );
    expect(against.filter(({ kind, certainty }) => kind === 'unresponsive' || certainty === 'certain')).toEqual([]);
  });

  test('a restart with open slots in the log', () => {
    const bench = new Bench();
    bench.lose = ({ message }) => message.type === 'commit';
    bench.send([bench.kit.authenticated('x')]);
    bench.pass(300_000);
    bench.lose = () => false;
    bench.node(2).crash();
    bench.monotonic += 10_000_000;
    bench.node(2).start();
    bench.until(() => bench.nodes.every((node) => node.count('x') === 1), 'all have executed it');
    expect(bench.node(2).events.filter(({ kind }) => kind === 'request-timeout')).toEqual([]);
  });
});

describe('G21: a restarted node says nothing else for a number it has spoken of', () => {
  test('a backup, after every record: it never votes for a second digest, whatever the primary sends then', () => {
    const total = played().records.length;
    for (let kept = 0; kept <= total; kept += 1) {
      const rig = played();
      const said = votesIn(rig.records.slice(0, kept));
      const again = rig.restarted(rig.records.slice(0, kept));
      for (let sequence = 1; sequence <= 4; sequence += 1) {
        const other = again.kit.batchOf('another', { session: SESSION + 100 + sequence });
        const outputs = again.receive(again.kit.prePrepare(sequence, other));
        const digest = again.kit.digestOfBatch(other);
        again.receiveAll([again.kit.prepare(2, sequence, digest), again.kit.prepare(3, sequence, digest)]);
        const contradicts = said.has(sequence) && eventsOfKind(outputs, 'pre-prepared').length > 0;
        expect(contradicts, `${kept} records, number ${sequence}`).toBe(false);
      }
    }

    function played(): Rig {
      const rig = new Rig({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
      for (const sequence of [1, 2, 3]) rig.decide(sequence, rig.kit.batchOf('x', { session: SESSION + sequence }));
      rig.receive(rig.kit.prePrepare(4, rig.kit.batchOf('y')));
      return rig;
    }
  });

  test('a primary, after every record: it never proposes a second batch for a number', () => {
    const options: RequestOptions = { timestamp: 1 };
    const original = new Rig({ self: 0 });
    for (let at = 0; at < 3; at += 1)
      original.requests([original.kit.signed('x', { ...options, session: SESSION + at })]);
    const told = votesIn(original.records);
    for (let kept = 0; kept <= original.records.length; kept += 1) {
      const records = original.records.slice(0, kept);
      const again = original.restarted(records);
      const outputs = again.requests([again.kit.signed('another', { session: SESSION + 50 })]);
      for (const { sequence, digest } of eventsOfKind(outputs, 'pre-prepared')) {
        const isTold = votesIn(records).has(sequence);
        expect(isTold && told.get(sequence) !== digest, `${kept} records`).toBe(false);
      }
    }
    expect(told.size).toBe(3);
  });

  test('a whole cluster, one node after the other restarted under load, with a primary that equivocates afterwards', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 2 } });
    for (let timestamp = 1; timestamp <= 6; timestamp += 1) {
      bench.send([bench.kit.authenticated('x', { timestamp })]);
      for (let step = 0; step < 15; step += 1) {
        const [packet] = bench.packets.splice(0, 1);
        if (packet !== undefined) bench.deliver(packet);
      }
      const victim = bench.node(1 + (timestamp % 3));
      victim.crash();
      victim.start();
      const lie = bench.kit.batchOf('lie', { session: SESSION + 1000 + timestamp });
      for (let sequence = 1; sequence <= bench.node(0).status.highestAccepted; sequence += 1) {
        bench.forge(0, bench.kit.prePrepare(sequence, lie), [victim.id]);
      }
      bench.execute(bench.kit.authenticated('x', { timestamp }));
    }
    const bySelf = contradictionsIn(bench).filter((line) => /of [123] /.test(line));
    expect(bySelf).toEqual([]);
    expect(bench.now.wall).toBeGreaterThan(WALL_MS);
  });
});

function votesIn(records: Rig['records']): ReadonlyMap<number, string> {
  const votes = new Map<number, string>();
  for (const record of records) if (record.kind === 'accepted') votes.set(record.sequence, record.digest);
  return votes;
}
