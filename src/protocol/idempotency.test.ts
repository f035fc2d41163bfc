import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rootOf } from '../../test/support/root-of.ts';
import { asDigest, asSequence } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { MemoryState } from '../state/memory-state.ts';
import { IDEMPOTENCY_BYTES, IdempotencyTable } from './idempotency.ts';
import type { IdempotencyKey, IdempotencyRow } from './idempotency.ts';
import { parseTableError } from './table-error.ts';

const sha256 = (bytes: Uint8Array): Digest => asDigest(hash('sha256', bytes, 'hex'));
const digest = (name: string): Digest => sha256(encodeUtf8(name) ?? new Uint8Array(0));
const newState = (): MemoryState => new MemoryState(sha256);

const A: IdempotencyKey = { scope: 'alice', key: 'a' };

function flushed(table: IdempotencyTable, state: MemoryState): void {
  const transaction = state.begin();
  table.flush(transaction);
  transaction.commit();
}

function outcome(
  sequence: number,
  result: Uint8Array = Uint8Array.of(sequence),
): { sequence: ReturnType<typeof asSequence>; digest: Digest; result: Uint8Array } {
  return { sequence: asSequence(sequence), digest: digest(`batch ${sequence}`), result };
}

describe('an idempotency key', () => {
  it('gives the first outcome again for the same operation, where it was executed', () => {
    const table = IdempotencyTable.load(newState(), { idempotencyKeys: 10 });
    expect(table.find(A, digest('pay 5'))).toEqual({ kind: 'new' });
    table.record(A, digest('pay 5'), outcome(3), 0);
    expect(table.find(A, digest('pay 5'))).toEqual({ kind: 'replay', reply: { outcome: 'replayed', ...outcome(3) } });
    expect(table.find(A, digest('pay 5'))).toEqual({ kind: 'replay', reply: { outcome: 'replayed', ...outcome(3) } });
  });

  it('refuses another operation, and keeps the first outcome', () => {
    const table = IdempotencyTable.load(newState(), { idempotencyKeys: 10 });
    table.record(A, digest('pay 5'), outcome(3), 0);
    const finding = table.find(A, digest('pay 6'));
    expect(finding.kind === 'conflict' && parseTableError(finding.result)?.code).toBe('idempotency_key_reused');
    expect(table.find(A, digest('pay 5')).kind).toBe('replay');
  });

  it.each([
    [{ scope: 'bob', key: 'a' }],
    [{ scope: 'alice', key: 'b' }],
    [{ scope: 'alic', key: 'ea' }],
    [{ scope: 'alicea', key: '' }],
    [{ scope: '', key: 'alicea' }],
    [{ scope: '5:alice', key: 'a' }],
  ])('is another key in another scope: %o', (other) => {
    const table = IdempotencyTable.load(newState(), { idempotencyKeys: 10 });
    table.record(A, digest('pay 5'), outcome(3), 0);
    expect(table.find(other, digest('pay 5')).kind).toBe('new');
    const state = newState();
    table.record(other, digest('pay 6'), outcome(4), 0);
    flushed(table, state);
    expect(IdempotencyTable.load(state, { idempotencyKeys: 10 }).size).toBe(2);
  });

  it('is remembered for the last so many keys by first outcome; a repeat does not renew it', () => {
    const table = IdempotencyTable.load(newState(), { idempotencyKeys: 2 });
    table.record(A, digest('x'), outcome(1), 0);
    table.record({ scope: 'alice', key: 'b' }, digest('x'), outcome(2), 0);
    expect(table.find(A, digest('x')).kind).toBe('replay');
    table.record({ scope: 'alice', key: 'c' }, digest('x'), outcome(3), 0);
    expect(table.find(A, digest('x')).kind).toBe('new');
    expect(table.find({ scope: 'alice', key: 'b' }, digest('x')).kind).toBe('replay');
  });

  it('once forgotten is a new key, for any operation', () => {
    const state = newState();
    const table = IdempotencyTable.load(state, { idempotencyKeys: 1 });
    table.record(A, digest('x'), outcome(1), 0);
    table.record({ scope: 'alice', key: 'b' }, digest('x'), outcome(2), 0);
    table.record(A, digest('y'), outcome(3), 0);
    flushed(table, state);
    const loaded = IdempotencyTable.load(state, { idempotencyKeys: 1 });
    expect(loaded.size).toBe(1);
    expect(loaded.find(A, digest('y')).kind).toBe('replay');
  });

  it('two first outcomes under one key, or out of order, are a bug of ours', () => {
    const table = IdempotencyTable.load(newState(), { idempotencyKeys: 10 });
    table.record(A, digest('x'), outcome(5), 1);
    expect(() => table.record(A, digest('x'), outcome(6), 0)).toThrow('one first outcome');
    expect(() => table.record({ scope: 'b', key: 'b' }, digest('x'), outcome(5), 1)).toThrow('order');
    expect(() => table.record({ scope: 'b', key: 'b' }, digest('x'), outcome(4), 9)).toThrow('order');
  });
});

describe('the bound in bytes', () => {
  it('makes the oldest go, the same after loading', () => {
    const state = newState();
    const table = IdempotencyTable.load(state, { idempotencyKeys: 1_000_000 });
    const result = new Uint8Array(512 * 1024);
    const rows = Math.floor(IDEMPOTENCY_BYTES / (512 * 1024));
    for (let sequence = 1; sequence <= rows + 5; sequence += 1) {
      table.record({ scope: 's', key: `${sequence}` }, digest('x'), outcome(sequence, result), 0);
      expect(table.sizeBytes).toBeLessThanOrEqual(IDEMPOTENCY_BYTES);
      if (sequence % 20 === 0) flushed(table, state);
    }
    expect(table.size).toBe(rows - 1);
    expect(table.find({ scope: 's', key: '6' }, digest('x')).kind).toBe('new');
    expect(table.find({ scope: 's', key: '7' }, digest('x')).kind).toBe('replay');
    flushed(table, state);
    const loaded = IdempotencyTable.load(state, { idempotencyKeys: 1_000_000 });
    expect(loaded.sizeBytes).toBe(table.sizeBytes);
    expect(loaded.size).toBe(table.size);
  });
});

describe('against a list searched from end to end', () => {
  const step = fc.record({
    scope: fc.constantFrom('', 's', 'ü'),
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    body: fc.constantFrom('x', 'y'),
    newBatch: fc.boolean(),
    flush: fc.boolean(),
    restart: fc.boolean(),
  });

  it('does the same at every step, is the same after loading, and has one root whenever it is flushed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const config = { idempotencyKeys: 4 };
        const state = newState();
        const lazyState = newState();
        let table = IdempotencyTable.load(state, config);
        const lazy = IdempotencyTable.load(lazyState, config);
        const naive: IdempotencyRow[] = [];
        let sequence = 1;
        let index = 0;
        for (const { scope, key, body, newBatch, flush, restart } of steps) {
          if (newBatch) [sequence, index] = [sequence + 1, 0];
          const known = naive.find((row) => row.scope === scope && row.key === key);
          const expected = known === undefined ? 'new' : known.operation === digest(body) ? 'replay' : 'conflict';
          const finding = table.find({ scope, key }, digest(body));
          expect(finding.kind).toBe(expected);
          const replayed = finding.kind === 'replay' ? finding.reply.sequence : undefined;
          expect(replayed).toBe(expected === 'replay' ? known?.firstUse.sequence : undefined);
          if (finding.kind === 'new') {
            const reply = outcome(sequence);
            table.record({ scope, key }, digest(body), reply, index);
            lazy.record({ scope, key }, digest(body), reply, index);
            naive.push({
              scope,
              key,
              operation: digest(body),
              firstUse: { sequence: asSequence(sequence), index },
              digest: reply.digest,
              result: reply.result,
            });
            if (naive.length > config.idempotencyKeys) naive.shift();
            index += 1;
          }
          if (flush || restart) flushed(table, state);
          if (restart) table = IdempotencyTable.load(state, config);
          expect([...table.rows()]).toEqual(naive);
        }
        flushed(table, state);
        flushed(lazy, lazyState);
        expect(rootOf(state)).toBe(rootOf(lazyState));
      }),
      { numRuns: 100 },
    );
  });
});
