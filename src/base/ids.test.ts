import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantViolation } from './assert.ts';
import {
  GENESIS,
  MAX_NUMBER,
  NULL_DIGEST,
  VIEW_ZERO,
  asClientId,
  asDigest,
  asReplicaId,
  asSequence,
  asView,
  digestOf,
  replicaName,
  replicaOfName,
} from './ids.ts';

describe('numbers', () => {
  test('0 to 2^53-1 are views and sequence numbers', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect([asView(value), asSequence(value)]).toEqual([value, value]);
      }),
    );
    expect([VIEW_ZERO, GENESIS, asView(MAX_NUMBER)]).toEqual([0, 0, 2 ** 53 - 1]);
  });

  test.each([-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('%d is neither', (value) => {
    expect(() => asView(value)).toThrow(InvariantViolation);
    expect(() => asSequence(value)).toThrow(InvariantViolation);
  });

  test.each([-1, 256, 1.5, Number.NaN])('%d is no replica', (value) => {
    expect(() => asReplicaId(value)).toThrow(InvariantViolation);
  });
});

describe('names of replicas', () => {
  test('node1 is index 0, and every index has its name', () => {
    expect(replicaName(asReplicaId(0))).toBe('node1');
    for (let index = 0; index < 256; index += 1) {
      expect(replicaOfName(replicaName(asReplicaId(index)))).toBe(index);
    }
  });

  test.each([
    '',
    'node',
    'node0',
    'node01',
    'node257',
    'node1000',
    'Node1',
    'node1 ',
    ' node1',
    'node-1',
    'node1\n',
    'xnode1',
  ])('%j names none', (name) => {
    expect(replicaOfName(name)).toBeUndefined();
  });
});

describe('digests and clients', () => {
  test('64 lowercase hexadecimal characters', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const text = Buffer.from(bytes).toString('hex');
        expect([digestOf(bytes), asDigest(text), asClientId(text)]).toEqual([text, text, text]);
      }),
    );
    expect(NULL_DIGEST).toBe('0'.repeat(64));
  });

  test.each(['', 'a'.repeat(63), 'a'.repeat(65), 'A'.repeat(64), 'g'.repeat(64), `${'a'.repeat(64)}\n`])(
    '%j is neither',
    (text) => {
      expect(() => asDigest(text)).toThrow(InvariantViolation);
      expect(() => asClientId(text)).toThrow(InvariantViolation);
    },
  );

  test('31 bytes are no digest', () => {
    expect(() => digestOf(new Uint8Array(31))).toThrow(InvariantViolation);
  });
});
