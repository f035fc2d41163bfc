import { describe, expect, it } from 'vitest';
import { asClientId, asDigest, asReplicaId, asSequence, asView } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import { DigestList } from '../messages/index.ts';
import type { ExecutedRequest } from '../protocol/event.ts';
import { makeQuorums } from '../protocol/quorum.ts';
import type { SlotStatus } from '../protocol/status.ts';
import { RequestRegistry } from './request-registry.ts';
import type { Placed } from './request-registry.ts';

const digestOf = (label: number): Digest => asDigest(label.toString(16).padStart(64, '0'));
const CLIENT = asClientId('c'.repeat(64));
const BATCH = asDigest('b'.repeat(64));
const at = (sequence: number): Placed => ({ view: asView(0), sequence: asSequence(sequence), digest: BATCH });

function slot(sequence: number, phase: SlotStatus['phase'], commits: number): SlotStatus {
  const voters = (count: number) => Array.from({ length: count }, (_, index) => asReplicaId(index));
  return {
    ...at(sequence),
    phase,
    bodyHeld: true,
    requests: [],
    prepares: voters(2),
    commits: voters(commits),
    waitingFor: undefined,
  };
}

function setUp(limits: { finished?: number; open?: number; followed?: number; resultCharacters?: number } = {}) {
  const slots = new Map<number, SlotStatus>();
  const queued = new Set<Digest>();
  const registry = new RequestRegistry({
    finished: 3,
    open: 5,
    followed: 100,
    isQueued: (digest) => queued.has(digest),
    resultCharacters: 100,
    ...limits,
    quorums: makeQuorums(4),
    slot: (sequence) => slots.get(sequence),
  });
  const prePrepared = (sequence: number, ...requests: Digest[]): void =>
    registry.onEvent({ kind: 'pre-prepared', ...at(sequence), requests: DigestList.of(requests) });
  const executed = (sequence: number, outcome: ExecutedRequest['outcome'], ...requests: Digest[]): void => {
    const described = requests.map((requestDigest) => ({
      client: CLIENT,
      session: 1,
      timestamp: 1,
      requestDigest,
      outcome,
    }));
    registry.onEvent({
      kind: 'executed',
      ...at(sequence),
      timestamp: 0,
      requests: described,
      count: requests.length,
      operations: requests.length,
      outcomes: outcome,
      digests: DigestList.of(requests),
    });
  };
  const statusOf = (digest: Digest) => registry.find(digest)?.body.status;
  return { registry, slots, queued, prePrepared, executed, statusOf };
}

describe('RequestRegistry', () => {
  it('follows a request through its phases, with who voted', () => {
    const { registry, slots, prePrepared, executed, statusOf } = setUp();
    const digest = digestOf(1);
    expect(registry.find(digest)).toBeUndefined();
    registry.submitted(digest);
    expect(statusOf(digest)).toBe('received');
    prePrepared(7, digest);
    expect(statusOf(digest)).toBe('pre-prepared');
    slots.set(7, slot(7, 'prepared', 1));
    expect(statusOf(digest)).toBe('prepared');
    expect(registry.find(digest)?.body.phases).toMatchObject({
      pre_prepare: { done: true, votes: 1, needed: 1, nodes: ['node1'] },
      prepare: { done: true, votes: 2, needed: 2 },
      commit: { done: false, votes: 1, needed: 3, nodes: ['node1'] },
      reply: { done: false, votes: 0, needed: 2 },
    });
    slots.set(7, slot(7, 'executed', 3));
    executed(7, 'executed', digest);
    expect(registry.find(digest)?.body).toMatchObject({
      status: 'executed',
      sequence: 7,
      view: 0,
      digest: BATCH,
      outcome: 'executed',
    });
  });

  it('still knows who voted when the slot has been collected', () => {
    const { registry, slots, executed } = setUp();
    slots.set(7, slot(7, 'executed', 3));
    executed(7, 'executed', digestOf(1));
    slots.clear();
    expect(registry.find(digestOf(1))?.body.phases.commit).toEqual({
      done: true,
      votes: 3,
      needed: 3,
      nodes: ['node1', 'node2', 'node3'],
    });
  });

  it('tells once where a request has its place, at once when it has one', () => {
    const { registry, prePrepared } = setUp();
    const told: Placed[] = [];
    registry.whenPlaced(digestOf(1), (placed) => told.push(placed));
    expect(told).toEqual([]);
    prePrepared(7, digestOf(1));
    prePrepared(8, digestOf(1));
    expect(told).toEqual([at(7)]);
    registry.whenPlaced(digestOf(1), (placed) => told.push(placed));
    expect(told).toEqual([at(7), at(8)]);
  });

  it('tells nobody who no longer listens', () => {
    const { registry, prePrepared } = setUp();
    const told: Placed[] = [];
    registry.whenPlaced(digestOf(1), (placed) => told.push(placed))();
    prePrepared(7, digestOf(1));
    expect(told).toEqual([]);
  });

  it('takes the place from the accepted replies when this node has not seen the pre-prepare', () => {
    const { registry } = setUp();
    const told: Placed[] = [];
    registry.submitted(digestOf(1));
    registry.whenPlaced(digestOf(1), (placed) => told.push(placed));
    registry.accepted(digestOf(1), {
      placed: at(9),
      isTentative: false,
      replies: [asReplicaId(1), asReplicaId(2)],
      resultJson: '{"ok":true}',
    });
    expect(told).toEqual([at(9)]);
    expect(registry.find(digestOf(1))).toMatchObject({
      resultJson: '{"ok":true}',
      body: { phases: { reply: { done: true, nodes: ['node2', 'node3'] } } },
    });
  });

  it('keeps the first execution of a request and calls what the client table refused refused', () => {
    const { executed, prePrepared, registry, statusOf } = setUp();
    executed(7, 'executed', digestOf(1));
    executed(8, 'repeated', digestOf(1));
    prePrepared(9, digestOf(1));
    expect(registry.find(digestOf(1))?.body).toMatchObject({ sequence: 7, outcome: 'executed' });
    executed(10, 'table-error', digestOf(2));
    expect(statusOf(digestOf(2))).toBe('refused');
  });

  it('knows what it did not submit itself: waiting, in a batch, executed', () => {
    const { registry, queued, prePrepared, executed, statusOf } = setUp();
    const digest = digestOf(1);
    queued.add(digest);
    expect(statusOf(digest)).toBe('received');
    prePrepared(7, digestOf(2), digest);
    expect(statusOf(digest)).toBe('pre-prepared');
    prePrepared(8, digest);
    expect(registry.find(digest)?.body.sequence).toBe(8);
    executed(7, 'executed', digestOf(2), digest);
    expect(registry.find(digest)?.body).toMatchObject({ sequence: 7, status: 'executed' });
  });

  it('keeps the place of what it submitted, though a fetched state holds what came of it', () => {
    const { registry, prePrepared, executed } = setUp();
    registry.submitted(digestOf(1));
    prePrepared(7, digestOf(1));
    executed(9, 'executed', digestOf(2));
    expect(registry.find(digestOf(1))?.body).toMatchObject({ status: 'pre-prepared', sequence: 7 });
  });

  it('forgets the oldest of what it submitted', () => {
    const { registry, statusOf } = setUp({ followed: 2 });
    for (const label of [1, 2, 3]) registry.submitted(digestOf(label));
    expect([1, 2, 3].map((label) => statusOf(digestOf(label)))).toEqual([undefined, 'received', 'received']);
    expect(registry.openCount).toBe(2);
  });

  it('leads from a submission that was issued anew to its new request', () => {
    const { registry, executed, statusOf } = setUp();
    registry.submitted(digestOf(1));
    executed(7, 'table-error', digestOf(1));
    registry.reissued(digestOf(1), digestOf(2));
    expect(statusOf(digestOf(1))).toBe('received');
    executed(8, 'executed', digestOf(2));
    expect(registry.find(digestOf(1))?.body).toMatchObject({ request_id: digestOf(2), status: 'executed' });
  });

  it('forgets the oldest finished request first, and open ones beyond their limit', () => {
    const { registry, executed, prePrepared, statusOf } = setUp();
    for (let label = 1; label <= 4; label += 1) executed(label, 'executed', digestOf(label));
    expect([1, 2, 3, 4].map((label) => statusOf(digestOf(label)))).toEqual([
      undefined,
      'executed',
      'executed',
      'executed',
    ]);
    for (let label = 10; label < 20; label += 1) prePrepared(label, digestOf(label));
    expect(registry.openCount).toBe(5);
    expect(registry.finishedCount).toBe(3);
  });

  it('forgets results, not requests, beyond its budget', () => {
    const { registry, executed } = setUp({ resultCharacters: 10 });
    for (const label of [1, 2]) {
      executed(label, 'executed', digestOf(label));
      registry.accepted(digestOf(label), {
        placed: at(label),
        replies: [],
        isTentative: false,
        resultJson: '"12345678"',
      });
    }
    expect(registry.find(digestOf(1))).toMatchObject({ resultJson: undefined, body: { status: 'executed' } });
    expect(registry.find(digestOf(2))?.resultJson).toBe('"12345678"');
  });
});
