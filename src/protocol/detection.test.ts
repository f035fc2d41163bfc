import { describe, expect, test } from 'vitest';
import { SESSION, replica, seq } from '../../test/support/core-kit.ts';
import type { CoreKit } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { eventsOfKind, refusalsOf, suspicionLine, suspicionsOf } from '../../test/support/transcript.ts';
import { asDigest, asSequence, asView } from '../base/ids.ts';
import { authenticatedBytes, encodeMessage } from '../messages/index.ts';
import type { Commit, PrePrepare, Prepare } from '../messages/index.ts';
import { judge } from './evidence.ts';
import type { Verdict } from './evidence.ts';

const LIE = asDigest('ab'.repeat(32));
const A = (rig: Rig): ReturnType<CoreKit['batchOf']> => rig.kit.batchOf('a');
const suspicionsHeld = (rig: Rig): readonly string[] => rig.status.suspicions.map(suspicionLine);
const signature = new Uint8Array(64);

function receiveSigned(rig: Rig, by: number, message: PrePrepare | Prepare | Commit): void {
  const bytes = authenticatedBytes(rig.kit.codec, encodeMessage(message));
  rig.receive(message, { signature: rig.kit.of(by).sign(bytes) });
}

/** What a third party finds of each suspicion. */
function verdictsOn({ kit, status }: Rig): readonly (readonly [number, string, Verdict])[] {
  const rules = { quorums: status.quorums, codec: kit.codec, keys: kit.of(0), limits: undefined };
  return status.suspicions.map((suspicion) => [
    suspicion.node,
    suspicion.kind,
    judge(rules, { ...suspicion, statements: suspicion.evidence.frames }),
  ]);
}

describe('two PRE-PREPAREs of primary(v) for one (v, n)', () => {
  test('after the first was accepted: it equivocated, certain, written down', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, A(rig)));
    const outputs = rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('b')));
    expect(suspicionsOf(outputs)).toEqual(['certain equivocation node1 v0 n1']);
    expect(refusalsOf(outputs)).toEqual(['pre-prepare other-digest-accepted']);
    expect(rig.records.at(-2)?.kind).toBe('suspicion');
  });

  test('while the first still waits above the window: the same', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(9, A(rig)));
    expect(suspicionsOf(rig.receive(rig.kit.prePrepare(9, rig.kit.batchOf('b'))))).toEqual([
      'certain equivocation node1 v0 n9',
    ]);
  });

  test('after a restart: what was accepted before is remembered', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, A(rig)));
    const again = rig.restarted();
    expect(suspicionsOf(again.receive(rig.kit.prePrepare(1, rig.kit.batchOf('b'))))).toEqual([
      'certain equivocation node1 v0 n1',
    ]);
  });

  test('with the same digest: a duplicate, and nobody is blamed', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, A(rig)));
    const outputs = rig.receive(rig.kit.prePrepare(1, A(rig)));
    expect([...suspicionsOf(outputs), ...refusalsOf(outputs)]).toEqual(['pre-prepare duplicate']);
  });

  test('where they are signed the two statements are the evidence', () => {
    const rig = new Rig({ cluster: { authentication: 'signature' } });
    rig.receive(rig.kit.prePrepare(1, A(rig)), { signature });
    rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('b')), { signature });
    expect(rig.status.suspicions[0]?.evidence.frames).toHaveLength(2);
  });

  test('where they are MACs there is none for third parties', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, A(rig)));
    rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('b')));
    expect(rig.status.suspicions[0]?.evidence.frames).toEqual([]);
  });
});

describe('COMMIT for another digest than the one prepared here', () => {
  test('the sender lies, certain', () => {
    const rig = new Rig();
    const digest = rig.kit.digestOfBatch(A(rig));
    rig.receiveAll([rig.kit.prePrepare(1, A(rig)), rig.kit.prepare(2, 1, digest)]);
    expect(suspicionsOf(rig.receive(rig.kit.commit(3, 1, LIE)))).toEqual(['certain false-vote node4 v0 n1']);
  });

  test('also when it came before this replica prepared', () => {
    const rig = new Rig();
    const digest = rig.kit.digestOfBatch(A(rig));
    expect(suspicionsOf(rig.receiveAll([rig.kit.commit(3, 1, LIE), rig.kit.prePrepare(1, A(rig))]))).toEqual([]);
    expect(suspicionsOf(rig.receive(rig.kit.prepare(2, 1, digest)))).toEqual(['certain false-vote node4 v0 n1']);
  });

  test('not while nothing is prepared here: both may be honest under a lying primary', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, A(rig)));
    expect(suspicionsOf(rig.receive(rig.kit.commit(3, 1, LIE)))).toEqual([]);
  });

  test('not for a COMMIT of a later view', () => {
    const rig = new Rig();
    rig.receiveAll([rig.kit.prePrepare(1, A(rig)), rig.kit.prepare(2, 1, rig.kit.digestOfBatch(A(rig)))]);
    expect(suspicionsOf(rig.receive(rig.kit.commit(3, 1, LIE, 1)))).toEqual([]);
  });

  test('its own signed PREPARE beside it, for what is prepared, proves the lie to anyone', () => {
    const rig = new Rig({ cluster: { authentication: 'signature' } });
    const digest = rig.kit.digestOfBatch(A(rig));
    rig.receive(rig.kit.prePrepare(1, A(rig)), { signature });
    rig.receive(rig.kit.prepare(3, 1, digest), { signature });
    rig.receive(rig.kit.commit(3, 1, LIE), { signature });
    rig.receive(rig.kit.commit(2, 1, LIE), { signature });
    expect(rig.status.suspicions.map(({ node, evidence }) => [node, evidence.frames.length])).toEqual([
      [3, 2],
      [2, 4],
      [0, 3],
    ]);
  });

  test.each(['after the batch prepared here', 'before'])(
    'where votes are signed, the votes of the quorum beside it prove the lie to anyone: it came %s',
    (when) => {
      const rig = new Rig({ cluster: { authentication: 'signature' } });
      const prepare = rig.kit.prepare(2, 1, rig.kit.digestOfBatch(A(rig)));
      const lie = rig.kit.commit(3, 1, LIE);
      receiveSigned(rig, 0, rig.kit.prePrepare(1, A(rig)));
      for (const message of when === 'before' ? [lie, prepare] : [prepare, lie])
        receiveSigned(rig, message.replica, message);
      expect(verdictsOn(rig)).toEqual([[3, 'false-vote', { kind: 'proven', assuming: 'at-most-f-faults' }]]);
    },
  );

  test('and so at the primary, whose own vote is its COMMIT', () => {
    const rig = new Rig({ self: 0, cluster: { authentication: 'signature' } });
    const sent = rig
      .requests([rig.kit.signed('a')])
      .flatMap((output) => (output.kind === 'send' ? [output.message] : []));
    const digest = sent.flatMap((message) => (message.type === 'pre-prepare' ? [message.digest] : []))[0] ?? LIE;
    for (const from of [1, 2]) receiveSigned(rig, from, rig.kit.prepare(from, 1, digest));
    receiveSigned(rig, 3, rig.kit.commit(3, 1, LIE));
    expect(verdictsOn(rig)).toEqual([[3, 'false-vote', { kind: 'proven', assuming: 'at-most-f-faults' }]]);
  });

  test('survives a restart as evidence, and is not reported twice', () => {
    const rig = new Rig();
    const digest = rig.kit.digestOfBatch(A(rig));
    rig.receiveAll([rig.kit.prePrepare(1, A(rig)), rig.kit.prepare(2, 1, digest), rig.kit.commit(3, 1, LIE)]);
    const again = rig.restarted();
    expect(suspicionsHeld(again)).toEqual(['certain false-vote node4 v0 n1']);
    expect(suspicionsOf(again.receive(rig.kit.commit(3, 1, LIE)))).toEqual([]);
    expect(again.status.suspicions[0]?.count).toBe(2);
  });
});

describe('PREPARE for another digest than the one accepted here', () => {
  test('at the primary, which knows what it sent: the sender lies, certain', () => {
    const rig = new Rig({ self: 0 });
    rig.requests([rig.kit.signed('a')]);
    expect(suspicionsOf(rig.receive(rig.kit.prepare(3, 1, LIE)))).toEqual(['certain false-vote node4 v0 n1']);
  });

  test('at a backup: one of sender and primary, uncertain, both named', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, A(rig)));
    const outputs = rig.receive(rig.kit.prepare(3, 1, LIE));
    expect(suspicionsOf(outputs)).toEqual([
      'uncertain digest-mismatch node4 v0 n1',
      'uncertain digest-mismatch node1 v0 n1',
    ]);
    expect(rig.records.map(({ kind }) => kind)).toEqual(['accepted']);
  });

  test('also when it came before the pre-prepare', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prepare(3, 1, LIE));
    expect(suspicionsOf(rig.receive(rig.kit.prePrepare(1, A(rig))))).toEqual([
      'uncertain digest-mismatch node4 v0 n1',
      'uncertain digest-mismatch node1 v0 n1',
    ]);
  });

  test('again and again under one primary: still uncertain', () => {
    const rig = new Rig();
    for (let sequence = 1; sequence <= 4; sequence += 1) {
      rig.receive(rig.kit.prePrepare(sequence, rig.kit.batchOf('a', { session: SESSION + sequence })));
      rig.receive(rig.kit.prepare(3, sequence, LIE));
    }
    expect(suspicionsHeld(rig).filter((line) => line.startsWith('certain'))).toEqual([]);
    expect(rig.status.suspicions.map(({ count }) => count)).toEqual([4, 4]);
  });
});

describe('f+1 distinct senders vote for another digest than the accepted one', () => {
  test('primary(v) equivocated, certain', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, A(rig)));
    rig.receive(rig.kit.prepare(2, 1, LIE));
    expect(suspicionsOf(rig.receive(rig.kit.prepare(3, 1, LIE)))).toContain('certain equivocation node1 v0 n1');
  });

  test('PREPAREs and COMMITs count together, a sender once', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, A(rig)));
    rig.receive(rig.kit.prepare(2, 1, LIE));
    expect(suspicionsOf(rig.receive(rig.kit.commit(2, 1, LIE)))).toEqual([]);
    expect(suspicionsOf(rig.receive(rig.kit.commit(3, 1, LIE)))).toEqual(['certain equivocation node1 v0 n1']);
  });

  test('all of them before the pre-prepare: the same', () => {
    const rig = new Rig();
    rig.receiveAll([rig.kit.prepare(2, 1, LIE), rig.kit.prepare(3, 1, LIE)]);
    expect(suspicionsOf(rig.receive(rig.kit.prePrepare(1, A(rig))))).toContain('certain equivocation node1 v0 n1');
  });

  test('where they are signed: what it sent here and the f+1 votes are the evidence', () => {
    const rig = new Rig({ cluster: { authentication: 'signature' } });
    rig.receive(rig.kit.prePrepare(1, A(rig)), { signature });
    rig.receive(rig.kit.prepare(2, 1, LIE), { signature });
    rig.receive(rig.kit.commit(3, 1, LIE), { signature });
    const found = rig.status.suspicions.find(({ kind }) => kind === 'equivocation');
    expect(found?.evidence.frames).toHaveLength(3);
  });

  test('f liars, whatever they say, do not make it certain', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, A(rig)));
    rig.receiveAll([
      rig.kit.prepare(3, 1, LIE),
      rig.kit.commit(3, 1, LIE),
      rig.kit.prepare(3, 1, rig.kit.digestOfBatch(undefined)),
    ]);
    expect(suspicionsHeld(rig).filter((line) => line.startsWith('certain'))).toEqual([
      'certain contradictory-votes node4 v0 n1',
    ]);
  });

  test('for different digests, or in other views, they do not add up', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, A(rig)));
    rig.receiveAll([rig.kit.prepare(2, 1, LIE), rig.kit.prepare(3, 1, rig.kit.digestOfBatch(undefined))]);
    expect(suspicionsHeld(rig).filter((line) => line.startsWith('certain'))).toEqual([]);
  });

  test('the votes of the primary itself count for nothing', () => {
    const rig = new Rig();
    rig.receive(rig.kit.prePrepare(1, A(rig)));
    rig.receiveAll([rig.kit.commit(0, 1, LIE), rig.kit.commit(2, 1, LIE)]);
    expect(suspicionsHeld(rig)).toEqual([]);
  });
});

describe('two votes of one sender in one phase at one (v, n)', () => {
  test.each(['prepare', 'commit'] as const)('%s: contradictory, certain, the first is kept', (phase) => {
    const rig = new Rig();
    rig.receive(rig.kit[phase](3, 1, LIE));
    const outputs = rig.receive(rig.kit[phase](3, 1, rig.kit.digestOfBatch(undefined)));
    expect(suspicionsOf(outputs)).toEqual(['certain contradictory-votes node4 v0 n1']);
    expect(refusalsOf(outputs)).toEqual([`${phase} contradicts-earlier-vote`]);
  });

  test('where they are signed, both are the evidence', () => {
    const rig = new Rig({ cluster: { authentication: 'signature' } });
    rig.receive(rig.kit.prepare(3, 1, LIE), { signature });
    rig.receive(rig.kit.prepare(3, 1, rig.kit.digestOfBatch(undefined)), { signature });
    expect(rig.status.suspicions[0]?.evidence.frames).toHaveLength(2);
  });

  test('in two views, at two numbers, in two phases, or the same twice: no contradiction', () => {
    const rig = new Rig();
    const other = rig.kit.digestOfBatch(undefined);
    rig.receiveAll([rig.kit.prepare(3, 1, LIE), rig.kit.prepare(3, 1, other, 1), rig.kit.prepare(3, 2, other)]);
    rig.receiveAll([rig.kit.commit(3, 1, other), rig.kit.commit(3, 1, other)]);
    expect(suspicionsHeld(rig)).toEqual([]);
  });
});

describe('silence', () => {
  const PATIENCE = 3_000_000;

  test('nothing heard for longer than the patience: unresponsive, uncertain', () => {
    const rig = new Rig();
    rig.pass(PATIENCE);
    rig.receive(rig.kit.status(0));
    rig.receive(rig.kit.status(2));
    expect(suspicionsOf(rig.pass(1_000_000))).toEqual(['uncertain unresponsive node4 v0 n0']);
  });

  test('heard, but no vote while others executed for longer than the patience', () => {
    const rig = new Rig();
    rig.decide(1, A(rig), [2]);
    rig.pass(PATIENCE);
    rig.receiveAll([rig.kit.status(0), rig.kit.status(2), rig.kit.status(3)]);
    rig.decide(2, rig.kit.batchOf('b', { session: SESSION + 1 }), [2]);
    rig.pass(1);
    rig.decide(3, rig.kit.batchOf('c', { session: SESSION + 2 }), [2]);
    expect(suspicionsOf(rig.pass(200_000))).toEqual(['uncertain unresponsive node4 v0 n0']);
  });

  test('G17: an idle cluster, then one execution: a vote that comes a little later blames nobody', () => {
    const rig = new Rig();
    const heartbeat = (): readonly string[] => {
      rig.receiveAll([rig.kit.status(0), rig.kit.status(2), rig.kit.status(3)]);
      return suspicionsOf(rig.pass(1_000_000));
    };
    rig.decide(1, A(rig));
    for (let second = 0; second < 20; second += 1) expect(heartbeat()).toEqual([]);
    rig.decide(2, rig.kit.batchOf('b', { session: SESSION + 1 }), [2]);
    expect(heartbeat()).toEqual([]);
  });

  test('is forgotten when it is not seen again', () => {
    const rig = new Rig({ tuning: { suspicionExpiryUs: 5_000_000 } });
    rig.pass(PATIENCE + 1_000_000);
    expect(suspicionsHeld(rig)).toHaveLength(3);
    for (let second = 0; second < 10; second += 1) {
      rig.receiveAll([rig.kit.status(0), rig.kit.status(2), rig.kit.status(3)]);
      rig.pass(1_000_000);
    }
    expect(suspicionsHeld(rig)).toEqual([]);
  });
});

describe('what others report', () => {
  test('a frame that the intake refused: its link, uncertain', () => {
    const rig = new Rig();
    const refusal = { code: 'not-authentic', reason: 'a bad MAC', decode: undefined } as const;
    const outputs = rig.step({ kind: 'refused', link: replica(2), refusal });
    expect(suspicionsOf(outputs)).toEqual(['uncertain bad-link node3 v0 n0']);
    expect(refusalsOf(outputs)).toEqual(['frame not-authentic']);
  });

  test('a flood of them: one entry, which counts', () => {
    const rig = new Rig();
    const refusal = { code: 'malformed', reason: 'truncated', decode: undefined } as const;
    for (let sent = 0; sent < 1000; sent += 1) rig.step({ kind: 'refused', link: replica(2), refusal });
    expect(rig.status.suspicions.map(({ count }) => count)).toEqual([1000]);
  });

  test('a wrong REPLY that a client here saw: certain', () => {
    const rig = new Rig();
    const outputs = rig.step({
      kind: 'wrong-reply',
      replica: replica(2),
      view: asView(0),
      sequence: asSequence(7),
      summary: 'another result',
      frames: [signature],
    });
    expect(suspicionsOf(outputs)).toEqual(['certain wrong-reply node3 v0 n7']);
    expect(rig.status.suspicions[0]?.evidence).toEqual({ summary: 'another result', frames: [signature] });
  });

  test('about itself: never', () => {
    const rig = new Rig();
    rig.step({
      kind: 'wrong-reply',
      replica: replica(1),
      view: asView(0),
      sequence: asSequence(7),
      summary: 'me',
      frames: [],
    });
    expect(suspicionsHeld(rig)).toEqual([]);
  });
});

describe('clocks', () => {
  test.each([
    ['ahead', 11_000],
    ['behind', -301_000],
  ])('a batch whose timestamp is too far %s: clock-skew, uncertain', (_, offset) => {
    const rig = new Rig();
    const batch = rig.kit.batch([rig.kit.signed('a')], { timestamp: rig.wall + offset });
    expect(suspicionsOf(rig.receive(rig.kit.prePrepare(1, batch)))).toEqual(['uncertain clock-skew node1 v0 n1']);
  });
});

describe('with f = 0 no quorum or f+1 voices prove anything if one lies after all', () => {
  test('a lying backup of three nodes does not make the primary certain to the other', () => {
    const rig = new Rig({ n: 3 });
    rig.receive(rig.kit.prePrepare(1, A(rig)));
    rig.receiveAll([rig.kit.prepare(2, 1, LIE), rig.kit.commit(2, 1, LIE)]);
    expect(suspicionsHeld(rig).filter((line) => line.startsWith('certain'))).toEqual([]);
    expect(suspicionsHeld(rig)).toContain('uncertain equivocation node1 v0 n1');
    expect(suspicionsHeld(rig)).toContain('uncertain false-vote node3 v0 n1');
  });

  test('the primary itself knows what it sent', () => {
    const rig = new Rig({ n: 3, self: 0 });
    rig.requests([rig.kit.signed('a')]);
    rig.receive(rig.kit.prepare(2, 1, LIE));
    expect(suspicionsHeld(rig)).toEqual(['certain false-vote node3 v0 n1']);
  });
});

describe('under the demonstration rule 2f+1 with n ≠ 3f+1', () => {
  const demo = (): Rig => new Rig({ n: 5, cluster: { quorumRule: '2f+1' } });

  test('a sender that contradicts itself is certain', () => {
    const rig = demo();
    rig.receiveAll([rig.kit.commit(3, 2, LIE), rig.kit.commit(3, 2, rig.kit.digestOfBatch(undefined))]);
    rig.receiveAll([rig.kit.prePrepare(1, A(rig)), rig.kit.prePrepare(1, rig.kit.batchOf('b'))]);
    expect(suspicionsHeld(rig)).toEqual([
      'certain contradictory-votes node4 v0 n2',
      'certain equivocation node1 v0 n1',
    ]);
  });

  test('all else is not: two quorums need not share a correct replica', () => {
    const rig = demo();
    const digest = rig.kit.digestOfBatch(A(rig));
    rig.receiveAll([rig.kit.prePrepare(1, A(rig)), rig.kit.prepare(2, 1, digest), rig.kit.commit(3, 1, LIE)]);
    rig.receiveAll([rig.kit.prepare(3, 1, LIE), rig.kit.prepare(4, 1, LIE)]);
    expect(suspicionsHeld(rig).filter((line) => line.startsWith('certain'))).toEqual([]);
    expect(suspicionsHeld(rig)).toContain('uncertain equivocation node1 v0 n1');
  });

  test('with n = 3f+1 the rule is the usual one', () => {
    const rig = new Rig({ cluster: { quorumRule: '2f+1' } });
    const digest = rig.kit.digestOfBatch(A(rig));
    rig.receiveAll([rig.kit.prePrepare(1, A(rig)), rig.kit.prepare(2, 1, digest), rig.kit.commit(3, 1, LIE)]);
    expect(suspicionsHeld(rig)).toEqual(['certain false-vote node4 v0 n1']);
  });
});

test('a suspicion names node, kind, view, sequence, time and evidence, and goes into the event', () => {
  const rig = new Rig();
  rig.receive(rig.kit.prePrepare(1, A(rig)));
  const [event] = eventsOfKind(rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('b'))), 'suspicion');
  expect(event?.suspicion).toEqual({
    node: replica(0),
    kind: 'equivocation',
    certainty: 'certain',
    view: asView(0),
    sequence: seq(1),
    firstSeenMs: rig.wall,
    lastSeenMs: rig.wall,
    count: 1,
    evidence: {
      summary: expect.stringMatching(/^node1 sent PRE-PREPAREs for two batches at view 0, sequence 1: /) as string,
      frames: [],
    },
  });
});
