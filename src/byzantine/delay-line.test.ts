import { describe, expect, test } from 'vitest';
import { DelayLine } from './delay-line.ts';

const LIMITS = { items: 3, bytes: 100 };

describe('a delay line', () => {
  test('gives back what is due, in order, once', () => {
    const line = new DelayLine<string>(LIMITS);
    line.put(10, 'a', 1);
    line.put(20, 'b', 1);
    expect(line.nextDue).toBe(10);
    expect(line.takeDue(9)).toEqual([]);
    expect(line.takeDue(10)).toEqual(['a']);
    expect(line.takeDue(30)).toEqual(['b']);
    expect(line.takeDue(30)).toEqual([]);
    expect([line.isEmpty, line.nextDue]).toEqual([true, undefined]);
  });

  test('nothing overtakes what was put before it', () => {
    const line = new DelayLine<string>(LIMITS);
    line.put(50, 'a', 1);
    line.put(10, 'b', 1);
    expect(line.takeDue(49)).toEqual([]);
    expect(line.takeDue(50)).toEqual(['a', 'b']);
  });

  test('drops what would go beyond its items or bytes, and has room again for what has left', () => {
    const line = new DelayLine<string>(LIMITS);
    expect(line.put(1, 'a', 60)).toBe(true);
    expect(line.put(1, 'b', 41)).toBe(false);
    expect(line.put(1, 'c', 20)).toBe(true);
    expect(line.put(1, 'd', 20)).toBe(true);
    expect(line.put(1, 'e', 0)).toBe(false);
    expect(line.takeAll()).toEqual(['a', 'c', 'd']);
    expect(line.put(1, 'f', 100)).toBe(true);
  });
});
