import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compactJson, isJsonContentType, parseJson } from './content.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const compact = (text: string): string => Buffer.from(compactJson(bytes(text))).toString();

describe('compactJson', () => {
  it.each([
    ['{"operation": "transfer", "amount": 100}', '{"operation":"transfer","amount":100}'],
    [' \t\r\n[ 1 , 2 ]\n', '[1,2]'],
    ['{"a b": "c  d", "e": "\\" \\\\" }', '{"a b":"c  d","e":"\\" \\\\"}'],
    ['{"a": 1.0, "a": 1e2, "b": "\\u0041"}', '{"a":1.0,"a":1e2,"b":"\\u0041"}'],
    ['" é ☃ "', '" é ☃ "'],
  ])('%j becomes %j', (given, expected) => {
    expect(compact(given)).toBe(expected);
  });

  it('is what JSON.stringify writes, for everything it writes with white space', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 4 }), (value, indent) => {
        expect(compact(JSON.stringify(value, undefined, indent))).toBe(JSON.stringify(value));
      }),
    );
  });
});

describe('parseJson', () => {
  it('never throws and never takes what is not JSON in UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (some) => {
        const parsed = parseJson(some);
        expect(parsed.ok || parsed.error.code === 'malformed_json').toBe(true);
      }),
    );
  });
});

describe('a body that is no JSON', () => {
  it('is told where it goes wrong, and nothing of it is repeated', () => {
    const parsed = parseJson(bytes('{"secret-word" 1}'));
    expect(parsed).toMatchObject({ ok: false, error: { details: { position: 15 } } });
    expect(JSON.stringify(parsed)).not.toContain('secret-word');
    expect(JSON.stringify(parseJson(bytes('secret-word')))).not.toContain('secret-word');
  });
});

describe('isJsonContentType', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json;charset=utf-8',
    'application/json; charset="UTF-8"',
  ])('takes %s', (type) => {
    expect(isJsonContentType(type)).toBe(true);
  });

  it.each([
    undefined,
    '',
    'application/json; charset=utf-16',
    'application/jsonp',
    'application/problem+json',
    'text/json',
    'application/json, text/plain',
  ])('refuses %s', (type) => {
    expect(isJsonContentType(type)).toBe(false);
  });
});
