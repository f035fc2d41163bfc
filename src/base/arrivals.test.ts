import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Arrivals } from './arrivals.ts';

test('is a queue', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 300 }), (steps) => {
      const arrivals = new Arrivals<number>();
      const plain: number[] = [];
      for (const step of steps) {
        if (step !== undefined) {
          arrivals.push(step);
          plain.push(step);
        }
        const taken = step === undefined ? [arrivals.shift(), plain.shift()] : [];
        expect(taken[0]).toBe(taken[1]);
        expect(arrivals.size).toBe(plain.length);
      }
    }),
  );
});
