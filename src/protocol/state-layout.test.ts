import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes, concatBytes, equalBytes } from '../base/bytes.ts';
import type { Entry } from '../base/key-value.ts';
import { asDigest } from '../base/ids.ts';
import { MemoryState } from '../state/memory-state.ts';
import {
  APPLICATION_KEY_BYTES,
  APPLICATION_PREFIX,
  APPLICATION_VALUE_BYTES,
  StateLimitExceeded,
  SYSTEM_PREFIX,
  SYSTEM_TABLE,
  applicationReader,
  applicationTransaction,
  systemEntries,
  systemKey,
} from './state-layout.ts';

const newState = (): MemoryState => new MemoryState((bytes) => asDigest(hash('sha256', bytes, 'hex')));
const VALUE = Uint8Array.of(7);
const EMPTY = new Uint8Array(0);

const key = fc.uint8Array({ minLength: 1, maxLength: 4, max: 3 });
const bound = fc.uint8Array({ maxLength: 4, max: 3 });

function stateOf(entries: readonly Entry[]): MemoryState {
  const state = newState();
  const transaction = state.begin();
  for (const entry of entries) transaction.put(entry.key, entry.value);
  transaction.commit();
  return state;
}

describe('an application', () => {
  it('sees what it wrote under the keys it chose, in order, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(key),
        fc.array(key),
        bound,
        fc.option(bound, { nil: undefined }),
        (own, foreign, from, to) => {
          const state = stateOf(
            foreign.filter((bytes) => bytes[0] !== APPLICATION_PREFIX).map((bytes) => ({ key: bytes, value: VALUE })),
          );
          const transaction = state.begin();
          const application = applicationTransaction(transaction);
          for (const bytes of own) application.put(bytes, bytes);
          const expected = [...new Map(own.map((bytes) => [bytes.join(), bytes])).values()]
            .toSorted(compareBytes)
            .filter((bytes) => compareBytes(bytes, from) >= 0 && (to === undefined || compareBytes(bytes, to) < 0));
          const entries = expected.map((bytes) => ({ key: bytes, value: bytes }));
          expect(application.range(from, to, 1000)).toEqual(entries);
          expect(application.range(from, to, 2)).toEqual(entries.slice(0, 2));
          transaction.commit();
          expect(applicationReader(state).range(from, to, 1000)).toEqual(entries);
          for (const bytes of own) expect(applicationReader(state).get(bytes)).toEqual(bytes);
        },
      ),
    );
  });

  it('can delete its own keys only', () => {
    const system = systemKey(SYSTEM_TABLE.clients, Uint8Array.of(1));
    const state = stateOf([
      { key: system, value: VALUE },
      { key: Uint8Array.of(APPLICATION_PREFIX, 5), value: VALUE },
    ]);
    const transaction = state.begin();
    const application = applicationTransaction(transaction);
    application.delete(system);
    application.delete(Uint8Array.of(5));
    transaction.commit();
    expect(state.get(system)).toEqual(VALUE);
    expect(applicationReader(state).range(EMPTY, undefined, 10)).toEqual([]);
  });

  it('takes keys of 1 to 1,000 bytes and refuses all others, changing nothing', () => {
    const state = newState();
    const application = applicationTransaction(state.begin());
    const longest = new Uint8Array(APPLICATION_KEY_BYTES).fill(255);
    application.put(longest, VALUE);
    expect(application.get(longest)).toEqual(VALUE);
    expect(application.range(longest, concatBytes(longest, Uint8Array.of(0)), 2)).toHaveLength(1);
    for (const bytes of [EMPTY, new Uint8Array(APPLICATION_KEY_BYTES + 1)]) {
      expect(() => application.put(bytes, VALUE)).toThrow(StateLimitExceeded);
      expect(() => application.get(bytes)).toThrow(StateLimitExceeded);
      expect(() => application.delete(bytes)).toThrow(StateLimitExceeded);
    }
    const long = new Uint8Array(APPLICATION_KEY_BYTES + 2);
    expect(() => application.range(long, undefined, 1)).toThrow(StateLimitExceeded);
    expect(() => application.range(EMPTY, long, 1)).toThrow(StateLimitExceeded);
    expect(application.range(EMPTY, undefined, 9)).toHaveLength(1);
  });

  it('gets a refusal, not a stopped replica, for a value or a limit that the state does not take', () => {
    const application = applicationTransaction(newState().begin());
    application.put(VALUE, new Uint8Array(APPLICATION_VALUE_BYTES));
    expect(() => application.put(VALUE, new Uint8Array(APPLICATION_VALUE_BYTES + 1))).toThrow(StateLimitExceeded);
    for (const limit of [-1, 1.5, Number.NaN, Infinity])
      expect(() => application.range(EMPTY, undefined, limit)).toThrow(StateLimitExceeded);
    expect(application.get(VALUE)?.length).toBe(APPLICATION_VALUE_BYTES);
  });
});

describe('the tables of the protocol', () => {
  it('lie under the system prefix, each apart from the others', () => {
    const tables = Object.values(SYSTEM_TABLE);
    expect(new Set(tables).size).toBe(tables.length);
    expect(systemKey(SYSTEM_TABLE.sessions, Uint8Array.of(4), Uint8Array.of(5))).toEqual(
      Uint8Array.of(SYSTEM_PREFIX, SYSTEM_TABLE.sessions, 4, 5),
    );
    expect(SYSTEM_PREFIX).toBeLessThan(APPLICATION_PREFIX);
  });

  it('are read whole, in key order, over any number of pages', () => {
    for (const size of [0, 1, 1023, 1024, 1025, 2048]) {
      const numbers = Array.from({ length: size }, (_, index) => Uint8Array.of(index >> 8, index & 255));
      const state = stateOf([
        ...numbers.map((bytes) => ({ key: systemKey(SYSTEM_TABLE.sessions, bytes), value: bytes })),
        { key: systemKey(SYSTEM_TABLE.clients, VALUE), value: VALUE },
        { key: systemKey(SYSTEM_TABLE.idempotency, VALUE), value: VALUE },
        { key: Uint8Array.of(APPLICATION_PREFIX, 1), value: VALUE },
      ]);
      const entries = [...systemEntries(state, SYSTEM_TABLE.sessions)];
      expect(entries).toHaveLength(size);
      expect(entries.every((entry, index) => equalBytes(entry.key, numbers[index] ?? EMPTY))).toBe(true);
    }
  });
});
