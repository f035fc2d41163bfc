import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { EventRing } from './event-ring.ts';
import type { EncodedEvent } from './event-ring.ts';

const event = (number: number, size: number): EncodedEvent => ({ number, kind: 'link', text: 'x'.repeat(size) });
const numbers = (ring: EventRing, above = 0): readonly number[] => ring.above(above).map(({ number }) => number);

describe('EventRing', () => {
  it('keeps the last ones, by number and by size', () => {
    const few = new EventRing({ events: 3, size: 1000 });
    for (let number = 1; number <= 100; number += 1) few.add(event(number, 10));
    expect([few.count, numbers(few), numbers(few, 98)]).toEqual([3, [98, 99, 100], [99, 100]]);
    const small = new EventRing({ events: 1000, size: 50 });
    for (let number = 1; number <= 100; number += 1) small.add(event(number, 20));
    expect([small.count, numbers(small), numbers(small, 100)]).toEqual([2, [99, 100], []]);
  });

  it('keeps one that is too large, alone', () => {
    const ring = new EventRing({ events: 3, size: 100 });
    for (const size of [10, 10, 500]) ring.add(event(size, size));
    expect(numbers(ring)).toEqual([500]);
    ring.add(event(1, 10));
    expect(numbers(ring)).toEqual([1]);
  });

  it.each([
    ['of one size', Array.from({ length: 2000 }, () => 100)],
    [
      'large ones, then many small ones',
      [...Array.from({ length: 19 }, () => 100), ...Array.from({ length: 999 }, () => 1)],
    ],
  ])('lets go of what it no longer keeps: %s', async (_, sizes) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const ring = new EventRing({ events: 10_000, size: 1000 });
    const made = sizes.map((size, index) => {
      const one = event(index + 1, size);
      ring.add(one);
      return { size, reference: new WeakRef(one) };
    });
    // A reference that was just made or looked at holds until the next turn.
    await new Promise((resolve) => setTimeout(resolve, 1));
    collect();
    const held = made.filter(({ reference }) => reference.deref() !== undefined);
    expect(held.length).toBeGreaterThanOrEqual(ring.count);
    expect(held.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(2100);
  });
});
