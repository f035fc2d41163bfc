import { describe, expect, test } from 'vitest';
import { GENESIS, NULL_DIGEST, asDigest, asSequence } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import { checkChoice, decide } from './decision.ts';
import type { NewViewChoice } from './decision.ts';
import { makeQuorums } from './quorum.ts';
import type { ClaimedCheckpoint, ViewChangeClaims } from './view-change-claims.ts';
import { A, B, checkpoint, claim, digest, entry, root } from '../../test/support/view-change-kit.ts';

const FOUR = makeQuorums(4);
const everything = (): boolean => true;
const nothing = (): boolean => false;

const GENESIS_START: ClaimedCheckpoint = { sequence: GENESIS, root: NULL_DIGEST };

function choice(
  slots: readonly (readonly [number, Digest])[],
  start: ClaimedCheckpoint = GENESIS_START,
): NewViewChoice {
  return { start, slots: slots.map(([sequence, what]) => ({ sequence: asSequence(sequence), digest: what })) };
}

const chosen = (...of: Parameters<typeof choice>): unknown => ({ kind: 'chosen', choice: choice(...of) });

/** What the decision and the check say of a choice for sequence 1 from genesis. */
const checkOne = (what: Digest, claims: readonly ViewChangeClaims[]): unknown =>
  checkChoice(choice([[1, what]]), claims, FOUR);
const unjustified = (what: Digest): unknown => ({ code: 'unjustified-digest', sequence: 1, digest: what });

/** A correct replica that prepared `what` in `view`. */
const preparedAt = (index: number, what: Digest, view: number): ViewChangeClaims =>
  claim(index, { prepared: [entry(what, view)], prePrepared: [entry(what, view)] });
/** A correct replica that accepted `what` in `view` and prepared nothing. */
const acceptedAt = (index: number, what: Digest, view: number): ViewChangeClaims =>
  claim(index, { prePrepared: [entry(what, view)] });

/** Three replicas of four, of which the last may be the liar, in each order. */
function inEveryOrder(claims: readonly ViewChangeClaims[]): readonly (readonly ViewChangeClaims[])[] {
  return claims.length <= 1
    ? [claims]
    : claims.flatMap((first) =>
        inEveryOrder(claims.filter((other) => other !== first)).map((rest) => [first, ...rest]),
      );
}

describe('the choice', () => {
  test('is empty where nobody prepared anything', () => {
    const claims = [claim(0), acceptedAt(1, A, 0), claim(2)];
    expect(decide(claims, FOUR, nothing)).toEqual(chosen([]));
    expect(checkChoice(choice([]), claims, FOUR)).toBeUndefined();
  });

  test('is what may have committed, with null for the gaps below the highest prepared number', () => {
    const slots = { prepared: [entry(A, 0, 1), entry(B, 0, 3)], prePrepared: [entry(A, 0, 1), entry(B, 0, 3)] };
    const claims = [claim(0, slots), claim(1, slots), claim(2)];
    const expected = choice([
      [1, A],
      [2, NULL_DIGEST],
      [3, B],
    ]);
    expect(decide(claims, FOUR, everything)).toEqual({ kind: 'chosen', choice: expected });
    expect(checkChoice(expected, claims, FOUR)).toBeUndefined();
  });

  test('is the digest of the highest view, then the smallest, whatever the order of the claims', () => {
    const both = [entry(A, 1), entry(B, 1)];
    const later = [
      claim(0, { prePrepared: both }),
      claim(1, { prepared: [entry(A, 0)], prePrepared: both }),
      claim(2, { prepared: [entry(B, 1)], prePrepared: both }),
      claim(3),
    ];
    for (const claims of inEveryOrder(later)) expect(decide(claims, FOUR, everything)).toEqual(chosen([[1, B]]));
    const equal = [
      claim(0, { prepared: [entry(B, 1)], prePrepared: both }),
      claim(1, { prepared: [entry(A, 1)], prePrepared: both }),
      claim(2),
      claim(3),
    ];
    for (const claims of inEveryOrder(equal)) expect(decide(claims, FOUR, everything)).toEqual(chosen([[1, A]]));
  });

  test('falls to the next digest that passes when the body of the best is not held', () => {
    const both = [entry(A, 1), entry(B, 1)];
    const claims = [
      claim(0, { prePrepared: both }),
      claim(1, { prepared: [entry(A, 0)], prePrepared: both }),
      claim(2, { prepared: [entry(B, 1)], prePrepared: both }),
      claim(3),
    ];
    expect(decide(claims, FOUR, (sequence, what) => sequence === 1 && what === A)).toEqual(chosen([[1, A]]));
    expect(checkOne(A, claims)).toBeUndefined();
  });

  test('is null where q prepared nothing and no body is held of what else passes', () => {
    const claims = [claim(0), acceptedAt(1, A, 0), claim(2), preparedAt(3, A, 0)];
    expect(decide(claims, FOUR, nothing)).toEqual(chosen([[1, NULL_DIGEST]]));
    expect(decide(claims, FOUR, everything)).toEqual(chosen([[1, A]]));
  });

  test('waits for a body, naming all that would do, where null is not allowed', () => {
    const both = [entry(A, 1), entry(B, 1)];
    const claims = [
      claim(0, { prepared: [entry(A, 0)], prePrepared: both }),
      claim(1, { prepared: [entry(B, 1)], prePrepared: both }),
      claim(2),
    ];
    expect(decide(claims, FOUR, nothing)).toEqual({
      kind: 'waiting',
      reason: { code: 'slots', start: GENESIS_START, slots: [{ sequence: 1, fetch: [B] }] },
    });
    const more = [...claims, claim(3)];
    expect(decide(more, FOUR, nothing)).toMatchObject({ reason: { slots: [{ fetch: [B, A] }] } });
  });

  test('waits for more claims where nothing passes', () => {
    const claims = [preparedAt(0, A, 0), preparedAt(1, B, 1), claim(2)];
    expect(decide(claims, FOUR, everything)).toMatchObject({
      kind: 'waiting',
      reason: { code: 'slots', slots: [{ sequence: 1, fetch: [] }] },
    });
    expect(decide([...claims, acceptedAt(3, B, 1)], FOUR, everything)).toEqual(chosen([[1, B]]));
  });

  test('needs q claims', () => {
    const claims = [claim(0), claim(1)];
    expect(decide(claims, FOUR, everything)).toEqual({
      kind: 'waiting',
      reason: { code: 'claims', count: 2, needed: 3 },
    });
    expect(checkChoice(choice([]), claims, FOUR)).toEqual({ code: 'too-few-claims', count: 2, needed: 3 });
  });

  test('counts each replica once', () => {
    const claims = [claim(0), claim(1), claim(1)];
    expect(checkChoice(choice([]), claims, FOUR)).toEqual({ code: 'repeated-replica', replica: 1 });
    expect(() => decide(claims, FOUR, everything)).toThrow('one VIEW-CHANGE per replica');
  });

  test('keeps the null batch where it prepared: its body is held by everyone', () => {
    const claims = [preparedAt(0, NULL_DIGEST, 1), preparedAt(1, NULL_DIGEST, 1), preparedAt(2, A, 0)];
    expect(decide(claims, FOUR, nothing)).toEqual(chosen([[1, NULL_DIGEST]]));
    expect(checkOne(NULL_DIGEST, claims)).toBeUndefined();
    expect(checkOne(A, claims)).toEqual(unjustified(A));
  });
});

describe('A1', () => {
  test('what all correct replicas prepared in one view passes: digests of the same view count if they are the same', () => {
    const claims = [preparedAt(0, A, 0), preparedAt(1, A, 0), preparedAt(2, A, 0)];
    expect(decide(claims, FOUR, everything)).toEqual(chosen([[1, A]]));
    expect(checkOne(A, claims)).toBeUndefined();
  });

  test('another digest of the same view does not pass: a liar that showed it to one replica cannot undo what committed', () => {
    const claims = [preparedAt(0, B, 1), preparedAt(1, B, 1), acceptedAt(2, A, 1), preparedAt(3, A, 1)];
    expect(decide(claims, FOUR, everything)).toEqual(chosen([[1, B]]));
    expect(checkOne(A, claims)).toEqual(unjustified(A));
  });

  test('a digest of an earlier view does not pass', () => {
    const claims = [preparedAt(0, A, 1), preparedAt(1, A, 1), preparedAt(2, B, 0), preparedAt(3, B, 0)];
    expect(checkOne(B, claims)).toEqual(unjustified(B));
  });

  test('takes q claims: q−1 could all be of replicas that had no part in what committed', () => {
    const claims = [preparedAt(0, A, 1), acceptedAt(1, B, 0), preparedAt(3, B, 0)];
    expect(decide(claims, FOUR, everything)).toMatchObject({ kind: 'waiting' });
    expect(checkOne(B, claims)).toEqual(unjustified(B));
  });
});

describe('A2', () => {
  test('one liar cannot claim a digest into a later view where it never was proposed', () => {
    const claims = [preparedAt(0, A, 0), preparedAt(1, A, 0), preparedAt(3, B, 1)];
    expect(decide(claims, FOUR, everything)).toEqual({
      kind: 'waiting',
      reason: { code: 'slots', start: GENESIS_START, slots: [{ sequence: 1, fetch: [] }] },
    });
    expect(checkOne(B, claims)).toEqual(unjustified(B));
    expect(decide([...claims, preparedAt(2, A, 0)], FOUR, everything)).toEqual(chosen([[1, A]]));
  });

  test('who pre-prepared it only in an earlier view does not vouch for a later one', () => {
    const claims = [preparedAt(0, A, 0), preparedAt(1, A, 0), acceptedAt(2, B, 0), preparedAt(3, B, 1)];
    expect(checkOne(B, claims)).toEqual(unjustified(B));
    expect(decide(claims, FOUR, everything)).toEqual(chosen([[1, A]]));
  });

  test('who pre-prepared it again in a later view does', () => {
    const claims = [preparedAt(0, A, 0), acceptedAt(1, A, 2), claim(2)];
    expect(decide(claims, FOUR, everything)).toEqual(chosen([[1, A]]));
  });
});

describe('B', () => {
  test('null needs q that prepared nothing: q−1 may be the liar and who had no part in what committed', () => {
    const claims = [preparedAt(0, A, 0), claim(2), claim(3)];
    expect(decide(claims, FOUR, everything)).toMatchObject({ kind: 'waiting' });
    expect(checkOne(NULL_DIGEST, claims)).toEqual(unjustified(NULL_DIGEST));
    const more = [...claims, claim(1)];
    expect(decide(more, FOUR, everything)).toEqual(chosen([[1, NULL_DIGEST]]));
    expect(checkOne(NULL_DIGEST, more)).toBeUndefined();
  });

  test('no other digest is allowed by it', () => {
    const claims = [claim(0), claim(1), claim(2), preparedAt(3, A, 0)];
    expect(checkOne(A, claims)).toEqual(unjustified(A));
  });
});

describe('the start', () => {
  const startOf = (claims: readonly ViewChangeClaims[]): unknown => {
    const decision = decide(claims, FOUR, everything);
    return decision.kind === 'chosen' ? decision.choice.start : decision;
  };
  const proven = (index: number, sequence: number, letter: string): ViewChangeClaims =>
    claim(index, { lowWaterMark: asSequence(sequence), root: root(letter) });

  test('is the highest checkpoint that f+1 list: what one lists is nothing yet', () => {
    const listing = { checkpoints: [checkpoint(2, 'r'), checkpoint(4, 's')] };
    expect(startOf([claim(0, listing), claim(1), claim(2)])).toEqual(GENESIS_START);
    const claims = [claim(0, listing), claim(1, { checkpoints: [checkpoint(2, 'r')] }), claim(2)];
    expect(startOf(claims)).toEqual(checkpoint(2, 'r'));
    expect(checkChoice(choice([], checkpoint(4, 's')), claims, FOUR)).toEqual({
      code: 'wrong-start',
      expected: checkpoint(2, 'r'),
    });
    expect(checkChoice(choice([]), claims, FOUR)).toMatchObject({ code: 'wrong-start' });
    expect(checkChoice(choice([], checkpoint(2, 'r')), claims, FOUR)).toBeUndefined();
  });

  test('takes f+1 that list the same root', () => {
    const claims = [
      claim(0, { checkpoints: [checkpoint(2, 'r')] }),
      claim(1, { checkpoints: [checkpoint(2, 's')] }),
      claim(2),
    ];
    expect(startOf(claims)).toEqual(GENESIS_START);
    expect(startOf([...claims, claim(3, { checkpoints: [checkpoint(2, 's')] })])).toEqual(checkpoint(2, 's'));
    expect(checkChoice(choice([], checkpoint(2, 'r')), claims, FOUR)).toMatchObject({ code: 'wrong-start' });
  });

  test('is what one proves, though nobody else knows of it', () => {
    const claims = [proven(0, 4, 'r'), claim(1), claim(2)];
    expect(startOf(claims)).toEqual(checkpoint(4, 'r'));
  });

  test('is never below an h in the claims, whatever f+1 list', () => {
    const low = { checkpoints: [checkpoint(2, 'r')] };
    expect(startOf([claim(0, low), claim(1, low), proven(2, 4, 's')])).toEqual(checkpoint(4, 's'));
    expect(startOf([claim(0, low), proven(1, 1, 'q'), claim(2, low)])).toEqual(checkpoint(2, 'r'));
  });

  test('leaves behind what was prepared at or below it', () => {
    const old = { prepared: [entry(A, 0, 4), entry(B, 0, 5)], prePrepared: [entry(A, 0, 4), entry(B, 0, 5)] };
    const claims = [claim(0, old), claim(1, old), proven(2, 4, 's')];
    expect(decide(claims, FOUR, everything)).toEqual(chosen([[5, B]], checkpoint(4, 's')));
  });

  test('does not depend on the order of the claims, with two roots at one number neither', () => {
    const claims = [proven(0, 4, 's'), proven(1, 4, 'r'), claim(2)];
    for (const order of inEveryOrder(claims)) expect(startOf(order)).toEqual(checkpoint(4, 'r'));
  });
});

describe('the check refuses', () => {
  const slots = { prepared: [entry(A, 0, 1), entry(B, 0, 2)], prePrepared: [entry(A, 0, 1), entry(B, 0, 2)] };
  const claims = [claim(0, slots), claim(1, slots), claim(2, slots)];
  const check = (...entries: readonly (readonly [number, Digest])[]): unknown =>
    checkChoice(choice(entries), claims, FOUR);

  test('nothing that follows from the claims', () => {
    expect(check([1, A], [2, B])).toBeUndefined();
  });

  test.each([
    ['an entry missing at the end', [[1, A]], { code: 'missing-slot', sequence: 2 }],
    ['an entry missing at the beginning', [[2, B]], { code: 'missing-slot', sequence: 1 }],
    ['no entry at all', [], { code: 'missing-slot', sequence: 1 }],
    [
      'two entries in the wrong order',
      [
        [2, B],
        [1, A],
      ],
      { code: 'missing-slot', sequence: 1 },
    ],
    [
      'an entry twice',
      [
        [1, A],
        [1, A],
        [2, B],
      ],
      { code: 'missing-slot', sequence: 2 },
    ],
    [
      'an entry above the highest prepared number',
      [
        [1, A],
        [2, B],
        [3, NULL_DIGEST],
      ],
      { code: 'excess-slot', sequence: 3 },
    ],
    [
      'another digest',
      [
        [1, A],
        [2, A],
      ],
      { code: 'unjustified-digest', sequence: 2, digest: A },
    ],
    [
      'an invented digest',
      [
        [1, digest('z')],
        [2, B],
      ],
      { code: 'unjustified-digest', sequence: 1, digest: digest('z') },
    ],
    [
      'null for what committed',
      [
        [1, NULL_DIGEST],
        [2, B],
      ],
      { code: 'unjustified-digest', sequence: 1, digest: NULL_DIGEST },
    ],
  ] as const)('%s', (_, entries, failure) => {
    expect(check(...entries)).toEqual(failure);
  });

  test('an entry at the start', () => {
    const high = claims.map((one) => ({ ...one, lowWaterMark: asSequence(1), root: root('r'), prepared: [] }));
    expect(checkChoice(choice([[1, A]], checkpoint(1, 'r')), high, FOUR)).toEqual({ code: 'excess-slot', sequence: 1 });
  });
});

test('q = 2 of three nodes: what one of them prepared with the other stays, with f = 0', () => {
  const three = makeQuorums(3);
  const claims = [preparedAt(0, A, 0), acceptedAt(1, A, 0)];
  expect(decide(claims, three, everything)).toEqual(chosen([[1, A]]));
  expect(checkChoice(choice([[1, NULL_DIGEST]]), claims, three)).toMatchObject({ code: 'unjustified-digest' });
});

test('the largest claims there can be, a million entries from 31 replicas, are decided and checked', () => {
  const quorums = makeQuorums(31);
  const numbers = Array.from({ length: 256 }, (_, index) => index + 1);
  const digests = Array.from({ length: 128 }, (_, index) => asDigest((index + 1).toString(16).padStart(64, '0')));
  const prePrepared = numbers.flatMap((sequence) => digests.map((what) => entry(what, 9, sequence)));
  const claims = Array.from({ length: 31 }, (_, index) => {
    const prepared = numbers.map((sequence) => entry(digests[index] ?? A, index % 9, sequence));
    return claim(index, { prepared, prePrepared });
  });
  const decision = decide(claims, quorums, everything);
  // Three replicas name each of the views 8, 7, …: the best is the smallest digest of view 8, that of replica 8.
  const expected = choice(numbers.map((sequence) => [sequence, digests[8] ?? A]));
  expect(decision).toEqual({ kind: 'chosen', choice: expected });
  expect(checkChoice(expected, claims, quorums)).toBeUndefined();
}, 60_000);
