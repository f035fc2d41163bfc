import { describe, expect, test } from 'vitest';
import { readReport } from './node-report.ts';

const NODES = 4;
const lab = (order: unknown): unknown => ({ kind: 'lab', id: 1, order });
const link = (fields: object): unknown =>
  lab({ kind: 'link', from: 0, to: 1, order: { state: 'slow', delayMs: 10 }, ...fields });

describe('readReport', () => {
  test.each([
    { kind: 'ready', httpUrl: 'http://127.0.0.1:1' },
    { kind: 'failed', lines: [] },
    { kind: 'failed', lines: ['the disk is full', 'and so is the other one'] },
    { kind: 'lab-answered', id: 7 },
    lab({ kind: 'look' }),
    ...['kill', 'restart', 'pause', 'resume'].map((action) => lab({ kind: 'node', node: NODES - 1, action })),
    link({}),
    link({ order: { state: 'cut' } }),
    link({ order: { state: 'up' } }),
  ])('takes %j', (report) => {
    expect(readReport(report, NODES)).toEqual(report);
  });

  test.each([
    null,
    undefined,
    'ready',
    0,
    [],
    {},
    { kind: 'toString' },
    { kind: ['ready'] },
    { kind: 'ready' },
    { kind: 'ready', httpUrl: 1 },
    { kind: 'failed' },
    { kind: 'failed', lines: 'the disk is full' },
    { kind: 'failed', lines: ['one', 2] },
    { kind: 'lab-answered' },
    { kind: 'lab-answered', id: '1' },
    { kind: 'lab-answered', id: 1.5 },
    { kind: 'lab', order: { kind: 'look' } },
    lab(null),
    lab('look'),
    lab({}),
    lab({ kind: 'end' }),
    lab({ kind: 'node', node: NODES, action: 'kill' }),
    lab({ kind: 'node', node: -1, action: 'kill' }),
    lab({ kind: 'node', node: 0.5, action: 'kill' }),
    lab({ kind: 'node', node: 'node1', action: 'kill' }),
    lab({ kind: 'node', node: 0 }),
    lab({ kind: 'node', node: 0, action: 'hang' }),
    lab({ kind: 'node', node: 0, action: 'constructor' }),
    link({ from: NODES }),
    link({ to: 1e9 }),
    link({ to: 0 }),
    link({ order: null }),
    link({ order: { state: 'gone' } }),
    link({ order: { state: 'slow' } }),
    link({ order: { state: 'slow', delayMs: 0 } }),
    link({ order: { state: 'slow', delayMs: 10_001 } }),
  ])('takes nothing of %j', (report) => {
    expect(readReport(report, NODES)).toBeUndefined();
  });
});
