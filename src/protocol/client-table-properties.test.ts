import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClientId } from '../base/ids.ts';
import type { RequestPlace } from './client-table.ts';
import { LISTED, OPEN, check, newPair, run } from '../../test/support/naive-client-table.ts';
import type { Pair } from '../../test/support/naive-client-table.ts';
import { rootOf } from '../../test/support/root-of.ts';

type Step =
  | {
      readonly kind: 'run';
      readonly client: number;
      readonly offset: number;
      readonly timestamp: number;
      readonly body: string;
    }
  | { readonly kind: 'next'; readonly client: number; readonly nth: number; readonly body: string }
  | { readonly kind: 'batch'; readonly advance: number }
  | { readonly kind: 'flush' }
  | { readonly kind: 'restart' };

const clientIndex = fc.nat({ max: LISTED.length + OPEN.length - 1 });
const body = fc.constantFrom('a', 'b');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('run' as const),
      client: clientIndex,
      offset: fc.oneof(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -110, max: 110 })),
      timestamp: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat({ max: 3 }) }),
      body,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('next' as const), client: clientIndex, nth: fc.nat({ max: 11 }), body }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('batch' as const),
      advance: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 100, max: 450 })),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'flush' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

// Without a size, fast-check keeps arrays so short that nothing is ever evicted.
const anySteps = fc.array(step, { maxLength: 150, size: 'max' });

/** Repeats, goes on with or reopens what the client has: random numbers alone would seldom meet a session. */
function nearKnown(pair: Pair, id: ClientId, nth: number): RequestPlace {
  const own = pair.naive.sessions.filter((row) => row.client === id);
  const row = own[Math.floor(nth / 4) % Math.max(1, own.length)];
  if (row === undefined) return { client: id, session: pair.time, timestamp: 1 };
  return { client: id, session: row.session, timestamp: row.timestamp + (nth % 4) - 1 };
}

/** The request of a step; undefined for a step without one. */
function placeOf(pair: Pair, chosen: Step): RequestPlace | undefined {
  if (chosen.kind !== 'run' && chosen.kind !== 'next') return undefined;
  const client = [...LISTED, ...OPEN][chosen.client] ?? LISTED[0];
  if (chosen.kind === 'next') return nearKnown(pair, client, chosen.nth);
  return { client, session: pair.time + chosen.offset, timestamp: chosen.timestamp };
}

function take(pair: Pair, chosen: Step): ReturnType<typeof run> | undefined {
  switch (chosen.kind) {
    case 'run':
    case 'next': {
      const place = placeOf(pair, chosen);
      return place && run(pair, place, chosen.body);
    }
    case 'batch':
      pair.nextBatch(chosen.advance);
      return undefined;
    case 'flush':
      pair.flush();
      return undefined;
    case 'restart':
      pair.flush();
      pair.reload();
      return undefined;
  }
}

describe('against the rules written down naively', () => {
  it('does the same at every step, also after being written and loaded at any point', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(anySteps, (steps) => {
        const pair = newPair();
        for (const chosen of steps) {
          const done = take(pair, chosen);
          if (done !== undefined) seen.add(done.verdict);
          for (const { client } of done?.evicted ?? [])
            seen.add(pair.table.sessionFloor(client) > 0 ? 'evicted' : 'forgotten');
          check(pair);
        }
        pair.flush();
        pair.reload();
        check(pair);
      }),
      { numRuns: 100 },
    );
    // What never happened was not tested.
    expect([...seen].toSorted()).toEqual([
      'evicted',
      'execute',
      'forgotten',
      'ignore',
      'repeat',
      'session_expired',
      'session_refused',
      'timestamp_gap',
      'timestamp_reused',
      'too_many_clients',
    ]);
  });

  it('has the same root whenever it is flushed', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const lazy = newPair();
        const eager = newPair();
        for (const chosen of steps) {
          if (chosen.kind !== 'flush' && chosen.kind !== 'restart') take(lazy, chosen);
          take(eager, chosen);
          eager.flush();
        }
        lazy.flush();
        expect(rootOf(lazy.state)).toBe(rootOf(eager.state));
      }),
      { numRuns: 60 },
    );
  });

  it('never executes a request twice, whatever is repeated when', () => {
    fc.assert(
      fc.property(anySteps, fc.array(fc.nat(), { maxLength: 150, size: 'max' }), (steps, repeats) => {
        const pair = newPair();
        const executed: [RequestPlace, string][] = [];
        const seen = new Set<string>();
        const runOnce = (place: RequestPlace, text: string): void => {
          if (run(pair, place, text).verdict !== 'execute') return;
          const name = `${place.client}/${place.session}/${place.timestamp}`;
          expect(seen).not.toContain(name);
          seen.add(name);
          executed.push([place, text]);
        };
        steps.forEach((chosen, index) => {
          const place = placeOf(pair, chosen);
          if (place !== undefined && 'body' in chosen) runOnce(place, chosen.body);
          else take(pair, chosen);
          const old = executed[(repeats[index] ?? 0) % Math.max(1, executed.length)];
          if (old !== undefined) runOnce(...old);
        });
      }),
      { numRuns: 60 },
    );
  });
});
