import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { asClientId, asDigest, asSequence } from '../base/ids.ts';
import { MemoryState } from '../state/index.ts';
import { counter } from './counter.ts';
import { APPLICATION_NAMES, applicationNamed, ledger } from './index.ts';

const context = { sequence: asSequence(1), index: 0, timestamp: 1, client: asClientId('a'.repeat(64)) };

/** Runs the operations one after the other; the answers as text. */
function answers(...operations: readonly object[]): string[] {
  const transaction = new MemoryState((bytes) => asDigest(hash('sha256', bytes, 'hex'))).begin();
  return operations.map((operation) => {
    const bytes = new TextEncoder().encode(JSON.stringify(operation));
    return new TextDecoder().decode(counter.execute(transaction, bytes, context));
  });
}

describe('counter', () => {
  it('starts at 0, adds and reads', () => {
    expect(
      answers(
        { operation: 'read' },
        { operation: 'increment' },
        { operation: 'increment', by: 41 },
        { operation: 'read' },
      ),
    ).toEqual(['{"value":0}', '{"value":1}', '{"value":42}', '{"value":42}']);
  });

  it.each([
    [{ operation: 'increment', by: 0 }, 'invalid_amount'],
    [{ operation: 'increment', by: null }, 'invalid_amount'],
    [{ operation: 'increment', by: '1' }, 'invalid_amount'],
    [{ operation: 'increment', by: 0.5 }, 'not_an_integer'],
    [{ operation: 'increment', to: 1 }, 'unknown_field'],
    [{ operation: 'read', by: 1 }, 'unknown_field'],
    [{ operation: 'reset' }, 'unknown_operation'],
    [[], 'not_an_object'],
  ])('refuses %j as %s', (operation, code) => {
    const [refused, read] = answers(operation, { operation: 'read' });
    expect(refused).toContain(`{"error":{"code":"${code}"`);
    expect(read).toBe('{"value":0}');
  });

  it('does not grow beyond exact integers', () => {
    const most = { operation: 'increment', by: Number.MAX_SAFE_INTEGER };
    const [full, refused, read] = answers(most, { operation: 'increment' }, { operation: 'read' });
    expect(full).toBe(read);
    expect(refused).toContain('counter_full');
  });

  it('answers queries only when they read', () => {
    const state = new MemoryState((bytes) => asDigest(hash('sha256', bytes, 'hex')));
    const query = (operation: string): string =>
      new TextDecoder().decode(counter.query?.(state, new TextEncoder().encode(JSON.stringify({ operation }))));
    expect(query('read')).toBe('{"value":0}');
    expect(query('increment')).toContain('not_read_only');
    expect(query('reset')).toContain('unknown_operation');
  });
});

describe('applicationNamed', () => {
  it('knows the applications that come with the project and nothing else', () => {
    expect(APPLICATION_NAMES).toEqual(['ledger', 'counter']);
    expect(applicationNamed('ledger')).toBe(ledger);
    expect(applicationNamed('counter')).toBe(counter);
    for (const name of ['', 'Ledger', '__proto__', 'constructor']) expect(applicationNamed(name)).toBeUndefined();
  });
});
