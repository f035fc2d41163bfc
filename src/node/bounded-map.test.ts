import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoundedMap } from './bounded-map.ts';

test('holds at least as many of those used last as it may, and never twice as many more', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.tuple(fc.constantFrom('get', 'set', 'delete'), fc.nat(15)), { maxLength: 200 }),
      (limit, steps) => {
        const map = new BoundedMap<number, string>(limit);
        let used: number[] = [];
        const deleted = new Set<number>();
        for (const [kind, key] of steps) {
          // Looking counts as a use.
          const isUsed = map.get(key) !== undefined || kind === 'set';
          if (kind === 'set') map.set(key, `value ${key}`);
          else if (kind === 'delete') map.delete(key);
          if (isUsed) used = [...used.filter((other) => other !== key), key];
          if (kind === 'delete') deleted.add(key);
          else if (kind === 'set') deleted.delete(key);
          expect(map.size).toBeLessThanOrEqual(2 * limit);
          // In the order in which they were used. What was deleted counts: what it had pushed out before does not come back.
          const recent = used.slice(-limit).filter((other) => !deleted.has(other));
          expect(recent.map((other) => map.get(other))).toEqual(recent.map((other) => `value ${other}`));
        }
      },
    ),
  );
});

test('what was not set is not here, and a value that is set again is the new one', () => {
  const map = new BoundedMap<string, number>(2);
  expect(map.get('a')).toBeUndefined();
  map.set('a', 1);
  map.set('b', 2);
  map.set('c', 3);
  map.set('a', 4);
  expect(map.get('a')).toBe(4);
  map.delete('a');
  expect(map.get('a')).toBeUndefined();
});
