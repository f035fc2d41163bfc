// Graves G01 to G04 and G08: certificates and signatures. Real keys where cryptography is what keeps the grave shut.
import { describe, expect, test } from 'vitest';
import { NULL_DIGEST, asDigest, asReplicaId, asSequence, asView } from '../../src/base/ids.ts';
import { checkpointBytes, decodeFrame, encodeFrame, encodeMessage } from '../../src/messages/index.ts';
import type { Message, Proof } from '../../src/messages/index.ts';
import { makeQuorums } from '../../src/protocol/quorum.ts';
import { Bench } from '../support/bench.ts';
import { CoreKit, replica, seq } from '../support/core-kit.ts';
import { must } from '../support/must.ts';
import { RealKeys } from '../support/real-keys.ts';
import { Rig } from '../support/rig.ts';

const keys = new RealKeys();
const A = asDigest('aa'.repeat(32));
const B = asDigest('bb'.repeat(32));
const kit = new CoreKit();
const SUBTREE = { path: NULL_DIGEST, depth: 0, hash: A };

const slot = { sequence: seq(7), digest: A };
const SENT: readonly Message[] = [
  { type: 'pre-prepare', view: asView(2), sequence: seq(7), digest: NULL_DIGEST, batch: undefined },
  { type: 'prepare', view: asView(3), sequence: seq(7), digest: A, replica: replica(2) },
  { type: 'commit', view: asView(3), sequence: seq(7), digest: A, replica: replica(2) },
  { type: 'checkpoint', sequence: seq(7), root: A, replica: replica(2) },
  kit.status(2, { lastExecuted: seq(7) }),
  { type: 'fetch', replica: replica(2), wanted: [slot] },
  { type: 'decided', replica: replica(2), decisions: [slot] },
  { type: 'complaint', replica: replica(2), view: asView(3), sequence: seq(7), digest: A, requests: [B] },
  { type: 'fetch-state', replica: replica(2), sequence: seq(7), root: A, subtrees: [SUBTREE] },
  {
    type: 'state',
    replica: replica(2),
    sequence: seq(7),
    root: A,
    held: true,
    subtrees: [{ address: SUBTREE, entries: [], nodes: [{ bit: 3, left: A, right: B }] }],
  },
  { type: 'simulate-byzantine', replica: replica(2), target: replica(1), behaviour: 'silent', enabled: true },
];

/** Sealed by replica 2 for replica 1, CHECKPOINT with its signature. */
function sealed(mode: 'mac' | 'signature', message: Message): Uint8Array {
  if (message.type !== 'checkpoint') return keys.seal(mode, 2, message, 1);
  const signature = keys.authenticator(2).sign(checkpointBytes(keys.codec(), message));
  return encodeFrame(encodeMessage(message), { kind: 'signature', signature });
}

/** The same message with one field replaced by another value that field can have. */
function alterations(message: Message): readonly Message[] {
  return Object.entries(message).flatMap(([field, value]: readonly [string, unknown]) =>
    message.type === 'pre-prepare' && field === 'digest'
      ? [kit.prePrepare(message.sequence, kit.batchOf('x'), message.view)]
      : othersFor(field, value).map((other): Message => Object.assign({ ...message }, { [field]: other })),
  );
}

function othersFor(field: string, value: unknown): readonly unknown[] {
  if (field === 'type' || field === 'batch') return [];
  if (field === 'replica' || field === 'target') return [0, 3];
  if (typeof value === 'number') return [value + 1, value + 4, value + 256];
  if (typeof value === 'boolean') return [!value];
  if (typeof value === 'string') return field === 'behaviour' ? ['lie'] : [B];
  if (value instanceof Uint8Array) return [Uint8Array.of(1)];
  return [[]];
}

describe.each(['mac', 'signature'] as const)(
  'G01: old or foreign messages, %s mode: every statement is bound to cluster, type, view, sequence, digest and sender',
  (mode) => {
    const intake = keys.intake(mode, 1);
    const link = { kind: 'replica', replica: asReplicaId(2) } as const;
    const isOpened = (frame: Uint8Array): boolean => intake.open(frame, link).ok;

    test.each(SENT.map((message) => [message.type, message] as const))(
      '%s: as it was sent it is opened, with any field changed it is not',
      (_, message) => {
        const frame = sealed(mode, message);
        expect(isOpened(frame)).toBe(true);
        const { proof } = must(decodeFrame(frame, keys.codec()));
        const changed = alterations(message);
        expect(changed.length).toBeGreaterThan(0);
        for (const other of changed) {
          if (JSON.stringify(other) === JSON.stringify(message)) continue;
          expect(isOpened(encodeFrame(encodeMessage(other), proof)), `${JSON.stringify(other)}`).toBe(false);
        }
      },
    );

    test('the proof of one message under another: every pair', () => {
      const proofs = SENT.map((message) => must(decodeFrame(sealed(mode, message), keys.codec())).proof);
      SENT.forEach((message, at) => {
        proofs.forEach((proof: Proof, of) => {
          const frame = encodeFrame(encodeMessage(message), proof);
          expect(isOpened(frame), `${message.type} with the proof of ${SENT[of]?.type}`).toBe(of === at);
        });
      });
    });

    test('sealed for another cluster', () => {
      const foreign = asDigest('44'.repeat(32));
      for (const message of SENT.filter(({ type }) => type !== 'checkpoint')) {
        expect(isOpened(keys.seal(mode, 2, message, 1, foreign)), `${message.type}`).toBe(false);
      }
    });

    test('sealed for another receiver: refused with MACs, for anybody with signatures', () => {
      for (const message of SENT.filter(({ type }) => type !== 'checkpoint')) {
        expect(isOpened(keys.seal(mode, 2, message, 3)), `${message.type}`).toBe(mode === 'signature');
      }
    });
  },
);

describe('G01: a certificate mixes nothing', () => {
  test('PREPAREs and COMMITs of different views, numbers or digests never make one', () => {
    const rig = new Rig({ n: 7 });
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receive(rig.kit.prePrepare(1, batch));
    rig.receiveAll([
      rig.kit.prepare(2, 1, digest),
      rig.kit.prepare(3, 1, digest, 2),
      rig.kit.prepare(4, 1, B),
      rig.kit.prepare(5, 2, digest),
    ]);
    expect(rig.records.map(({ kind }) => kind)).toEqual(['accepted']);
    const committing = new Rig({ n: 7 }, rig.kit);
    committing.receive(rig.kit.prePrepare(1, batch));
    committing.receiveAll([2, 3, 4].map((from) => rig.kit.prepare(from, 1, digest)));
    committing.receiveAll([
      ...[0, 2, 3].map((from) => rig.kit.commit(from, 1, digest)),
      rig.kit.commit(4, 1, digest, 3),
      rig.kit.commit(5, 1, B),
      rig.kit.commit(6, 2, digest),
    ]);
    expect(committing.status.lastExecuted).toBe(0);
  });

  test('CHECKPOINTs of different numbers or roots never make one', () => {
    const rig = new Rig({ cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 } });
    rig.decide(1, rig.kit.batchOf('x'));
    const root = rig.status.stateRoot;
    for (const [from, sequence, named] of [
      [0, 1, root],
      [2, 2, root],
      [3, 1, A],
    ] as const) {
      const { message, signature } = rig.kit.checkpoint(from, sequence, named);
      rig.receive(message, { signature });
    }
    expect(rig.status.lowWaterMark).toBe(0);
  });
});

describe('G02: PREPARE and COMMIT prove nothing for one another, and nothing is counted before it is verified', () => {
  test.each(['mac', 'signature'] as const)(
    'the proof of a recorded PREPARE does not fit the COMMIT of the same fields, %s mode',
    (mode) => {
      const intake = keys.intake(mode, 1);
      const prepare: Message = {
        type: 'prepare',
        view: asView(0),
        sequence: asSequence(1),
        digest: A,
        replica: replica(2),
      };
      const { proof } = must(decodeFrame(keys.seal(mode, 2, prepare, 1), keys.codec()));
      const commit: Message = { ...prepare, type: 'commit' };
      const opened = intake.open(encodeFrame(encodeMessage(commit), proof), { kind: 'replica', replica: replica(2) });
      expect(opened).toMatchObject({ ok: false, error: { code: 'not-authentic' } });
    },
  );

  test('a frame that fails changes nothing at a replica but a count against its link', () => {
    const bench = new Bench();
    const batch = bench.kit.batchOf('x');
    const digest = bench.kit.digestOfBatch(batch);
    const before = bench.node(1).status;
    for (const from of [0, 2, 3]) {
      const frame = encodeFrame(encodeMessage(bench.kit.commit(from, 1, digest)), {
        kind: 'mac',
        mac: new Uint8Array(32),
      });
      bench.node(1).onFrame(frame, replica(from));
    }
    expect(bench.refusals.map(({ code }) => code)).toEqual(['not-authentic', 'not-authentic', 'not-authentic']);
    expect({ ...bench.node(1).status, suspicions: [] }).toEqual(before);
    expect(bench.node(1).suspicions).toEqual([0, 2, 3].map((node) => `uncertain bad-link node${node + 1} v0 n0`));
  });

  test('all PREPAREs there are finalise nothing: execution takes COMMITs', () => {
    const rig = new Rig();
    const batch = rig.kit.batchOf('x');
    rig.receiveAll([
      rig.kit.prePrepare(1, batch),
      ...[2, 3].map((from) => rig.kit.prepare(from, 1, rig.kit.digestOfBatch(batch))),
    ]);
    expect(rig.status.lastExecuted).toBe(0);
  });
});

describe('G03: a vote counts for the key that made it, whoever delivers it', () => {
  test.each(['mac', 'signature'] as const)('over the link of another it is still its author’s, %s mode', (mode) => {
    const frame = keys.seal(
      mode,
      2,
      { type: 'prepare', view: asView(0), sequence: asSequence(1), digest: A, replica: replica(2) },
      1,
    );
    const opened = keys.intake(mode, 1).open(frame, { kind: 'replica', replica: replica(3) });
    expect(opened).toMatchObject({ ok: true, value: { author: 2 } });
  });

  test.each(['mac', 'signature'] as const)('one replica cannot speak with the voices of three, %s mode', (mode) => {
    const intake = keys.intake(mode, 1);
    for (const claimed of [0, 2]) {
      const message: Message = {
        type: 'commit',
        view: asView(0),
        sequence: asSequence(1),
        digest: A,
        replica: replica(claimed),
      };
      const opened = intake.open(keys.seal(mode, 3, message, 1), { kind: 'replica', replica: replica(3) });
      expect(opened).toMatchObject({ ok: false, error: { code: 'not-authentic' } });
    }
  });
});

describe('G04: certificates count distinct authors, and a duplicate is harmless', () => {
  test('however often f replicas repeat themselves, nothing is prepared, committed, decided or stable', () => {
    const rig = new Rig({ cluster: { checkpointInterval: 1 }, tuning: { pipeline: 2 } });
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    const lies = [
      rig.kit.prepare(3, 1, digest),
      rig.kit.commit(3, 1, digest),
      { type: 'decided', replica: replica(3), decisions: [{ sequence: seq(1), digest }] },
    ] as const;
    for (let sent = 0; sent < 10; sent += 1) rig.receiveAll(lies);
    expect(rig.status.lastExecuted).toBe(0);
    for (let sent = 0; sent < 10; sent += 1) {
      const { message, signature } = rig.kit.checkpoint(3, 1, rig.status.stateRoot);
      rig.receive(message, { signature });
    }
    expect(rig.status.lowWaterMark).toBe(0);
  });

  test('every message twice, from everybody: all goes as with one of each, and nobody is suspected', () => {
    const bench = new Bench();
    for (let timestamp = 1; timestamp <= 9; timestamp += 1) {
      bench.send([bench.kit.authenticated('x', { timestamp })]);
      while (bench.packets.length > 0) {
        const [packet] = bench.packets.splice(0, 1);
        if (packet === undefined) break;
        bench.deliver(packet);
        bench.deliver(packet);
      }
    }
    expect(bench.nodes.map((node) => node.count('x'))).toEqual([9, 9, 9, 9]);
    expect(bench.nodes.flatMap((node) => node.suspicions)).toEqual([]);
    expect(bench.nodes.map((node) => node.status.lowWaterMark)).toEqual([8, 8, 8, 8]);
  });
});

describe('G08: quorums for every n from 1 to 31', () => {
  test('any two quorums meet in f+1 replicas, and q ≤ n − f', () => {
    for (let n = 1; n <= 31; n += 1) {
      const { quorum, faultLimit } = makeQuorums(n);
      expect(2 * quorum - n, `n = ${n}`).toBeGreaterThanOrEqual(faultLimit + 1);
      expect(quorum, `n = ${n}`).toBeLessThanOrEqual(n - faultLimit);
    }
  });

  test('2f+1, which has been shipped, is not enough for n ≠ 3f+1', () => {
    const sizes = Array.from({ length: 31 }, (_, index) => index + 1);
    const broken = sizes.filter((n) => {
      const { quorum, faultLimit } = makeQuorums(n, '2f+1');
      return 2 * quorum - n < faultLimit + 1;
    });
    expect(broken).toEqual(sizes.filter((n) => n % 3 !== 1));
  });
});
