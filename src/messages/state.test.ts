import { describe, expect, test } from 'vitest';
import { context } from '../../test/support/arbitrary-messages.ts';
import { asDigest, asReplicaId, asSequence, NULL_DIGEST } from '../base/ids.ts';
import type { SubtreeAddress } from '../base/key-value.ts';
import { decodeFrame, encodeFrame, encodeMessage, stateSubtreeSize } from './index.ts';
import type { FetchState, State, StateSubtree } from './index.ts';

const D = asDigest('d1'.repeat(32));
const root: SubtreeAddress = { path: NULL_DIGEST, depth: 0, hash: D };
const entry = { key: Uint8Array.of(1), value: Uint8Array.of(2, 3) };
const node = { bit: 255, left: D, right: D };

const fetchState = (...subtrees: readonly SubtreeAddress[]): FetchState => ({
  type: 'fetch-state',
  replica: asReplicaId(1),
  sequence: asSequence(8),
  root: D,
  subtrees,
});
const state = (...subtrees: readonly StateSubtree[]): State => ({
  type: 'state',
  replica: asReplicaId(1),
  sequence: asSequence(8),
  root: D,
  held: true,
  subtrees,
});

function reading(message: FetchState | State): string {
  const decoded = decodeFrame(encodeFrame(encodeMessage(message), { kind: 'none' }), context);
  if (!decoded.ok) return `${decoded.error.code} at ${decoded.error.at}`;
  expect(decoded.value.message).toEqual(message);
  return 'read';
}

const pathOf = (...bits: readonly number[]): SubtreeAddress['path'] =>
  asDigest(
    Array.from({ length: 64 }, (_, at) =>
      bits.reduce((nibble, bit) => nibble + (bit >> 2 === at ? 8 >> (bit & 3) : 0), 0).toString(16),
    ).join(''),
  );

describe('the address of a subtree', () => {
  test.each([
    [0, []],
    [1, [0]],
    [4, [3]],
    [5, [0, 4]],
    [8, [7]],
    [255, [0, 254]],
    [256, [0, 255]],
  ])('of depth %i may have bits above that depth', (depth, bits) => {
    expect(reading(fetchState({ path: pathOf(...bits), depth, hash: D }))).toBe('read');
  });

  test.each([
    [0, [0]],
    [0, [255]],
    [1, [1]],
    [3, [3]],
    [4, [4]],
    [5, [5]],
    [255, [255]],
  ])('of depth %i, and bits from there on: one place would have several names', (depth, bits) => {
    const path = pathOf(...bits);
    expect(() => encodeMessage(fetchState({ path, depth, hash: D }))).toThrow('inconsistent at path');
    const { bytes } = encodeMessage(fetchState({ path, depth: 256, hash: D }));
    new DataView(bytes.buffer, bytes.byteOffset).setUint16(bytes.length - 34, depth);
    const decoded = decodeFrame(Uint8Array.of(...bytes, 0), context);
    expect(decoded.ok ? 'read' : decoded.error.code).toBe('inconsistent');
  });
});

describe('a subtree in a STATE', () => {
  test('is its entries or its upper nodes', () => {
    expect(
      reading(state({ address: root, entries: [entry], nodes: [] }, { address: root, entries: [], nodes: [node] })),
    ).toBe('read');
  });

  test.each([
    ['both', [entry], [node]],
    ['neither', [], []],
  ])('is not %s', (_, entries, nodes) => {
    expect(() => encodeMessage(state({ address: root, entries, nodes }))).toThrow('inconsistent at nodes');
  });

  test('has the size that is counted for it', () => {
    const bytes = (...subtrees: readonly StateSubtree[]): number => encodeMessage(state(...subtrees)).bytes.length;
    for (const subtree of [
      { address: root, entries: [entry, entry], nodes: [] },
      { address: root, entries: [], nodes: [node, node, node] },
    ])
      expect(bytes(subtree) - bytes()).toBe(stateSubtreeSize(subtree));
  });
});
