import { describe, expect, test } from 'vitest';
import { replica } from '../../test/support/core-kit.ts';
import { asDigest, asView } from '../base/ids.ts';
import { Votes } from './votes.ts';
import type { Vote } from './votes.ts';

const A = asDigest('aa'.repeat(32));
const B = asDigest('bb'.repeat(32));
const vote = (view: number, digest = A): Vote => ({ view: asView(view), digest, signature: undefined });

function votes(...cast: readonly (readonly [number, Vote])[]): Votes {
  const made = new Votes(4);
  for (const [sender, each] of cast) made.add(replica(sender), each);
  return made;
}

describe('one vote per sender', () => {
  test('G04: the same vote again counts once', () => {
    const cast = votes([1, vote(0)]);
    expect(cast.add(replica(1), vote(0))).toBe('duplicate');
    expect(cast.count(asView(0), A)).toBe(1);
  });

  test('within a view the first digest stays', () => {
    const cast = votes([1, vote(0)]);
    expect(cast.add(replica(1), vote(0, B))).toBe('contradiction');
    expect(cast.of(replica(1))).toEqual(vote(0));
  });

  test('the highest view wins, and stays', () => {
    const cast = votes([1, vote(0)]);
    expect(cast.add(replica(1), vote(2, B))).toBe('added');
    expect(cast.add(replica(1), vote(1))).toBe('older-view');
    expect(cast.of(replica(1))).toEqual(vote(2, B));
  });
});

describe('a certificate counts', () => {
  const cast = votes([0, vote(0)], [1, vote(0, B)], [2, vote(1)], [3, vote(0)]);

  test('distinct senders with exactly this view and digest', () => {
    expect(cast.count(asView(0), A)).toBe(2);
    expect(cast.voters(asView(0), A)).toEqual([0, 3]);
    expect(cast.count(asView(2), A)).toBe(0);
  });

  test('those who voted in the view for something else are the dissenters', () => {
    expect(cast.dissenters(asView(0), A)).toEqual([1]);
    expect(cast.dissenters(asView(1), B)).toEqual([2]);
    expect(cast.dissenters(asView(1), A)).toEqual([]);
    expect([cast.hasDissent(asView(0), A), cast.hasDissent(asView(1), A)]).toEqual([true, false]);
  });

  test('all votes come in order of their senders, whatever the order they came in', () => {
    expect(
      votes([3, vote(0)], [0, vote(0)])
        .entries()
        .map(([sender]) => sender),
    ).toEqual([0, 3]);
  });
});
