import { describe, expect, test } from 'vitest';
import { asClientId, asReplicaId } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { Party } from '../protocol/ports.ts';
import { AuthenticityChecker } from './checkers/authenticity.ts';
import { Violation } from './observer.ts';
import { Random } from './random.ts';
import { ScenarioWorld } from './scenario-world.ts';
import { simulateSeed } from './simulate.ts';
import { ChangingSplit } from './twins.ts';

function replica(index: number): Party {
  return { kind: 'replica', replica: asReplicaId(index) };
}

describe('ChangingSplit', () => {
  test('a party stays on its side until the split changes', () => {
    const split = new ChangingSplit(new Random(1, 'split'));
    const parties = [0, 1, 2, 3, 4, 5].map(replica);
    const sides = parties.map(split.sideOf);
    expect(parties.map(split.sideOf)).toEqual(sides);
    const seen = new Set<string>();
    for (let round = 0; round < 50; round += 1) {
      split.change();
      seen.add(parties.map(split.sideOf).join(' '));
    }
    expect(seen.size).toBeGreaterThan(20);
    expect(new Set([...seen].join(' ').split(' '))).toEqual(new Set(['first', 'second', 'both']));
  });

  test('clients have a side as well', () => {
    const split = new ChangingSplit(new Random(1, 'split'));
    const side = split.sideOf({ kind: 'client', client: asClientId('c'.padEnd(64, '0')) });
    expect(['first', 'second', 'both']).toContain(side);
  });
});

describe.each(['primary', 'backup'] as const)('twins as %s', (role) => {
  test('are two voices of one replica, and break nothing', () => {
    const overrides = { liar: { behaviour: 'twins', isPrimary: role === 'primary' } } as const;
    const report = simulateSeed(4, { overrides });
    expect(report.violation).toBeUndefined();
    expect(report.coverage['fault effect']?.['twins: other sides']).toBeGreaterThan(0);
  }, 60_000);
});

test('replayed messages with one change are sent in all ways, and break nothing', () => {
  const overrides = { liar: { behaviour: 'replay-mutated', isPrimary: false } } as const;
  const report = simulateSeed(4, { overrides });
  expect(report.violation).toBeUndefined();
  expect(report.coverage['replayed']).toMatchObject({
    unchanged: expect.any(Number) as number,
    'changed, with its own seal': expect.any(Number) as number,
    "changed, with another's seal": expect.any(Number) as number,
  });
}, 60_000);

describe('AuthenticityChecker', () => {
  const frame = Uint8Array.of(1);

  /** A forged frame arrives at node1, which answers to it with a step. */
  function judge(kind: 'refused' | 'timeout', receiver: ReplicaId): void {
    const checker = new AuthenticityChecker();
    checker.forged(frame);
    const scene = new ScenarioWorld();
    checker.delivered(replica(2), { kind: 'replica', replica: receiver }, frame);
    const refusal = { code: 'not-authentic', reason: 'a test', decode: undefined } as const;
    checker.stepped(scene.node(1), kind === 'timeout' ? { kind } : { kind, link: asReplicaId(2), refusal });
  }

  test('a forged frame that is taken is a violation', () => {
    expect(() => {
      judge('timeout', asReplicaId(0));
    }).toThrow(Violation);
  });

  test('one that is refused is none, nor is what another node does', () => {
    expect(() => {
      judge('refused', asReplicaId(0));
      judge('timeout', asReplicaId(3));
    }).not.toThrow();
  });
});
