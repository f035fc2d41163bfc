import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimeAxis } from './time-axis.ts';

const SCALE = { pxPerUs: 0.1, foldUs: 1000, foldPx: 40 };

function axisOf(...spans: readonly (readonly [number, number])[]): TimeAxis {
  const axis = new TimeAxis(SCALE);
  for (const [from, to] of spans) axis.add(from, to);
  return axis;
}

describe('TimeAxis', () => {
  it('is true to scale where something happens', () => {
    const axis = axisOf([0, 500], [900, 2000]);
    expect([axis.xOf(0), axis.xOf(500), axis.xOf(1000), axis.xOf(2000)]).toEqual([0, 50, 100, 200]);
    expect(axis.endX).toBe(200);
  });

  it('folds a pause to one width, however long it is', () => {
    expect(axisOf([0, 500], [5000, 5500]).xOf(5000)).toBe(90);
    expect(axisOf([0, 500], [5_000_000, 5_000_500]).xOf(5_000_000)).toBe(90);
  });

  it('joins stretches when something happens between them, in any order', () => {
    const axis = axisOf([0, 100], [1800, 1900]);
    expect(axis.placed).toHaveLength(2);
    axis.add(900, 1000);
    expect(axis.placed).toHaveLength(1);
    axis.add(-500, -400);
    expect(axis.placed).toMatchObject([{ fromUs: -500, toUs: 1900 }]);
  });

  it('goes on through a lone moment: each place of it has a time of its own', () => {
    const axis = axisOf([7, 7], [90_000, 90_000]);
    for (const x of [0, 3, 11, 12, 52, 58, axis.endX]) expect(axis.xOf(axis.usOf(x))).toBeCloseTo(x, 6);
    expect(axis.usOf(axis.endX)).toBeGreaterThan(90_000);
  });

  it('without anything in it is at 0', () => {
    expect([axisOf().xOf(5), axisOf().endX, axisOf().placed.length]).toEqual([0, 0, 0]);
  });

  const spans = fc.array(fc.tuple(fc.nat(50_000), fc.nat(3000)), { minLength: 1, maxLength: 30 });

  it('never turns back, and every place has its time', () => {
    fc.assert(
      fc.property(spans, fc.array(fc.nat(60_000), { minLength: 2, maxLength: 20 }), (given, times) => {
        const axis = axisOf(...given.map(([from, length]) => [from, from + length] as const));
        const xs = times.toSorted((left, right) => left - right).map((us) => axis.xOf(us));
        for (const [index, x] of xs.entries()) expect(x).toBeGreaterThanOrEqual((xs[index - 1] ?? x) - 1e-6);
        for (const x of [0, axis.endX / 3, axis.endX]) expect(axis.xOf(axis.usOf(x))).toBeCloseTo(x, 3);
      }),
    );
  });

  it('is the same whatever the order in which things became known', () => {
    fc.assert(
      fc.property(spans, (given) => {
        const all = given.map(([from, length]) => [from, from + length] as const);
        expect(axisOf(...all).placed).toEqual(axisOf(...all.toReversed()).placed);
      }),
    );
  });
});
