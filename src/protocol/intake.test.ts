import { describe, expect, test } from 'vitest';
import { ALICE, BOB, CoreKit, SESSION, clientId, replica, seq } from '../../test/support/core-kit.ts';
import { NULL_DIGEST, asDigest, asView } from '../base/ids.ts';
import type { ClientId } from '../base/ids.ts';
import { LIMITS, MESSAGE_TYPES, NO_PROOF, encodeFrame, encodeMessage, toJson } from '../messages/index.ts';
import type { Message, Proof } from '../messages/index.ts';
import type { AuthenticationMode } from './config.ts';
import { Intake } from './intake.ts';
import type { Party } from './ports.ts';
import { proofKind } from './proof-rule.ts';
import { Sealer } from './seal.ts';

const A = asDigest('aa'.repeat(32));
const from = (index: number): Party => ({ kind: 'replica', replica: replica(index) });
const client = (id: ClientId): Party => ({ kind: 'client', client: id });
const SIGNATURE: Proof = { kind: 'signature', signature: new Uint8Array(64) };
const MAC: Proof = { kind: 'mac', mac: new Uint8Array(32) };

function setUp(authentication: AuthenticationMode = 'mac'): {
  readonly kit: CoreKit;
  readonly intake: Intake;
  readonly seal: (by: number, message: Message, to?: number, signature?: Uint8Array) => Uint8Array;
} {
  const kit = new CoreKit({ cluster: { authentication } });
  return {
    kit,
    intake: new Intake(kit.cluster, replica(1), kit.of(1)),
    seal: (by, message, to = 1, signature) => {
      const [frame] = new Sealer(kit.cluster, kit.of(by)).seal(message, [from(to)], signature);
      if (frame === undefined) throw new Error('a key is shared');
      return frame;
    },
  };
}

const frameOf = (message: Message, proof: Proof = NO_PROOF): Uint8Array => encodeFrame(encodeMessage(message), proof);

/** `code`, or `ok` with what came in. */
function opened(intake: Intake, frame: Uint8Array, link: Party = from(0)): string {
  const result = intake.open(frame, link);
  return result.ok ? `ok ${result.value.kind}` : result.error.code;
}

/** One of each type that a replica sends to replicas, by `by`. */
function messagesBy(kit: CoreKit, by: number): readonly Message[] {
  const slots = [{ sequence: seq(1), digest: A }];
  const batch = kit.batchOf('x');
  return [
    kit.prePrepare(1, batch, by),
    kit.prepare(by, 1, A),
    kit.commit(by, 1, A),
    kit.status(by),
    { type: 'fetch', replica: replica(by), wanted: slots },
    { type: 'batch', replica: replica(by), sequence: seq(1), digest: kit.digestOfBatch(batch), batch },
    { type: 'decided', replica: replica(by), decisions: slots },
    { type: 'complaint', replica: replica(by), view: asView(0), sequence: seq(1), digest: A, requests: [A] },
    {
      type: 'fetch-state',
      replica: replica(by),
      sequence: seq(1),
      root: A,
      subtrees: [{ path: NULL_DIGEST, depth: 0, hash: A }],
    },
    {
      type: 'state',
      replica: replica(by),
      sequence: seq(1),
      root: A,
      held: false,
      subtrees: [],
    },
    { type: 'simulate-byzantine', replica: replica(by), target: replica(1), behaviour: 'silent', enabled: true },
  ];
}

describe.each(['mac', 'signature'] as const)('%s mode: what a replica sealed another opens', (mode) => {
  test.each(messagesBy(new CoreKit(), 2).map((message) => [message.type, message] as const))('%s', (_, message) => {
    const { intake, seal } = setUp(mode);
    const result = intake.open(seal(2, message), from(2));
    if (!result.ok) throw new Error(result.error.reason);
    const { value } = result;
    const isLab = message.type === 'simulate-byzantine';
    expect(value).toMatchObject(isLab ? { kind: 'lab', command: message } : { kind: 'message', message, author: 2 });
    expect(value.kind === 'message' && value.signature !== undefined).toBe(!isLab && mode === 'signature');
  });

  test('checkpoint: always with the signature it was made with', () => {
    const { kit, intake, seal } = setUp(mode);
    const { message, signature } = kit.checkpoint(2, 4, A);
    expect(intake.open(seal(3, message, 1, signature), from(3))).toMatchObject({
      ok: true,
      value: { author: 2, signature },
    });
  });
});

describe('G03: a message counts for the key that made it, whoever brings it', () => {
  test('passed on by another: still its author’s', () => {
    const { kit, intake, seal } = setUp();
    expect(intake.open(seal(2, kit.prepare(2, 1, A)), from(3))).toMatchObject({ ok: true, value: { author: 2 } });
  });

  test.each(['mac', 'signature'] as const)('made by another in its name: refused, %s mode', (mode) => {
    const { kit, intake, seal } = setUp(mode);
    for (const message of messagesBy(kit, 2))
      expect(opened(intake, seal(3, message), from(2)), `${message.type}`).toBe('not-authentic');
  });

  test('a PRE-PREPARE of view v by anyone but primary(v)', () => {
    const { kit, intake, seal } = setUp();
    expect(opened(intake, seal(2, kit.prePrepare(1, undefined, 0)))).toBe('not-authentic');
    expect(opened(intake, seal(2, kit.prePrepare(1, undefined, 2)))).toBe('ok message');
    expect(opened(intake, seal(2, kit.prePrepare(1, undefined, 6)))).toBe('ok message');
  });
});

describe('a frame is refused, in this order', () => {
  test('oversized', () => {
    expect(opened(setUp().intake, new Uint8Array(LIMITS.frameBytes + 1))).toBe('oversized');
  });

  test('malformed: nothing, garbage, cut, prolonged, a body that does not hash to its digest', () => {
    const { kit, intake, seal } = setUp();
    const good = seal(0, kit.prePrepare(1, kit.batchOf('x')));
    expect(opened(intake, new Uint8Array(0))).toBe('malformed');
    expect(opened(intake, new Uint8Array(100).fill(255))).toBe('malformed');
    expect(opened(intake, good.subarray(0, good.length - 1))).toBe('malformed');
    expect(opened(intake, new Uint8Array([...good, 0]))).toBe('malformed');
    const swapped = { ...kit.prePrepare(1, kit.batchOf('x')), batch: kit.batchOf('y') };
    expect(opened(intake, frameOf(swapped, MAC))).toBe('malformed');
  });

  test('not for replicas: REPLY and REPLIES', () => {
    const replies: Message = { type: 'replies', replica: replica(2), client: ALICE, replies: [] };
    expect(opened(setUp().intake, frameOf(replies, MAC))).toBe('not-allowed-here');
  });

  test.each(['mac', 'signature'] as const)('without the proof that %s mode demands', (mode) => {
    const { kit, intake } = setUp(mode);
    for (const message of [...messagesBy(kit, 2), kit.checkpoint(2, 4, A).message]) {
      const expected = proofKind(message.type, mode);
      for (const proof of [NO_PROOF, MAC, SIGNATURE]) {
        expect(opened(intake, frameOf(message, proof)), `${message.type}`).toBe(
          proof.kind === expected ? 'not-authentic' : 'wrong-proof',
        );
      }
    }
  });

  test('by nobody of this cluster, or by this replica itself', () => {
    const { kit, intake, seal } = setUp();
    for (const by of [1, 4, 30, 255])
      expect(opened(intake, frameOf(kit.prepare(by, 1, A), MAC))).toBe('unknown-author');
    expect(opened(intake, seal(1, kit.prePrepare(1, undefined, 1)))).toBe('unknown-author');
    expect(opened(intake, frameOf(kit.prePrepare(1, undefined, Number.MAX_SAFE_INTEGER), MAC))).toBe('not-authentic');
  });

  test('from a client’s link: nothing but its requests', () => {
    const { kit, intake, seal } = setUp();
    for (const message of messagesBy(kit, 2))
      expect(opened(intake, seal(2, message), client(ALICE))).toBe('not-allowed-here');
  });

  test('with a MAC for another replica, of another cluster, or with one bit wrong', () => {
    const { kit, intake, seal } = setUp();
    const message = kit.prepare(2, 1, A);
    expect(opened(intake, seal(2, message, 3))).toBe('not-authentic');
    const foreign = new Sealer({ ...kit.cluster, clusterId: asDigest('22'.repeat(32)) }, kit.of(2));
    expect(opened(intake, foreign.seal(message, [from(1)], undefined)[0] ?? new Uint8Array(0))).toBe('not-authentic');
    const good = seal(2, message);
    for (let bit = 0; bit < 8 * good.length; bit += 5) {
      const bad = good.slice();
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(opened(intake, bad)).not.toMatch(/^ok/);
    }
  });
});

describe('requests', () => {
  const requests = (...each: readonly ReturnType<CoreKit['signed']>[]): Uint8Array =>
    frameOf({ type: 'requests', requests: each });

  test('from their client’s link: verified by MAC or signature', () => {
    const { kit, intake } = setUp();
    const result = intake.open(
      requests(kit.signed('x'), kit.authenticated('y', { session: SESSION + 1 })),
      client(ALICE),
    );
    expect(result).toMatchObject({
      ok: true,
      value: { kind: 'requests', from: ALICE, requests: [{ verified: 'signature' }, { verified: 'mac' }] },
    });
  });

  test('of another client: refused', () => {
    const { kit, intake } = setUp();
    expect(opened(intake, requests(kit.signed('x', { client: BOB })), client(ALICE))).toBe('not-allowed-here');
    expect(opened(intake, requests(kit.signed('x'), kit.signed('y', { client: BOB })), client(ALICE))).toBe(
      'not-allowed-here',
    );
  });

  test('with a wrong MAC or signature: refused where the client itself brings them', () => {
    const { kit, intake } = setUp();
    expect(opened(intake, requests(kit.authenticated('x', {}, [1])), client(ALICE))).toBe('not-authentic');
    const other = kit.signed('y');
    expect(opened(intake, requests({ ...kit.signed('x'), proof: other.proof }), client(ALICE))).toBe('not-authentic');
  });

  test('passed on by a replica: each for itself, the unverified as such', () => {
    const { kit, intake } = setUp();
    const frame = requests(kit.signed('x'), kit.authenticated('y', { client: BOB }, [1]));
    expect(intake.open(frame, from(3))).toMatchObject({
      ok: true,
      value: { from: 3, requests: [{ verified: 'signature' }, { verified: 'unverified' }] },
    });
  });

  test('none, or under a proof of the frame', () => {
    const { kit, intake } = setUp();
    expect(opened(intake, requests(), client(ALICE))).toBe('malformed');
    expect(opened(intake, frameOf({ type: 'requests', requests: [kit.signed('x')] }, MAC), client(ALICE))).toBe(
      'wrong-proof',
    );
  });

  test('in a PRE-PREPARE: what of each was verified goes with it', () => {
    const { kit, intake, seal } = setUp();
    const batch = kit.batch([
      kit.signed('x'),
      kit.authenticated('y', { client: BOB }),
      kit.authenticated('z', { client: clientId(2) }, [1]),
    ]);
    expect(intake.open(seal(0, kit.prePrepare(1, batch)), from(0))).toMatchObject({
      ok: true,
      value: { requests: ['signature', 'mac', 'unverified'] },
    });
  });
});

describe('JSON, with no link', () => {
  const json = (message: Message, proof: Proof): unknown => toJson(message, proof);

  test('the proof in it decides', () => {
    const { kit, intake } = setUp();
    const message = kit.checkpoint(2, 4, A);
    const good = json(message.message, { kind: 'signature', signature: message.signature });
    expect(intake.openJson(good)).toMatchObject({ ok: true, value: { kind: 'message', author: 2 } });
    expect(intake.openJson(json(message.message, SIGNATURE))).toMatchObject({
      ok: false,
      error: { code: 'not-authentic' },
    });
    expect(intake.openJson(json(kit.prepare(2, 1, A), NO_PROOF))).toMatchObject({
      ok: false,
      error: { code: 'wrong-proof' },
    });
  });

  test('no command of the lab', () => {
    const { intake, seal } = setUp();
    const command: Message = {
      type: 'simulate-byzantine',
      replica: replica(2),
      target: replica(1),
      behaviour: 'silent',
      enabled: true,
    };
    expect(opened(intake, seal(2, command))).toBe('ok lab');
    const bytes = seal(2, command);
    const mac = bytes.slice(bytes.length - 32);
    expect(intake.openJson(json(command, { kind: 'mac', mac }))).toMatchObject({
      ok: false,
      error: { code: 'not-allowed-here' },
    });
  });

  test.each([undefined, null, 7, 'x', [], {}, { type: 'prepare' }, { type: 'nothing' }])('%j is malformed', (value) => {
    expect(setUp().intake.openJson(value)).toMatchObject({ ok: false, error: { code: 'malformed' } });
  });
});

test('every type has its proof in both modes', () => {
  const table = MESSAGE_TYPES.map((type) => [type, proofKind(type, 'mac'), proofKind(type, 'signature')].join(' '));
  expect(table.toSorted()).toEqual(
    [
      'pre-prepare mac signature',
      'prepare mac signature',
      'commit mac signature',
      'checkpoint signature signature',
      'reply mac tree',
      'replies mac tree',
      'requests none none',
      'status mac signature',
      'fetch mac signature',
      'batch mac signature',
      'decided mac signature',
      'complaint mac signature',
      'simulate-byzantine mac signature',
      'fetch-state mac signature',
      'state mac signature',
      'view-change signature signature',
      'new-view signature signature',
      'query-stable signature signature',
      'reply-stable mac signature',
    ].toSorted(),
  );
});
