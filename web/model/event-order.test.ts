import { describe, expect, it } from 'vitest';
import { EventOrder } from './event-order.ts';
import type { StreamEvent } from './stream-event.ts';

const taken = (...events: readonly (readonly [id: string, kind?: StreamEvent['kind']])[]): readonly boolean[] => {
  const order = new EventOrder();
  return events.map(([id, kind = 'executed']) => order.isNew({ id, kind }));
};

describe('EventOrder', () => {
  it.each([
    ['ascending numbers', [['b-1'], ['b-2'], ['b-5']], [true, true, true]],
    ['a repeat', [['b-1'], ['b-2'], ['b-2'], ['b-1']], [true, true, false, false]],
    ['a new process, which counts from the start', [['b-7'], ['c-1'], ['c-1']], [true, true, false]],
    ['what stands beside the numbers', [['b-7'], ['b-7', 'hello'], ['b-7', 'lost'], ['b-8']], [true, true, true, true]],
    ['a hello that is ahead', [['b-7', 'hello'], ['b-7'], ['b-8']], [true, false, true]],
    ['an id that is none', [['x'], ['x']], [true, true]],
  ] as const)('%s', (_, events, expected) => {
    expect(taken(...(events as readonly (readonly [string, StreamEvent['kind']?])[]))).toEqual(expected);
  });

  it('goes on after the last one', () => {
    const order = new EventOrder();
    expect(order.lastId).toBeUndefined();
    order.isNew({ id: 'b-3', kind: 'executed' });
    order.isNew({ id: 'b-2', kind: 'executed' });
    expect(order.lastId).toBe('b-3');
    order.isNew({ id: 'c-1', kind: 'hello' });
    expect(order.lastId).toBe('c-1');
  });
});
