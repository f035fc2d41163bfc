import { describe, expect, test } from 'vitest';
import { measureAgreement } from '../../bench/support/agreement-cost.ts';

// What agreement on one batch takes [OSDI'99 §4.2]: the primary tells each backup, each backup tells all others, and then everybody tells everybody.

describe.each([4, 5, 7, 10])('a batch of %i nodes', (replicaCount) => {
  test.each([1, 16])('of %i requests takes 2 n (n − 1) frames', (batchRequests) => {
    const batches = 10;
    const { frames, requests } = measureAgreement({ replicaCount, batchRequests, batches });
    expect(requests).toBe(batches * batchRequests);
    const others = replicaCount - 1;
    const agreeing = new Map(frames);
    agreeing.delete('status');
    expect(Object.fromEntries(agreeing)).toEqual({
      'pre-prepare': batches * others,
      prepare: batches * others * others,
      commit: batches * replicaCount * others,
    });
  });
});
