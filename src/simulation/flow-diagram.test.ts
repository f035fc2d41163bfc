import { expect, test } from 'vitest';
import { drawFlow } from './flow-diagram.ts';
import type { Arrow, Mark } from './flow-diagram.ts';

const LANES = ['client1', 'node1', 'node2', 'node3'];

function arrow(time: number, from: string, to: string, text: string, isLost = false): Arrow {
  return { kind: 'arrow', time, from, to, isLost, text };
}

function mark(time: number, at: string, text: string): Mark {
  return { kind: 'mark', time, at, text };
}

test('copies of one message that arrive together are one row, to both sides of their sender', () => {
  const copies = ['node1', 'node3', 'client1'].map((to) => arrow(1500, 'node2', to, 'HELLO'));
  expect(drawFlow(LANES, copies)).toEqual([
    '          client1    node1     node2     node3',
    '             │         │         │         │',
    '    1.5      │◀────────┤◀────────●────────▶│      HELLO',
  ]);
});

test('a lane that a message only passes is crossed, and one that nothing passes is not', () => {
  expect(drawFlow(LANES, [arrow(0, 'client1', 'node2', 'REQUEST')])[2]).toBe(
    '    0.0      ●─────────┼────────▶│         │      REQUEST',
  );
});

test('what was lost ends in a cross, and stands apart from copies that arrived', () => {
  const rows = drawFlow(LANES, [
    arrow(1000, 'node1', 'node2', 'PREPARE'),
    arrow(1000, 'node1', 'node3', 'PREPARE', true),
  ]);
  expect(rows.slice(2)).toEqual([
    '    1.0      │         ●────────▶│         │      PREPARE',
    '             │         ●─────────┼────────╳│      PREPARE',
  ]);
});

test('marks that say the same at one time are one row; a time is told once', () => {
  const rows = drawFlow(LANES, [
    arrow(2000, 'node1', 'node2', 'COMMIT'),
    mark(2000, 'node2', 'executed'),
    mark(2000, 'node3', 'executed'),
    mark(2100, 'node1', 'executed'),
  ]);
  expect(rows.slice(1)).toEqual([
    '             │         │         │         │',
    '    2.0      │         ●────────▶│         │      COMMIT',
    '             │         │         ◆         ◆      executed',
    '             │         │         │         │',
    '    2.1      │         ◆         │         │      executed',
  ]);
});

test('whoever has no lane is left out', () => {
  const strangers = [arrow(0, 'client2', 'node1', 'REQUEST'), arrow(0, 'node1', 'client2', 'REPLY'), mark(0, 'x', 'y')];
  expect(drawFlow(LANES, strangers)).toEqual(['          client1    node1     node2     node3']);
});
