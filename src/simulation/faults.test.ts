import { describe, expect, test } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import { FAULT_KINDS, makeFaults, TAKEN_TYPES } from './faults.ts';
import type { Fault } from './faults.ts';
import { makeOptions } from './options.ts';
import { Random } from './random.ts';

function draw(replicaCount: number, seeds: number): readonly (readonly Fault[])[] {
  const correct = Array.from({ length: replicaCount }, (_, index) => asReplicaId(index)).slice(1);
  const targets = { losesDisks: true, replicaCount, correct: correct.length > 0 ? correct : [asReplicaId(0)] };
  return Array.from({ length: seeds }, (_, seed) => makeFaults(new Random(seed, 'faults'), targets));
}

describe('makeFaults', () => {
  test('draws one to eight faults, of every kind in the end, and of few in each run', () => {
    const runs = draw(4, 400);
    expect(Math.max(...runs.map((faults) => faults.length))).toBe(8);
    expect(Math.min(...runs.map((faults) => faults.length))).toBeGreaterThanOrEqual(1);
    expect(new Set(runs.flat().map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));
    const kinds = runs.map((faults) => new Set(faults.map(({ kind }) => kind)).size);
    expect(kinds.reduce((sum, count) => sum + count, 0) / runs.length).toBeLessThan(FAULT_KINDS.length / 2);
  });

  test('all faults of a run fit into its load', () => {
    for (const faults of draw(4, 200)) {
      const durations = faults.map((fault) => ('forUs' in fault ? fault.forUs : 0));
      expect(durations.reduce((sum, duration) => sum + duration)).toBeLessThanOrEqual(16_000_000);
      expect(durations.every((duration) => Number.isInteger(duration))).toBe(true);
    }
  });

  test('a partition puts every node on one side', () => {
    for (const fault of draw(7, 200).flat()) {
      if (fault.kind !== 'partition' && fault.kind !== 'flapping') continue;
      expect(fault.groups.flat().toSorted((left, right) => left - right)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(fault.groups.length).toBeGreaterThan(1);
    }
  });

  test('messages of a type are lost on their way to f … 2f nodes, votes more often than others', () => {
    const dropped = draw(7, 600)
      .flat()
      .filter((fault) => fault.kind === 'drop-type');
    for (const { receivers, types } of dropped) {
      expect([2, 3, 4]).toContain(new Set(receivers).size);
      expect(types.length).toBeGreaterThan(0);
    }
    const counts = new Map(
      TAKEN_TYPES.map((type) => [type, dropped.filter(({ types }) => types.includes(type)).length]),
    );
    expect(Math.min(...counts.values())).toBeGreaterThan(0);
    expect(counts.get('commit')).toBeGreaterThan(counts.get('fetch') ?? Infinity);
  });

  test('one node alone has no links to trouble', () => {
    const kinds = new Set(
      draw(1, 200)
        .flat()
        .map(({ kind }) => kind),
    );
    expect(kinds).not.toContain('partition');
    expect(kinds).not.toContain('one-way');
    expect(kinds).toContain('pause');
  });
});

test('liars neither crash nor stand still, nor have bad disks and clocks', () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const { liars, faults } = makeOptions(seed);
    const lying = new Set(liars.map(({ replica }) => replica));
    for (const fault of faults) {
      if (fault.kind === 'isolate') continue;
      const struck = 'replica' in fault ? [fault.replica] : fault.kind === 'pause' ? fault.replicas : [];
      expect(struck.filter((id) => lying.has(id))).toEqual([]);
    }
  }
});
