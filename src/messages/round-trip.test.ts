import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MESSAGE_OF_TYPE, context, message, proof } from '../../test/support/arbitrary-messages.ts';
import { must } from '../../test/support/must.ts';
import {
  MESSAGE_TYPES,
  authenticatedBytes,
  decodeFrame,
  encodeFrame,
  encodeMessage,
  fromJson,
  toJson,
} from './index.ts';

test('every message type has an arbitrary', () => {
  expect(Object.keys(MESSAGE_OF_TYPE).sort()).toEqual([...MESSAGE_TYPES].sort());
});

describe.each(MESSAGE_TYPES)('%s', (type) => {
  const arbitrary = MESSAGE_OF_TYPE[type];

  test('decode(encode(x)) = x, with the bytes that the proof covers', () => {
    fc.assert(
      fc.property(arbitrary, proof, (value, evidence) => {
        const encoded = encodeMessage(value);
        const decoded = must(decodeFrame(encodeFrame(encoded, evidence), context));
        expect(decoded.message).toStrictEqual(value);
        expect(decoded.proof).toStrictEqual(evidence);
        expect(decoded.authenticated).toEqual(authenticatedBytes(context, encoded));
      }),
    );
  });

  test('fromJson(toJson(x)) = x, through text, with the same bytes', () => {
    fc.assert(
      fc.property(arbitrary, proof, (value, evidence) => {
        const json: unknown = JSON.parse(JSON.stringify(toJson(value, evidence)));
        const decoded = must(fromJson(json, context));
        expect(decoded.message).toStrictEqual(value);
        expect(decoded.proof).toStrictEqual(evidence);
        expect(decoded.authenticated).toEqual(authenticatedBytes(context, encodeMessage(value)));
        expect(encodeMessage(decoded.message).bytes).toEqual(encodeMessage(value).bytes);
      }),
    );
  });
});

test('values that differ have different bytes, and equal values the same', () => {
  fc.assert(
    fc.property(message, message, (left, right) => {
      const sameBytes = Buffer.compare(encodeMessage(left).bytes, encodeMessage(right).bytes) === 0;
      expect(sameBytes).toBe(JSON.stringify(toJson(left)) === JSON.stringify(toJson(right)));
      expect(encodeMessage(structuredClone(left)).bytes).toEqual(encodeMessage(left).bytes);
    }),
  );
});

test('what was decoded shares no memory with the frame', () => {
  fc.assert(
    fc.property(message, proof, (value, evidence) => {
      const frame = encodeFrame(encodeMessage(value), evidence);
      const decoded = must(decodeFrame(frame, context));
      frame.fill(0xee);
      expect(decoded.message).toStrictEqual(value);
      expect(decoded.proof).toStrictEqual(evidence);
    }),
  );
});

test('a Node Buffer decodes like any other bytes, to plain arrays', () => {
  fc.assert(
    fc.property(message, proof, (value, evidence) => {
      const frame = encodeFrame(encodeMessage(value), evidence);
      const padded = Buffer.concat([Buffer.from([1, 2, 3]), frame]);
      const decoded = must(decodeFrame(padded.subarray(3), context));
      expect(decoded.message).toStrictEqual(value);
    }),
  );
});

test('an encoding stays as it is while others are made', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(message, proof), { minLength: 2, maxLength: 8 }), (values) => {
      const frames = values.map(([value, evidence]) => encodeFrame(encodeMessage(value), evidence));
      const decoded = frames.map((frame) => must(decodeFrame(frame, context)).message);
      expect(decoded).toStrictEqual(values.map(([value]) => value));
    }),
  );
});
