import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { context } from '../../test/support/arbitrary-messages.ts';
import { must } from '../../test/support/must.ts';
import { InvariantViolation } from '../base/assert.ts';
import { toHex } from '../base/bytes.ts';
import {
  COMPOUND_HEAD_BYTES,
  COMPOUND_OPERATION_BYTES,
  OperationList,
  decodeOperations,
  decodeResults,
  encodeOperations,
  encodeResults,
  operationCount,
} from './compound.ts';
import { LIMITS } from './limits.ts';
import { REQUEST_COMPOUND, REQUEST_RECEIPT } from './request.ts';

const operations = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 300 });

describe('operations and results', () => {
  test('of any number within the limit are what they were', () => {
    fc.assert(
      fc.property(operations, fc.infiniteStream(fc.boolean()), (all, gone) => {
        const list = all.slice(0, LIMITS.operationsPerRequest);
        expect(must(decodeOperations(encodeOperations(list), context))).toEqual(list);
        const results = list.map((result) => (gone.next().value ? undefined : result));
        expect(must(decodeResults(encodeResults(results), context))).toEqual(results);
      }),
    );
  });

  test('of more are our own bug to write, and refused when read', () => {
    const many = Array.from({ length: LIMITS.operationsPerRequest + 1 }, () => new Uint8Array(0));
    expect(() => encodeOperations(many)).toThrow(InvariantViolation);
    const bytes = new Uint8Array(COMPOUND_HEAD_BYTES + COMPOUND_OPERATION_BYTES * many.length);
    bytes.set([many.length >> 8, many.length & 0xff]);
    expect(decodeOperations(bytes, context)).toMatchObject({ ok: false, error: { code: 'oversized' } });
  });

  test('whatever the bytes: a list that encodes to the same, or a refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(3), (bytes, count) => {
        // Short lists, as they would come.
        if (bytes.length > 1) bytes.set([0, count]);
        const decoded = decodeOperations(bytes, context);
        expect(toHex(decoded.ok ? encodeOperations(decoded.value) : bytes)).toBe(toHex(bytes));
        const results = decodeResults(bytes, context);
        expect(toHex(results.ok ? encodeResults(results.value) : bytes)).toBe(toHex(bytes));
      }),
    );
  });
});

describe('a list that grows', () => {
  test('is what is encoded at once, and begins anew when it is taken; its operations are its own', () => {
    fc.assert(
      fc.property(fc.array(operations, { minLength: 1, maxLength: 3 }), (lists) => {
        const growing = new OperationList();
        for (const all of lists) {
          const list = all.slice(0, LIMITS.operationsPerRequest);
          for (const operation of list) {
            const buffer = operation.slice();
            growing.add(buffer);
            buffer.fill(0xff);
          }
          expect(growing.count).toBe(list.length);
          expect(toHex(growing.take())).toBe(toHex(encodeOperations(list)));
        }
      }),
    );
  });

  test('has room for so many operations, and for so many bytes', () => {
    const list = new OperationList();
    for (let count = 0; count < LIMITS.operationsPerRequest; count += 1) {
      expect(list.hasRoom(1)).toBe(true);
      list.add(Uint8Array.of(1));
    }
    expect(list.hasRoom(0)).toBe(false);
    expect(() => list.add(new Uint8Array(0))).toThrow(InvariantViolation);
    list.take();
    const most = LIMITS.operationBytes - COMPOUND_HEAD_BYTES - COMPOUND_OPERATION_BYTES;
    expect([list.hasRoom(most), list.hasRoom(most + 1)]).toEqual([true, false]);
    list.add(new Uint8Array(most));
    expect(list.take()).toHaveLength(LIMITS.operationBytes);
  });
});

test('a request counts as many operations as it says that it has: at least one, at most the limit', () => {
  const count = (flags: number, ...operation: number[]): number =>
    operationCount({ flags, operation: Uint8Array.from(operation) });
  expect(count(0, 0, 9)).toBe(1);
  expect(count(REQUEST_COMPOUND, 0, 9)).toBe(9);
  expect(count(REQUEST_COMPOUND | REQUEST_RECEIPT, 1, 0)).toBe(256);
  expect(count(REQUEST_COMPOUND, 0xff, 0xff)).toBe(LIMITS.operationsPerRequest);
  expect(count(REQUEST_COMPOUND)).toBe(1);
  expect(count(REQUEST_COMPOUND, 0, 0)).toBe(1);
});
