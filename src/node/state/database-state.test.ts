import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { asDigest, asSequence } from '../../base/ids.ts';
import type { Assembly, AuthenticatedState, Entry, Version } from '../../base/key-value.ts';
import { MemoryState } from '../../state/index.ts';
import type { Sha256 } from '../../state/index.ts';
import { DatabaseState } from './database-state.ts';
import type { DatabaseStateOptions } from './database-state.ts';

const sha256: Sha256 = (bytes) => asDigest(hash('sha256', bytes, 'hex'));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const START = new Uint8Array(0);
const never = (): boolean => false;
const folder = mkdtempSync(join(tmpdir(), 'state-'));
let count = 0;
const newPath = (): string => {
  count += 1;
  return join(folder, String(count));
};

afterAll(() => rmSync(folder, { recursive: true }));

async function opened(path = newPath(), options: Partial<DatabaseStateOptions> = {}): Promise<DatabaseState> {
  const state = await DatabaseState.open({ sha256, path, durability: 'async', ...options });
  if (!state.ok) throw new Error(state.error.message);
  return state.value;
}

const all = (state: AuthenticatedState): readonly (readonly string[])[] =>
  state
    .range(START, undefined, 1_000_000)
    .map(({ key, value }) => [key, value].map((each) => new TextDecoder().decode(each)));

function put(state: AuthenticatedState, changes: Readonly<Record<string, string | undefined>>): void {
  const transaction = state.begin();
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) transaction.delete(text(key));
    else transaction.put(text(key), text(value));
  }
  transaction.commit();
}

const numbered = (from: number, to: number, value = 'v'): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`key${from + i}`, `${value}${from + i}`]));

const last = (state: AuthenticatedState): Version => {
  const version = state.versions().at(-1);
  if (version === undefined) throw new Error('there is a version');
  return version;
};

function fill(assembly: Assembly, source: Version, pieces = Infinity): number {
  let taken = 0;
  for (
    let wanted = assembly.wanted(1, never);
    wanted.length > 0 && taken < pieces;
    wanted = assembly.wanted(1, never)
  ) {
    for (const address of wanted) {
      const content = source.subtree(address, { entries: 20, bytes: 2000, levels: 4 });
      if (content === undefined) throw new Error('what is wanted is there');
      expect(assembly.take(address, content)).toBe('taken');
      taken += 1;
    }
  }
  return taken;
}

describe('DatabaseState', () => {
  it('is what was sealed last when it is opened again', async () => {
    const path = newPath();
    const state = await opened(path);
    put(state, { a: '1', b: '2', c: '' });
    state.seal(asSequence(1));
    state.store(asSequence(1));
    put(state, { a: undefined, d: '4' });
    state.seal(asSequence(2));
    state.store(asSequence(2));
    put(state, { e: '5' });
    expect(all(state)).toEqual([
      ['b', '2'],
      ['c', ''],
      ['d', '4'],
      ['e', '5'],
    ]);
    await state.idle();
    expect(state.versions().map(({ sequence }) => sequence)).toEqual([1, 2]);
    await state.close();
    const again = await opened(path);
    expect(all(again)).toEqual([
      ['b', '2'],
      ['c', ''],
      ['d', '4'],
    ]);
    expect(again.versions().map((version) => version.get(text('a')))).toEqual([text('1'), undefined]);
    again.collect(asSequence(2));
    await again.idle();
    expect(again.versions().map(({ sequence }) => sequence)).toEqual([2]);
    await again.close();
    const third = await opened(path);
    expect(third.versions().map(({ sequence }) => sequence)).toEqual([2]);
    await third.close();
  });

  it('has the roots, contents and proofs that the state in memory has, whatever is done', async () => {
    const key = fc.integer({ min: 0, max: 400 }).map((i) => `k${i}`);
    const step = fc.record({
      changes: fc.dictionary(key, fc.option(fc.string({ maxLength: 3 }), { nil: undefined }), { maxKeys: 60 }),
      what: fc.constantFrom('seal', 'wait', 'reopen', 'collect', 'read'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const path = newPath();
        let state = await opened(path, { pageCacheBytes: 20_000, leafCacheBytes: 2000 });
        let model = new MemoryState(sha256);
        let sequence = 0;
        for (const { changes, what } of steps) {
          for (const each of [state, model]) put(each, changes);
          if (what !== 'read') {
            sequence += 1;
            for (const each of [state, model]) each.seal(asSequence(sequence));
            state.store(asSequence(sequence));
          }
          if (what === 'collect') for (const each of [state, model]) each.collect(asSequence(sequence - 1));
          if (what === 'wait' || what === 'reopen') await state.idle();
          if (what === 'reopen') {
            await state.close();
            state = await opened(path, { pageCacheBytes: 20_000 });
            model = MemoryState.reopened(model);
          }
          expect(all(state)).toEqual(all(model));
        }
        await state.idle();
        const expected = model.versions();
        expect(state.versions().map(({ sequence: each, root }) => [each, root])).toEqual(
          expected.map(({ sequence: each, root }) => [each, root]),
        );
        for (const [i, version] of state.versions().entries()) {
          for (let k = 0; k < 400; k += 7) {
            expect(version.get(text(`k${k}`))).toEqual(expected[i]?.get(text(`k${k}`)));
            expect(version.prove(text(`k${k}`))).toEqual(expected[i]?.prove(text(`k${k}`)));
          }
        }
        for await (const scrubStep of state.scrub()) expect(scrubStep.kind).toBe('progress');
        await state.close();
      }),
      { numRuns: 25 },
    );
  });
});
