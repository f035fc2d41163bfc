import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes } from '../base/bytes.ts';
import { OrderedMap, keyText } from './ordered-map.ts';

type Boxed = { readonly key: string; readonly value: number };

const key = fc.string({ maxLength: 3, unit: fc.constantFrom('a', 'b', 'c', '\xff') });
const steps = fc.array(fc.record({ key, value: fc.option(fc.integer(), { nil: undefined }) }), { maxLength: 200 });

function sorted(model: ReadonlyMap<string, Boxed>, from: string, to: string | undefined): Boxed[] {
  return [...model.values()]
    .filter((boxed) => boxed.key >= from && (to === undefined || boxed.key < to))
    .toSorted((left, right) => (left.key < right.key ? -1 : 1));
}

describe('OrderedMap', () => {
  it('agrees with a plain map, and every older version stays as it was', () => {
    fc.assert(
      fc.property(steps, key, fc.option(key, { nil: undefined }), (changes, from, to) => {
        const model = new Map<string, Boxed>();
        let map = OrderedMap.empty<Boxed>();
        const versions: { map: OrderedMap<Boxed>; expected: Boxed[] }[] = [];
        for (const change of changes) {
          if (change.value === undefined) {
            model.delete(change.key);
            map = map.without(change.key);
          } else {
            const boxed = { key: change.key, value: change.value };
            model.set(change.key, boxed);
            map = map.with(change.key, boxed);
          }
          expect(map.get(change.key)).toBe(model.get(change.key));
          versions.push({ map, expected: sorted(model, from, to) });
        }
        for (const version of versions) expect([...version.map.scan(from, to)]).toEqual(version.expected);
        expect(map.size).toBe(model.size);
      }),
    );
  });

  it('stays shallow for ascending keys', () => {
    let map = OrderedMap.empty<Boxed>();
    for (let value = 0; value < 20_000; value += 1) {
      const name = String(value).padStart(8, '0');
      map = map.with(name, { key: name, value });
    }
    for (let value = 0; value < 20_000; value += 2) map = map.without(String(value).padStart(8, '0'));
    expect(map.size).toBe(10_000);
    expect([...map.scan('00000001', '00000006')].map((boxed) => boxed.value)).toEqual([1, 3, 5]);
  });

  it('orders key texts as their bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 6 });
    fc.assert(
      fc.property(bytes, bytes, (left, right) => {
        const [a, b] = [keyText(left), keyText(right)];
        expect(Math.sign(compareBytes(left, right))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });

  it('makes texts of bounds longer than any key', () => {
    expect(keyText(new Uint8Array(300_000)).length).toBe(300_000);
  });
});
