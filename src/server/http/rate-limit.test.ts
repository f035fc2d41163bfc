import { describe, expect, it } from 'vitest';
import { RateLimiter } from './rate-limit.ts';

describe('RateLimiter', () => {
  it('lets a burst through, then says how long to wait, then fills again', () => {
    const limiter = new RateLimiter({ perSecond: 2, burst: 3, addresses: 10 });
    expect([1, 2, 3].map(() => limiter.take('a', 1, 0))).toEqual([undefined, undefined, undefined]);
    expect(limiter.take('a', 1, 0)).toBe(1);
    expect(limiter.take('a', 4, 0)).toBe(2);
    expect(limiter.take('a', 1, 500)).toBeUndefined();
    expect(limiter.take('a', 1, 500)).toBe(1);
  });

  it('keeps addresses apart', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1, addresses: 10 });
    expect(limiter.take('a', 1, 0)).toBeUndefined();
    expect(limiter.take('b', 1, 0)).toBeUndefined();
    expect(limiter.take('a', 1, 0)).toBe(1);
  });

  it('remembers no more addresses than it may, and forgets the one unheard of longest', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1, addresses: 2 });
    for (const address of ['a', 'b', 'a', 'c', 'd']) limiter.take(address, 1, 0);
    expect(limiter.size).toBe(2);
  });
});
