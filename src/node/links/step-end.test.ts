import { expect, test } from 'vitest';
import { StepEnd } from './step-end.ts';

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
