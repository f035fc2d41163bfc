import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../base/utf8.ts';
import type { Bytes } from '../base/bytes.ts';
import { Changes } from './changes.ts';
import { keyText } from './ordered-map.ts';

const text = (value: string): Bytes => encodeUtf8(value) ?? new Uint8Array(0);

type Model = ReadonlyMap<string, string | undefined>;

const name = fc.constantFrom('a', 'b', 'c', 'd', 'ab', 'b\xff');
const step = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), name, value: fc.string({ maxLength: 3 }) }),
  fc.record({ kind: fc.constant('delete' as const), name }),
  fc.record({ kind: fc.constantFrom('begin' as const, 'commit' as const, 'rollback' as const) }),
  fc.record({ kind: fc.constant('scan' as const), from: name, to: fc.option(name, { nil: undefined }) }),
);

function modelOf(changes: Changes): Model {
  const decoded = [...changes.all()].map(({ key, value }) => {
    return [keyText(key), value === undefined ? undefined : keyText(value)] as const;
  });
  return new Map(decoded);
}

function between(model: Model, from: string, to: string | undefined): readonly string[] {
  return [...model.keys()].filter((key) => key >= from && (to === undefined || key < to)).toSorted();
}

const latin1 = (value: string): Bytes => Uint8Array.from(value, (character) => character.charCodeAt(0) & 255);

describe('Changes', () => {
  it('are those of a map that is copied at each begin, whatever is undone, and whenever their order is asked for', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const changes = new Changes();
        // The last one is read and changed; the one before it is what a rollback goes back to.
        const models = [new Map<string, string | undefined>()];
        const ranges: (readonly [seen: readonly string[], expected: readonly string[]])[] = [];
        for (const each of steps) {
          const model = models.at(-1) ?? new Map<string, string | undefined>();
          const isOpen = models.length > 1;
          if (each.kind === 'begin') {
            changes.begin();
            models.push(new Map(model));
          } else if (each.kind === 'commit' && isOpen) {
            changes.commit();
            models.splice(-2, 2, model);
          } else if (each.kind === 'rollback' && isOpen) {
            changes.rollback();
            models.pop();
          } else if (each.kind === 'put' && isOpen) {
            changes.put(latin1(each.name), latin1(each.value));
            model.set(each.name, keyText(latin1(each.value)));
          } else if (each.kind === 'delete' && isOpen) {
            changes.delete(latin1(each.name));
            model.set(each.name, undefined);
          } else if (each.kind === 'scan') {
            ranges.push([
              [...changes.scan(each.from, each.to)].map(({ key }) => keyText(key)),
              between(model, each.from, each.to),
            ]);
          }
          expect(modelOf(changes)).toEqual(models.at(-1));
          expect(modelOf(changes.committed())).toEqual(models[0]);
          expect(changes.size).toBe(models.at(-1)?.size);
        }
        for (const [seen, expected] of ranges) expect(seen).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('hold one earlier content of a key for each open transaction that changed it, however often it does', () => {
    const changes = new Changes();
    changes.begin();
    for (let request = 0; request < 100; request += 1) {
      changes.begin();
      for (let i = 0; i < 10; i += 1) changes.put(text('hot'), text(`${request}.${i}`));
      expect(changes.savedCount).toBe(request === 0 ? 1 : 2);
      changes.commit();
      expect(changes.savedCount).toBe(1);
    }
    changes.commit();
    expect(changes.savedCount).toBe(0);
    expect(changes.size).toBe(1);
  });

  it('that were read stay what they were', () => {
    const changes = new Changes();
    changes.begin();
    const value = text('1');
    changes.put(text('a'), value);
    value[0] = 0;
    const [read] = changes.all();
    changes.put(text('a'), text('2'));
    expect(read).toEqual({ key: text('a'), value: text('1') });
    expect(changes.get('a')?.value).toEqual(text('2'));
  });
});
