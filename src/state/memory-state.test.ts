import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantViolation } from '../base/assert.ts';
import { compareBytes, toHex } from '../base/bytes.ts';
import { asDigest, asSequence } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { Entry, OpenTransaction, Reader, Version } from '../base/key-value.ts';
import { MemoryState } from './memory-state.ts';
import type { Sha256 } from './merkle-hash.ts';
import { emptyRoot } from './merkle-hash.ts';
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from './usage-error.ts';

const sha256: Sha256 = (bytes) => asDigest(hash('sha256', bytes, 'hex'));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const START = new Uint8Array(0);

const all = (reader: Reader): readonly Entry[] => reader.range(START, undefined, 1_000_000);

function newState(entries: Record<string, string> = {}): MemoryState {
  const state = new MemoryState(sha256);
  change(state, (transaction) => {
    for (const [key, value] of Object.entries(entries)) transaction.put(text(key), text(value));
  });
  return state;
}

/** The present content as the next version. */
function sealed(state: MemoryState): Version {
  state.seal(asSequence((state.versions().at(-1)?.sequence ?? 0) + 1));
  const version = state.versions().at(-1);
  if (version === undefined) throw new Error('a sealed content is a version');
  return version;
}

const rootAt = (state: MemoryState): Digest => sealed(state).root;

function change(state: MemoryState, work: (transaction: OpenTransaction) => void): void {
  const transaction = state.begin();
  work(transaction);
  transaction.commit();
}

/** The plain sorted map that everything is compared with: a stack of contents, one per open transaction. */
class Model {
  readonly #levels: Map<string, Entry>[] = [new Map<string, Entry>()];

  #top(): Map<string, Entry> {
    return this.#levels.at(-1) ?? new Map<string, Entry>();
  }
  put(key: Uint8Array, value: Uint8Array): void {
    this.#top().set(toHex(key), { key, value });
  }
  delete(key: Uint8Array): void {
    this.#top().delete(toHex(key));
  }
  get(key: Uint8Array): Uint8Array | undefined {
    return this.#top().get(toHex(key))?.value;
  }
  begin(): void {
    this.#levels.push(new Map(this.#top()));
  }
  end(commit: boolean): void {
    const ended = this.#levels.pop();
    if (commit && ended !== undefined) this.#levels[this.#levels.length - 1] = ended;
  }
  range(from: Uint8Array, to: Uint8Array | undefined, limit: number): Entry[] {
    return [...this.#top().values()]
      .filter(({ key }) => compareBytes(key, from) >= 0 && (to === undefined || compareBytes(key, to) < 0))
      .toSorted((left, right) => compareBytes(left.key, right.key))
      .slice(0, limit);
  }
}

const key = fc.uint8Array({ minLength: 1, maxLength: 2, max: 3 });
const bound = fc.uint8Array({ maxLength: 3, max: 4 });
const value = fc.uint8Array({ maxLength: 3 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), key, value }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('begin' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), commit: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      from: bound,
      to: fc.option(bound, { nil: undefined }),
      limit: fc.nat(8),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('seal' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What was read from the state, and what the model says it should have been. */
interface Reading {
  readonly seen: unknown;
  readonly expected: unknown;
}

/** The state and the model, driven alike. */
class Pair {
  readonly state = new MemoryState(sha256);
  readonly model = new Model();
  readonly readings: Reading[] = [];
  readonly versions: { version: Version; content: Entry[] }[] = [];
  readonly #open: OpenTransaction[] = [];

  run(each: Step): void {
    switch (each.kind) {
      case 'begin':
        this.#begin();
        return;
      case 'end':
        this.#end(each.commit);
        return;
      case 'seal':
        this.#seal();
        return;
      case 'read':
        this.#read(this.#open.at(-1) ?? this.state, each);
        return;
      case 'put':
      case 'delete':
        this.#change(this.#open.at(-1) ?? this.#begin(), each);
    }
  }

  endAll(): void {
    while (this.#open.length > 0) this.#end(true);
  }

  #begin(): OpenTransaction {
    const transaction = this.#open.at(-1)?.begin() ?? this.state.begin();
    this.#open.push(transaction);
    this.model.begin();
    return transaction;
  }

  #end(commit: boolean): void {
    const transaction = this.#open.pop();
    if (transaction === undefined) return;
    if (commit) transaction.commit();
    else transaction.rollback();
    this.model.end(commit);
  }

  #seal(): void {
    if (this.#open.length > 0) return;
    this.versions.push({ version: sealed(this.state), content: this.model.range(START, undefined, 1000) });
  }

  #read(reader: Reader, { from, to, limit }: Step & { kind: 'read' }): void {
    this.readings.push({ seen: reader.range(from, to, limit), expected: this.model.range(from, to, limit) });
  }

  #change(transaction: OpenTransaction, each: Step & { kind: 'put' | 'delete' }): void {
    for (const target of [transaction, this.model]) {
      if (each.kind === 'put') target.put(each.key, each.value);
      else target.delete(each.key);
    }
    this.readings.push({ seen: transaction.get(each.key), expected: this.model.get(each.key) });
  }
}

function entriesOf(version: Version): number {
  const whole = { entries: 1000, bytes: 1e9, levels: 1 };
  const content = version.subtree({ path: asDigest('0'.repeat(64)), depth: 0, hash: version.root }, whole);
  return content?.kind === 'entries' ? content.entries.length : Number.NaN;
}

function rootOf(content: readonly Entry[]): Digest {
  const rebuilt = newState();
  change(rebuilt, (transaction) => content.toReversed().forEach(({ key, value }) => transaction.put(key, value)));
  return rootAt(rebuilt);
}

describe('MemoryState against a plain sorted map', () => {
  it('reads, nests, undoes and stands still as the map does, and its root is a function of the content', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const pair = new Pair();
        for (const each of steps) pair.run(each);
        pair.endAll();
        for (const { seen, expected } of pair.readings) expect(seen).toEqual(expected);
        for (const { version, content } of pair.versions) {
          for (const entry of content) expect(version.get(entry.key)).toEqual(entry.value);
          expect(entriesOf(version)).toBe(content.length);
          expect(version.root).toBe(rootOf(content));
        }
        const content = pair.model.range(START, undefined, 1000);
        expect(all(pair.state)).toEqual(content);
        expect(rootAt(pair.state)).toBe(rootOf(content));
      }),
      { numRuns: 300 },
    );
  });
});

describe('root', () => {
  it('does not depend on the order of insertion', () => {
    const entries = fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => toHex(name), maxLength: 20 });
    const shuffled = entries.chain((pairs) =>
      fc.record({ pairs: fc.constant(pairs), order: fc.shuffledSubarray(pairs, { minLength: pairs.length }) }),
    );
    fc.assert(
      fc.property(shuffled, ({ pairs, order }) => {
        const [one, other] = [newState(), newState()];
        change(one, (transaction) => pairs.forEach(([name, content]) => transaction.put(name, content)));
        for (const pair of order) change(other, (transaction) => transaction.put(...pair));
        expect(rootAt(one)).toBe(rootAt(other));
      }),
    );
  });

  it('forgets what was deleted and overwritten', () => {
    const state = newState({ a: '1', b: '2' });
    const before = rootAt(state);
    change(state, (transaction) => {
      transaction.put(text('c'), text('3'));
      transaction.put(text('a'), text('9'));
    });
    expect(rootAt(state)).not.toBe(before);
    change(state, (transaction) => {
      transaction.delete(text('c'));
      transaction.put(text('a'), text('1'));
    });
    expect(rootAt(state)).toBe(before);
    change(state, (transaction) => {
      transaction.delete(text('a'));
      transaction.delete(text('b'));
    });
    expect(rootAt(state)).toBe(emptyRoot(sha256));
  });

  it('tells contents apart that concatenate to the same bytes', () => {
    const roots = [{ ab: 'c' }, { a: 'bc' }, { abc: '' }, { a: 'b', c: '' }, { a: '', bc: '' }, {}];
    expect(new Set(roots.map((entries) => rootAt(newState(entries as Record<string, string>)))).size).toBe(
      roots.length,
    );
  });

  // Computed by an implementation of merkle-hash.ts's definition in another language.
  it('is the same bytes on every machine', () => {
    const state = newState(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key${i}`, `value${i}`])));
    expect(rootAt(newState())).toBe('984b99475f70eddeada1857bdb88cf4373c82f3fe9d1137b6617bc4957d48bf5');
    expect(rootAt(newState({ a: '1' }))).toBe('377e1945aa996928cfe3280f121cc8a3c815157327697aca42333f8ccd60abaa');
    expect(rootAt(state)).toBe('8e30879a6c587b4b6a671294c2d75b7532b808ed751a034a4daf7622bd442ca3');
  });
});

describe('transactions', () => {
  it('read their own changes, and nobody else does before the commit', () => {
    const state = newState({ a: '1', b: '2', d: '4' });
    const transaction = state.begin();
    transaction.put(text('c'), text('3'));
    transaction.delete(text('a'));
    transaction.put(text('d'), text('44'));
    const expected = [
      { key: text('b'), value: text('2') },
      { key: text('c'), value: text('3') },
      { key: text('d'), value: text('44') },
    ];
    expect(all(transaction)).toEqual(expected);
    expect(transaction.range(text('b'), text('d'), 5)).toEqual(expected.slice(0, 2));
    expect(transaction.range(START, undefined, 1)).toEqual(expected.slice(0, 1));
    const inner = transaction.begin();
    inner.put(text('e'), text('5'));
    expect(all(state).map(({ value }) => value)).toEqual([text('1'), text('2'), text('4')]);
    expect(state.get(text('c'))).toBeUndefined();
    expect(state.get(text('d'))).toEqual(text('4'));
    inner.rollback();
    transaction.commit();
    expect(all(state)).toEqual(expected);
  });

  it('undo an inner one alone, and an outer one with all committed into it', () => {
    const state = newState({ a: '1' });
    const before = rootAt(state);
    const outer = state.begin();
    outer.put(text('b'), text('outer'));
    const undone = outer.begin();
    undone.put(text('b'), text('inner'));
    undone.delete(text('a'));
    undone.rollback();
    expect(outer.get(text('b'))).toEqual(text('outer'));
    expect(outer.get(text('a'))).toEqual(text('1'));
    const kept = outer.begin();
    kept.put(text('c'), text('inner'));
    kept.commit();
    expect(outer.get(text('c'))).toEqual(text('inner'));
    outer.rollback();
    expect(rootAt(state)).toBe(before);
  });

  it('nest a thousand deep', () => {
    const state = newState();
    const open: OpenTransaction[] = [state.begin()];
    for (let i = 0; i < 1000; i += 1) {
      const inner = open.at(-1)?.begin();
      inner?.put(text(`k${i}`), text('v'));
      if (inner !== undefined) open.push(inner);
    }
    for (const transaction of open.toReversed()) transaction.commit();
    expect(all(state).length).toBe(1000);
  });

  it('refuse use after the end with an error that an operation may throw', () => {
    const state = newState();
    const transaction = state.begin();
    const inner = transaction.begin();
    expect(() => transaction.put(text('a'), text('1'))).toThrow(expect.objectContaining({ code: 'transaction_ended' }));
    expect(() => transaction.commit()).toThrow(InvariantViolation);
    expect(() => transaction.begin()).toThrow(InvariantViolation);
    inner.commit();
    transaction.commit();
    expect(() => transaction.get(text('a'))).toThrow(expect.objectContaining({ code: 'transaction_ended' }));
    expect(() => transaction.rollback()).toThrow(InvariantViolation);
  });

  it('are one at a time on the state', () => {
    const state = newState();
    const transaction = state.begin();
    expect(() => state.begin()).toThrow(InvariantViolation);
    expect(() => state.seal(asSequence(1))).toThrow(InvariantViolation);
    expect(() => state.assemble(asSequence(1), emptyRoot(sha256))).toThrow(InvariantViolation);
    transaction.rollback();
    state.begin().rollback();
  });
});

describe('versions', () => {
  const sequences = (state: MemoryState): readonly number[] => state.versions().map(({ sequence }) => sequence);
  const keyA = text('a');

  it('stand still, ascend, and go when collected, but for the highest', () => {
    const state = newState({ a: '1' });
    state.seal(asSequence(10));
    change(state, (transaction) => transaction.put(keyA, text('2')));
    state.seal(asSequence(20));
    change(state, (transaction) => transaction.delete(keyA));
    expect(sequences(state)).toEqual([10, 20]);
    expect(state.versions().map((version) => version.get(keyA))).toEqual([text('1'), text('2')]);
    expect(() => state.seal(asSequence(20))).toThrow(InvariantViolation);
    state.collect(asSequence(20));
    expect(sequences(state)).toEqual([20]);
    state.collect(asSequence(35));
    expect(sequences(state)).toEqual([20]);
    state.seal(asSequence(30));
    expect(sequences(state)).toEqual([30]);
    expect(state.versions()[0]?.get(keyA)).toBeUndefined();
  });

  it('come one by one where they take time, and a crash leaves those that came', () => {
    const told: number[] = [];
    const onVersion = (version: Version): void => void told.push(version.sequence);
    const state = new MemoryState(sha256, { durable: 'when-settled', onVersion });
    for (const sequence of [1, 2, 3]) {
      change(state, (transaction) => transaction.put(keyA, text(String(sequence))));
      state.seal(asSequence(sequence));
    }
    change(state, (transaction) => transaction.put(keyA, text('unsealed')));
    expect(sequences(state)).toEqual([]);
    expect(state.unsettled()).toEqual([]);
    state.settle();
    expect(sequences(state)).toEqual([]);
    state.store(asSequence(2));
    expect(state.unsettled()).toEqual([1, 2]);
    for (let times = 0; times < 3; times += 1) state.settle();
    expect(told).toEqual([1, 2]);
    expect(sequences(state)).toEqual([1, 2]);
    expect(state.get(keyA)).toEqual(text('unsealed'));
    const again = MemoryState.reopened(state);
    expect(sequences(again)).toEqual([1, 2]);
    expect(again.get(keyA)).toEqual(text('2'));
    again.seal(asSequence(3));
    again.store(asSequence(3));
    expect(again.unsettled()).toEqual([3]);
    const empty = MemoryState.reopened(new MemoryState(sha256));
    expect(all(empty)).toEqual([]);
  });
});

describe('bounds', () => {
  it('are kept for keys, values and limits', () => {
    const transaction = newState().begin();
    const longest = new Uint8Array(MAX_KEY_BYTES);
    transaction.put(longest, new Uint8Array(MAX_VALUE_BYTES));
    expect(transaction.get(longest)?.length).toBe(MAX_VALUE_BYTES);
    const refused = (work: () => unknown, code: string): void =>
      expect(work).toThrow(expect.objectContaining({ code }));
    refused(() => transaction.put(START, text('v')), 'key_size');
    refused(() => transaction.delete(START), 'key_size');
    refused(() => transaction.put(new Uint8Array(MAX_KEY_BYTES + 1), text('v')), 'key_size');
    refused(() => transaction.put(text('k'), new Uint8Array(MAX_VALUE_BYTES + 1)), 'value_size');
    for (const limit of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      refused(() => transaction.range(START, undefined, limit), 'range_limit');
    }
    expect(transaction.range(START, undefined, 0)).toEqual([]);
    expect(transaction.range(text('z'), text('a'), 9)).toEqual([]);
    expect(transaction.get(START)).toBeUndefined();
  });
});

describe('arrays of the caller', () => {
  it('are copied, also those whose slice is a view', () => {
    const state = newState();
    const [name, content] = [Buffer.from('key'), Buffer.from('value')];
    change(state, (transaction) => transaction.put(name, content));
    const before = rootAt(state);
    name.fill(0);
    content.fill(0);
    change(state, (transaction) => transaction.put(text('other'), text('x')));
    change(state, (transaction) => transaction.delete(text('other')));
    expect(rootAt(state)).toBe(before);
    expect(state.get(text('key'))).toEqual(text('value'));
  });
});

describe('size', () => {
  it('100,000 keys: prints what it costs', { timeout: 60_000 }, () => {
    const state = newState();
    const name = (i: number): Uint8Array => text(`account/user-${i}`);
    const timed = (label: string, work: () => void): string => {
      const start = performance.now();
      work();
      return `${label} ${(performance.now() - start).toFixed(0)} ms`;
    };
    const lines = [
      timed('put 100,000', () =>
        change(state, (transaction) => {
          for (let i = 0; i < 100_000; i += 1) transaction.put(name(i), text(`balance ${i}`));
        }),
      ),
      timed('first root', () => rootAt(state)),
      timed('change 1,000', () =>
        change(state, (transaction) => {
          for (let i = 0; i < 1000; i += 1) transaction.put(name(i * 97), text('changed'));
        }),
      ),
      timed('root after it', () => rootAt(state)),
      timed('1,000 unchanged versions', () => {
        for (let i = 0; i < 1000; i += 1) rootAt(state);
      }),
      timed('get 100,000', () => {
        for (let i = 0; i < 100_000; i += 1) state.get(name(i));
      }),
      timed('range over all', () => all(state)),
    ];
    expect(all(state).length).toBe(100_000);
    process.stdout.write(`state of 100,000 keys: ${lines.join(', ')}\n`);
  });
});
