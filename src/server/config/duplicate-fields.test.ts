import { describe, expect, test } from 'vitest';
import { duplicateFields } from './duplicate-fields.ts';

describe('fields that stand twice in one object', () => {
  test.each([
    ['{}', []],
    ['[]', []],
    ['1', []],
    ['{"a":1,"b":{"a":2}}', []],
    ['{"a":1,"a":2}', ['a']],
    ['{"a":{"b":1,"c":[],"b":2}}', ['a.b']],
    ['{"list":[{"x":1},{"x":1,"y":{"z":[1,2]},"x":3}]}', ['list[1].x']],
    ['{"a":"a","b":"a:","c":"{\\"a\\":1,\\"a\\":2}"}', []],
    ['{"a\\"b":1,"a\\u0022b":2}', ['a"b']],
  ])('%s', (text, paths) => {
    expect(duplicateFields(text)).toEqual(paths);
  });
});
