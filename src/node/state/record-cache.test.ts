import { describe, expect, it } from 'vitest';
import { NumberSet } from './number-set.ts';
import { RecordCache } from './record-cache.ts';

const BYTES = 10;

describe('RecordCache', () => {
  it('keeps what is used, forgets what is not, and never more than its bound', () => {
    const cache = new RecordCache<string>(1000);
    const kept = (): number => Array.from({ length: 1000 }, (_, i) => i).filter((i) => cache.get(i, () => 0)).length;
    for (let i = 0; i < 1000; i += 1) {
      cache.set(i, `value ${i}`, BYTES);
      expect(cache.get(0, () => BYTES)).toBe('value 0');
    }
    expect(cache.get(999, () => BYTES)).toBe('value 999');
    expect(cache.get(500, () => BYTES)).toBeUndefined();
    expect(kept()).toBeLessThanOrEqual(100);
    expect(kept()).toBeGreaterThan(40);
    cache.clear();
    expect(kept()).toBe(0);
  });

  it('does not keep what would fill it alone', () => {
    const cache = new RecordCache<string>(1000);
    cache.set(1, 'large', 200);
    expect(cache.get(1, () => 200)).toBeUndefined();
  });
});

describe('NumberSet', () => {
  it('has what was added, within its range', () => {
    const set = new NumberSet(100, 1000);
    const added = [100, 107, 108, 511, 999];
    for (const number of [...added, 99, 1000, -1]) set.add(number);
    expect(Array.from({ length: 1200 }, (_, i) => i - 10).filter((i) => set.has(i))).toEqual(added);
    const empty = new NumberSet(5, 5);
    empty.add(5);
    expect(empty.has(5)).toBe(false);
  });
});
