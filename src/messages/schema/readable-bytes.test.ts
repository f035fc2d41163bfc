import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentBytes, context } from '../../../test/support/arbitrary-messages.ts';
import { equalBytes, toBase64Url } from '../../base/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import { attempt } from '../frame.ts';
import { LIMITS } from '../limits.ts';
import type { DecodeRefusal } from '../refusal.ts';
import type { Json } from './json-value.ts';
import { fromReadable, readableBytes, toReadable } from './readable-bytes.ts';
import { valueForm } from './schema.ts';

const MAX = 1000;

function utf8(text: string): Uint8Array {
  return encodeUtf8(text) ?? new Uint8Array(0);
}

function asBytes(text: string): Json {
  return { base64: toBase64Url(utf8(text)) };
}

function refusal(json: Json): DecodeRefusal | undefined {
  const read = attempt(() => fromReadable(json, MAX));
  return read.ok ? undefined : read.error;
}

test.each<[string, Json]>([
  ['{"operation":"transfer","amount":100}', { operation: 'transfer', amount: 100 }],
  ['{}', {}],
  ['{"base64":1}', { base64: 1 }],
  ['{"base64":"AAAA","more":1}', { base64: 'AAAA', more: 1 }],
  ['{"é":"\u{1f600}"}', { é: '\u{1f600}' }],
])('%s is shown as the object', (text, json) => {
  expect(toReadable(utf8(text))).toEqual(json);
  expect(fromReadable(json, MAX)).toEqual(utf8(text));
});

test.each([
  ['', 'nothing'],
  ['[1]', 'a list'],
  ['"text"', 'a string'],
  ['100', 'a number'],
  ['{"a":1', 'cut off'],
  ['{ "a":1}', 'a space'],
  ['{"a":1}\n', 'a line end'],
  ['{"a":1.0}', 'a number in another form'],
  ['{"a":1e400}', 'a number beyond all'],
  ['{"a":-0}', 'a zero with a sign'],
  ['{"a":12345678901234567890}', 'a number that JSON loses digits of'],
  ['{"a":1,"a":2}', 'a name twice'],
  ['{"b":1,"1":2}', 'names that an engine reorders'],
  ['{"a":"\\u0041"}', 'an escape that is not needed'],
  ['{"base64":"AAAA"}', 'what looks like bytes'],
])('%s is shown as bytes: %s', (text) => {
  expect(toReadable(utf8(text))).toEqual(asBytes(text));
  expect(fromReadable(asBytes(text), MAX)).toEqual(utf8(text));
});

test('a name __proto__ is a name like any other', () => {
  const text = '{"__proto__":{"polluted":true}}';
  const shown = toReadable(utf8(text));
  expect(JSON.stringify(shown)).toBe(text);
  expect(decodeUtf8(fromReadable(shown, MAX))).toBe(text);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('bytes that are not UTF-8', () => {
  const bytes = Uint8Array.from([0x7b, 0xff, 0x7d]);
  expect(toReadable(bytes)).toEqual({ base64: toBase64Url(bytes) });
});

test('nesting up to the limit is shown, deeper is bytes, and refused as an object', () => {
  const nested = (depth: number): string => '{"a":'.repeat(depth - 1) + '{}' + '}'.repeat(depth - 1);
  expect(JSON.stringify(toReadable(utf8(nested(LIMITS.jsonDepth))))).toBe(nested(LIMITS.jsonDepth));
  const deep = nested(LIMITS.jsonDepth + 1);
  expect(toReadable(utf8(deep))).toEqual(asBytes(deep));
  expect(refusal(JSON.parse(deep) as Json)).toEqual({ code: 'out-of-range', at: '' });
});

test.each<[string, Json, DecodeRefusal]>([
  ['text', 'transfer', { code: 'wrong-type', at: '' }],
  ['a list', [], { code: 'wrong-type', at: '' }],
  ['null', null, { code: 'wrong-type', at: '' }],
  ['padding', { base64: 'AA==' }, { code: 'out-of-range', at: 'base64' }],
  ['the other alphabet', { base64: '+/+/' }, { code: 'out-of-range', at: 'base64' }],
  ['bits past the end', { base64: 'AB' }, { code: 'out-of-range', at: 'base64' }],
  ['too many bytes', { base64: 'A'.repeat(1400) }, { code: 'oversized', at: 'base64' }],
  ['too much text', { a: 'x'.repeat(MAX) }, { code: 'oversized', at: '' }],
  ['infinity', { a: Number.POSITIVE_INFINITY }, { code: 'out-of-range', at: '' }],
])('refused: %s', (_, json, expected) => {
  expect(refusal(json)).toEqual(expected);
});

test('any bytes come back from their JSON, through text', () => {
  const form = valueForm(readableBytes(LIMITS.operationBytes));
  fc.assert(
    fc.property(contentBytes, (bytes) => {
      const json = JSON.parse(JSON.stringify(form.to(bytes))) as Json;
      expect(equalBytes(form.from(json, context), bytes)).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test('any JSON object has bytes that show it again, or as their own text', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const json = JSON.parse(JSON.stringify(object)) as Json;
      const bytes = fromReadable(json, LIMITS.operationBytes);
      expect(equalBytes(fromReadable(toReadable(bytes), LIMITS.operationBytes), bytes)).toBe(true);
    }),
    { numRuns: 400 },
  );
});
