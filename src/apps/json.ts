/**
 * JSON as replicated data: each value has one text, and every number is an integer that every language keeps exactly. Objects are maps, so
 * no name is special, and their members are in the order in which they are written out. Reading is in json-parser.ts.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { encodeUtf8 } from '../base/utf8.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** The members of an object in their order. Requires: no name is a decimal number (those would be moved to the front). */
export type JsonMembers = Readonly<Record<string, JsonValue>>;

/** An object with these members in this order. */
export function jsonObject(members: JsonMembers): JsonObject {
  return new Map(Object.entries(members));
}

/** True for arrays; `Array.isArray` does not narrow readonly ones. */
export function isJsonArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** True for objects. */
export function isJsonObject(value: JsonValue): value is JsonObject {
  return value instanceof Map;
}

/** `value` with the members of all its objects sorted by UTF-16 code units: its `jsonText` is the canonical form of RFC 8785. */
export function canonical(value: JsonValue): JsonValue {
  if (isJsonArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  const members = [...value].map(([name, member]) => [name, canonical(member)] as const);
  return new Map(members.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/**
 * The text of `value`: no spaces, members in the order of their map, shortest escapes. Requires: numbers are safe integers, strings have no lone surrogates.
 */
export function jsonText(value: JsonValue): string {
  if (typeof value === 'number') {
    assert(Number.isSafeInteger(value), 'numbers in replicated JSON are integers within 2^53 − 1');
    return value.toString();
  }
  if (typeof value === 'string') return JSON.stringify(value);
  if (isJsonArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    let text = '';
    for (const [name, member] of value) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${jsonText(member)}`;
    return `{${text}}`;
  }
  return String(value);
}

/** UTF-8 of a text of ours. Requires: no lone surrogate. */
export function utf8(text: string): Bytes {
  const bytes = encodeUtf8(text);
  assert(bytes !== undefined, 'what is stored or answered has a UTF-8 form');
  return bytes;
}
