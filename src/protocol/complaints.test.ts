import { describe, expect, test } from 'vitest';
import { Bench } from '../../test/support/bench.ts';
import { ALICE, BOB, SESSION, replica, seq } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { effectsOf, eventsOfKind, linesOf, refusalsOf, sentOf } from '../../test/support/transcript.ts';
import { asDigest, asView } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { Batch, Complaint } from '../messages/index.ts';
import type { RequestVerification } from './input.ts';

const LIE = asDigest('ab'.repeat(32));

/** A batch of two requests, and a backup that could verify only what `verified` says. */
function scene(
  verified: readonly RequestVerification[] = ['mac', 'unverified'],
  n = 4,
): { readonly rig: Rig; readonly batch: Batch; readonly digest: Digest; readonly requests: readonly Digest[] } {
  const rig = new Rig({ n });
  const batch = rig.kit.batch([rig.kit.authenticated('a'), rig.kit.authenticated('b', { client: BOB })]);
  rig.receive(rig.kit.prePrepare(1, batch), { verified });
  return { rig, batch, digest: rig.kit.digestOfBatch(batch), requests: batch.requests.map((entry) => entry.digest) };
}

const complaint = (
  from: number,
  digest: Digest,
  requests: readonly Digest[],
  change: Partial<Complaint> = {},
): Complaint => ({
  type: 'complaint',
  replica: replica(from),
  view: asView(0),
  sequence: seq(1),
  digest,
  requests,
  ...change,
});

const accepted = (rig: Rig): boolean => rig.status.highestAccepted === 1;

describe('a batch with a request that could not be verified', () => {
  test('is kept, and complained about to all, naming that request', () => {
    const rig = new Rig();
    const batch = rig.kit.batch([rig.kit.authenticated('a'), rig.kit.authenticated('b', { client: BOB })]);
    const outputs = rig.receive(rig.kit.prePrepare(1, batch), { verified: ['mac', 'unverified'] });
    expect(linesOf(outputs)).toEqual([
      'buffered unverified-request n1',
      'complained',
      'send complaint v0 n1 about 1 → 0 2 3',
    ]);
    expect(sentOf(outputs)[0]).toMatchObject({
      digest: rig.kit.digestOfBatch(batch),
      requests: [batch.requests[1]?.digest],
    });
  });

  test('the complaint is repeated until the batch is accepted', () => {
    const { rig } = scene();
    const complaints = (us: number): number => sentOf(rig.pass(us)).filter(({ type }) => type === 'complaint').length;
    expect(complaints(1_000_000)).toBe(10);
    rig.requests([rig.kit.signed('b', { client: BOB })], BOB);
    expect(accepted(rig)).toBe(true);
    expect(complaints(1_000_000)).toBe(0);
  });

  test('in signature mode there is no complaint: what everybody can check nobody vouches for', () => {
    const rig = new Rig({ cluster: { authentication: 'signature' } });
    const batch = rig.kit.batchOf('a');
    const digest = rig.kit.digestOfBatch(batch);
    expect(effectsOf(rig.receive(rig.kit.prePrepare(1, batch), { verified: ['mac'] }))).toEqual([]);
    rig.receiveAll([rig.kit.prepare(2, 1, digest), rig.kit.prepare(3, 1, digest)]);
    expect(sentOf(rig.pass(500_000)).filter(({ type }) => type === 'complaint')).toEqual([]);
    expect(accepted(rig)).toBe(false);
  });
});

describe('a request is taken as its client’s', () => {
  test('when f+1 replicas vouch: the primary by its PRE-PREPARE, others by PREPARE', () => {
    const { rig, digest } = scene();
    rig.receive(rig.kit.prepare(2, 1, digest));
    expect(accepted(rig)).toBe(true);
  });

  test('or by a complaint about this batch that does not name it', () => {
    const { rig, digest, requests } = scene();
    rig.receive(complaint(2, digest, requests.slice(0, 1)));
    expect(accepted(rig)).toBe(true);
  });

  test('every request for itself: one vouched for, the other not', () => {
    const { rig, digest, requests } = scene(['unverified', 'unverified']);
    rig.receive(complaint(2, digest, requests.slice(0, 1)));
    expect(accepted(rig)).toBe(false);
    rig.receive(complaint(3, digest, requests.slice(1)));
    expect(accepted(rig)).toBe(true);
  });

  test.each([
    ['a complaint that names it', (s: ReturnType<typeof scene>) => complaint(2, s.digest, s.requests)],
    ['a complaint about another batch', () => complaint(2, LIE, [])],
    ['a complaint of another view', (s: ReturnType<typeof scene>) => complaint(2, s.digest, [], { view: asView(1) })],
    [
      'a complaint about another number',
      (s: ReturnType<typeof scene>) => complaint(2, s.digest, [], { sequence: seq(2) }),
    ],
    ['a PREPARE for another batch', (s: ReturnType<typeof scene>) => s.rig.kit.prepare(2, 1, LIE)],
    ['a PREPARE for another number', (s: ReturnType<typeof scene>) => s.rig.kit.prepare(2, 2, s.digest)],
    ['a COMMIT', (s: ReturnType<typeof scene>) => s.rig.kit.commit(2, 1, s.digest)],
    ['a complaint of the primary, which counts already', (s: ReturnType<typeof scene>) => complaint(0, s.digest, [])],
  ])('not by %s', (_, make) => {
    const s = scene();
    s.rig.receive(make(s));
    expect(accepted(s.rig)).toBe(false);
  });

  test('the primary alone is not enough, with f = 2 two are not', () => {
    const { rig, digest } = scene(['mac', 'unverified'], 7);
    expect(accepted(rig)).toBe(false);
    rig.receive(rig.kit.prepare(2, 1, digest));
    expect(accepted(rig)).toBe(false);
    rig.receive(rig.kit.prepare(3, 1, digest));
    expect(accepted(rig)).toBe(true);
  });

  test('PREPAREs that came before the PRE-PREPARE vouch too', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('a');
    rig.receive(rig.kit.prepare(2, 1, rig.kit.digestOfBatch(batch)));
    rig.receive(rig.kit.prePrepare(1, batch), { verified: ['unverified'] });
    expect(accepted(rig)).toBe(true);
  });

  test('the latest complaint of a sender counts: it may take back its voucher or give it', () => {
    const { rig, digest, requests } = scene(['unverified', 'unverified']);
    rig.receive(complaint(2, digest, requests.slice(0, 1)));
    rig.receive(complaint(2, digest, requests));
    rig.receive(complaint(3, digest, requests.slice(1)));
    expect(accepted(rig)).toBe(false);
    rig.receive(complaint(2, digest, requests.slice(0, 1)));
    expect(accepted(rig)).toBe(true);
  });
});

describe('a complaint is refused', () => {
  test.each([
    ['other-view', { view: asView(1) }],
    ['below-window', { sequence: seq(0) }],
    ['above-window', { sequence: seq(9) }],
    ['above-window', { sequence: seq(Number.MAX_SAFE_INTEGER) }],
    ['not-asked-for', { sequence: seq(2) }],
    ['not-asked-for', { digest: LIE }],
  ])('%s', (code, change) => {
    const { rig, digest } = scene();
    expect(refusalsOf(rig.receive(complaint(2, digest, [], change)))).toEqual([`complaint ${code}`]);
  });
});

describe('clients are marked', () => {
  test('by f+1 distinct complaints about one of their requests, and only they', () => {
    const { rig, digest, requests } = scene(['mac', 'mac']);
    rig.receive(complaint(2, digest, requests.slice(0, 1)));
    expect(rig.status.markedClients).toEqual([]);
    const outputs = rig.receive(complaint(3, digest, requests.slice(0, 1)));
    expect(eventsOfKind(outputs, 'client-marked')).toEqual([{ kind: 'client-marked', client: ALICE }]);
    expect(rig.status.markedClients).toEqual([ALICE]);
  });

  test('for a minute, and twice as long the next time', () => {
    // No view ends meanwhile.
    const rig = new Rig({ tuning: { requestTimeoutUs: 1e9, maxTimeoutUs: 1e9 } });
    const batch = rig.kit.batchOf('a');
    rig.receive(rig.kit.prePrepare(1, batch), { verified: ['mac'] });
    const complain = (): void => {
      for (const from of [2, 3])
        rig.receive(
          complaint(
            from,
            rig.kit.digestOfBatch(batch),
            batch.requests.map((entry) => entry.digest),
          ),
        );
    };
    const marked = (): boolean => rig.status.markedClients.includes(ALICE);
    for (const minutes of [1, 2]) {
      complain();
      rig.pass(minutes * 60_000_000 - 1_000_000);
      expect(marked()).toBe(true);
      rig.pass(2_000_000);
      expect(marked()).toBe(false);
    }
  });

  test('the own complaint is one of them', () => {
    const { rig, digest, requests } = scene();
    rig.receive(complaint(2, digest, requests.slice(1)));
    expect(rig.status.markedClients).toEqual([BOB]);
  });

  test('not by f liars, however often they complain and about whatever', () => {
    const { rig, digest, requests } = scene(['mac', 'mac']);
    for (let sent = 0; sent < 10; sent += 1) rig.receive(complaint(3, digest, requests));
    rig.receive(complaint(3, digest, [LIE]));
    expect(rig.status.markedClients).toEqual([]);
  });

  test('not by complaints of f+1 about different requests: nodes that start again, one after the other, verify nothing that was under way', () => {
    const rig = new Rig();
    const one = rig.kit.batchOf('a');
    rig.receive(rig.kit.prePrepare(1, one), { verified: ['mac'] });
    rig.receive(complaint(2, rig.kit.digestOfBatch(one), [one.requests[0]?.digest ?? LIE]));
    const other = rig.kit.batch([rig.kit.authenticated('b', { session: SESSION + 1 })]);
    rig.receive(rig.kit.prePrepare(2, other), { verified: ['mac'] });
    const digest = rig.kit.digestOfBatch(other);
    const named = [other.requests[0]?.digest ?? LIE];
    rig.receive(complaint(3, digest, named, { sequence: seq(2) }));
    expect(rig.status.markedClients).toEqual([]);
    rig.receive(complaint(2, digest, named, { sequence: seq(2) }));
    expect(rig.status.markedClients).toEqual([ALICE]);
  });

  test('not by complaints about what is executed already: a liar beside a node that was started again stops nothing', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('a');
    rig.decide(1, batch);
    const named = batch.requests.map((entry) => entry.digest);
    for (const from of [2, 3]) rig.receive(complaint(from, rig.kit.digestOfBatch(batch), named));
    expect(rig.status.markedClients).toEqual([]);
  });

  test('not by complaints about requests that are not in the batch', () => {
    const { rig, digest } = scene(['mac', 'mac']);
    rig.receiveAll([complaint(2, digest, [LIE]), complaint(3, digest, [LIE])]);
    expect(rig.status.markedClients).toEqual([]);
  });

  test('a backup never refuses what verifies, marked or not', () => {
    const { rig, digest, requests } = scene(['mac', 'mac']);
    rig.receiveAll([complaint(2, digest, requests), complaint(3, digest, requests)]);
    expect(rig.status.markedClients).toHaveLength(2);
    const batch = rig.kit.batch([rig.kit.authenticated('c', { session: SESSION + 1 })]);
    expect(sentOf(rig.receive(rig.kit.prePrepare(2, batch), { verified: ['mac'] })).map(({ type }) => type)).toEqual([
      'prepare',
    ]);
  });
});

describe('a client that spoils its authenticators, with a correct primary', () => {
  test.each([
    ['bad for one backup', [2]],
    ['bad for two backups', [2, 3]],
  ])('%s: executed by all, with no word from the client', (_, spoiled) => {
    const bench = new Bench();
    bench.send([bench.kit.authenticated('x', {}, spoiled)]);
    bench.until(() => bench.nodes.every((node) => node.count('x') === 1), 'all have executed it');
    expect(bench.replies.filter(({ reply }) => reply.outcome === 'executed')).toHaveLength(4);
  });

  test('two clients, each bad for another backup, in one batch', () => {
    const bench = new Bench({ tuning: { pipeline: 1 } });
    bench.send([bench.kit.authenticated('first')]);
    bench.send([bench.kit.authenticated('x', { session: SESSION + 1 }, [1, 2])]);
    bench.send([bench.kit.authenticated('y', { client: BOB }, [2, 3])], [0], BOB);
    bench.until(
      () => bench.nodes.every((node) => node.count('x') === 1 && node.count('y') === 1),
      'all have executed both',
    );
    expect(bench.replies.filter(({ reply }) => reply.outcome === 'executed')).toHaveLength(12);
  });

  test('bad for all backups: complained about by all, marked at the primary; signed, it is executed', () => {
    const bench = new Bench();
    bench.send([bench.kit.authenticated('x', {}, [1, 2, 3])]);
    bench.until(() => bench.node(0).status.markedClients.includes(ALICE), 'the client is marked');
    bench.execute(bench.kit.authenticated('x', {}, [1, 2, 3]));
    bench.until(() => bench.isConverged(), 'all have executed it');
    expect(bench.nodes.map((node) => node.count('x'))).toEqual([1, 1, 1, 1]);
  });

  test('bad for the primary: a bad MAC there moves nothing; signed, it is executed', () => {
    const bench = new Bench();
    bench.send([bench.kit.authenticated('x', {}, [0])], [0, 1, 2, 3]);
    bench.pass(3_000_000);
    expect(bench.nodes.flatMap((node) => node.events.filter(({ kind }) => kind === 'request-timeout'))).toEqual([]);
    bench.execute(bench.kit.authenticated('x', {}, [0]));
    expect(bench.node(0).count('x')).toBe(1);
  });
});
