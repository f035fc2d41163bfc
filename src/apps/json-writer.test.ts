import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantViolation } from '../base/assert.ts';
import { jsonObject, jsonText } from './json.ts';
import type { JsonValue } from './json.ts';
import { encodeJson, encodeMembers } from './json-writer.ts';

const value = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '\x7f', '\x7e', 'é', '/') }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 4 }).map((members) => new Map(members)),
  ),
})).value;

describe('encodeJson', () => {
  it('writes the text of a value in UTF-8', () => {
    fc.assert(
      fc.property(value, (written) => {
        expect(encodeJson(written)).toEqual(new TextEncoder().encode(jsonText(written)));
      }),
      { numRuns: 500 },
    );
  });

  it('writes the members of an object in their order', () => {
    const members = { z: 1, a: ['"', null], é: new Map([['b', true]]) };
    expect(encodeMembers(members)).toEqual(encodeJson(jsonObject(members)));
    expect(encodeMembers({})).toEqual(encodeJson(new Map()));
  });

  it('writes long values, and short ones after them', () => {
    const long = Array.from({ length: 3000 }, (_, i) => `item ${i}, ${'.'.repeat(i % 90)}`);
    const before = encodeJson('before');
    expect(encodeJson(long)).toEqual(new TextEncoder().encode(JSON.stringify(long)));
    expect(encodeJson('x'.repeat(70_000)).length).toBe(70_002);
    expect(encodeJson(1)).toEqual(new TextEncoder().encode('1'));
    expect(before).toEqual(new TextEncoder().encode('"before"'));
  });

  it('goes on after a value that it does not write', () => {
    expect(() => encodeJson([1, 0.5])).toThrow(InvariantViolation);
    expect(encodeJson([true])).toEqual(new TextEncoder().encode('[true]'));
  });
});
