import { describe, expect, test } from 'vitest';
import { asDigest } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import { PrimaryPerformance } from './primary-performance.ts';

const LEAST_US = 20_000;
const AHEAD = 80;
const digest = (index: number): Digest => asDigest(index.toString(16).padStart(64, '0'));

/** `count` requests, each passed on half a second after the one before, ordered `waitUs` later; `idleUs` of that with nothing in flight. */
interface Load {
  readonly count?: number;
  readonly waitUs: number;
  readonly idleUs?: number;
  readonly batchUs?: number;
}

function measured({ count = 30, waitUs, idleUs = waitUs, batchUs = 2000 }: Load): PrimaryPerformance {
  const performance = new PrimaryPerformance();
  for (let index = 0; index < count; index += 1) {
    const at = index * 500_000;
    performance.noteBatchTime(batchUs);
    performance.notePassedOn(digest(index), at, undefined);
    performance.notePrePrepare([digest(index)], at + waitUs, idleUs > 0 ? at + waitUs - idleUs : undefined);
  }
  return performance;
}

describe('a primary is slow', () => {
  test('when it lets what it is given lie for longer than the limit, with nothing in flight', () => {
    expect(measured({ waitUs: 30_000 }).problem(LEAST_US, AHEAD)).toContain('30.0 ms');
  });

  test('not at the limit, which two batches make longer where a batch takes long', () => {
    expect(measured({ waitUs: 20_000 }).problem(LEAST_US, AHEAD)).toBeUndefined();
    expect(measured({ waitUs: 30_000, batchUs: 17_500 }).problem(LEAST_US, AHEAD)).toBeUndefined();
    expect(measured({ waitUs: 36_000, batchUs: 17_500 }).problem(LEAST_US, AHEAD)).toContain(
      '35.0 ms would be in order',
    );
  });

  test('not when it was at work for most of that time: overload is no fault', () => {
    expect(measured({ waitUs: 300_000, idleUs: 100_000 }).problem(LEAST_US, AHEAD)).toBeUndefined();
    expect(measured({ waitUs: 300_000, idleUs: 250_000 }).problem(LEAST_US, AHEAD)).toBeDefined();
  });

  test('not by one batch, however many requests it holds: all of them were passed on at one time, on entering the view', () => {
    const performance = new PrimaryPerformance();
    const requests = Array.from({ length: 40 }, (_, index) => digest(index));
    for (let time = 0; time < 20; time += 1) performance.noteBatchTime(2000);
    for (const request of requests) performance.notePassedOn(request, 0, 0);
    performance.notePrePrepare(requests, 300_000, 0);
    expect(performance.problem(LEAST_US, AHEAD)).toBeUndefined();
  });

  test('not by few measurements, nor by some of many', () => {
    expect(measured({ count: 11, waitUs: 300_000 }).problem(LEAST_US, AHEAD)).toBeUndefined();
    expect(measured({ count: 12, waitUs: 300_000 }).problem(LEAST_US, AHEAD)).toBeDefined();
    const performance = measured({ count: 20, waitUs: 300_000 });
    for (let index = 100; index < 125; index += 1) {
      performance.notePassedOn(digest(index), 1e9 + index, undefined);
      performance.notePrePrepare([digest(index)], 1e9 + index, undefined);
    }
    expect(performance.problem(LEAST_US, AHEAD)).toBeUndefined();
  });

  test('as soon as most of a second and a half say so, whatever it did before: it may be so slow that fifty take long', () => {
    const performance = new PrimaryPerformance();
    performance.noteBatchTime(2000);
    const note = (index: number, at: number, waitUs: number): void => {
      performance.notePassedOn(digest(index), at, undefined);
      performance.notePrePrepare([digest(index)], at + waitUs, at);
    };
    // One every 50 ms in time, then one every 120 ms, each 100 ms late.
    for (let index = 0; index < 50; index += 1) note(index, index * 50_000, 1000);
    for (let index = 50; index < 57; index += 1) note(index, 2_500_000 + (index - 50) * 120_000, 100_000);
    expect(performance.problem(LEAST_US, AHEAD)).toBeUndefined();
    for (let index = 57; index < 60; index += 1) note(index, 2_500_000 + (index - 50) * 120_000, 100_000);
    expect(performance.problem(LEAST_US, AHEAD)).toContain('100.0 ms');
  });

  test('by three in that time, if all are far beyond the limit and a second apart: so slow that there are no twelve', () => {
    const late = (waits: readonly number[], spacingUs: number): PrimaryPerformance => {
      const performance = measured({ count: 50, waitUs: 1000 });
      for (const [index, waitUs] of waits.entries()) {
        const at = 1e9 + index * spacingUs;
        performance.notePassedOn(digest(100 + index), at, undefined);
        performance.notePrePrepare([digest(100 + index)], at + waitUs, at);
      }
      return performance;
    };
    const slow = 400_000;
    expect(late([slow, slow, slow], 500_000).problem(LEAST_US, AHEAD)).toContain('400.0 ms');
    expect(late([slow, slow], 1_000_000).problem(LEAST_US, AHEAD)).toBeUndefined();
    // One moment in which everything stood still.
    expect(late([slow, slow, slow, slow, slow, slow], 1000).problem(LEAST_US, AHEAD)).toBeUndefined();
    expect(late([slow, 1000, slow, slow], 400_000).problem(LEAST_US, AHEAD)).toBeUndefined();
    // Four times the limit of 20 ms.
    expect(late([80_000, slow, slow], 500_000).problem(LEAST_US, AHEAD)).toBeUndefined();
    expect(late([81_000, slow, slow], 500_000).problem(LEAST_US, AHEAD)).toBeDefined();
  });

  test('also under a steady load, where other batches cut its idleness into pieces', () => {
    const performance = new PrimaryPerformance();
    performance.noteBatchTime(2000);
    // A batch every 30 ms, of which 5 ms in flight; each request waits for ten of them.
    for (let index = 0; index < 60; index += 1) {
      const at = index * 30_000;
      performance.notePassedOn(digest(index), at, undefined);
      performance.notePrePrepare(index < 10 ? [] : [digest(index - 10)], at + 25_000, at);
    }
    expect(performance.problem(LEAST_US, AHEAD)).toContain('to order what it is given');
  });

  test('twice as slow before the next one is called so, and half of that again as the cluster gets on', () => {
    const performance = measured({ waitUs: 30_000 });
    performance.distrustLess();
    expect(performance.problem(LEAST_US, AHEAD)).toBeUndefined();
    performance.relax();
    expect(performance.problem(LEAST_US, AHEAD)).toBeDefined();
  });
});

describe('a primary leaves a request out', () => {
  test('when more batches are ordered without it than can have been ahead of it', () => {
    const performance = new PrimaryPerformance();
    performance.notePassedOn(digest(0), 0, undefined);
    for (let batch = 1; batch <= AHEAD; batch += 1) performance.notePrePrepare([digest(batch)], batch, undefined);
    expect(performance.problem(LEAST_US, AHEAD)).toBeUndefined();
    performance.notePrePrepare([], AHEAD + 1, undefined);
    expect(performance.problem(LEAST_US, AHEAD)).toContain('81 batches');
  });

  test('not when the request was executed, and not in another view', () => {
    const performance = new PrimaryPerformance();
    performance.notePassedOn(digest(0), 0, undefined);
    performance.notePassedOn(digest(1), 0, undefined);
    performance.forget(digest(0));
    for (let batch = 0; batch <= AHEAD; batch += 1) performance.notePrePrepare([], batch, undefined);
    expect(performance.problem(LEAST_US, AHEAD)).toBeDefined();
    performance.forget(digest(1));
    expect(performance.problem(LEAST_US, AHEAD)).toBeUndefined();
    performance.notePassedOn(digest(2), 0, undefined);
    performance.reset();
    for (let batch = 0; batch <= AHEAD; batch += 1) performance.notePrePrepare([], batch, undefined);
    expect(performance.problem(LEAST_US, AHEAD)).toBeUndefined();
  });
});
