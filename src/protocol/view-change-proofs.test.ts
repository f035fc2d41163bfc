import { describe, expect, test } from 'vitest';
import { CLUSTER_ID, RealKeys } from '../../test/support/real-keys.ts';
import { replica, seq } from '../../test/support/core-kit.ts';
import { A, B, checkpoint, claim, digest, entry, root } from '../../test/support/view-change-kit.ts';
import { NULL_DIGEST, asDigest, asView } from '../base/ids.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import { encodeValue, viewChangeDigest } from '../messages/index.ts';
import type { Schema, ViewChangeContent } from '../messages/index.ts';
import { commit as commitSchema } from '../messages/commit.ts';
import { newView as newViewSchema } from '../messages/new-view.ts';
import { prePrepare as prePrepareSchema } from '../messages/pre-prepare.ts';
import { viewChange as viewChangeSchema } from '../messages/view-change.ts';
import { makeSignatureVerifier } from '../node/index.ts';
import { judge } from './evidence.ts';
import type { EvidenceRules, Verdict } from './evidence.ts';
import { makeQuorums } from './quorum.ts';
import { SUSPICION_KINDS } from './suspicion.ts';
import type { SuspicionKind } from './suspicion.ts';
import type { ViewChangeClaims } from './view-change-claims.ts';

const keys = new RealKeys();
const FOREIGN = asDigest('44'.repeat(32));

/** The content alone, with the real signature of the replica `by`: also what no encoder of whole messages lets through. */
function signed<C extends { readonly type: string }>(
  by: number,
  schema: Schema<C>,
  content: C,
  cluster = CLUSTER_ID,
): Bytes {
  const bytes = keys.codec(cluster).bound(content.type, encodeValue(schema, content));
  return Uint8Array.from([...keys.authenticator(by).sign(bytes), ...bytes]);
}

type Given = Partial<Omit<ViewChangeClaims, 'replica'>>;

const content = (by: number, view: number, given: Given = {}): ViewChangeContent => ({
  type: 'view-change',
  view: asView(view),
  ...claim(by, given),
});
const viewChange = (by: number, view: number, given: Given = {}): Bytes =>
  signed(by, viewChangeSchema.content, content(by, view, given));
const commit = (by: number, sequence: number, digest: Digest, view: number): Bytes =>
  signed(by, commitSchema, {
    type: 'commit',
    view: asView(view),
    sequence: seq(sequence),
    digest,
    replica: replica(by),
  });
const prePrepare = (by: number, sequence: number, digest: Digest, view: number): Bytes =>
  signed(by, prePrepareSchema.content, { type: 'pre-prepare', view: asView(view), sequence: seq(sequence), digest });

interface NewViewPlan {
  readonly view?: number;
  readonly by?: number;
  readonly start?: { readonly sequence: number; readonly root: Digest };
}

/** A NEW-VIEW for view 1 by its primary, from these VIEW-CHANGEs. */
function newView(supports: readonly ViewChangeContent[], slots: readonly Digest[], plan: NewViewPlan = {}): Bytes {
  const { view = 1, by = view % 4, start = { sequence: 0, root: NULL_DIGEST } } = plan;
  return signed(by, newViewSchema.content, {
    type: 'new-view',
    view: asView(view),
    start: { sequence: seq(start.sequence), root: start.root },
    slots: slots.map((digest, index) => ({ sequence: seq(start.sequence + 1 + index), digest })),
    supports: supports.map((each) => ({ replica: each.replica, digest: viewChangeDigest(keys.codec(), each) })),
  });
}

const sign = (each: ViewChangeContent): Bytes => signed(each.replica, viewChangeSchema.content, each);

/** Three say that A prepared at 1 in view 0: only A can be chosen. */
const PREPARED: Given = { prepared: [entry(A, 0)], prePrepared: [entry(A, 0)] };
const SUPPORTS = [0, 2, 3].map((by) => content(by, 1, PREPARED));
const [FIRST = content(0, 1), SECOND = content(2, 1), THIRD = content(3, 1)] = SUPPORTS;

/** A NEW-VIEW and what it names. */
function withSupports(supports: readonly ViewChangeContent[], slots: readonly Digest[], plan?: NewViewPlan): Bytes[] {
  return [newView(supports, slots, plan), ...supports.map(sign)];
}

const LIMITS = { window: 4, digestsPerSlot: 1 };

function rules(n = 4, limits: EvidenceRules['limits'] = LIMITS): EvidenceRules {
  const signingKeys = keys.replicas.slice(0, n).map(({ public: { signing } }) => signing);
  return { quorums: makeQuorums(n), codec: keys.codec(), keys: makeSignatureVerifier(signingKeys), limits };
}

interface Said {
  readonly kind: SuspicionKind;
  readonly node: number;
  readonly view: number;
  readonly sequence?: number;
  readonly statements: readonly Bytes[];
}

function judged({ kind, node, view, sequence = 0, statements }: Said, by = rules()): Verdict {
  return judge(by, { node: replica(node), kind, view: asView(view), sequence: seq(sequence), statements });
}

const codeOf = (verdict: Verdict): string => (verdict.kind === 'refuted' ? verdict.fault.code : verdict.kind);
const PROOF: Verdict = { kind: 'proven', assuming: 'nothing' };

const contradictory = (view: number, sequence: number, ...statements: readonly Bytes[]): Said => ({
  kind: 'contradictory-view-changes',
  node: 2,
  view,
  sequence,
  statements,
});
const invalid = (given: Given): Said => ({
  kind: 'invalid-view-change',
  node: 2,
  view: 3,
  statements: [viewChange(2, 3, given)],
});
const wrong = (statements: readonly Bytes[], sequence = 0): Said => ({
  kind: 'wrong-new-view',
  node: 1,
  view: 1,
  sequence,
  statements,
});

const HIGH: Given = { lowWaterMark: seq(8), root: root('r') };
const LOW: Given = { lowWaterMark: seq(4), root: root('s') };

const PROVEN: readonly (readonly [string, Said])[] = [
  ['two VIEW-CHANGEs for one view', contradictory(3, 0, viewChange(2, 3), viewChange(2, 3, PREPARED))],
  ['a lower h in a later view', contradictory(5, 4, viewChange(2, 5, LOW), viewChange(2, 3, HIGH))],
  ['a COMMIT that P leaves out', contradictory(3, 3, viewChange(2, 3), commit(2, 3, A, 1))],
  [
    'a COMMIT, and an older view in P',
    contradictory(3, 3, viewChange(2, 3, { prepared: [entry(A, 0, 3)] }), commit(2, 3, A, 1)),
  ],
  [
    'a COMMIT, and another digest in P',
    contradictory(3, 3, viewChange(2, 3, { prepared: [entry(B, 1, 3)] }), commit(2, 3, A, 1)),
  ],
  ['a root at genesis', invalid({ root: root('r') })],
  ['a number above the window', invalid({ prepared: [entry(A, 0, 5)] })],
  ['two roots for one number', invalid({ checkpoints: [checkpoint(2, 'r'), checkpoint(2, 's')] })],
  ['a view that had not begun', invalid({ prePrepared: [entry(A, 3)] })],
  [
    'too many digests',
    invalid({ prePrepared: [entry(NULL_DIGEST, 0), entry(A, 0), entry(B, 0), entry(digest('c'), 0)] }),
  ],
  ['NEW-VIEW: another digest', wrong(withSupports(SUPPORTS, [B]))],
  ['NEW-VIEW: null for what may have committed', wrong(withSupports(SUPPORTS, [NULL_DIGEST]))],
  ['NEW-VIEW: a number left out', wrong(withSupports(SUPPORTS, []))],
  ['NEW-VIEW: a number too many', wrong(withSupports(SUPPORTS, [A, NULL_DIGEST]))],
  ['NEW-VIEW: a start that nobody proves', wrong(withSupports(SUPPORTS, [], { start: checkpoint(4, 'r') }), 4)],
  ['NEW-VIEW: fewer than q', wrong(withSupports([FIRST, SECOND], [A]))],
  ['NEW-VIEW: one sender twice', wrong([newView([FIRST, SECOND, SECOND], [A]), sign(FIRST), sign(SECOND)])],
  [
    'NEW-VIEW: an invalid VIEW-CHANGE in it',
    wrong(withSupports([FIRST, SECOND, content(3, 1, { prePrepared: [entry(A, 1)] })], [A])),
  ],
  [
    'NEW-VIEW: a VIEW-CHANGE for another view in it',
    wrong(withSupports([FIRST, SECOND, content(3, 2, PREPARED)], [A])),
  ],
  ['two NEW-VIEWs', wrong([newView(SUPPORTS, [A]), newView(SUPPORTS, [B])])],
  ['two NEW-VIEWs that name others', wrong([newView(SUPPORTS, [A]), newView([FIRST, SECOND, content(3, 1)], [A])])],
  ['NEW-VIEW and another PRE-PREPARE', wrong([newView(SUPPORTS, [A]), prePrepare(1, 1, B, 1)], 1)],
];

const STRANGE = [
  viewChange(3, 7),
  viewChange(2, 4, { lowWaterMark: seq(12), root: root('t') }),
  commit(2, 1, A, 6),
  prePrepare(1, 9, A, 5),
  newView([], [], { view: 5 }),
];

describe.each(PROVEN)('%s', (_, said) => {
  test('is a proof, in any order', () => {
    expect(judged(said)).toEqual(PROOF);
    expect(judged({ ...said, statements: said.statements.toReversed() })).toEqual(PROOF);
  });

  test('of nobody else, at no other place, of no other kind', () => {
    for (const node of [0, 1, 2, 3].filter((other) => other !== said.node))
      expect(judged({ ...said, node }).kind).toBe('refuted');
    for (const view of [0, 2, 4, 6, 7, said.view + 4]) expect(judged({ ...said, view }).kind).toBe('refuted');
    for (const sequence of [0, 1, 2, 3, 4, 5, 8].filter((other) => other !== (said.sequence ?? 0)))
      expect(judged({ ...said, sequence }).kind).toBe('refuted');
    for (const kind of SUSPICION_KINDS.filter((other) => other !== said.kind))
      expect(judged({ ...said, kind }).kind).not.toBe('proven');
  });

  test('not with a statement less, one more, or one twice', () => {
    for (const [gone, bytes] of said.statements.entries()) {
      const statements = said.statements.filter((__, index) => index !== gone);
      expect(judged({ ...said, statements }).kind).toBe(statements.length === 0 ? 'not-provable' : 'refuted');
      expect(judged({ ...said, statements: [...said.statements, bytes] }).kind).toBe('refuted');
    }
    for (const extra of STRANGE)
      expect(judged({ ...said, statements: [...said.statements, extra] }).kind).toBe('refuted');
  });

  test('not when a byte differs, nor under the signature of another statement', () => {
    for (const [index, bytes] of said.statements.entries()) {
      for (let at = 0; at < bytes.length; at += 17) {
        const altered = bytes.map((byte, place) => (place === at ? byte ^ 1 : byte));
        const statements = said.statements.map((other, place) => (place === index ? altered : other));
        expect(judged({ ...said, statements })).toMatchObject({ kind: 'refuted', fault: { index } });
      }
      const [stranger = bytes] = STRANGE;
      const swapped = Uint8Array.from([...stranger.subarray(0, 64), ...bytes.subarray(64)]);
      const statements = said.statements.map((other, place) => (place === index ? swapped : other));
      expect(codeOf(judged({ ...said, statements }))).toBe('bad-signature');
    }
  });
});

test.each(PROVEN.filter(([, { kind }]) => kind !== 'wrong-new-view'))('%s: proven where f = 0 too', (_, said) => {
  expect(judged(said, rules(3))).toEqual(PROOF);
});

describe('what looks like a proof and is none', () => {
  const listed = (given: Given, of = commit(2, 3, A, 1)): Said => contradictory(3, 3, viewChange(2, 3, given), of);
  test.each<readonly [string, string, Said]>([
    ['no-contradiction', 'one VIEW-CHANGE twice', contradictory(3, 0, viewChange(2, 3), viewChange(2, 3))],
    [
      'no-contradiction',
      'VIEW-CHANGEs for two views',
      contradictory(3, 0, viewChange(2, 3), viewChange(2, 4, PREPARED)),
    ],
    [
      'no-contradiction',
      'VIEW-CHANGEs of two nodes',
      contradictory(3, 0, viewChange(2, 3), viewChange(3, 3, PREPARED)),
    ],
    ['no-contradiction', 'h that rises', contradictory(5, 8, viewChange(2, 5, HIGH), viewChange(2, 3, LOW))],
    ['no-contradiction', 'h that stays', contradictory(5, 8, viewChange(2, 5, HIGH), viewChange(2, 3, HIGH))],
    ['no-contradiction', 'h of two nodes', contradictory(5, 4, viewChange(2, 5, LOW), viewChange(3, 3, HIGH))],
    [
      'no-contradiction',
      'the number of the higher h',
      contradictory(5, 8, viewChange(2, 5, LOW), viewChange(2, 3, HIGH)),
    ],
    ['no-contradiction', 'a COMMIT that P lists', listed({ prepared: [entry(A, 1, 3)] })],
    ['no-contradiction', 'a COMMIT, and a later view in P', listed({ prepared: [entry(B, 2, 3)] })],
    ['no-contradiction', 'a COMMIT below h', listed(LOW)],
    ['no-contradiction', 'a COMMIT at h', listed({ lowWaterMark: seq(3), root: root('r') })],
    ['no-contradiction', 'a COMMIT of the view that it left for', listed({}, commit(2, 3, A, 3))],
    ['no-contradiction', 'a COMMIT of a later view', listed({}, commit(2, 3, A, 4))],
    ['no-contradiction', 'a COMMIT of another node', listed({}, commit(0, 3, A, 1))],
    ['no-contradiction', 'a valid VIEW-CHANGE', invalid({ ...PREPARED, checkpoints: [checkpoint(4, 'r')] })],
    ['no-contradiction', 'a NEW-VIEW that follows', wrong(withSupports(SUPPORTS, [A]))],
    ['missing-view-change', 'a NEW-VIEW alone', wrong([newView(SUPPORTS, [B])])],
    ['missing-view-change', 'a VIEW-CHANGE too few', wrong([newView(SUPPORTS, [B]), sign(FIRST), sign(SECOND)])],
    [
      'missing-view-change',
      'another VIEW-CHANGE of a named sender',
      wrong([newView(SUPPORTS, [A]), sign(FIRST), sign(SECOND), viewChange(3, 1)]),
    ],
    [
      'missing-view-change',
      'the same claims of another sender',
      wrong([newView(SUPPORTS, [B]), sign(FIRST), sign(SECOND), viewChange(1, 1, PREPARED)]),
    ],
    [
      'irrelevant-statement',
      'a VIEW-CHANGE that it does not name',
      wrong([...withSupports(SUPPORTS, [B]), viewChange(1, 1)]),
    ],
    ['bad-signature', 'a NEW-VIEW signed by a backup', wrong(withSupports(SUPPORTS, [B], { by: 2 }))],
    [
      'missing-view-change',
      'NEW-VIEWs for two views',
      wrong([newView(SUPPORTS, [A]), newView(SUPPORTS, [B], { view: 5 })]),
    ],
    ['no-contradiction', 'one NEW-VIEW twice', wrong([newView(SUPPORTS, [A]), newView(SUPPORTS, [A])])],
    [
      'irrelevant-statement',
      'a VIEW-CHANGE that neither names',
      wrong([newView(SUPPORTS, [A]), newView(SUPPORTS, [B]), viewChange(1, 1)]),
    ],
    ['no-contradiction', 'the PRE-PREPARE of what it chose', wrong([newView([], [A]), prePrepare(1, 1, A, 1)], 1)],
    ['no-contradiction', 'a PRE-PREPARE above its choice', wrong([newView([], [A]), prePrepare(1, 2, B, 1)], 2)],
    ['no-contradiction', 'a PRE-PREPARE of another view', wrong([newView([], [A]), prePrepare(1, 1, B, 5)], 1)],
  ])('%s: %s', (code, _, said) => {
    expect(codeOf(judged(said))).toBe(code);
  });

  test('a VIEW-CHANGE of another cluster', () => {
    const foreign = signed(2, viewChangeSchema.content, content(2, 3, PREPARED), FOREIGN);
    expect(codeOf(judged(contradictory(3, 0, viewChange(2, 3), foreign)))).toBe('foreign-cluster');
  });
});

test('beside two NEW-VIEWs the VIEW-CHANGEs that they name may stand, as nodes give them out', () => {
  const other = [FIRST, SECOND, content(3, 1)];
  const said = wrong([...withSupports(SUPPORTS, [A]), ...withSupports(other, [A])]);
  expect(judged(said)).toEqual(PROOF);
  expect(codeOf(judged({ ...said, statements: [...said.statements, sign(content(1, 1))] }))).toBe(
    'irrelevant-statement',
  );
  expect(sign(THIRD)).toEqual(said.statements[3]);
});

describe('a third party that does not know the bounds', () => {
  const unknowing = { ...rules(), limits: undefined };
  test.each<readonly [string, string, Said]>([
    ['unknown-limits', 'a number above a window', invalid({ prepared: [entry(A, 0, 5)] })],
    ['proven', 'a number above every window', invalid({ prepared: [entry(A, 0, 4097)] })],
    ['unknown-limits', 'a valid one', invalid({})],
    ['proven', 'a view that had not begun', invalid({ prePrepared: [entry(A, 3)] })],
    ['unknown-limits', 'a NEW-VIEW that follows', wrong(withSupports(SUPPORTS, [A]))],
    ['proven', 'a NEW-VIEW that does not', wrong(withSupports(SUPPORTS, [B]))],
    [
      'proven',
      'a number beyond all memory in a NEW-VIEW',
      wrong(withSupports([FIRST, SECOND, content(3, 1, { prepared: [entry(A, 0, 2 ** 50)] })], [A])),
    ],
    ['proven', 'a COMMIT that P leaves out', contradictory(3, 3, viewChange(2, 3), commit(2, 3, A, 1))],
  ])('%s: %s', (code, _, said) => {
    expect(codeOf(judged(said, unknowing))).toBe(code);
  });
});
