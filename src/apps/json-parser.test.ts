import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8 } from '../base/utf8.ts';
import { canonical, isJsonObject, jsonText } from './json.ts';
import { encodeJson } from './json-writer.ts';
import type { JsonValue } from './json.ts';
import { MAX_JSON_DEPTH, parseJson } from './json-parser.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function textAfter(text: string): string {
  const parsed = parseJson(bytes(text));
  return parsed.ok ? jsonText(canonical(parsed.value)) : `${parsed.error.code}: ${parsed.error.message}`;
}

function codeOf(input: Uint8Array): string {
  const parsed = parseJson(input);
  return parsed.ok ? 'ok' : parsed.error.code;
}

/** Our value as the built-in kind, for comparing with JSON.parse. */
function plain(value: JsonValue): unknown {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(plain);
  if (value !== null && isJsonObject(value)) {
    return Object.fromEntries([...value].map(([name, member]) => [name, plain(member)]));
  }
  return value;
}

const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.string({ unit: 'grapheme' }).filter((name) => name !== '__proto__'),
      tie('value'),
      { maxKeys: 4 },
    ),
  ),
})).value;

describe('parseJson', () => {
  it('reads what JSON.stringify writes as JSON.parse does', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, '\t'), (original, space) => {
        const text = JSON.stringify(original, undefined, space);
        const parsed = parseJson(bytes(text));
        expect(parsed.ok && plain(parsed.value)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('says the same of what is ASCII and of what is not, at the same character', () => {
    const ways = [
      '{"a!":1,}',
      '{"a!":"\\q"}',
      '{"a!":1}!',
      '["a!",1.5]',
      '{"a!":"\\ud800"}',
      '["a!"',
      '{"a!":1,"a!":2}',
    ];
    for (const way of ways) {
      const [ascii, other] = ['b', '\u00e9'].map((character) => textAfter(way.replaceAll('!', character)));
      expect(ascii).toMatch(/, at character \d+$/);
      expect(other).toBe(ascii?.replace('"b"', '"\u00e9"'));
    }
    expect(textAfter('"\u00e9\\n\u{1f600}"')).toBe('"\u00e9\\n\u{1f600}"');
    expect(codeOf(Uint8Array.of(0x22, 0xc3, 0x22))).toBe('not_json');
  });

  it('has one canonical text for each value, whatever the order of members', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), value), { maxLength: 6 }), (members) => {
        const distinct = [...new Map(members.filter(([name]) => name !== '__proto__'))];
        const written = (order: typeof distinct): string =>
          textAfter(
            `{${order.map(([name, member]) => `${JSON.stringify(name)} : ${JSON.stringify(member)}`).join(' ,')}}`,
          );
        const text = written(distinct);
        expect(written(distinct.toReversed())).toBe(text);
        expect(textAfter(text)).toBe(text);
      }),
    );
  });

  it('gives any bytes a value or a refusal, and never takes what JSON.parse refuses', () => {
    const near = fc.array(fc.constantFrom(...'{}[]",:\\u0019-+.eE truefalsn\n\u{1f600}'), { maxLength: 12 });
    const inputs = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      near.map((units) => bytes(units.join(''))),
    );
    fc.assert(
      fc.property(inputs, (input) => {
        const parsed = parseJson(input);
        const text = decodeUtf8(input);
        const accepted = parsed.ok ? plain(parsed.value) : 'refused';
        const reference = parsed.ok && text !== undefined ? (JSON.parse(text) as unknown) : 'refused';
        expect(accepted === 0 ? 0 : accepted).toEqual(reference === 0 ? 0 : reference);
      }),
      { numRuns: 3000 },
    );
  });

  it('writes canonical text', () => {
    expect(textAfter(' { "b" : [ 1 , -2, true,null ,"x\\/\\u0041\\n" ], "a":{} , "" : -0}')).toBe(
      '{"":0,"a":{},"b":[1,-2,true,null,"x/A\\n"]}',
    );
    expect(textAfter('"\\ud83d\\ude00\\u007f\\u2028\\u0001\\b"')).toBe('"😀\x7f\u2028\\u0001\\b"');
    expect(textAfter('{"\\ud83d\\ude00":1,"\\uffff":2}')).toBe('{"😀":1,"\uffff":2}');
    expect(textAfter('[9007199254740991,-9007199254740991]')).toBe('[9007199254740991,-9007199254740991]');
  });

  it.each([
    ['', 'not_json'],
    ['{', 'not_json'],
    ['{"a"}', 'not_json'],
    ['{"a":1,}', 'not_json'],
    ["{'a':1}", 'not_json'],
    ['{a:1}', 'not_json'],
    ['[1,]', 'not_json'],
    ['[1 2]', 'not_json'],
    ['1 2', 'not_json'],
    ['01', 'not_json'],
    ['+1', 'not_json'],
    ['-', 'not_json'],
    ['1.', 'not_json'],
    ['.5', 'not_json'],
    ['0x10', 'not_json'],
    ['NaN', 'not_json'],
    ['Infinity', 'not_json'],
    ['nul', 'not_json'],
    ['True', 'not_json'],
    ['// 1', 'not_json'],
    ['"', 'not_json'],
    ['"\t"', 'not_json'],
    ['"\\x"', 'not_json'],
    ['"\\u12g4"', 'not_json'],
    ['\ufeff1', 'not_json'],
    ['\u00a01', 'not_json'],
    ['{"a":1,"a":1}', 'duplicate_key'],
    ['{"a":1,"\\u0061":2}', 'duplicate_key'],
    ['[{"b":{"c":1,"c":2}}]', 'duplicate_key'],
    ['{"__proto__":1}', 'forbidden_key'],
    ['{"a":{"__pr\\u006fto__":{}}}', 'forbidden_key'],
    ['1.5', 'not_an_integer'],
    ['1.0', 'not_an_integer'],
    ['1e3', 'not_an_integer'],
    ['-0.0', 'not_an_integer'],
    ['1e999', 'not_an_integer'],
    ['9007199254740992', 'number_out_of_range'],
    ['-9007199254740992', 'number_out_of_range'],
    ['9'.repeat(400), 'number_out_of_range'],
    ['"\\ud800"', 'invalid_string'],
    ['"\\ude00\\ud83d"', 'invalid_string'],
    ['{"\\udfff":1}', 'invalid_string'],
  ])('refuses %j as %s', (text, code) => {
    expect(codeOf(bytes(text))).toBe(code);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(codeOf(Uint8Array.of(0x22, 0xff, 0x22))).toBe('not_json');
    expect(codeOf(Uint8Array.of(0x22, 0xc0, 0x80, 0x22))).toBe('not_json');
    expect(codeOf(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toBe('not_json');
  });

  it('bounds the depth', () => {
    const nested = (depth: number): Uint8Array => bytes(`${'['.repeat(depth)}${']'.repeat(depth)}`);
    expect(codeOf(nested(MAX_JSON_DEPTH))).toBe('ok');
    expect(codeOf(nested(MAX_JSON_DEPTH + 1))).toBe('too_deep');
    expect(codeOf(bytes('{"a":'.repeat(30_000)))).toBe('too_deep');
    expect(codeOf(bytes('[[],[],[]]'.repeat(1)))).toBe('ok');
  });

  it('says where, and in which member', () => {
    const parsed = parseJson(bytes('{"note":"x","amount":1.5}'));
    const problem = {
      code: 'not_an_integer',
      message: 'a number with a fraction or an exponent, at character 22',
      member: 'amount',
    };
    expect(parsed).toEqual({ ok: false, error: problem });
  });

  it('takes long input without delay', () => {
    const long = '\\"'.repeat(32_000);
    expect(codeOf(bytes(`{"operation":"${long}"}`))).toBe('ok');
    expect(codeOf(bytes(`[${'1,'.repeat(30_000)}1]`))).toBe('ok');
  });
});

describe('encodeJson', () => {
  it('asserts what would not be one value everywhere', () => {
    expect(() => encodeJson(0.5)).toThrow('integers');
    expect(() => encodeJson(2 ** 53)).toThrow('integers');
  });
});
