import { describe, expect, test } from 'vitest';
import { NULL_DIGEST, asSequence, asView } from '../base/ids.ts';
import { validateClaims } from './view-change-claims.ts';
import type { ViewChangeClaims } from './view-change-claims.ts';
import { A, B, checkpoint, claim, digest, entry, root } from '../../test/support/view-change-kit.ts';

const LIMITS = { window: 4, digestsPerSlot: 1 };
const TO = asView(3);
const validate = (given: Partial<ViewChangeClaims>): unknown => validateClaims(claim(1, given), TO, LIMITS);

/** A stable checkpoint at 10: the window is 11 to 14. */
const high = (given: Partial<ViewChangeClaims>): Partial<ViewChangeClaims> => ({
  lowWaterMark: asSequence(10),
  root: root('r'),
  ...given,
});

describe('claims are valid', () => {
  test.each<readonly [string, Partial<ViewChangeClaims>]>([
    ['with nothing in them, at genesis', {}],
    ['with nothing in them, at a checkpoint', high({})],
    ['in the whole window', high({ prepared: [entry(A, 2, 11), entry(A, 0, 12), entry(NULL_DIGEST, 1, 14)] })],
    ['with checkpoints in the whole window', high({ checkpoints: [checkpoint(11, 'r'), checkpoint(14, 'r')] })],
    [
      'with as many digests for a number as twice the cap and null, for each number',
      { prePrepared: [NULL_DIGEST, A, B].flatMap((each) => entry(each, 2, 1)).concat(entry(A, 2, 2), entry(B, 0, 2)) },
    ],
    ['if P names what Q does not: nothing depends on more than is signed', { prepared: [entry(A, 2)] }],
  ])('%s', (_, given) => {
    expect(validate(given)).toBeUndefined();
  });

  test('up to the largest numbers', () => {
    const lowWaterMark = asSequence(Number.MAX_SAFE_INTEGER - 1);
    const top = [entry(A, 2, Number.MAX_SAFE_INTEGER)];
    expect(validate({ lowWaterMark, root: root('r'), prepared: top, prePrepared: top })).toBeUndefined();
  });
});

describe('claims are refused', () => {
  test.each<readonly [string, Partial<ViewChangeClaims>, unknown]>([
    ['with a root at genesis', { root: root('r') }, { code: 'genesis-root' }],
    ['with the null digest as root of a checkpoint', high({ root: NULL_DIGEST }), { code: 'genesis-root' }],
    [
      'with a checkpoint at h',
      high({ checkpoints: [checkpoint(10, 'r')] }),
      { code: 'outside-window', list: 'C', sequence: 10 },
    ],
    [
      'with a checkpoint above the window',
      high({ checkpoints: [checkpoint(12, 'r'), checkpoint(15, 'r')] }),
      { code: 'outside-window', list: 'C', sequence: 15 },
    ],
    [
      'with two roots for a number',
      { checkpoints: [checkpoint(2, 'r'), checkpoint(2, 's')] },
      { code: 'not-ascending', list: 'C', sequence: 2 },
    ],
    [
      'with checkpoints that descend',
      { checkpoints: [checkpoint(2, 'r'), checkpoint(1, 's')] },
      { code: 'not-ascending', list: 'C', sequence: 1 },
    ],
    ['with P at h', high({ prepared: [entry(A, 2, 10)] }), { code: 'outside-window', list: 'P', sequence: 10 }],
    [
      'with P above the window',
      high({ prepared: [entry(A, 2, 15)] }),
      { code: 'outside-window', list: 'P', sequence: 15 },
    ],
    [
      'with two entries for a number in P',
      { prepared: [entry(A, 1), entry(B, 2)] },
      { code: 'not-ascending', list: 'P', sequence: 1 },
    ],
    [
      'with P that descends',
      { prepared: [entry(A, 1, 3), entry(A, 1, 2)] },
      { code: 'not-ascending', list: 'P', sequence: 2 },
    ],
    [
      'with P of the view they go to',
      { prepared: [entry(A, 3)] },
      { code: 'view-too-high', list: 'P', sequence: 1, view: 3 },
    ],
    ['with Q at h', high({ prePrepared: [entry(A, 2, 10)] }), { code: 'outside-window', list: 'Q', sequence: 10 }],
    [
      'with Q above the window',
      high({ prePrepared: [entry(A, 2, 15)] }),
      { code: 'outside-window', list: 'Q', sequence: 15 },
    ],
    [
      'with a digest twice for a number in Q',
      { prePrepared: [entry(A, 1), entry(A, 2)] },
      { code: 'not-ascending', list: 'Q', sequence: 1 },
    ],
    [
      'with digests that descend in Q',
      { prePrepared: [entry(B, 1), entry(A, 1)] },
      { code: 'not-ascending', list: 'Q', sequence: 1 },
    ],
    [
      'with numbers that descend in Q',
      { prePrepared: [entry(A, 1, 2), entry(B, 1, 1)] },
      { code: 'not-ascending', list: 'Q', sequence: 1 },
    ],
    [
      'with Q of a later view',
      { prePrepared: [entry(A, 1), entry(B, 4)] },
      { code: 'view-too-high', list: 'Q', sequence: 1, view: 4 },
    ],
    [
      'with more digests for a number than twice the cap',
      { prePrepared: [entry(A, 1, 1), ...[NULL_DIGEST, A, B, digest('c')].map((each) => entry(each, 1, 2))] },
      { code: 'too-many-digests', sequence: 2 },
    ],
  ])('%s', (_, given, reason) => {
    expect(validate(given)).toEqual(reason);
  });

  test('with anything prepared or pre-prepared, for view 0', () => {
    expect(validateClaims(claim(1, { prepared: [entry(A, 0)] }), asView(0), LIMITS)).toMatchObject({
      code: 'view-too-high',
    });
  });
});
