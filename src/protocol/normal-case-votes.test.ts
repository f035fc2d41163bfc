import { describe, expect, test } from 'vitest';
import { SESSION, seq } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { effectsOf, eventsOfKind, linesOf, refusalsOf } from '../../test/support/transcript.ts';
import { asDigest } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { Batch } from '../messages/index.ts';
import { describeWait } from './wait-text.ts';

const LIE = asDigest('ab'.repeat(32));

interface Scene {
  readonly rig: Rig;
  readonly batch: Batch;
  readonly digest: Digest;
  readonly names: ReadonlyMap<Digest, string>;
}

/** A replica that knows of one batch A, for number 1; a backup that has accepted it unless `accepted` is false. */
function scene({ n = 4, self = 1, accepted = true }: { n?: number; self?: number; accepted?: boolean } = {}): Scene {
  const rig = new Rig({ n, self });
  const batch = rig.kit.batchOf('x');
  const digest = rig.kit.digestOfBatch(batch);
  if (accepted && self !== 0) rig.receive(rig.kit.prePrepare(1, batch));
  return { rig, batch, digest, names: new Map([[digest, 'A']]) };
}

describe('prepared(v, n, d)', () => {
  test('with the accepted pre-prepare and q−1 PREPAREs, the own among them: written down, then COMMIT', () => {
    const { rig, digest, names } = scene();
    expect(linesOf(rig.receive(rig.kit.prepare(2, 1, digest)), names)).toEqual([
      'persist prepared v0 n1 A',
      'prepared v0 n1 A',
      'send commit v0 n1 A → 0 2 3',
    ]);
    expect(effectsOf(rig.receive(rig.kit.prepare(3, 1, digest)), names)).toEqual([]);
  });

  test('the primary needs q−1 PREPAREs of backups: its pre-prepare is its vote', () => {
    const rig = new Rig({ self: 0 });
    const outputs = rig.requests([rig.kit.signed('x')]);
    const [proposed] = eventsOfKind(outputs, 'pre-prepared');
    const digest = proposed?.digest ?? LIE;
    expect(eventsOfKind(rig.receive(rig.kit.prepare(1, 1, digest)), 'prepared')).toEqual([]);
    expect(eventsOfKind(rig.receive(rig.kit.prepare(2, 1, digest)), 'prepared')).toHaveLength(1);
  });

  test('PREPAREs may come before the pre-prepare', () => {
    const { rig, batch, digest, names } = scene({ accepted: false });
    expect(effectsOf(rig.receiveAll([rig.kit.prepare(2, 1, digest), rig.kit.prepare(3, 1, digest)]))).toEqual([]);
    expect(effectsOf(rig.receive(rig.kit.prePrepare(1, batch)), names)).toEqual([
      'persist accepted v0 n1 A',
      'send prepare v0 n1 A → 0 2 3',
      'persist prepared v0 n1 A',
      'send commit v0 n1 A → 0 2 3',
    ]);
  });

  test.each([
    ['for another digest', (rig: Rig) => rig.kit.prepare(2, 1, LIE)],
    ['for another number', (rig: Rig, digest: Digest) => rig.kit.prepare(2, 2, digest)],
    ['of a later view', (rig: Rig, digest: Digest) => rig.kit.prepare(2, 1, digest, 1)],
    ['of the primary', (rig: Rig, digest: Digest) => rig.kit.prepare(0, 1, digest)],
  ])('a PREPARE %s does not count', (_, make) => {
    const { rig, digest } = scene();
    expect(eventsOfKind(rig.receive(make(rig, digest)), 'prepared')).toEqual([]);
  });

  test('G04: one sender counts once, however often it says so', () => {
    const { rig, digest } = scene({ n: 7 });
    for (let sent = 0; sent < 5; sent += 1) {
      expect(eventsOfKind(rig.receive(rig.kit.prepare(2, 1, digest)), 'prepared')).toEqual([]);
    }
    rig.receive(rig.kit.prepare(3, 1, digest));
    expect(eventsOfKind(rig.receive(rig.kit.prepare(4, 1, digest)), 'prepared')).toHaveLength(1);
  });

  test('nothing is prepared without the body: PREPAREs alone say nothing', () => {
    const { rig, digest } = scene({ accepted: false });
    const outputs = rig.receiveAll([
      rig.kit.prepare(0, 1, digest),
      rig.kit.prepare(2, 1, digest),
      rig.kit.prepare(3, 1, digest),
    ]);
    expect(effectsOf(outputs)).toEqual([]);
  });

  test('not above the window, whatever is there', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receiveAll([rig.kit.prePrepare(9, batch), rig.kit.prepare(2, 9, digest), rig.kit.prepare(3, 9, digest)]);
    expect(rig.records).toEqual([]);
  });
});

describe('committed-local(v, n, d)', () => {
  test('prepared, and q COMMITs, the own among them: executed', () => {
    const { rig, digest, names } = scene();
    rig.receiveAll([rig.kit.prepare(2, 1, digest), rig.kit.commit(0, 1, digest)]);
    expect(linesOf(rig.receive(rig.kit.commit(3, 1, digest)), names)).toEqual([
      'committed v0 n1 A',
      'reply n1 t1 executed x#1',
      'executed v0 n1 A',
      'persist executed v0 n1 A',
    ]);
  });

  test('COMMITs may come before it is prepared, even before the pre-prepare', () => {
    const { rig, batch, digest } = scene({ accepted: false });
    rig.receiveAll([0, 2, 3].map((from) => rig.kit.commit(from, 1, digest)));
    expect(rig.status.lastExecuted).toBe(0);
    rig.receive(rig.kit.prePrepare(1, batch));
    expect(rig.status.lastExecuted).toBe(0);
    rig.receive(rig.kit.prepare(3, 1, digest));
    expect(rig.status.lastExecuted).toBe(1);
  });

  test('G02: PREPAREs are no COMMITs: all of them finalise nothing', () => {
    const { rig, digest } = scene();
    rig.receiveAll([rig.kit.prepare(2, 1, digest), rig.kit.prepare(3, 1, digest)]);
    expect(rig.status.lastExecuted).toBe(0);
  });

  test('f+1 COMMITs without the own certificate decide nothing', () => {
    const { rig, digest } = scene({ accepted: false });
    rig.receiveAll([rig.kit.commit(2, 1, digest), rig.kit.commit(3, 1, digest)]);
    expect(rig.status.lastExecuted).toBe(0);
  });

  test.each([
    ['for another digest', (rig: Rig) => rig.kit.commit(3, 1, LIE)],
    ['for another number', (rig: Rig, digest: Digest) => rig.kit.commit(3, 2, digest)],
    ['of a later view', (rig: Rig, digest: Digest) => rig.kit.commit(3, 1, digest, 1)],
    ['of one that said so before', (rig: Rig, digest: Digest) => rig.kit.commit(0, 1, digest)],
  ])('a COMMIT %s does not count', (_, make) => {
    const { rig, digest } = scene();
    rig.receiveAll([rig.kit.prepare(2, 1, digest), rig.kit.commit(0, 1, digest)]);
    rig.receive(make(rig, digest));
    expect(rig.status.lastExecuted).toBe(0);
  });

  test('execution is in order: a later slot waits for the one before it', () => {
    const rig = new Rig();
    const later = rig.kit.batchOf('y', { session: SESSION + 1 });
    expect(eventsOfKind(rig.decide(2, later), 'committed')).toHaveLength(1);
    expect(rig.status.lastExecuted).toBe(0);
    expect(eventsOfKind(rig.decide(1, rig.kit.batchOf('x')), 'executed').map(({ sequence }) => sequence)).toEqual([
      1, 2,
    ]);
  });
});

describe('votes are refused', () => {
  test.each(['prepare', 'commit'] as const)(
    '%s at or below h, beyond what is kept, again, or against an earlier one',
    (phase) => {
      const rig = new Rig();
      const vote = rig.kit[phase].bind(rig.kit);
      expect(refusalsOf(rig.receive(vote(2, 0, LIE)))).toEqual([`${phase} below-window`]);
      expect(refusalsOf(rig.receive(vote(2, 17, LIE)))).toEqual([`${phase} above-window`]);
      expect(refusalsOf(rig.receive(vote(2, Number.MAX_SAFE_INTEGER, LIE)))).toEqual([`${phase} above-window`]);
      expect(refusalsOf(rig.receive(vote(2, 16, LIE)))).toEqual([]);
      expect(refusalsOf(rig.receive(vote(2, 16, LIE)))).toEqual([`${phase} duplicate`]);
      expect(refusalsOf(rig.receive(vote(2, 16, rig.kit.digestOfBatch(undefined))))).toEqual([
        `${phase} contradicts-earlier-vote`,
      ]);
    },
  );

  test.each(['prepare', 'commit'] as const)(
    '%s of a lower view than one this sender is known to have voted in',
    (phase) => {
      const rig = new Rig();
      rig.receive(rig.kit[phase](2, 1, LIE, 3));
      expect(refusalsOf(rig.receive(rig.kit[phase](2, 1, LIE)))).toEqual([`${phase} duplicate`]);
    },
  );

  test('a PREPARE by the primary of its view', () => {
    const rig = new Rig();
    expect(refusalsOf(rig.receive(rig.kit.prepare(0, 1, LIE)))).toEqual(['prepare not-from-primary']);
    expect(refusalsOf(rig.receive(rig.kit.prepare(2, 1, LIE, 2)))).toEqual(['prepare not-from-primary']);
  });
});

/** A slot as it is seen, what it waits for as people read it. */
function seen(rig: Rig, sequence: number): Record<string, unknown> | undefined {
  const [slot] = rig.replica.slots(seq(sequence), seq(sequence));
  return slot && { ...slot, waitingFor: slot.waitingFor && describeWait(slot.waitingFor) };
}

describe('what is seen of a slot', () => {
  test('who voted, how far it is, and what it waits for', () => {
    const { rig, digest } = scene();
    const look = (): unknown => seen(rig, 1);
    expect(look()).toMatchObject({
      phase: 'pre-prepared',
      prepares: [1],
      waitingFor: 'PREPAREs (2 needed) from node3, node4',
    });
    rig.receive(rig.kit.prepare(2, 1, digest));
    expect(look()).toMatchObject({
      phase: 'prepared',
      prepares: [1, 2],
      commits: [1],
      waitingFor: 'COMMITs (3 needed) from node1, node3, node4',
    });
    rig.receiveAll([rig.kit.commit(0, 1, digest), rig.kit.commit(3, 1, digest)]);
    expect(look()).toMatchObject({ phase: 'executed', commits: [0, 1, 3], waitingFor: undefined, bodyHeld: true });
  });

  test('without a pre-prepare: that it lacks one', () => {
    const { rig, digest } = scene({ accepted: false });
    rig.receive(rig.kit.prepare(2, 1, digest));
    expect(seen(rig, 1)).toMatchObject({
      phase: 'none',
      digest: undefined,
      waitingFor: 'the PRE-PREPARE of node1',
    });
  });

  test('committed, its turn not come', () => {
    const rig = new Rig();
    rig.decide(2, rig.kit.batchOf('x'));
    expect(seen(rig, 2)).toMatchObject({
      phase: 'committed',
      waitingFor: 'the execution of sequence 1',
    });
  });

  test('waiting above the window, or for the proof of a request', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(9, rig.kit.batchOf('x')));
    rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('x')), { verified: ['unverified'] });
    expect([seen(rig, 1), seen(rig, 9)].map((slot) => slot?.waitingFor)).toEqual([
      "proof that its requests are their clients'",
      'a stable checkpoint above 0',
    ]);
  });
});
