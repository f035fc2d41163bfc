import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../base/utf8.ts';
import { TABLE_ERROR_CODES, makeTableError, parseTableError, tableErrorResult } from './table-error.ts';

const bytes = (text: string): Uint8Array => encodeUtf8(text) ?? new Uint8Array(0);

describe('an error of the tables', () => {
  it.each(TABLE_ERROR_CODES)('%s reads back as it was written, with and without bounds', (code) => {
    for (const bounds of [
      undefined,
      { sessionFloor: 0, agreedTime: 5 },
      { sessionFloor: Number.MAX_SAFE_INTEGER, agreedTime: 1 },
    ]) {
      const error = makeTableError(code, bounds);
      expect(parseTableError(tableErrorResult(error))).toEqual(error);
    }
  });

  it.each([
    '',
    'null',
    '7',
    '"error"',
    '{}',
    '{"error":null}',
    '{"error":"session_expired"}',
    '{"error":{"code":"session_expired"}}',
    '{"error":{"code":"no_such_code","message":"x"}}',
    '{"error":{"code":7,"message":"x"}}',
    '{"error":{"message":"x"}}',
    '{"error":{"code":"session_expired","message":"x","session_floor":1}}',
    '{"error":{"code":"session_expired","message":"x","agreed_time":1}}',
    '{"error":{"code":"session_expired","message":"x","session_floor":-1,"agreed_time":1}}',
    '{"error":{"code":"session_expired","message":"x","session_floor":1.5,"agreed_time":1}}',
    '{"error":{"code":"session_expired","message":"x","session_floor":"1","agreed_time":1}}',
    '{"error":{"code":"session_expired","message":"x","session_floor":1,"agreed_time":1e300}}',
    '{"error":{"code":"session_expired","message":"x"}',
    '[{"error":{"code":"session_expired","message":"x"}}]',
  ])('is not read from %s', (text) => {
    expect(parseTableError(bytes(text))).toBeUndefined();
  });

  it('is not read from bytes that are no text', () => {
    expect(parseTableError(Uint8Array.of(0xff, 0xfe))).toBeUndefined();
  });

  it('a member inherited from the prototype is no member', () => {
    expect(parseTableError(bytes('{"error":{"__proto__":{"code":"session_expired","message":"x"}}}'))).toBeUndefined();
  });
});
