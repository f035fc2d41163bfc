import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rootOf } from '../../test/support/root-of.ts';
import { EMPTY } from '../base/bytes.ts';
import { asClientId, asDigest, asSequence } from '../base/ids.ts';
import { LIMITS } from '../messages/limits.ts';
import { applicationReader, applicationTransaction } from '../protocol/state-layout.ts';
import { MemoryState } from '../state/index.ts';
import { TOTAL_SUPPLY, ledger, totalBalance } from './ledger.ts';

type Json = Record<string, unknown>;

const encode = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const decode = (bytes: Uint8Array | undefined): Json => JSON.parse(new TextDecoder().decode(bytes)) as Json;

/** A ledger on a state of its own, in the application's key space, as the replica runs it. */
class Bank {
  readonly state = new MemoryState((bytes) => asDigest(hash('sha256', bytes, 'hex')));
  #executed = 0;

  constructor() {
    const transaction = this.state.begin();
    ledger.initialize?.(applicationTransaction(transaction));
    transaction.commit();
  }

  text(operation: unknown): string {
    this.#executed += 1;
    const sequence = asSequence(this.#executed);
    const transaction = this.state.begin();
    const context = { sequence, index: 0, timestamp: 1_000_000 * this.#executed, client: asClientId('a'.repeat(64)) };
    const result = ledger.execute(applicationTransaction(transaction), encode(operation), context);
    transaction.commit();
    return new TextDecoder().decode(result);
  }

  run(operation: unknown): Json {
    return JSON.parse(this.text(operation)) as Json;
  }

  query(operation: unknown): Json {
    return decode(ledger.query?.(applicationReader(this.state), encode(operation)));
  }

  total(): number {
    return totalBalance(applicationReader(this.state));
  }

  /** The code of a refusal; something else if there was none or it changed the state. */
  refusal(operation: unknown): unknown {
    const before = rootOf(this.state);
    const { error } = this.run(operation) as { error?: { code: string; message: string } };
    if (rootOf(this.state) !== before) return 'the state has changed';
    return typeof error?.message === 'string' ? error.code : 'not refused';
  }
}

describe('transfer', () => {
  it('moves from treasury to default when nobody is named', () => {
    const bank = new Bank();
    expect(bank.text('{"operation":"transfer","amount":100}')).toBe(
      '{"from":"treasury","to":"default","amount":100,"from_balance":9007199254740891,"to_balance":100}',
    );
    expect(bank.text({ operation: 'balance' })).toBe('{"account":"default","balance":100}');
    expect(bank.run({ operation: 'balance', account: 'treasury' })['balance']).toBe(TOTAL_SUPPLY - 100);
  });

  it('moves between named accounts, to the last unit and back', () => {
    const bank = new Bank();
    bank.run({ operation: 'transfer', to: 'ann', amount: TOTAL_SUPPLY });
    expect(bank.run({ operation: 'balance', account: 'treasury' })['balance']).toBe(0);
    expect(bank.refusal({ operation: 'transfer', amount: 1 })).toBe('insufficient_funds');
    bank.run({ operation: 'transfer', from: 'ann', to: 'treasury', amount: TOTAL_SUPPLY });
    expect(bank.run({ operation: 'balance', account: 'ann' })['balance']).toBe(0);
    expect(bank.total()).toBe(TOTAL_SUPPLY);
  });

  it.each([
    [{ amount: 0 }, 'invalid_amount'],
    [{ amount: -1 }, 'invalid_amount'],
    [{}, 'invalid_amount'],
    [{ amount: null }, 'invalid_amount'],
    [{ amount: '100' }, 'invalid_amount'],
    [{ amount: [100] }, 'invalid_amount'],
    [{ amount: 1.5 }, 'invalid_amount'],
    [{ amount: 2 ** 53 }, 'invalid_amount'],
    [{ amount: 1, from: 'nobody' }, 'insufficient_funds'],
    [{ amount: 1, from: 'ann', to: 'ann' }, 'same_account'],
    [{ amount: 1, to: 'treasury' }, 'same_account'],
    [{ amount: 1, to: '' }, 'invalid_account'],
    [{ amount: 1, to: null }, 'invalid_account'],
    [{ amount: 1, to: 7 }, 'invalid_account'],
    [{ amount: 1, to: 'a/b' }, 'invalid_account'],
    [{ amount: 1, to: 'a b' }, 'invalid_account'],
    [{ amount: 1, to: 'é' }, 'invalid_account'],
    [{ amount: 1, to: '__proto__' }, 'invalid_account'],
    [{ amount: 1, to: 'a'.repeat(129) }, 'invalid_account'],
    [{ amount: 1, from: 'a\n' }, 'invalid_account'],
    [{ amount: 1, fee: 1 }, 'unknown_field'],
    [{ amount: 1, account: 'ann' }, 'unknown_field'],
  ])('refuses %j as %s', (fields, code) => {
    expect(new Bank().refusal({ operation: 'transfer', ...fields })).toBe(code);
  });

  it('treats names of built-in properties as names', () => {
    const bank = new Bank();
    for (const to of ['constructor', 'toString', 'hasOwnProperty', 'a'.repeat(128)]) {
      expect(bank.run({ operation: 'transfer', to, amount: 5 })['to_balance']).toBe(5);
    }
    expect(bank.refusal({ operation: 'constructor' })).toBe('unknown_operation');
    expect(bank.refusal({ operation: 'toString' })).toBe('unknown_operation');
  });
});

describe('history', () => {
  it('shows both sides, the newest first', () => {
    const bank = new Bank();
    bank.run({ operation: 'transfer', to: 'ann', amount: 100 });
    bank.run({ operation: 'transfer', from: 'ann', to: 'bob', amount: 30 });
    expect(bank.text({ operation: 'history', account: 'ann' })).toBe(
      '{"account":"ann","entries":[' +
        '{"sequence":2,"index":0,"timestamp_us":2000000,"from":"ann","to":"bob","amount":30,"balance":70},' +
        '{"sequence":1,"index":0,"timestamp_us":1000000,"from":"treasury","to":"ann","amount":100,"balance":100}]}',
    );
    expect(bank.run({ operation: 'history', account: 'nobody' })['entries']).toEqual([]);
    expect(bank.refusal({ operation: 'history' })).toBe('missing_field');
  });

  it('keeps the last 100 entries of an account and no more', () => {
    const bank = new Bank();
    for (let amount = 1; amount <= 130; amount += 1) bank.run({ operation: 'transfer', to: 'ann', amount });
    bank.run({ operation: 'transfer', to: 'ann.b', amount: 1 });
    const entries = bank.run({ operation: 'history', account: 'ann' })['entries'] as { amount: number }[];
    expect(entries.map(({ amount }) => amount)).toEqual(Array.from({ length: 100 }, (_, i) => 130 - i));
    expect(bank.state.range(EMPTY, undefined, 1000).length).toBe(3 + 100 + 100 + 1);
  });

  it('fits into a result with the longest names', () => {
    const bank = new Bank();
    const name = 'x'.repeat(127);
    for (let i = 0; i < 100; i += 1) {
      bank.run({ operation: 'transfer', from: 'treasury', to: `a${name}`, amount: 1e12 });
      bank.run({ operation: 'transfer', from: `a${name}`, to: `b${name}`, amount: 1e11 });
    }
    expect(bank.text({ operation: 'history', account: `a${name}` }).length).toBeLessThan(LIMITS.resultBytes);
  });
});

describe('the key-value store', () => {
  it('puts, gets and deletes', () => {
    const bank = new Bank();
    const value = { b: [1, null, true, 'é'], a: { z: 0, y: {} } };
    expect(bank.text({ operation: 'put', key: 'k', value })).toBe('{"key":"k","created":true}');
    expect(bank.text({ operation: 'put', key: 'k', value })).toBe('{"key":"k","created":false}');
    expect(bank.text({ operation: 'get', key: 'k' })).toBe(
      '{"key":"k","found":true,"value":{"a":{"y":{},"z":0},"b":[1,null,true,"é"]}}',
    );
    expect(bank.text({ operation: 'delete', key: 'k' })).toBe('{"key":"k","deleted":true}');
    expect(bank.text({ operation: 'delete', key: 'k' })).toBe('{"key":"k","deleted":false}');
    expect(bank.text({ operation: 'get', key: 'k' })).toBe('{"key":"k","found":false,"value":null}');
  });

  it('leaves the same root however a value was written', () => {
    const [one, other] = [new Bank(), new Bank()];
    one.run('{"operation":"put","key":"k","value":{"a":[1,"A"],"b":null}}');
    other.run('{ "value" : { "b":null , "a":[ 1, "\\u0041" ] }, "key":"\\u006b", "operation":"put" }');
    expect(rootOf(one.state)).toBe(rootOf(other.state));
  });

  it('swaps when the key holds what is expected', () => {
    const bank = new Bank();
    const cas = (fields: Json): string => bank.text({ operation: 'cas', key: 'k', ...fields });
    expect(cas({ expected: null, value: 1 })).toBe('{"key":"k","swapped":false,"found":false,"value":null}');
    expect(cas({ value: null })).toBe('{"key":"k","swapped":true}');
    expect(cas({ value: 2 })).toBe('{"key":"k","swapped":false,"found":true,"value":null}');
    expect(cas({ expected: null, value: { a: 1, b: 2 } })).toBe('{"key":"k","swapped":true}');
    expect(cas({ expected: { b: 2, a: 1 }, value: 3 })).toBe('{"key":"k","swapped":true}');
    expect(cas({ expected: '3', value: 4 })).toBe('{"key":"k","swapped":false,"found":true,"value":3}');
    expect(bank.refusal({ operation: 'cas', key: 'k', expected: 3 })).toBe('missing_field');
  });

  it('ranges in the order of code points, page by page', () => {
    const bank = new Bank();
    const keys = ['', 'a', 'a/b', 'aa', 'b', 'z', 'é', '\uffff', '😀'].filter((key) => key !== '');
    for (const key of keys.toReversed()) bank.run({ operation: 'put', key, value: key });
    bank.run({ operation: 'transfer', amount: 1 });
    const range = (fields: Json): Json => bank.run({ operation: 'range', ...fields });
    const names = (answer: Json): string[] => (answer['entries'] as { key: string }[]).map(({ key }) => key);
    expect(names(range({}))).toEqual(keys);
    expect(range({})['next']).toBeNull();
    expect(names(range({ from: 'a/b', to: 'z' }))).toEqual(['a/b', 'aa', 'b']);
    expect(names(range({ from: 'b', to: 'a' }))).toEqual([]);
    expect(bank.text({ operation: 'range', to: 'b', limit: 2 })).toBe(
      '{"entries":[{"key":"a","value":"a"},{"key":"a/b","value":"a/b"}],"next":"aa"}',
    );
    const seen: string[] = [];
    for (let from: unknown = 'a'; from !== null;) {
      const page = range({ from, limit: 3 });
      seen.push(...names(page));
      from = page['next'];
    }
    expect(seen).toEqual(keys);
  });

  it('ends a range before its result grows too large', () => {
    const bank = new Bank();
    for (let i = 0; i < 40; i += 1) bank.run({ operation: 'put', key: `k${i}`, value: 'x'.repeat(20_000) });
    const text = bank.text({ operation: 'range', limit: 1000 });
    expect(text.length).toBeLessThanOrEqual(LIMITS.resultBytes);
    const { entries, next } = JSON.parse(text) as { entries: unknown[]; next: string };
    expect(entries.length).toBe(6);
    expect(next).toBe('k14');
    for (let i = 0; i < 20; i += 1) bank.run({ operation: 'put', key: `a${i}`, value: 'x' });
    expect((bank.run({ operation: 'range', to: 'k', limit: 17 })['entries'] as unknown[]).length).toBe(17);
  });

  it('answers the largest value that an operation can bring', () => {
    const bank = new Bank();
    const operation = { operation: 'put', key: '\u{1f600}'.repeat(128), value: '' };
    const value = '\u{1f600}'.repeat(Math.floor((LIMITS.operationBytes - encode(operation).length) / 4));
    expect(encode({ ...operation, value }).length).toBeGreaterThan(LIMITS.operationBytes - 4);
    bank.run({ ...operation, value });
    expect(bank.run({ operation: 'get', key: operation.key })['value']).toBe(value);
    expect(bank.refusal({ operation: 'put', key: 'k', value: 'x'.repeat(LIMITS.operationBytes) })).toBe(
      'value_too_large',
    );
  });

  it.each([
    ['put', { key: '', value: 1 }, 'invalid_key'],
    ['put', { key: 'x'.repeat(129), value: 1 }, 'invalid_key'],
    ['put', { key: 'a\u0000', value: 1 }, 'invalid_key'],
    ['put', { key: 'a\u007f', value: 1 }, 'invalid_key'],
    ['put', { key: 5, value: 1 }, 'invalid_key'],
    ['put', { key: null, value: 1 }, 'invalid_key'],
    ['put', { key: '__proto__', value: 1 }, 'forbidden_key'],
    ['put', { key: 'k' }, 'missing_field'],
    ['put', { value: 1 }, 'missing_field'],
    ['put', { key: 'k', value: 0.1 }, 'not_an_integer'],
    ['put', { key: 'k', value: [{ deep: 1e21 }] }, 'not_an_integer'],
    ['put', { key: 'k', value: 1, ttl: 1 }, 'unknown_field'],
    ['get', {}, 'missing_field'],
    ['delete', { key: {} }, 'invalid_key'],
    ['range', { limit: 0 }, 'invalid_limit'],
    ['range', { limit: 1001 }, 'invalid_limit'],
    ['range', { limit: null }, 'invalid_limit'],
    ['range', { limit: '5' }, 'invalid_limit'],
    ['range', { from: '' }, 'invalid_key'],
    ['range', { to: 3 }, 'invalid_key'],
    ['balance', { account: ['a'] }, 'invalid_account'],
    ['balance', { name: 'a' }, 'unknown_field'],
  ])('%s refuses %j as %s', (operation, fields, code) => {
    expect(new Bank().refusal({ operation, ...fields })).toBe(code);
  });
});

describe('whatever is sent', () => {
  it.each([
    ['', 'not_json'],
    ['transfer', 'not_json'],
    ['[]', 'not_an_object'],
    ['"transfer"', 'not_an_object'],
    ['null', 'not_an_object'],
    ['{}', 'unknown_operation'],
    ['{"operation":5}', 'unknown_operation'],
    ['{"operation":"Transfer","amount":1}', 'unknown_operation'],
    ['{"operation":"transfer","amount":1,"amount":2}', 'duplicate_key'],
    ['{"operation":"transfer","amount":1,"__proto__":{}}', 'forbidden_key'],
    ['{"operation":"transfer","amount":1.0}', 'invalid_amount'],
    ['{"operation":"transfer","amount":9007199254740993}', 'invalid_amount'],
    ['{"operation":"put","key":"k","value":9007199254740993}', 'number_out_of_range'],
    ['{"operation":"put","key":"k","value":"\\ud800"}', 'invalid_string'],
    [`{"operation":"put","key":"k","value":${'['.repeat(40)}${']'.repeat(40)}}`, 'too_deep'],
  ])('%s is refused as %s', (text, code) => {
    expect(new Bank().refusal(text)).toBe(code);
  });

  it('quotes a long name cut and well-formed', () => {
    expect(new Bank().text({ operation: `${'x'.repeat(39)}😀😀` })).toBe(
      `{"error":{"code":"unknown_operation","message":"\\"${'x'.repeat(39)}\\\\ud83d\\"… is none of transfer, put, delete, cas, balance, history, get, range"}}`,
    );
  });

  it('never changes the sum over all accounts, and never throws', () => {
    const account = fc.constantFrom('treasury', 'default', 'ann', 'bob', '', '__proto__');
    const amount = fc.oneof(fc.integer({ min: -1, max: 500 }), fc.maxSafeInteger(), fc.double());
    const operation = fc.oneof(
      fc.record(
        { operation: fc.constant('transfer'), from: account, to: account, amount },
        { requiredKeys: ['operation'] },
      ),
      fc.record({ operation: fc.constantFrom('put', 'cas', 'delete', 'get'), key: account, value: fc.jsonValue() }),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        const bank = new Bank();
        for (const each of operations) bank.run(each ?? 'null');
        expect(bank.total()).toBe(TOTAL_SUPPLY);
      }),
    );
  });

  it('is summed over more accounts than one page holds', () => {
    const bank = new Bank();
    for (let i = 0; i < 600; i += 1) bank.run({ operation: 'transfer', to: `user-${i}`, amount: i + 1 });
    expect(bank.total()).toBe(TOTAL_SUPPLY);
  });
});

describe('query', () => {
  it('answers read-only operations as execution does', () => {
    const bank = new Bank();
    bank.run({ operation: 'transfer', amount: 7 });
    bank.run({ operation: 'put', key: 'k', value: 1 });
    const reads = [
      { operation: 'balance' },
      { operation: 'history', account: 'default' },
      { operation: 'get', key: 'k' },
      { operation: 'range' },
      { operation: 'get' },
      { operation: 'balance', account: '' },
      'no JSON',
    ];
    for (const read of reads) expect(bank.query(read)).toEqual(bank.run(read));
  });

  it.each(['transfer', 'put', 'delete', 'cas'])('refuses %s', (operation) => {
    expect(new Bank().query({ operation, amount: 1 })).toMatchObject({ error: { code: 'not_read_only' } });
  });

  it('refuses unknown operations', () => {
    expect(new Bank().query({ operation: 'mint' })).toMatchObject({ error: { code: 'unknown_operation' } });
  });
});
