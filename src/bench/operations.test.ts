import { describe, expect, test } from 'vitest';
import { applicationNamed } from '../apps/index.ts';
import { asClientId, asSequence } from '../base/ids.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { Bytes } from '../base/bytes.ts';
import { sha256 } from '../node/index.ts';
import type { StateMachine } from '../protocol/ports.ts';
import { MemoryState } from '../state/index.ts';
import { application as nothing } from './null-application.ts';
import { judgeReadBack, makeOperations, resultSize } from './operations.ts';

const utf8 = (text: string): Bytes => encodeUtf8(text) ?? new Uint8Array(0);
const context = { sequence: asSequence(1), index: 0, timestamp: 1, client: asClientId('ab'.repeat(32)) };

/** The application on a state of its own. */
function runner(application: StateMachine): (operation: Bytes) => Bytes {
  const state = new MemoryState(sha256).begin();
  return (operation) => application.execute(state, operation, context);
}

describe('null', () => {
  test.each([
    [0, 0],
    [1024, 0],
    [0, 4096],
  ])('operations with %i bytes of padding have results of %i bytes', (request, reply) => {
    const operations = makeOperations({ app: 'null', request, reply, reads: 'off' });
    const operation = operations.next(0);
    const result = runner(nothing)(operation);
    expect([operation.length, resultSize(operation), result.length]).toEqual([request + 4, reply, reply]);
    expect(operations.judge(0, result)).toBeUndefined();
    expect(operations.readBacks()).toEqual([]);
  });

  test('a result of another size is told', () => {
    const operations = makeOperations({ app: 'null', request: 0, reply: 8, reads: 'off' });
    expect(operations.judge(0, new Uint8Array(7))).toBe('a result has 7 bytes instead of 8');
  });

  test('an operation that is none has an empty result', () => {
    expect(runner(nothing)(new Uint8Array(3))).toHaveLength(0);
  });
});

describe('kv', () => {
  const ledger = applicationNamed('ledger');
  if (ledger === undefined) throw new Error('the ledger is built in');
  const make = (): ReturnType<typeof makeOperations> =>
    makeOperations({ app: 'kv', request: 64, reply: 0, reads: 'off' });

  test('each session puts values of the wanted size under its own key, no value twice', () => {
    const operations = make();
    const puts = [0, 1, 0].map((session) => JSON.parse(Buffer.from(operations.next(session)).toString()) as object);
    expect(puts).toEqual([
      { operation: 'put', key: 'bench/0', value: `0.1${'.'.repeat(61)}` },
      { operation: 'put', key: 'bench/1', value: `1.1${'.'.repeat(61)}` },
      { operation: 'put', key: 'bench/0', value: `0.2${'.'.repeat(61)}` },
    ]);
  });

  test('what the ledger answers is as it must be, and what was put last is read back', () => {
    const operations = make();
    const execute = runner(ledger);
    for (const session of [0, 1, 2, 0, 0, 1])
      expect(operations.judge(session, execute(operations.next(session)))).toBeUndefined();
    const readBacks = operations.readBacks();
    expect(readBacks.map(({ key }) => key)).toEqual(['bench/0', 'bench/1', 'bench/2']);
    for (const readBack of readBacks) expect(judgeReadBack(readBack, execute(readBack.operation))).toBeUndefined();
  });

  test('where only the first operation of a session writes, the others read what it put', () => {
    const operations = makeOperations({ app: 'kv', request: 64, reply: 0, reads: 'only' });
    const execute = runner(ledger);
    const kinds = [0, 0, 1, 0, 1].map((session) => {
      const result = execute(operations.next(session));
      expect(operations.judge(session, result)).toBeUndefined();
      return operations.isRead(session);
    });
    expect(kinds).toEqual([false, true, false, true, true]);
    expect(operations.judge(0, utf8('{"key":"bench/0","found":true,"value":"0.0"}'))).toContain('"0.0"');
    expect(makeOperations({ app: 'null', request: 0, reply: 0, reads: 'only' }).isRead(0)).toBe(true);
  });

  test('a refusal, another key and another value are told', () => {
    const operations = make();
    operations.next(0);
    const [readBack] = operations.readBacks();
    if (readBack === undefined) throw new Error('one key was put');
    expect(operations.judge(0, utf8('{"error":{"code":"no_room"}}'))).toContain('no_room');
    expect(operations.judge(0, utf8('{"key":"bench/1","created":true}'))).toContain('bench/1');
    expect(judgeReadBack(readBack, utf8('{"key":"bench/0","found":true,"value":"0.0"}'))).toContain('"0.0"');
    expect(judgeReadBack(readBack, utf8('{"key":"bench/0","found":false,"value":null}'))).toContain('null');
  });

  test('of many sessions sixteen are read back', () => {
    const operations = make();
    for (let session = 0; session < 100; session += 1) operations.next(session);
    expect(operations.readBacks()).toHaveLength(16);
  });
});
