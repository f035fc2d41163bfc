import { describe, expect, test } from 'vitest';
import { score } from './challenge.ts';
import type { Goal, Played } from './challenge.ts';
import type { Happening, LabEvent } from './lab-event.ts';

const ENTERED: LabEvent = { id: '1-1', node: 'node2', at_us: 1, kind: 'view-entered', view: 2, primary: 'node3' };
const ANSWERED: LabEvent = {
  id: '2-1',
  node: 'client:c1000000',
  at_us: 2,
  kind: 'answered',
  request_digest: 'a'.repeat(64),
  outcome: 'executed',
  sequence: 1,
  result: '{}',
  nodes: ['node1', 'node2'],
};

function played(...events: readonly LabEvent[]): Played {
  const happenings = events.map((event, step): Happening => ({ step, event }));
  return { happenings, broken: [], actions: [], isOver: true };
}

describe('a goal', () => {
  test('that asks for one thing after another is not met by the other order', () => {
    const goal: Goal = {
      tallies: [{ pattern: { kind: 'answered' }, after: { kind: 'view-entered', atLeast: { view: 2 } }, words: '' }],
    };
    expect(score(goal, played(ENTERED, ANSWERED)).isWon).toBe(true);
    expect(score(goal, played(ANSWERED, ENTERED)).isWon).toBe(false);
    expect(score(goal, played(ANSWERED)).isWon).toBe(false);
  });

  test('that nothing happens is met at the end of the scenario, not before', () => {
    const goal: Goal = { tallies: [], never: [{ pattern: { kind: 'answered' }, words: 'an answer' }] };
    expect(score(goal, { ...played(ENTERED), isOver: false }).isWon).toBe(false);
    expect(score(goal, played(ENTERED)).isWon).toBe(true);
    expect(score(goal, played(ANSWERED)).isWon).toBe(false);
  });
});
