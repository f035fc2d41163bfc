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
        for (const [kind, key] of steps) {
          const isHere = map.get(key) !== undefined;
          if (kind === 'set') map.set(key, `value ${key}`);
          else if (kind === 'delete') map.delete(key);
          used = used.filter((other) => other !== key);
          if (kind === 'set' || (kind === 'get' && isHere)) used.push(key);
          expect(map.size).toBeLessThanOrEqual(2 * limit);
          // Looking counts as a use, in the order in which they were used.
          for (const recent of used.slice(-limit)) expect(map.get(recent)).toBe(`value ${recent}`);
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
