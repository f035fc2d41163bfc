/** The key-value store of the ledger. Owns `value/<key>`: any JSON value with integer numbers, in canonical text. */
import { assert } from '../base/assert.ts';
import { concatBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Entry } from '../base/key-value.ts';
import { ok } from '../base/result.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import { LIMITS } from '../messages/limits.ts';
import type { Reader, Transaction } from '../protocol/ports.ts';
import { canonical, jsonObject, jsonText, utf8 } from './json.ts';
import { encodeJson } from './json-writer.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { storedJson } from './json-parser.ts';
import { keyField, limitField } from './ledger-refusals.ts';
import type { Field, LedgerOutcome } from './ledger-refusals.ts';
import { refuse } from './operation.ts';

const PREFIX = 'value/';
/** Behind every key of the store: '0' follows '/'. */
const END = utf8('value0');
const DEFAULT_LIMIT = 100;
/** Entries read at a time, so that a page that fills up early has not read a thousand large values. */
const PAGE = 16;
/** A value is no longer than the operation that brought it. */
const VALUE_BYTES = LIMITS.operationBytes;
/** A range ends early once its entries take so much: half a result, so that the last value and the names around it fit into the rest. */
const RANGE_BYTES = LIMITS.resultBytes / 2;

/** `put {key, value}` → `{key, created}`; `created` is false when it replaced a value. */
export function put(state: Transaction, fields: JsonObject): LedgerOutcome {
  const key = keyField(fields, 'key');
  if (!key.ok) return key;
  const value = valueField(fields, 'value');
  if (!value.ok) return value;
  const stored = storeKey(key.value);
  const created = state.get(stored) === undefined;
  state.put(stored, value.value);
  return ok({ key: key.value, created });
}

/** `get {key}` → `{key, found, value}`; the value is null when it is not found. */
export function get(reader: Reader, fields: JsonObject): LedgerOutcome {
  const key = keyField(fields, 'key');
  if (!key.ok) return key;
  return ok({ key: key.value, ...found(reader.get(storeKey(key.value))) });
}

/** `delete {key}` → `{key, deleted}`; `deleted` is false when nothing was there. */
export function remove(state: Transaction, fields: JsonObject): LedgerOutcome {
  const key = keyField(fields, 'key');
  if (!key.ok) return key;
  const deleted = state.get(storeKey(key.value)) !== undefined;
  if (deleted) state.delete(storeKey(key.value));
  return ok({ key: key.value, deleted });
}

/**
 * `cas {key, expected?, value}` puts `value` if the key holds `expected` (equal as JSON; left out: if it holds nothing)
 * → `{key, swapped: true}`, or `{key, swapped: false, found, value}` with what it holds.
 */
export function compareAndSwap(state: Transaction, fields: JsonObject): LedgerOutcome {
  const key = keyField(fields, 'key');
  if (!key.ok) return key;
  const value = valueField(fields, 'value');
  if (!value.ok) return value;
  const expected = fields.get('expected');
  const held = state.get(storeKey(key.value));
  if (textOf(held) !== (expected === undefined ? undefined : jsonText(canonical(expected)))) {
    return ok({ key: key.value, swapped: false, ...found(held) });
  }
  state.put(storeKey(key.value), value.value);
  return ok({ key: key.value, swapped: true });
}

/**
 * `range {from?, to?, limit?}` → `{entries: [{key, value}…], next}`: keys from `from` up to, not including, `to`, ordered by code points;
 * `next` is the `from` of the next page, null when there is none. Ends early when the entries grow large, after one at least.
 */
export function range(reader: Reader, fields: JsonObject): LedgerOutcome {
  const from = boundField(fields, 'from', utf8(PREFIX));
  if (!from.ok) return from;
  const to = boundField(fields, 'to', END);
  if (!to.ok) return to;
  const limit = limitField(fields, DEFAULT_LIMIT);
  if (!limit.ok) return limit;
  const entries: JsonValue[] = [];
  let sizeBytes = 0;
  for (const { key, value } of entriesBetween(reader, from.value, to.value)) {
    const name = nameOf(key);
    sizeBytes += key.length + value.length;
    const full = entries.length === limit.value || (sizeBytes > RANGE_BYTES && entries.length > 0);
    if (full) return ok({ entries, next: name });
    entries.push(jsonObject({ key: name, value: storedJson(value) }));
  }
  return ok({ entries, next: null });
}

function* entriesBetween(reader: Reader, from: Bytes, to: Bytes): Generator<Entry, void, undefined> {
  let start = from;
  for (;;) {
    const page = reader.range(start, to, PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    start = concatBytes(last.key, Uint8Array.of(0));
  }
}

function storeKey(key: string): Bytes {
  return utf8(PREFIX + key);
}

/** The client's name of a stored key. */
function nameOf(key: Bytes): string {
  const name = decodeUtf8(key.subarray(PREFIX.length));
  assert(name !== undefined, 'a stored key is UTF-8');
  return name;
}

/** Equal as JSON means equal in canonical text. */
function textOf(stored: Bytes | undefined): string | undefined {
  return stored === undefined ? undefined : jsonText(storedJson(stored));
}

function found(stored: Bytes | undefined): { readonly found: boolean; readonly value: JsonValue } {
  return { found: stored !== undefined, value: stored === undefined ? null : storedJson(stored) };
}

/** The field's canonical bytes. */
function valueField(fields: JsonObject, name: string): Field<Bytes> {
  const value = fields.get(name);
  if (value === undefined) return refuse('missing_field', `"${name}" is needed, some JSON value`);
  const bytes = encodeJson(typeof value === 'string' ? value : canonical(value));
  return bytes.length <= VALUE_BYTES
    ? ok(bytes)
    : refuse('value_too_large', `the value takes ${bytes.length} bytes, more than ${VALUE_BYTES}`);
}

function boundField(fields: JsonObject, name: string, otherwise: Bytes): Field<Bytes> {
  if (!fields.has(name)) return ok(otherwise);
  const key = keyField(fields, name);
  return key.ok ? ok(storeKey(key.value)) : key;
}
