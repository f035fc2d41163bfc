import { describe, expect, test } from 'vitest';
import { MAX_REPLICAS, makeQuorums, quorumsIntersect } from './quorum.ts';

const SIZES = Array.from({ length: MAX_REPLICAS }, (_, index) => index + 1);

describe('G08: the arithmetic of quorums', () => {
  test.each(SIZES)('n = %i, any two quorums share a correct replica, and the correct ones alone are a quorum', (n) => {
    const { faultLimit: f, quorum: q, weak } = makeQuorums(n);
    expect(f).toBe(Math.floor((n - 1) / 3));
    expect(2 * q - n).toBeGreaterThanOrEqual(f + 1);
    expect(q).toBeLessThanOrEqual(n - f);
    expect(weak).toBe(f + 1);
    expect(quorumsIntersect(makeQuorums(n))).toBe(true);
  });

  test.each(SIZES)('n = %i: with one vote less two quorums need not', (n) => {
    const { faultLimit: f, quorum: q } = makeQuorums(n);
    expect(2 * (q - 1) - n).toBeLessThan(f + 1);
  });

  test('for n = 3f+1 it is the 2f+1 of the paper', () => {
    for (let f = 0; f <= 10; f += 1) expect(makeQuorums(3 * f + 1).quorum).toBe(2 * f + 1);
  });

  test('the figures everybody asks for', () => {
    const table = [1, 2, 3, 4, 5, 6, 7].map((n) => [n, makeQuorums(n).faultLimit, makeQuorums(n).quorum]);
    expect(table).toEqual([
      [1, 0, 1],
      [2, 0, 2],
      [3, 0, 2],
      [4, 1, 3],
      [5, 1, 4],
      [6, 1, 4],
      [7, 2, 5],
    ]);
  });
});

describe('the rule 2f+1 taken literally, for demonstration', () => {
  test('three nodes: quorums of one, which need not meet', () => {
    const quorums = makeQuorums(3, '2f+1');
    expect(quorums).toMatchObject({ faultLimit: 0, quorum: 1, rule: '2f+1' });
    expect(quorumsIntersect(quorums)).toBe(false);
  });

  test.each(SIZES)('n = %i: two of its quorums share a correct replica only for n = 3f+1', (n) => {
    expect(quorumsIntersect(makeQuorums(n, '2f+1'))).toBe((n - 1) % 3 === 0);
  });
});

test.each([0, 32, 4.5, -1, Number.NaN])('n = %s is refused', (n) => {
  expect(() => makeQuorums(n)).toThrow('n is an integer from 1 to 31');
});
