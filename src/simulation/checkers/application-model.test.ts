import { describe, expect, test } from 'vitest';
import { ledger } from '../../apps/index.ts';
import { asClientId, asSequence } from '../../base/ids.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { counterOperation, ledgerOperation } from '../operations.ts';
import { Random } from '../random.ts';
import { ApplicationModel, KEY_CONFLICT, footprintOf } from './application-model.ts';
import type { ModelOptions, RequestedOperation } from './application-model.ts';
import { PlainContent } from './content.ts';
import { partition } from './footprint.ts';
import { observedApplication } from './observed-application.ts';

const CLIENT = asClientId('c1'.padEnd(64, '0'));
const LEDGER: ModelOptions = { application: observedApplication('ledger'), keyLimit: undefined };

const bytes = (text: string): Uint8Array => encodeUtf8(text) ?? new Uint8Array(0);

function requested(operation: object | string, key?: string): RequestedOperation {
  const text = typeof operation === 'string' ? operation : JSON.stringify(operation);
  return {
    client: CLIENT,
    operation: bytes(text),
    isCompound: false,
    idempotency: key === undefined ? undefined : { scope: 's', key },
  };
}

describe('the model', () => {
  test('answers as the ledger does on any content', () => {
    const random = new Random(1, 'model');
    const model = new ApplicationModel(LEDGER);
    const content = new PlainContent();
    ledger.initialize?.(content);
    for (let round = 0; round < 500; round += 1) {
      const operation = ledgerOperation(random);
      const context = { sequence: asSequence(round + 1), index: 0, timestamp: round, client: CLIENT };
      const result = ledger.execute(content, operation, context);
      const seen = model.apply({ client: CLIENT, operation, isCompound: false, idempotency: undefined });
      expect(seen).toBe(`executed ${LEDGER.application.seen(operation, result)}`);
    }
  });

  test.each(['ledger', 'counter'] as const)('%s: goes back to where it was, and tells its states apart', (name) => {
    const random = new Random(2, name);
    const model = new ApplicationModel({ application: observedApplication(name), keyLimit: 3 });
    const states: string[] = [];
    const seen: string[] = [];
    const draw = (): RequestedOperation => ({
      client: CLIENT,
      operation: name === 'ledger' ? ledgerOperation(random) : counterOperation(random),
      isCompound: false,
      idempotency: random.chance(0.3) ? { scope: 's', key: `k${random.between(0, 9)}` } : undefined,
    });
    const operations = Array.from({ length: 200 }, draw);
    for (const operation of operations) {
      states.push(model.state);
      seen.push(model.apply(operation));
    }
    for (const state of states.toReversed()) {
      model.undo();
      expect(model.state).toBe(state);
    }
    expect(operations.map((operation) => model.apply(operation))).toEqual(seen);
    expect(new Set(states).size).toBeGreaterThan(50);
  });

  test('is in one state whatever the order of operations that do not meet', () => {
    const [one, other] = [new ApplicationModel(LEDGER), new ApplicationModel(LEDGER)];
    const operations = [
      requested({ operation: 'put', key: 'a', value: 1 }),
      requested({ operation: 'transfer', to: 'alice', amount: 5 }, 'k1'),
      requested({ operation: 'delete', key: 'b' }),
    ];
    for (const operation of operations) one.apply(operation);
    for (const operation of operations.toReversed()) other.apply(operation);
    expect(other.state).toBe(one.state);
    one.apply(requested({ operation: 'put', key: 'a', value: 2 }));
    expect(other.state).not.toBe(one.state);
  });

  test('an idempotency key gives its first outcome again, and refuses another operation', () => {
    const model = new ApplicationModel(LEDGER);
    const put = { operation: 'put', key: 'a', value: 1 };
    expect(model.apply(requested(put, 'k1'))).toBe('executed {"key":"a","created":true}');
    expect(model.apply(requested(put, 'k1'))).toBe('replayed {"key":"a","created":true}');
    expect(model.apply(requested({ ...put, value: 2 }, 'k1'))).toBe(KEY_CONFLICT);
    expect(model.apply(requested(put, 'k2'))).toBe('executed {"key":"a","created":false}');
  });

  test('the first key to come is forgotten first, and a repeat does not renew it', () => {
    const model = new ApplicationModel({ ...LEDGER, keyLimit: 2 });
    const read = { operation: 'get', key: 'a' };
    const kinds = ['k1', 'k2', 'k1', 'k3', 'k2', 'k1', 'k3', 'k2'].map(
      (key) => model.apply(requested(read, key)).split(' ')[0],
    );
    expect(kinds).toEqual([
      'executed',
      'executed',
      'replayed',
      'executed',
      'replayed',
      'executed',
      'replayed',
      'executed',
    ]);
  });

  test('what a history tells does not depend on where the transfers were executed', () => {
    const history = requested({ operation: 'history', account: 'default' });
    const results = [1, 9].map((place) => {
      const content = new PlainContent();
      ledger.initialize?.(content);
      const context = { sequence: asSequence(place), index: place, timestamp: place, client: CLIENT };
      ledger.execute(content, bytes('{"operation":"transfer","amount":3}'), context);
      return ledger.execute(content, history.operation, context);
    });
    const [first = new Uint8Array(0), second = new Uint8Array(0)] = results;
    expect(first).not.toEqual(second);
    const { seen } = LEDGER.application;
    expect(seen(history.operation, first)).toBe(seen(history.operation, second));
    expect(seen(history.operation, first)).toContain('"balance":3');
  });
});

describe('footprints', () => {
  const partsOf = (options: ModelOptions, ...operations: readonly RequestedOperation[]): readonly number[] =>
    partition(operations, (operation) => footprintOf(operation, options)).map((part) => part.length);
  const get = (key: string): object => ({ operation: 'get', key });
  const transfer = (from: string, to: string): object => ({ operation: 'transfer', from, to, amount: 1 });

  test('keys and accounts stand alone until an operation touches two', () => {
    const chain = [transfer('ann', 'bob'), transfer('cid', 'dan')].map((operation) => requested(operation));
    expect(partsOf(LEDGER, requested(get('a')), ...chain)).toEqual([1, 1, 1]);
    expect(partsOf(LEDGER, ...chain, requested(transfer('dan', 'ann')))).toEqual([3]);
    expect(partsOf(LEDGER, ...chain, requested({ operation: 'history', account: 'bob' }))).toEqual([2, 1]);
    expect(partsOf(LEDGER, requested({ operation: 'transfer', amount: 1 }), ...chain)).toEqual([1, 1, 1]);
    const defaults = [{ operation: 'balance' }, { operation: 'balance', account: 'treasury' }];
    expect(
      partsOf(LEDGER, requested({ operation: 'transfer', amount: 1 }), ...defaults.map((one) => requested(one))),
    ).toEqual([3]);
  });

  test('a range meets every key, and no account', () => {
    const range = requested({ operation: 'range', from: 'b', limit: 1 });
    expect(partsOf(LEDGER, requested(get('a')), requested(get('z')), requested(transfer('a', 'z')), range)).toEqual([
      3, 1,
    ]);
  });

  test('a key of idempotency connects what carries it; where keys are forgotten, any connects all', () => {
    const operations = [requested(get('a'), 'k1'), requested(get('b'), 'k1'), requested(get('c'), 'k2')];
    expect(partsOf(LEDGER, ...operations)).toEqual([2, 1]);
    expect(partsOf({ ...LEDGER, keyLimit: 1 }, ...operations, requested(get('d')))).toEqual([3, 1]);
  });

  test('an operation that touches more than it says stops the checker', () => {
    const application = { ...LEDGER.application, footprint: () => ['value/a'] };
    const model = new ApplicationModel({ application, keyLimit: undefined });
    expect(() => model.apply(requested(get('b')))).toThrow('footprint');
    expect(() => model.apply(requested({ operation: 'range' }))).toThrow('footprint');
    const narrow = { ...LEDGER.application, footprint: () => ['history/b/'] };
    const other = new ApplicationModel({ application: narrow, keyLimit: undefined });
    expect(() => other.apply(requested({ operation: 'history', account: 'a' }))).toThrow('footprint');
  });

  test.each([
    'nonsense',
    '7',
    'null',
    '{"operation":"get"}',
    '{"operation":"get","key":7}',
    String.raw`{"operation":"get","key":"\ud800"}`,
    String.raw`{"operation":"put","key":"ü\ud83d\ude00","value":{"__proto__":1}}`,
    '{"operation":"put","key":"é","value":1}',
    '{"operation":"transfer","from":"a","from":"b","amount":1}',
    '{"operation":"transfer","from":null,"to":["a"],"amount":1}',
    '{"operation":"history"}',
    '{"operation":"history","account":"a/b"}',
    '{"operation":"range","from":"a","to":"b"}',
    '{"operation":"range","limit":0}',
  ])('%s is answered within its footprint', (text) => {
    expect(new ApplicationModel(LEDGER).apply(requested(text))).toMatch(/^executed \{/);
  });
});
