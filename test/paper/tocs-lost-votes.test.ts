// Castro & Liskov, Practical Byzantine Fault Tolerance and Proactive Recovery, ACM TOCS 20(4), 2002, §4.3.2: estimation and the recovery request, as
// this project uses them for a replica that lost its log. docs/protocol.md has the words.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NULL_DIGEST, asDigest, asSequence, asView } from '../../src/base/ids.ts';
import type { AuthenticatedRequest, ReplyStable } from '../../src/messages/index.ts';
import { EVERYBODY, recoverBytes, requestDigest } from '../../src/messages/index.ts';
import { signRequest } from '../../src/protocol/client-authentication.ts';
import { clientOfReplica } from '../../src/protocol/replica-client.ts';
import { runScenario } from '../../src/simulation/scenario.ts';
import { SESSION, replica, seq } from '../support/core-kit.ts';
import type { CoreKit } from '../support/core-kit.ts';
import { Rig } from '../support/rig.ts';
import { effectsOf, eventsOfKind, recordsOf, refusalsOf, sentOf } from '../support/transcript.ts';
import { newViewOf, preparedAt, stableAt, tell, viewChangeOf } from '../support/view-messages.ts';

const NONCE = asDigest('a5'.repeat(32));
const OTHER_NONCE = asDigest('5a'.repeat(32));
const T = 500_000;
/** Two checkpoint intervals of 4. */
const L = 8;

/** One of four that lost its log; replicas 0, 1 and 2 remember. */
function lost(): Rig {
  return new Rig({ self: 3, lost: { nonce: NONCE } });
}

function answer(from: number, change: Partial<ReplyStable> = {}): ReplyStable {
  return {
    type: 'reply-stable',
    replica: replica(from),
    nonce: NONCE,
    recovered: seq(0),
    taken: seq(4),
    prepared: seq(6),
    entered: asView(0),
    viewChange: undefined,
    ...change,
  };
}

/** The RECOVER of replica 3, as it reaches the others. */
function recoverOf(kit: CoreKit, mark: number, session = SESSION, nonce = NONCE): AuthenticatedRequest {
  const request = {
    ...kit.request(recoverBytes({ nonce, mark: asSequence(mark) }), { session }),
    client: clientOfReplica(replica(3)),
  };
  return signRequest(kit.of(3), kit.codec, {
    request,
    digest: requestDigest(kit.codec, request),
    asked: EVERYBODY,
  });
}

describe('TOCS §4.3.2, estimation', () => {
  test('the nonce is on disk before the question that bears it leaves', () => {
    const effects = effectsOf(lost().started);
    expect(effects.findIndex((line) => line.includes('recovery'))).toBeLessThan(
      effects.findIndex((line) => line.includes('query-stable')),
    );
    expect(sentOf(lost().started)).toContainEqual({
      type: 'query-stable',
      replica: 3,
      nonce: NONCE,
      recovered: 0,
    });
  });

  test('M is L above the c of an answer that q−1 others do not exceed and f others have reached', () => {
    const rig = lost();
    expect(eventsOfKind(rig.receiveAll([answer(0), answer(1)]), 'recovery-estimated')).toEqual([]);
    const outputs = rig.receive(answer(2));
    expect(eventsOfKind(outputs, 'recovery-estimated')).toEqual([{ kind: 'recovery-estimated', mark: 4 + L }]);
  });

  test('the highest c alone is no bound: one liar names what nobody has prepared', () => {
    const rig = new Rig({ self: 6, n: 7, lost: { nonce: NONCE } });
    const outputs = rig.receiveAll([
      answer(0, { taken: seq(1000), prepared: seq(2000) }),
      ...[1, 2, 3, 4, 5].map((from) => answer(from)),
    ]);
    expect(eventsOfKind(outputs, 'recovery-estimated')).toEqual([{ kind: 'recovery-estimated', mark: 4 + L }]);
  });

  test('an answer under another nonce, of an earlier recovery, counts for nothing', () => {
    const rig = lost();
    const old = { nonce: OTHER_NONCE, taken: seq(0), prepared: seq(0) };
    const outputs = rig.receiveAll([0, 1, 2].map((from) => answer(from, old)));
    expect(refusalsOf(outputs)).toEqual(Array.from({ length: 3 }, () => 'reply-stable not-asked-for'));
    expect(eventsOfKind(outputs, 'recovery-estimated')).toEqual([]);
    expect(rig.status.recovery).toEqual({ mark: undefined, recoveredAt: undefined, end: undefined });
  });

  test('after a crash on the way it goes on under the same nonce, and knows its mark', () => {
    const rig = lost();
    rig.receiveAll([0, 1, 2].map((from) => answer(from)));
    const again = rig.restarted();
    expect(again.status.recovery).toEqual({ mark: 12, recoveredAt: undefined, end: undefined });
    expect(recordsOf(again.started)).toContainEqual(
      expect.objectContaining({ kind: 'recovery', nonce: NONCE, mark: 12 }),
    );
  });

  test('whoever recovers itself tells nobody what it has taken', () => {
    const rig = lost();
    const outputs = rig.receive({ type: 'query-stable', replica: replica(0), nonce: OTHER_NONCE, recovered: seq(0) });
    expect(refusalsOf(outputs)).toEqual(['query-stable recovering']);
    expect(sentOf(outputs)).toEqual([]);
  });

  test('the others answer with the last checkpoint taken, the highest number prepared or executed, and an old VIEW-CHANGE', () => {
    const rig = new Rig();
    const { kit } = rig;
    for (let n = 1; n <= 5; n += 1) rig.decide(n, kit.batchOf('x', { session: SESSION + n }));
    const batch = kit.batchOf('y', { session: SESSION + 9 });
    rig.receive(kit.prePrepare(6, batch));
    rig.receive(kit.prepare(2, 6, kit.digestOfBatch(batch)));
    const old = viewChangeOf(kit, 3, 1);
    tell(rig, old);
    const outputs = rig.receive({ type: 'query-stable', replica: replica(3), nonce: NONCE, recovered: seq(0) });
    expect(sentOf(outputs)).toEqual([answer(1, { viewChange: old })]);
  });
});

describe('a replica that lost its log sends', () => {
  test('no PREPARE and no COMMIT for what the primary proposes, and executes what f+1 say was decided', () => {
    const rig = lost();
    const { kit } = rig;
    const batch = kit.batchOf('x');
    const outputs = rig.decide(1, batch, [1, 2]);
    expect(sentOf(outputs)).toEqual([]);
    const decisions = [{ sequence: seq(1), digest: kit.digestOfBatch(batch) }];
    rig.receiveAll([0, 1].map((from) => ({ type: 'decided', replica: replica(from), decisions })));
    expect(rig.status.lastExecuted).toBe(1);
  });

  test('no CHECKPOINT for what it has taken', () => {
    const rig = lost();
    const { kit } = rig;
    const sent = [1, 2, 3, 4].flatMap((n) => {
      const batch = kit.batchOf('x', { session: SESSION + n });
      const decisions = [{ sequence: seq(n), digest: kit.digestOfBatch(batch) }];
      rig.receive(kit.prePrepare(n, batch));
      return sentOf(rig.receiveAll([0, 1].map((from) => ({ type: 'decided', replica: replica(from), decisions }))));
    });
    expect(rig.status.stateRootSequence).toBe(4);
    expect(sent).toEqual([]);
    expect(sentOf(rig.receive(kit.status(0))).map(({ type }) => type)).not.toContain('checkpoint');
  });

  test('no VIEW-CHANGE, whoever leaves; it follows a NEW-VIEW without a vote', () => {
    const rig = lost();
    const { kit } = rig;
    const changes = [0, 1, 2].map((from) => viewChangeOf(kit, from, 1));
    const sent = changes.flatMap((change) => sentOf(tell(rig, change)));
    expect([...sent, ...sentOf(rig.pass(10 * T))].filter(({ type }) => type === 'view-change')).toEqual([]);
    const entered = tell(rig, newViewOf(kit, 1, changes));
    expect(rig.status).toMatchObject({ view: 1, inViewChange: false });
    expect(sentOf(entered)).toEqual([]);
  });
});

describe('TOCS §4.3.2, the recovery request', () => {
  const ordered = (rig: Rig, request: AuthenticatedRequest, n = 1): ReturnType<Rig['decide']> =>
    rig.decide(n, rig.kit.batch([request]));

  test('it is ordered like a client’s: a backup passes it on and times it', () => {
    const rig = new Rig();
    const outputs = rig.requests([recoverOf(rig.kit, 12)], replica(3));
    expect(sentOf(outputs)).toEqual([{ type: 'requests', requests: [recoverOf(rig.kit, 12)] }]);
    expect(eventsOfKind(rig.pass(T), 'view-change-started')).toMatchObject([{ view: 1, reason: 'timeout' }]);
  });

  test('executed at r it obliges the primary to null batches until a checkpoint at or above r + L is stable', () => {
    const rig = new Rig({ self: 0 });
    const { kit } = rig;
    const proposed = (outputs: ReturnType<Rig['step']>): number[] =>
      sentOf(outputs).flatMap((message) => (message.type === 'pre-prepare' ? [message.sequence] : []));
    const [first] = sentOf(rig.requests([recoverOf(kit, 12)], replica(3)));
    if (first?.type !== 'pre-prepare') throw new Error('the primary proposes it');
    const votes = [1, 2].flatMap((from) => [kit.prepare(from, 1, first.digest), kit.commit(from, 1, first.digest)]);
    const numbers = proposed(rig.receiveAll(votes));
    for (let n = 2; n <= 14; n += 1) {
      const more = [1, 2].flatMap((from) => [kit.prepare(from, n, NULL_DIGEST), kit.commit(from, n, NULL_DIGEST)]);
      numbers.push(...proposed(rig.receiveAll(more)));
      if (n % 4 !== 0) continue;
      const root = rig.status.stateRoot;
      const signed = [1, 2].map((from) => kit.checkpoint(from, n, root));
      for (const { message, signature } of signed) numbers.push(...proposed(rig.receive(message, { signature })));
    }
    // r + L = 9, M = 12: up to 12, the checkpoint at or above both.
    expect(numbers).toEqual(Array.from({ length: 11 }, (_, index) => index + 2));
  });

  test('a backup replaces a primary that does not order them', () => {
    const rig = new Rig();
    ordered(rig, recoverOf(rig.kit, 12));
    expect(rig.status.lastExecuted).toBe(1);
    expect(eventsOfKind(rig.pass(T), 'view-change-started')).toMatchObject([{ view: 1, reason: 'timeout' }]);
  });

  test('a mark far above what can have been prepared obliges nobody beyond r + 2L', () => {
    const rig = new Rig();
    const outputs = ordered(rig, recoverOf(rig.kit, 1_000_000));
    expect(eventsOfKind(outputs, 'recovery-ordered')).toEqual([
      { kind: 'recovery-ordered', replica: 3, sequence: 1, target: 1 + 2 * L },
    ]);
  });

  test('the same one again, another within ten minutes, or one that nobody signed: nothing changes', () => {
    const rig = new Rig();
    const { kit } = rig;
    const request = recoverOf(kit, 12);
    ordered(rig, request);
    expect(refusalsOf(rig.requests([request], replica(3)))).toEqual(['requests old-request']);
    const soon = recoverOf(kit, 20, SESSION + 1, OTHER_NONCE);
    expect(refusalsOf(rig.requests([soon], replica(3)))).toEqual(['requests old-request']);
    const outputs = ordered(rig, soon, 2);
    expect(eventsOfKind(outputs, 'executed')).toMatchObject([{ requests: [{ outcome: 'ignored' }] }]);
    expect(eventsOfKind(outputs, 'recovery-ordered')).toEqual([]);
    const unsigned = recoverOf(kit, 12);
    expect(refusalsOf(new Rig().requests([unsigned], replica(3), 'unverified'))).toEqual([
      'requests signature-required',
    ]);
  });

  test('it is part of the state: equal on those who executed it, and known after a restart', () => {
    const [one, other] = [new Rig(), new Rig({ self: 2 })];
    const request = recoverOf(one.kit, 12);
    for (const [rig, from] of [
      [one, [2, 3]],
      [other, [1, 3]],
    ] as const) {
      rig.decide(1, rig.kit.batch([request]), from);
      for (const n of [2, 3, 4]) rig.decide(n, undefined, from);
    }
    expect(one.status.stateRootSequence).toBe(4);
    expect(one.status.stateRoot).toBe(other.status.stateRoot);
    expect(refusalsOf(one.restarted().requests([request], replica(3)))).toEqual(['requests old-request']);
  });
});

describe('the view change that the others grant one that has recovered', () => {
  /** Node2 with a RECOVER of node4 executed at 1, and 12 stable, above all that it was owed. */
  function beyondTarget(): Rig {
    const rig = new Rig();
    const { kit } = rig;
    const outputs = rig.decide(1, kit.batch([recoverOf(kit, 2)]));
    expect(eventsOfKind(outputs, 'recovery-ordered')).toMatchObject([{ replica: 3, target: 1 + L }]);
    for (let n = 2; n <= 12; n += 1) {
      rig.decide(n, undefined);
      if (n % 4 > 0) continue;
      for (const from of [0, 2]) {
        const { message, signature } = kit.checkpoint(from, n, rig.status.stateRoot);
        rig.receive(message, { signature });
      }
    }
    expect(rig.status.lowWaterMark).toBe(12);
    return rig;
  }

  test('follows its VIEW-CHANGE once: it votes in no view of before', () => {
    const rig = beyondTarget();
    const proof = stableAt(rig.kit, 12, rig.status.stateRoot, [0, 2, 3]);
    expect(eventsOfKind(tell(rig, viewChangeOf(rig.kit, 3, 1, proof)), 'view-change-started')).toMatchObject([
      { view: 1, reason: 'recovery' },
    ]);
  });

  test('is not for one that lists a vote in this view, whatever was forgotten in a restart (seed 1026814): it left alone, for a reason of its own', () => {
    const rig = beyondTarget();
    const { kit } = rig;
    const proof = stableAt(kit, 12, rig.status.stateRoot, [0, 2, 3]);
    const voted = preparedAt(13, kit.digestOfBatch(kit.batch([kit.signed('x')])));
    expect(eventsOfKind(tell(rig, viewChangeOf(kit, 3, 1, { ...proof, ...voted })), 'view-change-started')).toEqual([]);
  });
});

test('its old VIEW-CHANGEs may be under way for ever: it votes above all views that they can name', () => {
  const text = readFileSync(join(import.meta.dirname, '../scenarios/lost-disks-in-turn.txt'), 'utf8');
  expect(runScenario(text)).toContain('node7  has recovered at n24, votes above view 2');
});
