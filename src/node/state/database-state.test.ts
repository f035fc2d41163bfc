import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { asDigest, asSequence } from '../../base/ids.ts';
import type { Assembly, AuthenticatedState, StateDamaged, Version } from '../../base/key-value.ts';
import { MemoryState } from '../../state/index.ts';
import type { Sha256 } from '../../state/index.ts';
import { unusedRecords } from '../../../test/state/unused-records.ts';
import { DatabaseState } from './database-state.ts';
import type { DatabaseStateOptions } from './database-state.ts';
import { StateDatabase } from './database.ts';

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

describe('a full state', () => {
  it('is one in which more waits for the database than it may hold in memory, until that is written', async () => {
    const state = await opened(newPath(), { waitingBytes: 100_000 });
    put(state, numbered(0, 100));
    state.seal(asSequence(0));
    expect(state.isFull).toBe(false);
    put(state, numbered(100, 200));
    state.seal(asSequence(1));
    expect(state.isFull).toBe(true);
    state.store(asSequence(0));
    await state.idle();
    expect(state.isFull).toBe(false);
    // One content alone, if it is large: by its values, too.
    put(state, { long: 'x'.repeat(100_000) });
    state.seal(asSequence(2));
    state.store(asSequence(1));
    await state.idle();
    expect(state.isFull).toBe(true);
    state.store(asSequence(2));
    await state.idle();
    expect(state.isFull).toBe(false);
    await state.close();
  });

  it('is told to be full no longer with the version that made room', async () => {
    let wasFull: boolean | undefined;
    const state: DatabaseState = await opened(newPath(), {
      waitingBytes: 10_000,
      onVersion: () => {
        wasFull = state.isFull;
      },
    });
    put(state, numbered(0, 100));
    state.seal(asSequence(0));
    state.store(asSequence(0));
    expect(state.isFull).toBe(true);
    await state.idle();
    expect(wasFull).toBe(false);
    await state.close();
  });
});

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
    const value = fc.oneof(
      { weight: 9, arbitrary: fc.string({ maxLength: 3 }) },
      { weight: 1, arbitrary: fc.string({ minLength: 300, maxLength: 400 }) },
    );
    const step = fc.record({
      changes: fc.dictionary(key, fc.option(value, { nil: undefined }), { maxKeys: 60 }),
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
            for (const each of [state, model]) {
              each.seal(asSequence(sequence));
              each.store(asSequence(sequence));
            }
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

describe('an assembly in the database', () => {
  it('ends in the content of the root, and leaves nothing behind that is not needed', async () => {
    const [before, after] = [
      numbered(0, 2000),
      { ...numbered(0, 1900), ...numbered(300, 320, 'w'), ...numbered(3000, 3050) },
    ];
    const source = new MemoryState(sha256);
    put(source, after);
    source.seal(asSequence(30));
    source.store(asSequence(30));
    const path = newPath();
    const told: number[] = [];
    const state = await opened(path, { onVersion: ({ sequence }) => void told.push(sequence) });
    put(state, before);
    state.seal(asSequence(10));
    state.store(asSequence(10));
    await state.idle();
    put(state, { gone: 'x' });
    state.seal(asSequence(20));
    state.store(asSequence(20));
    const assembly = state.assemble(asSequence(30), last(source).root);
    expect(() => state.get(text('key1'))).toThrow('not read while');
    const pieces = fill(assembly, last(source));
    expect(pieces).toBeLessThan(250);
    expect(assembly.isComplete).toBe(false);
    await state.idle();
    expect(assembly.isComplete).toBe(true);
    state.install();
    expect(all(state)).toEqual(all(source));
    put(state, { more: 'y' });
    state.seal(asSequence(31));
    state.store(asSequence(31));
    await state.idle();
    expect(told).toEqual([10, 30, 31]);
    expect(last(state).root).not.toBe(last(source).root);
    put(state, { more: undefined });
    state.seal(asSequence(32));
    state.store(asSequence(32));
    state.collect(asSequence(32));
    await state.idle();
    expect(last(state).root).toBe(last(source).root);
    for await (const step of state.scrub()) expect(step.kind).toBe('progress');
    await state.close();
    const again = await opened(path);
    expect(all(again)).toEqual(all(source));
    await again.close();
  });

  it('makes higher versions go', async () => {
    const state = await opened();
    for (const sequence of [10, 20, 30]) {
      put(state, { a: String(sequence) });
      state.seal(asSequence(sequence));
      state.store(asSequence(sequence));
      await state.idle();
    }
    const source = new MemoryState(sha256);
    put(source, { a: 'other' });
    source.seal(asSequence(20));
    source.store(asSequence(20));
    const assembly = state.assemble(asSequence(20), last(source).root);
    fill(assembly, last(source));
    await state.idle();
    state.install();
    expect(state.versions().map(({ sequence }) => sequence)).toEqual([10]);
    state.seal(asSequence(21));
    state.store(asSequence(21));
    await state.idle();
    expect(state.versions().map((version) => version.get(text('a')))).toEqual(['10', 'other', 'other'].map(text));
    await state.close();
  });

  it('goes on after a restart, and over into another root, with all that was written', async () => {
    const [one, other] = [new MemoryState(sha256), new MemoryState(sha256)];
    put(one, numbered(0, 3000));
    put(other, { ...numbered(0, 3000), ...numbered(5, 10, 'w') });
    for (const each of [one, other]) {
      each.seal(asSequence(30));
      each.store(asSequence(30));
    }
    const path = newPath();
    const options = { assemblyBytes: 20_000 };
    let state = await opened(path, options);
    put(state, numbered(0, 100));
    state.seal(asSequence(10));
    state.store(asSequence(10));
    await state.idle();
    let assembly = state.assemble(asSequence(30), last(one).root);
    const first = fill(assembly, last(one), 150);
    await state.idle();
    await state.close();
    state = await opened(path, options);
    expect(state.assembling?.root).toBe(last(one).root);
    expect(() => state.get(text('key1'))).toThrow('not read while');
    expect(last(state).get(text('key7'))).toEqual(text('v7'));
    assembly = state.assemble(asSequence(30), last(one).root);
    expect(assembly.takenBytes).toBeGreaterThan(5000);
    const second = fill(assembly, last(one), 100);
    await state.idle();
    const third = state.assemble(asSequence(40), last(other).root);
    await state.close();
    state = await opened(path, options);
    expect([last(one).root, last(other).root]).toContain(state.assembling?.root);
    const rest = fill(state.assemble(asSequence(40), third.root), last(other));
    const whole = fill(new MemoryState(sha256).assemble(asSequence(40), last(other).root), last(other));
    expect(first + second + rest).toBeLessThan(whole * 1.4);
    await state.idle();
    state.install();
    await state.idle();
    expect(last(state).root).toBe(last(other).root);
    expect(all(state)).toEqual(all(other));
    for await (const step of state.scrub()) expect(step.kind).toBe('progress');
    await state.close();
  });

  it('ends in any content from any other, through restarts and other roots', async () => {
    const key = fc.integer({ min: 0, max: 200 }).map((i) => `k${i}`);
    const content = fc.dictionary(key, fc.constantFrom('1', '2', '3'.repeat(300)), { maxKeys: 120 });
    const leg = fc.record({ changes: content, pieces: fc.nat(12), reopens: fc.boolean(), waits: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(content, fc.array(leg, { minLength: 1, maxLength: 4 }), content, async (before, legs, after) => {
        const path = newPath();
        const source = new MemoryState(sha256);
        let state = await opened(path, { assemblyBytes: 2000 });
        for (const each of [source, state]) {
          put(each, before);
          each.seal(asSequence(1));
          each.store(asSequence(1));
        }
        await state.idle();
        let sequence = 1;
        for (const { changes, pieces, reopens, waits } of [
          ...legs,
          { changes: after, pieces: Infinity, reopens: false, waits: true },
        ]) {
          sequence += 1;
          put(source, changes);
          source.seal(asSequence(sequence));
          source.store(asSequence(sequence));
          const assembly = state.assemble(asSequence(sequence), last(source).root);
          fill(assembly, last(source), pieces);
          if (waits) await state.idle();
          if (!reopens) continue;
          await state.close();
          state = await opened(path, { assemblyBytes: 2000 });
        }
        state.install();
        expect(all(state)).toEqual(all(source));
        await state.idle();
        expect(state.versions().map(({ root }) => root)).toEqual([source.versions()[0]?.root, last(source).root]);
        put(state, { last: 'x' });
        state.seal(asSequence(sequence + 1));
        state.store(asSequence(sequence + 1));
        state.collect(asSequence(sequence + 1));
        await state.idle();
        for await (const step of state.scrub()) expect(step.kind).toBe('progress');
        await state.close();
        expect(await unusedRecords(path)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('gives up seals that are under way, at any moment, or takes them as they are', async () => {
    const source = new MemoryState(sha256);
    put(source, { ...numbered(0, 300), ...numbered(20, 40, 'w') });
    source.seal(asSequence(9));
    source.store(asSequence(9));
    const outcomes = new Set<number>();
    for (const turns of [...Array.from({ length: 50 }, (_, i) => i), Infinity]) {
      const path = newPath();
      const state = await opened(path, { sliceMs: 0 });
      put(state, numbered(0, 300));
      state.seal(asSequence(1));
      state.store(asSequence(1));
      await state.idle();
      put(state, numbered(10, 30, 'x'));
      state.seal(asSequence(2));
      state.store(asSequence(2));
      if (turns === Infinity) await state.idle();
      else for (let turn = 0; turn < turns; turn += 1) await setImmediate();
      const assembly = state.assemble(asSequence(9), last(source).root);
      while (!assembly.isComplete) {
        fill(assembly, last(source));
        await state.idle();
      }
      state.install();
      await state.idle();
      outcomes.add(state.versions().length);
      expect(last(state).root).toBe(last(source).root);
      expect(all(state)).toEqual(all(source));
      for await (const step of state.scrub()) expect(step.kind).toBe('progress');
      state.collect(asSequence(9));
      await state.idle();
      await state.close();
      expect(await unusedRecords(path)).toEqual([]);
    }
    expect(outcomes).toEqual(new Set([2, 3]));
  });
});

describe('damage', () => {
  /** Puts other bytes into the middle of every `step`th record of a table. */
  async function damaged(path: string, table: 'pages' | 'leaves' | 'entries' | 'dead', step: number): Promise<void> {
    const opening = StateDatabase.open({ path, durability: 'async' });
    if (!opening.ok) throw new Error(opening.error.message);
    const database = opening.value;
    for (const [i, { key, value }] of [...database[table].getRange()].entries()) {
      if (i % step !== step - 1) continue;
      const bytes = table === 'entries' ? key : value;
      if (table === 'entries') database.remove(database.entries, Buffer.from(key));
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      database.put(database[table], key, value);
    }
    await database.committed();
    await database.close();
  }

  it.each(['pages', 'leaves', 'entries'] as const)(
    'of %s is found by the scrub, and repaired by an assembly',
    async (table) => {
      // Long values have records of their own.
      const value = table === 'leaves' ? 'v'.repeat(300) : 'v';
      const source = new MemoryState(sha256);
      put(source, numbered(0, 2000, value));
      source.seal(asSequence(10));
      source.store(asSequence(10));
      const path = newPath();
      let state = await opened(path);
      for (const sequence of [8, 9, 10]) {
        put(state, sequence === 8 ? numbered(0, 2000, value) : { key5: String(sequence) });
        if (sequence === 10) put(state, { key5: `${value}5` });
        state.seal(asSequence(sequence));
        state.store(asSequence(sequence));
      }
      await state.idle();
      await state.close();
      await damaged(path, table, table === 'pages' ? 40 : 300);
      state = await opened(path);
      const found: StateDamaged[] = [];
      for await (const step of state.scrub()) if (step.kind === 'damage') found.push(step.damage);
      expect(found.length).toBeGreaterThan(0);
      expect(found.every(({ message }) => message.includes(`table ${table}`))).toBe(true);
      const assembly = state.assemble(asSequence(11), last(source).root);
      let pieces = 0;
      while (!assembly.isComplete) {
        pieces += fill(assembly, last(source));
        await state.idle();
      }
      expect(pieces).toBeLessThan(table === 'entries' ? 1 : 120);
      state.install();
      await state.idle();
      expect(all(state)).toEqual(all(source));
      put(state, { key6: 'x' });
      state.seal(asSequence(12));
      state.store(asSequence(12));
      state.collect(asSequence(12));
      await state.idle();
      for await (const step of state.scrub()) expect(step.kind).toBe('progress');
      await state.close();
      expect(await unusedRecords(path)).toEqual([]);
    },
  );

  it('of a list of dead records is told, and keeps nothing from going on', async () => {
    const path = newPath();
    let state = await opened(path);
    for (const sequence of [1, 2, 3]) {
      put(state, numbered(0, 100, String(sequence)));
      state.seal(asSequence(sequence));
      state.store(asSequence(sequence));
    }
    await state.idle();
    await state.close();
    await damaged(path, 'dead', 1);
    const told: string[] = [];
    state = await opened(path, { onDamage: ({ message }) => void told.push(message) });
    state.collect(asSequence(3));
    await state.idle();
    expect(told.length).toBeGreaterThan(0);
    expect(state.versions().map(({ sequence }) => sequence)).toEqual([3]);
    for await (const step of state.scrub()) expect(step.kind).toBe('progress');
    await state.close();
  });
});

describe('bounds', () => {
  it('are kept: the longest keys and values are stored, served and assembled', async () => {
    const digests = (each: AuthenticatedState): readonly string[] =>
      each.range(START, undefined, 9).flatMap(({ key, value }) => [sha256(key), sha256(value)]);
    const source = new MemoryState(sha256);
    const path = newPath();
    const state = await opened(path);
    const keys = [new Uint8Array(1024).fill(255), new Uint8Array(1024), new Uint8Array([0]), new Uint8Array([255])];
    const values = [
      new Uint8Array(1024 * 1024).fill(7),
      new Uint8Array(0),
      new Uint8Array(255).fill(9),
      new Uint8Array(256),
    ];
    for (const each of [source, state]) {
      const transaction = each.begin();
      keys.forEach((key, i) => transaction.put(key, values[i] ?? START));
      transaction.commit();
      each.seal(asSequence(1));
      each.store(asSequence(1));
    }
    await state.idle();
    expect(last(state).root).toBe(last(source).root);
    expect(digests(state)).toEqual(digests(source));
    expect(keys.map((key) => sha256(last(state).get(key) ?? START))).toEqual(values.map(sha256));
    const other = await opened();
    const assembly = other.assemble(asSequence(1), last(state).root);
    fill(assembly, last(state));
    await other.idle();
    other.install();
    await other.idle();
    expect(digests(other)).toEqual(digests(source));
    for (const each of [state, other]) await each.close();
  });
});
