import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Recency } from './recency.ts';
import type { Place } from './recency.ts';

describe('items in order of last use', () => {
  it('are in the order of a list from which each is taken out and put at its end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('add', 'touch', 'remove'), fc.nat()), { maxLength: 80, size: 'max' }),
        (steps) => {
          const recency = new Recency<number>();
          const places: Place<number>[] = [];
          steps.forEach(([kind, choice], item) => {
            const at = choice % Math.max(1, places.length);
            const place = places[at];
            if (kind === 'add') {
              places.push(recency.add(item));
            } else if (place !== undefined) {
              places.splice(at, 1);
              if (kind === 'remove') recency.remove(place);
              else recency.touch(place);
              if (kind === 'touch') places.push(place);
            }
            expect([...recency.items()]).toEqual(places.map((kept) => kept.item));
            expect(recency.size).toBe(places.length);
            expect(recency.oldest).toBe(places[0]?.item);
            expect(recency.newest).toBe(places.at(-1)?.item);
          });
        },
      ),
    );
  });

  it('touching or removing what does not stand there is a bug of ours', () => {
    const recency = new Recency<string>();
    const place = recency.add('a');
    const elsewhere = new Recency<string>().add('a');
    recency.remove(place);
    expect(() => recency.remove(place)).toThrow('once');
    expect(() => recency.touch(place)).toThrow('stands');
    expect(() => recency.touch(elsewhere)).toThrow('stands');
    expect(recency.size).toBe(0);
  });
});
