import { hash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { asDigest } from '../base/ids.ts';
import type { StateMachine } from '../protocol/ports.ts';
import type { Sha256 } from '../state/index.ts';
import { checkStateMachine, fingerprintStateMachine } from './contract.ts';
import type { ContractProblem } from './contract.ts';
import { counter } from './counter.ts';
import { ledger } from './ledger.ts';

const sha256: Sha256 = (bytes) => asDigest(hash('sha256', bytes, 'hex'));
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const LEDGER_OPERATIONS = [
  ...Array.from({ length: 120 }, (_, i) => ({ operation: 'transfer', to: `user-${i % 3}`, amount: i + 1 })),
  { operation: 'transfer', from: 'user-1', to: 'user-2', amount: 50 },
  { operation: 'transfer', from: 'user-1', to: 'user-2', amount: 1e15 },
  { operation: 'balance', account: 'user-1' },
  { operation: 'history', account: 'user-2' },
  ...Array.from({ length: 20 }, (_, i) => ({ operation: 'put', key: `key-${i}`, value: { i, list: [i] } })),
  { operation: 'cas', key: 'key-1', expected: { list: [1], i: 1 }, value: null },
  { operation: 'cas', key: 'key-2', value: 1 },
  { operation: 'delete', key: 'key-3' },
  { operation: 'get', key: 'key-4' },
  { operation: 'range', limit: 7 },
  { operation: 'mint', amount: 1 },
].map(encode);

const COUNTER_OPERATIONS = [
  { operation: 'increment' },
  { operation: 'increment', by: 5 },
  { operation: 'read' },
  { operation: 'increment', by: -5 },
].map(encode);

const KEY = text('key');
const DONE = text('done');

/** Three operations are enough for the broken ones; each call makes a fresh application. */
function problemsOf(application: StateMachine): readonly ContractProblem[] {
  return checkStateMachine(application, [text('a'), text('b'), text('c')], { sha256 });
}

function requirements(application: StateMachine): string[] {
  return [...new Set(problemsOf(application).map(({ requirement }) => requirement))].toSorted();
}

describe('checkStateMachine', () => {
  it('finds nothing wrong with the ledger', () => {
    expect(checkStateMachine(ledger, LEDGER_OPERATIONS, { sha256 })).toEqual([]);
  });

  it('finds nothing wrong with the counter', () => {
    expect(checkStateMachine(counter, COUNTER_OPERATIONS, { sha256 })).toEqual([]);
  });

  it('takes an operation that throws half-way, and sees its changes undone', () => {
    const application: StateMachine = {
      execute(state, operation) {
        state.put(KEY, operation);
        if (operation.length === 0 || operation[0] === 0x62) throw new Error('refused');
        return DONE;
      },
    };
    expect(problemsOf(application)).toEqual([]);
  });

  it('sees a memory besides the state', () => {
    let calls = 0;
    const application: StateMachine = {
      execute(state) {
        calls += 1;
        state.put(KEY, text(String(calls)));
        return DONE;
      },
    };
    expect(problemsOf(application)).toContainEqual({
      requirement: 'A1',
      operation: 0,
      message: 'it leaves another state in a second run',
    });
  });

  it('sees a cache that an undone operation leaves behind', () => {
    const cache = new Map<string, Uint8Array>();
    const application: StateMachine = {
      execute(state, operation, { sequence, index }) {
        if (sequence === 1 && index === 0) cache.clear();
        const name = `${operation[0]}`;
        const known = cache.get(name) ?? state.get(KEY) ?? operation;
        cache.set(name, operation);
        state.put(KEY, operation);
        return known;
      },
    };
    expect(requirements(application)).toContain('A3');
  });

  it('sees randomness', () => {
    const application: StateMachine = { execute: () => text(String(Math.random())) };
    expect(problemsOf(application)[0]).toEqual({
      requirement: 'A1',
      operation: 0,
      message: 'it gives another result in a second run',
    });
  });

  it('sees a genesis that differs', () => {
    const application: StateMachine = {
      initialize: (state) => state.put(KEY, text(String(Math.random()))),
      execute: () => DONE,
    };
    expect(problemsOf(application)[0]).toMatchObject({
      operation: undefined,
      message: 'initialize leaves another state in a second run',
    });
  });

  it('sees a genesis that throws', () => {
    const initialize = (): void => {
      throw new Error('no');
    };
    expect(problemsOf({ initialize, execute: () => DONE })).toEqual([
      { requirement: 'A2', operation: undefined, message: 'initialize throws: Error: no' },
    ]);
  });

  it('sees results that are not bytes', () => {
    const promised: unknown = Promise.resolve(DONE);
    const execute = (): Uint8Array => promised as Uint8Array;
    expect(problemsOf({ execute })).toEqual([{ requirement: 'A2', operation: 0, message: 'the result is not bytes' }]);
  });

  it('sees a failed assertion, which would stop a replica', () => {
    const application: StateMachine = {
      execute(_state, operation) {
        const first = operation[0] ?? 0;
        if (first < 0x61) asDigest('not a digest');
        return DONE;
      },
    };
    expect(problemsOf(application)[0]).toMatchObject({ requirement: 'A2', operation: 3 });
  });

  it('sees a result that is too large', () => {
    const application: StateMachine = { execute: () => new Uint8Array(300_000) };
    expect(requirements(application)).toEqual(['A5']);
  });

  it('sees a changed operation', () => {
    const application: StateMachine = {
      execute(_state, operation) {
        operation.fill(0);
        return DONE;
      },
    };
    expect(problemsOf(application)).toEqual([
      { requirement: 'A6', operation: 0, message: 'it changes the bytes of the operation' },
    ]);
  });

  it('sees a result that changes after it was returned', () => {
    const shared = new Uint8Array(1);
    const application: StateMachine = {
      execute(_state, operation) {
        shared[0] = operation[0] ?? 0;
        return shared;
      },
    };
    expect(requirements(application)).toEqual(['A6']);
  });

  it('sees a changed value that was read', () => {
    const application: StateMachine = {
      initialize: (state) => state.put(KEY, new Uint8Array(4)),
      execute(state) {
        const value = state.get(KEY) ?? DONE;
        value[0] = (value[0] ?? 0) + 1;
        return DONE;
      },
    };
    expect(requirements(application)).toContain('A6');
  });

  it('sees queries that leave a trace, differ, or answer no bytes', () => {
    let asked = 0;
    const remembering: StateMachine = {
      execute: () => text(String(asked)),
      query: () => {
        asked = 1;
        return DONE;
      },
    };
    expect(requirements(remembering)).toContain('A7');
    const random: StateMachine = { execute: () => DONE, query: () => text(String(Math.random())) };
    expect(requirements(random)).toEqual(['A7']);
    const nothing: unknown = undefined;
    const empty: StateMachine = { execute: () => DONE, query: () => nothing as Uint8Array };
    expect(problemsOf(empty)).toEqual([
      { requirement: 'A7', operation: 0, message: 'the answer to a query is not bytes' },
    ]);
  });
});

describe('fingerprintStateMachine', () => {
  it('is the same in another process with another locale and time zone', () => {
    const program = `
      import { hash } from 'node:crypto';
      import { fingerprintStateMachine, ledger } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
      const operations = JSON.parse(process.argv[1]).map((text) => new TextEncoder().encode(text));
      console.log(fingerprintStateMachine(ledger, operations, (bytes) => hash('sha256', bytes, 'hex')));`;
    const operations = JSON.stringify(LEDGER_OPERATIONS.map((operation) => new TextDecoder().decode(operation)));
    const env = { LC_ALL: 'tr_TR.UTF-8', TZ: 'Asia/Kathmandu' };
    const other = execFileSync(process.execPath, ['--input-type=module', '--eval', program, operations], {
      encoding: 'utf8',
      env,
    });
    expect(other.trim()).toBe(fingerprintStateMachine(ledger, LEDGER_OPERATIONS, sha256));
  });
});
