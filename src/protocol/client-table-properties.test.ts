import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClientId } from '../base/ids.ts';
import type { RequestPlace } from './client-table.ts';
import { LISTED, OPEN, check, newPair, run } from '../../test/support/naive-client-table.ts';
import type { Pair } from '../../test/support/naive-client-table.ts';

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
      offset: fc.integer({ min: -110, max: 110 }),
      timestamp: fc.nat({ max: 3 }),
      body,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('next' as const), client: clientIndex, nth: fc.nat({ max: 3 }), body }),
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

/** Repeats, goes on with or reopens what the client has: random numbers alone would seldom meet a session. */
function nearKnown(pair: Pair, id: ClientId, nth: number): RequestPlace {
  const own = pair.naive.sessions.filter((row) => row.client === id);
  const row = own[nth % Math.max(1, own.length)];
  if (row === undefined) return { client: id, session: pair.time, timestamp: 1 };
  return { client: id, session: row.session, timestamp: row.timestamp + (nth % 2) };
}

function take(pair: Pair, chosen: Step): void {
  const ids = [...LISTED, ...OPEN];
  switch (chosen.kind) {
    case 'run':
      run(
        pair,
        { client: ids[chosen.client] ?? LISTED[0], session: pair.time + chosen.offset, timestamp: chosen.timestamp },
        chosen.body,
      );
      return;
    case 'next':
      run(pair, nearKnown(pair, ids[chosen.client] ?? LISTED[0], chosen.nth), chosen.body);
      return;
    case 'batch':
      pair.nextBatch(chosen.advance);
      return;
    case 'flush':
      pair.flush();
      return;
    case 'restart':
      pair.flush();
      pair.reload();
  }
}

describe('against the rules written down naively', () => {
  it('does the same at every step, also after being written and loaded at any point', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const pair = newPair();
        for (const chosen of steps) {
          take(pair, chosen);
          check(pair);
        }
        pair.flush();
        pair.reload();
        check(pair);
      }),
      { numRuns: 150 },
    );
  });

  it('has the same root whenever it is flushed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const lazy = newPair();
        const eager = newPair();
        for (const chosen of steps) {
          if (chosen.kind !== 'flush' && chosen.kind !== 'restart') take(lazy, chosen);
          take(eager, chosen);
          eager.flush();
        }
        lazy.flush();
        expect(lazy.state.root()).toBe(eager.state.root());
      }),
      { numRuns: 100 },
    );
  });

  it('never executes a request twice, whatever is repeated when', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), fc.array(fc.nat(), { maxLength: 150 }), (steps, repeats) => {
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
          if (chosen.kind === 'next')
            runOnce(nearKnown(pair, [...LISTED, ...OPEN][chosen.client] ?? LISTED[0], chosen.nth), chosen.body);
          else if (chosen.kind === 'run')
            runOnce(
              { client: OPEN[chosen.client % 4] ?? OPEN[0], session: pair.time + chosen.offset, timestamp: 1 },
              chosen.body,
            );
          else take(pair, chosen);
          const old = executed[(repeats[index] ?? 0) % Math.max(1, executed.length)];
          if (old !== undefined) runOnce(...old);
        });
      }),
      { numRuns: 150 },
    );
  });
});
