import { describe, expect, test } from 'vitest';
import { median, percentile, Samples, summarize } from './statistics.ts';

describe('median', () => {
  test('the middle one, in whatever order they come', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4])).toBe(4);
  });

  test('of an even number, the mean of the two in the middle', () => {
    expect(median([10, 1, 4, 2])).toBe(3);
  });

  test('numbers are ordered as numbers', () => {
    expect(median([100, 20, 3])).toBe(20);
  });

  test('there is none of nothing', () => {
    expect(() => median([])).toThrow('a median is of something');
  });
});

test('a summary has median, least and greatest', () => {
  expect(summarize([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
});

describe('percentile', () => {
  const hundred = Float64Array.from({ length: 100 }, (_, index) => index + 1);

  test('nearest rank', () => {
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 1)).toBe(100);
  });

  test('of one sample, that one', () => {
    expect(percentile(Float64Array.of(7), 0.5)).toBe(7);
    expect(percentile(Float64Array.of(7), 0.99)).toBe(7);
  });

  test('of few samples, the highest ones are the greatest', () => {
    expect(percentile(Float64Array.of(1, 2, 3), 0.99)).toBe(3);
  });

  test('there is none of nothing', () => {
    expect(() => percentile(new Float64Array(0), 0.5)).toThrow('a percentile is of something');
  });
});

describe('samples', () => {
  test('come back in order, all of them, also beyond the room there was at first', () => {
    const samples = new Samples();
    const count = 200_000;
    for (let value = count; value > 0; value -= 1) samples.add(value);
    const ascending = samples.ascending();
    expect(samples.count).toBe(count);
    expect(ascending).toHaveLength(count);
    expect([ascending[0], ascending[count - 1]]).toEqual([1, count]);
  });

  test('none is none', () => {
    expect(new Samples().ascending()).toHaveLength(0);
  });
});
