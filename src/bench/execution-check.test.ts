import { describe, expect, test } from 'vitest';
import { judgeExecution, judgeUnderAttack, parseOutcomes } from './execution-check.ts';
import type { NodeAccount } from './execution-check.ts';

const ROOT = 'ab'.repeat(32);

const node = (
  number: number,
  status: Partial<NodeAccount['status']> = {},
  outcomes: Readonly<Record<string, number>> = { executed: 50 },
): NodeAccount => ({
  status: {
    node_id: `node${number}`,
    view: 0,
    last_executed: 7,
    low_water_mark: 7,
    state_root: ROOT,
    state_root_sequence: 7,
    ...status,
  },
  outcomes: new Map(Object.entries(outcomes)),
});

describe('a load was real when every acknowledged operation was executed exactly once everywhere', () => {
  test('all at one checkpoint with the right counts: sound', () => {
    expect(judgeExecution([node(1), node(2), node(3), node(4)], 50)).toEqual({ kind: 'sound' });
  });

  test.each([
    ['the last one is not covered by a stable checkpoint', { low_water_mark: 4 }],
    ['the root is of an earlier checkpoint', { state_root_sequence: 4 }],
    ['it is behind', { last_executed: 5, low_water_mark: 5, state_root_sequence: 5 }],
  ])('pending: %s', (_what, status) => {
    expect(judgeExecution([node(1), node(2, status)], 50).kind).toBe('pending');
    expect(judgeExecution([node(1, status), node(2)], 50).kind).toBe('pending');
  });

  test.each([
    [
      'another root at the same checkpoint',
      node(2, { state_root: 'cd'.repeat(32) }),
      'node2 has another state than node1',
    ],
    ['one too few', node(2, {}, { executed: 49 }), 'node2 executed 49 of 50 acknowledged requests itself'],
    ['one too many', node(2, {}, { executed: 51 }), 'node2 executed 51 requests, and 50 were acknowledged'],
    ['none at all', node(2, {}, {}), 'node2 executed 0 of 50 acknowledged requests itself'],
    ['a repeat', node(2, {}, { executed: 50, repeated: 1 }), 'node2 has 1 requests with the outcome repeated'],
    [
      'a refusal of the table',
      node(2, {}, { executed: 50, 'table-error': 3 }),
      'node2 has 3 requests with the outcome table-error',
    ],
    [
      'a view change',
      node(2, { view: 1 }),
      'node2 is in view 1: the primary was replaced, which is not the normal case',
    ],
  ])('failed: %s', (_what, strange, reason) => {
    expect(judgeExecution([node(1), strange], 50)).toEqual({ kind: 'failed', reason });
  });

  test('too few is no verdict before the node has come to rest', () => {
    const behind = node(2, { last_executed: 5 }, { executed: 30 });
    expect(judgeExecution([node(1), behind], 50).kind).toBe('pending');
  });
});

test('outcomes are read from the text of the metrics', () => {
  const text = [
    '# TYPE pbft_executed_requests_total counter',
    'pbft_executed_requests_total{outcome="executed"} 12345',
    'pbft_executed_requests_total{outcome="repeated"} 2',
    'pbft_slots_total{phase="executed"} 9',
  ].join('\n');
  expect([...parseOutcomes(text)]).toEqual([
    ['executed', 12_345],
    ['repeated', 2],
  ]);
  expect(parseOutcomes('').size).toBe(0);
});

describe('under attack, of the nodes that are correct', () => {
  const judge = (...accounts: readonly NodeAccount[]): string => judgeUnderAttack(accounts, 50, 2).kind;

  test('another view, requests ordered twice, and one that fetched its state: sound', () => {
    expect(judge(node(1, { view: 3 }), node(2, {}, { executed: 50, repeated: 4 }), node(3, {}, { executed: 20 }))).toBe(
      'sound',
    );
  });

  test('one that executed more than was acknowledged fails at once, settled or not', () => {
    const eager = node(2, { low_water_mark: 4 }, { executed: 51 });
    expect(judgeUnderAttack([node(1), eager, node(3)], 50, 2)).toEqual({
      kind: 'failed',
      reason: 'node2 executed 51 requests, and 50 were acknowledged',
    });
  });

  test('fewer than f+1 that executed all of it by themselves: failed, and who executed what', () => {
    const accounts = [node(1), node(2, {}, { executed: 49 }), node(3, {}, {})];
    expect(judgeUnderAttack(accounts, 50, 2)).toEqual({
      kind: 'failed',
      reason: 'of 50 acknowledged requests executed themselves: node1 50, node2 49, node3 0',
    });
  });

  test('another state fails, one that is behind is waited for', () => {
    expect(judge(node(1), node(2, { state_root: 'cd'.repeat(32) }), node(3))).toBe('failed');
    expect(judge(node(1), node(2, { last_executed: 5, low_water_mark: 5, state_root_sequence: 5 }), node(3))).toBe(
      'pending',
    );
  });
});
