import { expect, test } from 'vitest';
import { TurnEnd } from './turn-end.ts';

/** Turns that end when they are told to. */
function makeTurns() {
  const due: (() => void)[] = [];
  const called: string[] = [];
  const turnEnd = new TurnEnd((come) => void due.push(come));
  const put = (name: string, then: () => void = () => undefined): void =>
    turnEnd.put({
      onTurnEnd: () => {
        called.push(name);
        then();
      },
    });
  return { due, called, put, end: () => due.shift()?.() };
}

test('everybody has a turn at its end, in order, and one timer is set for all', () => {
  const { due, called, put, end } = makeTurns();
  put('a');
  put('b');
  expect([due.length, called]).toEqual([1, []]);
  end();
  expect([due.length, called]).toEqual([0, ['a', 'b']]);
});

test('who is put in at the end of a turn waits for the end of the next', () => {
  const { called, put, end } = makeTurns();
  put('a', () => put('b'));
  end();
  expect(called).toEqual(['a']);
  end();
  expect(called).toEqual(['a', 'b']);
});

test('what one throws does not keep the others from their turn', () => {
  const { called, put, end } = makeTurns();
  put('a', () => {
    throw new Error('of its own');
  });
  put('b');
  expect(end).toThrow('of its own');
  end();
  expect(called).toEqual(['a', 'b']);
});
