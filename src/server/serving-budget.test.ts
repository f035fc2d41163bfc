import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import { ServingBudget } from './serving-budget.ts';

const [FIRST, SECOND] = [asReplicaId(1), asReplicaId(2)];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Every answer takes `costUs` of a clock that follows the timers. */
function makeBudget(costUs: number) {
  let workedUs = 0;
  const answered: string[] = [];
  const budget: ServingBudget<string> = new ServingBudget<string>({
    clock: () => performance.now() * 1000 + workedUs,
    answer: (question) => {
      answered.push(question);
      budget.measure(() => {
        workedUs += costUs;
      });
    },
  });
  return { budget, answered };
}

describe('ServingBudget', () => {
  it('answers at once what little there is', () => {
    const { budget, answered } = makeBudget(100);
    budget.ask(FIRST, 'a');
    budget.ask(SECOND, 'b');
    expect(answered).toEqual(['a', 'b']);
    expect(budget.spentUs).toBe(200);
  });

  it('takes a tenth of the time in the long run, however much is asked for', () => {
    const { budget } = makeBudget(5000);
    for (let ms = 0; ms < 100_000; ms += 10) {
      budget.ask(FIRST, 'a');
      budget.ask(SECOND, 'b');
      vi.advanceTimersByTime(10);
    }
    expect(budget.spentUs).toBeGreaterThan(9_500_000);
    expect(budget.spentUs).toBeLessThanOrEqual(0.1 * (100_000_000 + budget.spentUs) + 50_000 + 5000);
  });

  it('answers what waits when there is time, each peer in turn, and of each the latest question', () => {
    const { budget, answered } = makeBudget(100_000);
    budget.ask(FIRST, 'a');
    for (const question of ['b', 'c']) budget.ask(FIRST, question);
    budget.ask(SECOND, 'd');
    expect(answered).toEqual(['a']);
    vi.advanceTimersByTime(400);
    expect(answered).toEqual(['a']);
    vi.advanceTimersByTime(3000);
    expect(answered).toEqual(['a', 'c', 'd']);
  });

  it('counts serving within serving once', () => {
    let workedUs = 0;
    const nested = new ServingBudget<string>({ clock: () => workedUs, answer: () => undefined });
    nested.measure(() => {
      nested.measure(() => {
        workedUs += 10;
      });
      workedUs += 5;
    });
    expect(nested.spentUs).toBe(15);
  });

  it('answers nothing more once it is stopped', () => {
    const { budget, answered } = makeBudget(100_000);
    budget.ask(FIRST, 'a');
    budget.ask(FIRST, 'b');
    budget.stop();
    vi.advanceTimersByTime(10_000);
    expect(answered).toEqual(['a']);
  });
});
