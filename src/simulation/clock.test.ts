import { describe, expect, test } from 'vitest';
import { SimulatedClock, WALL_START_MS } from './clock.ts';

const SECOND = 1_000_000;

describe('SimulatedClock', () => {
  test('true until told otherwise', () => {
    const clock = new SimulatedClock();
    clock.boot(5000, 7);
    expect(clock.read(6500)).toEqual({ monotonic: 1507, wall: WALL_START_MS + 6 });
  });

  test('runs fast and slow without a jump', () => {
    const clock = new SimulatedClock();
    clock.setRate(SECOND, 1200);
    expect(clock.read(SECOND)).toEqual({ monotonic: SECOND, wall: WALL_START_MS + 1000 });
    expect(clock.read(2 * SECOND)).toEqual({ monotonic: 2.2 * SECOND, wall: WALL_START_MS + 2200 });
    clock.setRate(2 * SECOND, 800);
    expect(clock.read(3 * SECOND)).toEqual({ monotonic: 3 * SECOND, wall: WALL_START_MS + 3000 });
  });

  test('is set right without moving the monotonic clock', () => {
    const clock = new SimulatedClock();
    clock.wallOffsetMs = -5;
    clock.setRate(0, 1200);
    clock.synchronise(SECOND);
    expect(clock.read(SECOND)).toEqual({ monotonic: 1.2 * SECOND, wall: WALL_START_MS + 995 });
  });

  test.each([800, 999, 1000, 1001, 1200])(
    'at rate %i a deadline is reached when it says so, and not before',
    (rate) => {
      const clock = new SimulatedClock();
      clock.boot(17, 0);
      clock.setRate(17, rate);
      for (let deadline = 1; deadline < 5000; deadline += 7) {
        const at = clock.timeOf(17, deadline);
        expect(clock.read(at).monotonic).toBeGreaterThanOrEqual(deadline);
        expect(clock.read(at - 1).monotonic).toBeLessThan(deadline);
      }
      expect(clock.timeOf(9000, 1)).toBe(9000);
    },
  );
});
