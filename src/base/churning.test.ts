import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChurningMap, ChurningSet } from './churning.ts';

const key = fc.integer({ min: 0, max: 60 });
const steps = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: fc.record({ do: fc.constant('put' as const), key }) },
    { weight: 10, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), key }) },
  ),
  { maxLength: 400, size: 'max' },
);

describe('a map whose content comes and goes', () => {
  it('holds what a Map holds, in the same order', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [map, model] = [new ChurningMap<number, number>(), new Map<number, number>()];
        for (const [at, step] of all.entries()) {
          const wasThere = step.do === 'delete' ? map.delete(step.key) : map.has(step.key);
          expect(wasThere).toBe(step.do === 'delete' ? model.delete(step.key) : model.has(step.key));
          if (step.do === 'put') {
            map.set(step.key, at);
            model.set(step.key, at);
          } else if (step.do === 'clear') {
            map.clear();
            model.clear();
          }
          expect(map.size).toBe(model.size);
          expect(map.get(step.key)).toBe(model.get(step.key));
          expect(map.has(step.key)).toBe(model.has(step.key));
        }
        expect([...map]).toEqual([...model]);
        expect([...map.keys()]).toEqual([...model.keys()]);
        expect([...map.values()]).toEqual([...model.values()]);
      }),
    );
  });

  it('lets whoever iterates delete, the current one and others', () => {
    const map = new ChurningMap<number, number>();
    for (let at = 0; at < 200; at += 1) map.set(at, at);
    const seen: number[] = [];
    for (const at of map.keys()) {
      seen.push(at);
      map.delete(at);
      map.delete(at + 1);
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, at) => 2 * at));
    expect(map.size).toBe(0);
  });

  it('comes to an end for whoever iterates and adds', () => {
    const map = new ChurningMap<number, number>();
    for (let at = 0; at < 100; at += 1) map.set(at, at);
    let steps = 0;
    for (const at of map.keys()) {
      map.delete(at);
      if (at < 100) map.set(at + 1000, at);
      steps += 1;
    }
    expect(steps).toBeLessThanOrEqual(200);
  });
});

describe('a set whose content comes and goes', () => {
  it('holds what a Set holds, in the same order', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [set, model] = [new ChurningSet<number>(), new Set<number>()];
        for (const step of all) {
          const wasThere = step.do === 'delete' ? set.delete(step.key) : set.has(step.key);
          expect(wasThere).toBe(step.do === 'delete' ? model.delete(step.key) : model.has(step.key));
          if (step.do === 'put') {
            set.add(step.key);
            model.add(step.key);
          } else if (step.do === 'clear') {
            set.clear();
            model.clear();
          }
          expect(set.size).toBe(model.size);
          expect(set.has(step.key)).toBe(model.has(step.key));
        }
        expect([...set]).toEqual([...model]);
        expect([...set.values()]).toEqual([...model.values()]);
      }),
    );
  });
});
