import { describe, expect, test } from 'vitest';
import { CLUSTER_ID, RealKeys } from '../../test/support/real-keys.ts';
import { replica, seq } from '../../test/support/core-kit.ts';
import { asClientId, asDigest, asView } from '../base/ids.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import {
  authenticatedBytes,
  encodeMessage,
  receiptStatement,
  requestSigningBytes,
  statementOf,
} from '../messages/index.ts';
import type { Message, Reply } from '../messages/index.ts';
import { makeSignatureVerifier } from '../node/index.ts';
import { judge } from './evidence.ts';
import type { Claim, EvidenceRules, Verdict } from './evidence.ts';
import { makeQuorums } from './quorum.ts';
import type { QuorumRule } from './quorum.ts';
import { SUSPICION_KINDS } from './suspicion.ts';
import { signReplies } from './receipts.ts';
import type { SuspicionKind } from './suspicion.ts';

const keys = new RealKeys();
const digest = (letter: string): Digest => asDigest(letter.repeat(64));
const [A, B, C] = [digest('a'), digest('b'), digest('c')];
const FOREIGN = asDigest('44'.repeat(32));

/** Signed with the real key of the replica `by`. */
function signed(by: number, message: Message, cluster = CLUSTER_ID): Bytes {
  const codec = keys.codec(cluster);
  return statementOf(codec, message, keys.authenticator(by).sign(authenticatedBytes(codec, encodeMessage(message))));
}

/** A PRE-PREPARE signs its content alone: with the null batch there is nothing to attach, otherwise its body is. */
function prePrepare(by: number, sequence: number, of: Digest, view = 0): Bytes {
  const codec = keys.codec();
  const prepared = authenticatedBytes(codec, encodeMessage({ ...vote('prepare', 0, sequence, of, view) }));
  // Same fields in the same order, but for the sender at the end; the domain is another.
  const content = prepared.subarray(1 + 'pbft/1/prepare'.length + 32, -1);
  const bytes = codec.bound('pre-prepare', content);
  return Uint8Array.from([...keys.authenticator(by).sign(bytes), ...bytes]);
}

function vote(type: 'prepare' | 'commit', by: number, sequence: number, of: Digest, view = 0): Message {
  return { type, view: asView(view), sequence: seq(sequence), digest: of, replica: replica(by) };
}

const prepare = (by: number, sequence: number, of: Digest, view = 0): Bytes =>
  signed(by, vote('prepare', by, sequence, of, view));
const commit = (by: number, sequence: number, of: Digest, view = 0): Bytes =>
  signed(by, vote('commit', by, sequence, of, view));
const checkpoint = (by: number, sequence: number, root: Digest): Bytes =>
  signed(by, { type: 'checkpoint', sequence: seq(sequence), root, replica: replica(by) });

/** The receipt of a reply that was signed with others. */
function reply(by: number, change: Partial<Reply> = {}): Bytes {
  const made: Reply = {
    type: 'reply',
    view: asView(0),
    sequence: seq(1),
    digest: A,
    replica: replica(by),
    client: keys.clientId,
    session: 7,
    timestamp: 1,
    requestDigest: C,
    outcome: 'executed',
    resultDigest: A,
    since: undefined,
    result: undefined,
    receipt: undefined,
    ...change,
  };
  const others = [1, 2, 3].map((timestamp) => ({ ...made, session: 99, timestamp }));
  const signed = signReplies(keys.codec(), keys.authenticator(by), [...others, made, ...others]);
  return receiptStatement(keys.codec(), made, signed.signatureOf(others.length, 1));
}

function rules(n = 4, rule: QuorumRule = 'intersecting'): EvidenceRules {
  const signingKeys = keys.replicas.slice(0, n).map(({ public: { signing } }) => signing);
  return {
    quorums: makeQuorums(n, rule),
    codec: keys.codec(),
    keys: makeSignatureVerifier(signingKeys),
    limits: undefined,
  };
}

interface Said {
  readonly node: number;
  readonly kind: SuspicionKind;
  readonly view?: number;
  readonly sequence?: number;
  readonly statements: readonly Bytes[];
}

function claim({ node, kind, view = 0, sequence = 1, statements }: Said): Claim {
  return { node: replica(node), kind, view: asView(view), sequence: seq(sequence), statements };
}

const judged = (said: Said, by = rules()): Verdict => judge(by, claim(said));
const codeOf = (verdict: Verdict): string => (verdict.kind === 'refuted' ? verdict.fault.code : verdict.kind);

/** The domains of the statements, which say what kind of message each is. */
const typesOf = ({ statements }: Said): string =>
  statements
    .map((bytes) => String.fromCharCode(...bytes.subarray(65, 65 + (bytes[64] ?? 0))))
    .toSorted()
    .join(' ');

/** Each form of proof, and what it assumes. */
const PROVEN: readonly (readonly [string, Verdict & { kind: 'proven' }, Said])[] = [
  [
    'two PRE-PREPAREs of primary(v)',
    { kind: 'proven', assuming: 'nothing' },
    { node: 0, kind: 'equivocation', statements: [prePrepare(0, 1, A), prePrepare(0, 1, B)] },
  ],
  [
    'two PRE-PREPAREs of the primary of a later view',
    { kind: 'proven', assuming: 'nothing' },
    {
      node: 2,
      kind: 'equivocation',
      view: 6,
      sequence: 9,
      statements: [prePrepare(2, 9, A, 6), prePrepare(2, 9, B, 6)],
    },
  ],
  [
    'f+1 votes for another digest than the primary sent',
    { kind: 'proven', assuming: 'at-most-f-faults' },
    { node: 0, kind: 'equivocation', statements: [prePrepare(0, 1, A), prepare(1, 1, B), commit(2, 1, B)] },
  ],
  [
    'two PREPAREs',
    { kind: 'proven', assuming: 'nothing' },
    { node: 3, kind: 'contradictory-votes', statements: [prepare(3, 1, A), prepare(3, 1, B)] },
  ],
  [
    'two COMMITs',
    { kind: 'proven', assuming: 'nothing' },
    { node: 3, kind: 'contradictory-votes', statements: [commit(3, 1, A), commit(3, 1, B)] },
  ],
  [
    'PREPARE and COMMIT for different digests',
    { kind: 'proven', assuming: 'nothing' },
    { node: 3, kind: 'contradictory-votes', statements: [prepare(3, 1, A), commit(3, 1, B)] },
  ],
  [
    'two CHECKPOINTs, said as contradictory votes',
    { kind: 'proven', assuming: 'nothing' },
    { node: 1, kind: 'contradictory-votes', sequence: 8, statements: [checkpoint(1, 8, A), checkpoint(1, 8, B)] },
  ],
  [
    'the own PREPARE against the COMMIT',
    { kind: 'proven', assuming: 'nothing' },
    { node: 3, kind: 'false-vote', statements: [prepare(3, 1, A), commit(3, 1, B)] },
  ],
  [
    'the own PRE-PREPARE against the COMMIT',
    { kind: 'proven', assuming: 'nothing' },
    { node: 0, kind: 'false-vote', statements: [commit(0, 1, B), prePrepare(0, 1, A)] },
  ],
  [
    'the same, said as contradictory votes',
    { kind: 'proven', assuming: 'nothing' },
    { node: 0, kind: 'contradictory-votes', statements: [commit(0, 1, B), prePrepare(0, 1, A)] },
  ],
  [
    'COMMIT where a quorum pre-prepared another digest',
    { kind: 'proven', assuming: 'at-most-f-faults' },
    {
      node: 3,
      kind: 'false-vote',
      statements: [commit(3, 1, B), prePrepare(0, 1, A), prepare(1, 1, A), prepare(2, 1, A)],
    },
  ],
  [
    'a CHECKPOINT against q others',
    { kind: 'proven', assuming: 'at-most-f-faults' },
    {
      node: 1,
      kind: 'wrong-checkpoint',
      sequence: 8,
      statements: [checkpoint(1, 8, B), checkpoint(0, 8, A), checkpoint(2, 8, A), checkpoint(3, 8, A)],
    },
  ],
  [
    'two CHECKPOINTs of its own',
    { kind: 'proven', assuming: 'nothing' },
    { node: 1, kind: 'wrong-checkpoint', sequence: 8, statements: [checkpoint(1, 8, A), checkpoint(1, 8, B)] },
  ],
  [
    'a REPLY against f+1 others, whatever views they name',
    { kind: 'proven', assuming: 'at-most-f-faults' },
    {
      node: 2,
      kind: 'wrong-reply',
      statements: [reply(2, { resultDigest: B }), reply(0), reply(3, { view: asView(5) })],
    },
  ],
  [
    'two REPLYs of its own to one request',
    { kind: 'proven', assuming: 'nothing' },
    { node: 2, kind: 'wrong-reply', statements: [reply(2), reply(2, { resultDigest: B })] },
  ],
];

describe.each(PROVEN)('%s', (_, verdict, said) => {
  const strange = [
    prepare(1, 5, C),
    commit(2, 1, C, 3),
    checkpoint(3, 12, A),
    reply(1, { timestamp: 9 }),
    prePrepare(1, 1, A, 1),
  ];
  const bindsView = said.statements.every((bytes) => !typesOf({ ...said, statements: [bytes] }).includes('checkpoint'));

  test('is a proof, in any order', () => {
    expect(judged(said)).toEqual(verdict);
    expect(judged({ ...said, statements: said.statements.toReversed() })).toEqual(verdict);
  });

  test('of nobody else', () => {
    for (const node of [0, 1, 2, 3].filter((other) => other !== said.node))
      expect(judged({ ...said, node }).kind).not.toBe('proven');
    expect(codeOf(judged({ ...said, node: 4 }))).toBe('unknown-node');
    expect(codeOf(judged({ ...said, node: 255 }))).toBe('unknown-node');
  });

  test('at no other place', () => {
    for (const sequence of [0, 2, 7, 10]) expect(judged({ ...said, sequence }).kind).not.toBe('proven');
    const others = [1, 4, 7].map((view) => judged({ ...said, view }).kind);
    expect(others).toEqual(others.map(() => (bindsView ? 'refuted' : 'proven')));
  });

  test('not with a statement less, and not with one more', () => {
    for (const [gone] of said.statements.entries()) {
      const statements = said.statements.filter((__, index) => index !== gone);
      expect(judged({ ...said, statements }).kind).toBe('refuted');
    }
    for (const extra of strange) {
      const found = judged({ ...said, statements: [...said.statements, extra] });
      expect(found.kind).toBe('refuted');
    }
  });

  test('not with one statement twice in the place of another', () => {
    const [first = new Uint8Array()] = said.statements;
    expect(judged({ ...said, statements: said.statements.map(() => first) }).kind).toBe('refuted');
  });

  test('not when a byte of any statement differs, be it of the signature, the domain, the cluster or the content', () => {
    for (const [index, bytes] of said.statements.entries()) {
      for (let at = 0; at < bytes.length; at += at < 60 ? 13 : 3) {
        const altered = bytes.map((byte, place) => (place === at ? byte ^ 1 : byte));
        const statements = said.statements.map((other, place) => (place === index ? altered : other));
        const found = judged({ ...said, statements });
        expect(found).toMatchObject({ kind: 'refuted', fault: { index } });
      }
      const short = said.statements.map((other, place) => (place === index ? bytes.slice(0, -1) : other));
      expect(codeOf(judged({ ...said, statements: short }))).toBe('malformed-statement');
    }
  });

  test('not under the signature of another statement', () => {
    const [first = new Uint8Array(), second = new Uint8Array(), ...others] = said.statements;
    const swapped = Uint8Array.from([...first.subarray(0, 64), ...second.subarray(64)]);
    expect(codeOf(judged({ ...said, statements: [first, swapped, ...others] }))).toBe('bad-signature');
  });

  test('of no kind that says something else', () => {
    const types = typesOf(said);
    const same = new Set(PROVEN.filter(([, , other]) => typesOf(other) === types).map(([, , { kind }]) => kind));
    for (const kind of SUSPICION_KINDS.filter((other) => !same.has(other)))
      expect(judged({ ...said, kind }).kind).not.toBe('proven');
  });
});

describe('what names one kind proves no other', () => {
  test.each<readonly [SuspicionKind, Said]>([
    ['contradictory-votes', { node: 0, kind: 'equivocation', statements: [prePrepare(0, 1, A), prePrepare(0, 1, B)] }],
    ['false-vote', { node: 0, kind: 'equivocation', statements: [prePrepare(0, 1, A), prePrepare(0, 1, B)] }],
    ['equivocation', { node: 3, kind: 'contradictory-votes', statements: [prepare(3, 1, A), prepare(3, 1, B)] }],
    ['false-vote', { node: 3, kind: 'contradictory-votes', statements: [commit(3, 1, A), commit(3, 1, B)] }],
    ['wrong-checkpoint', { node: 3, kind: 'contradictory-votes', statements: [commit(3, 1, A), commit(3, 1, B)] }],
    ['wrong-reply', { node: 1, kind: 'wrong-checkpoint', statements: [checkpoint(1, 1, A), checkpoint(1, 1, B)] }],
    ['wrong-checkpoint', { node: 2, kind: 'wrong-reply', statements: [reply(2), reply(2, { sequence: seq(2) })] }],
  ])('%s', (kind, said) => {
    expect(judged(said).kind).toBe('proven');
    expect(judged({ ...said, kind }).kind).toBe('refuted');
  });
});

describe('what looks like a proof and is none', () => {
  test.each<readonly [string, string, Said]>([
    [
      'no-contradiction',
      'PRE-PREPAREs for one digest',
      { node: 0, kind: 'equivocation', statements: [prePrepare(0, 1, A), prePrepare(0, 1, A)] },
    ],
    [
      'no-contradiction',
      'PRE-PREPAREs of two views',
      { node: 0, kind: 'equivocation', statements: [prePrepare(0, 1, A), prePrepare(0, 1, B, 4)] },
    ],
    [
      'bad-signature',
      'PRE-PREPAREs signed by a backup',
      { node: 0, kind: 'equivocation', statements: [prePrepare(1, 1, A), prePrepare(1, 1, B)] },
    ],
    [
      'too-few-signers',
      'one dissenting vote',
      { node: 0, kind: 'equivocation', statements: [prePrepare(0, 1, A), prepare(1, 1, B)] },
    ],
    [
      'too-few-signers',
      'one dissenter, twice',
      { node: 0, kind: 'equivocation', statements: [prePrepare(0, 1, A), prepare(1, 1, B), commit(1, 1, B)] },
    ],
    [
      'no-contradiction',
      'dissenters who do not agree',
      { node: 0, kind: 'equivocation', statements: [prePrepare(0, 1, A), prepare(1, 1, B), prepare(2, 1, C)] },
    ],
    [
      'no-contradiction',
      'votes for what was sent',
      { node: 0, kind: 'equivocation', statements: [prePrepare(0, 1, A), prepare(1, 1, A), prepare(2, 1, A)] },
    ],
    [
      'too-few-signers',
      'a vote of the primary itself among them',
      { node: 0, kind: 'equivocation', statements: [prePrepare(0, 1, A), commit(0, 1, B), prepare(2, 1, B)] },
    ],
    [
      'no-contradiction',
      'votes of two views',
      { node: 3, kind: 'contradictory-votes', statements: [prepare(3, 1, A), prepare(3, 1, B, 1)] },
    ],
    [
      'no-contradiction',
      'votes of two slots',
      { node: 3, kind: 'contradictory-votes', statements: [prepare(3, 1, A), prepare(3, 2, B)] },
    ],
    [
      'no-contradiction',
      'votes of two senders',
      { node: 3, kind: 'contradictory-votes', statements: [prepare(3, 1, A), prepare(2, 1, B)] },
    ],
    [
      'no-contradiction',
      'CHECKPOINTs of two numbers',
      { node: 1, kind: 'wrong-checkpoint', sequence: 8, statements: [checkpoint(1, 8, A), checkpoint(1, 16, B)] },
    ],
    [
      'too-few-signers',
      'q−1 other CHECKPOINTs',
      {
        node: 1,
        kind: 'wrong-checkpoint',
        sequence: 8,
        statements: [checkpoint(1, 8, B), checkpoint(0, 8, A), checkpoint(2, 8, A)],
      },
    ],
    [
      'too-few-signers',
      'one CHECKPOINT thrice',
      {
        node: 1,
        kind: 'wrong-checkpoint',
        sequence: 8,
        statements: [checkpoint(1, 8, B), checkpoint(0, 8, A), checkpoint(0, 8, A), checkpoint(0, 8, A)],
      },
    ],
    [
      'no-contradiction',
      'CHECKPOINTs for two other roots',
      {
        node: 1,
        kind: 'wrong-checkpoint',
        sequence: 8,
        statements: [checkpoint(1, 8, B), checkpoint(0, 8, A), checkpoint(2, 8, A), checkpoint(3, 8, C)],
      },
    ],
    [
      'no-contradiction',
      'a PREPARE where a quorum pre-prepared another digest',
      {
        node: 3,
        kind: 'false-vote',
        statements: [prepare(3, 1, B), prePrepare(0, 1, A), prepare(1, 1, A), prepare(2, 1, A)],
      },
    ],
    [
      'too-few-signers',
      'a COMMIT against fewer than q',
      { node: 3, kind: 'false-vote', statements: [commit(3, 1, B), prePrepare(0, 1, A), prepare(1, 1, A)] },
    ],
    [
      'too-few-signers',
      'one matching REPLY',
      { node: 2, kind: 'wrong-reply', statements: [reply(2, { resultDigest: B }), reply(0)] },
    ],
    [
      'no-contradiction',
      'REPLYs that differ in the view alone',
      { node: 2, kind: 'wrong-reply', statements: [reply(2), reply(2, { view: asView(1) })] },
    ],
    [
      'no-contradiction',
      'REPLYs to two requests',
      { node: 2, kind: 'wrong-reply', statements: [reply(2), reply(2, { timestamp: 2, resultDigest: B })] },
    ],
    [
      'no-contradiction',
      'REPLYs in two sessions',
      { node: 2, kind: 'wrong-reply', statements: [reply(2), reply(2, { session: 8, resultDigest: B })] },
    ],
    [
      'no-contradiction',
      'REPLYs to two clients',
      { node: 2, kind: 'wrong-reply', statements: [reply(2), reply(2, { client: asClientId(B), resultDigest: B })] },
    ],
    [
      'no-contradiction',
      'REPLYs that name two requests',
      { node: 2, kind: 'wrong-reply', statements: [reply(2), reply(2, { requestDigest: B, resultDigest: B })] },
    ],
    [
      'no-contradiction',
      'a table error beside an execution',
      { node: 2, kind: 'wrong-reply', statements: [reply(2, { outcome: 'table-error', resultDigest: B }), reply(2)] },
    ],
    [
      'no-contradiction',
      'others that do not match',
      {
        node: 2,
        kind: 'wrong-reply',
        statements: [reply(2, { resultDigest: B }), reply(0), reply(3, { resultDigest: C })],
      },
    ],
  ])('%s: %s', (code, _, said) => {
    expect(codeOf(judged(said))).toBe(code);
  });
});

describe('statements that are none', () => {
  const good = prepare(3, 1, A);
  const about = (bytes: Bytes): Said => ({ node: 3, kind: 'contradictory-votes', statements: [good, bytes] });

  test('of another cluster', () => {
    const foreign = signed(3, vote('prepare', 3, 1, B), FOREIGN);
    expect(judged(about(foreign))).toEqual({ kind: 'refuted', fault: { code: 'foreign-cluster', index: 1 } });
  });

  test('by a sender that the cluster does not have', () => {
    const { index, code } = { index: 1, code: 'unknown-signer' } as const;
    expect(judged(about(signed(0, vote('prepare', 7, 1, B))))).toEqual({ kind: 'refuted', fault: { code, index } });
  });

  test('by one in the name of another', () => {
    expect(judged(about(signed(2, vote('prepare', 3, 1, B))))).toEqual({
      kind: 'refuted',
      fault: { code: 'bad-signature', index: 1, signer: 3 },
    });
  });

  test('of a domain that is no statement, a request among them', () => {
    const bytes = requestSigningBytes(keys.codec(), A);
    const request = Uint8Array.from([...keys.authenticator(3).sign(bytes), ...bytes]);
    expect(codeOf(judged(about(request)))).toBe('malformed-statement');
    const status = authenticatedBytes(keys.codec(), encodeMessage({ type: 'fetch', replica: replica(3), wanted: [] }));
    expect(codeOf(judged(about(Uint8Array.from([...keys.authenticator(3).sign(status), ...status]))))).toBe(
      'malformed-statement',
    );
  });

  test.each([0, 1, 63, 64, 65, 70, 96, 110])('%i bytes', (length) => {
    expect(codeOf(judged(about(good.slice(0, length))))).toBe('malformed-statement');
  });

  test('bytes after the end, a domain longer than all', () => {
    expect(codeOf(judged(about(Uint8Array.from([...good, 0]))))).toBe('malformed-statement');
    expect(codeOf(judged(about(good.map((byte, at) => (at === 64 ? 255 : byte)))))).toBe('malformed-statement');
  });
});

describe('what cannot be proven to others', () => {
  test.each(['digest-mismatch', 'unresponsive', 'bad-link', 'clock-skew', 'wrong-state'] as const)('%s', (kind) => {
    expect(judged({ node: 3, kind, statements: [prepare(3, 1, A), prepare(3, 1, B)] })).toEqual({
      kind: 'not-provable',
    });
  });

  test.each(SUSPICION_KINDS)('%s where nothing was signed', (kind) => {
    expect(judged({ node: 3, kind, statements: [] })).toEqual({ kind: 'not-provable' });
  });
});

describe('where others may all be lying, or two quorums need not meet, only a contradiction in own statements is proof', () => {
  const dissent: Said = { node: 0, kind: 'equivocation', statements: [prePrepare(0, 1, A), prepare(1, 1, B)] };
  const wrong: Said = {
    node: 1,
    kind: 'wrong-checkpoint',
    statements: [checkpoint(1, 1, B), checkpoint(0, 1, A), checkpoint(2, 1, A)],
  };
  const own: Said = { node: 1, kind: 'wrong-checkpoint', statements: [checkpoint(1, 1, B), checkpoint(1, 1, A)] };

  test('three nodes', () => {
    expect(codeOf(judged(dissent, rules(3)))).toBe('rests-on-others');
    expect(codeOf(judged(wrong, rules(3)))).toBe('rests-on-others');
    expect(judged(own, rules(3))).toEqual({ kind: 'proven', assuming: 'nothing' });
  });

  test('2f+1 of five', () => {
    const five: EvidenceRules = { ...rules(), quorums: makeQuorums(5, '2f+1') };
    const two: Said = { ...dissent, statements: [...dissent.statements, prepare(2, 1, B)] };
    expect(codeOf(judged(two, five))).toBe('rests-on-others');
    expect(judged(own, five)).toEqual({ kind: 'proven', assuming: 'nothing' });
  });
});
