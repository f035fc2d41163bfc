import { describe, expect, test } from 'vitest';
import { editDistance, nearestName } from './nearest-name.ts';

describe('edit distance', () => {
  test.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', '', 3],
    ['abc', 'abd', 1],
    ['abc', 'acb', 1],
    ['pipline', 'pipeline', 1],
    ['kitten', 'sitting', 3],
  ])('%j and %j: %i', (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
    expect(editDistance(right, left)).toBe(distance);
  });
});

describe('nearest name', () => {
  const known = ['http', 'peer', 'pipeline', 'quorum_rule', 'checkpoint_interval'];

  test.each([
    ['pipline', 'pipeline'],
    ['quorumRule', 'quorum_rule'],
    ['checkpoint-intervall', 'checkpoint_interval'],
    ['htpt', 'http'],
  ])('%s means %s', (name, meant) => {
    expect(nearestName(name, known)).toBe(meant);
  });

  test.each(['', 'x', 'banana', 'p'.repeat(100)])('nothing is near %j', (name) => {
    expect(nearestName(name, known)).toBeUndefined();
  });
});
