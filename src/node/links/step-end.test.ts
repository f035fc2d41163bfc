import { expect, test } from 'vitest';
import { StepEnd, makeSchedule } from './step-end.ts';

/** Steps that end when they are told to. */
function makeSteps() {
  const due: (() => void)[] = [];
  const called: string[] = [];
  const stepEnd = new StepEnd((come) => void due.push(come));
  const put = (name: string, then: () => void = () => undefined): void =>
    stepEnd.put({
      onStepEnd: () => {
        called.push(name);
        then();
      },
    });
  return { due, called, put, end: () => due.shift()?.() };
}

test('all come at its end, in order, and it is asked for once', () => {
  const { due, called, put, end } = makeSteps();
  put('a');
  put('b');
  expect([due.length, called]).toEqual([1, []]);
  end();
  expect([due.length, called]).toEqual([0, ['a', 'b']]);
});

test('who is put in at the end of a step waits for the end of the next', () => {
  const { called, put, end } = makeSteps();
  put('a', () => put('b'));
  end();
  expect(called).toEqual(['a']);
  end();
  expect(called).toEqual(['a', 'b']);
});

test('what one throws does not keep the others from coming', () => {
  const { called, put, end } = makeSteps();
  put('a', () => {
    throw new Error('of its own');
  });
  put('b');
  expect(end).toThrow('of its own');
  end();
  expect(called).toEqual(['a', 'b']);
});

test('a step alone ends with its microtasks; one of many at the end of the turn of the event loop', async () => {
  let now = 5;
  const schedule = makeSchedule(() => now);
  const called: string[] = [];
  const turn = new Promise<void>((resolve) => void setImmediate(() => resolve()));
  schedule(() => called.push('alone'));
  now += 0.1;
  schedule(() => called.push('one of many'));
  await Promise.resolve();
  expect(called).toEqual(['alone']);
  await turn;
  await new Promise<void>((resolve) => void setImmediate(() => resolve()));
  expect(called).toEqual(['alone', 'one of many']);
  now += 1;
  schedule(() => called.push('alone again'));
  await Promise.resolve();
  expect(called).toEqual(['alone', 'one of many', 'alone again']);
});
