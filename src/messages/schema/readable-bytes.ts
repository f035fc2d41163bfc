/**
 * Bytes that are usually JSON, such as an operation of the ledger. In JSON they stand as the object they spell, if they are exactly what
 * `JSON.stringify` makes of it; otherwise, and if that object could be mistaken for this very form, as `{"base64": "<base64url>"}`.
 */
import type { Bytes } from '../../base/bytes.ts';
import { toBase64Url } from '../../base/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import { LIMITS } from '../limits.ts';
import { refuse } from '../refusal.ts';
import type { Json } from './json-value.ts';
import { at, isJsonObject, isPlainJson, member } from './json-value.ts';
import { bytes, bytesOfText } from './scalars.ts';
import type { Schema } from './schema.ts';

const OPENING_BRACE = 0x7b;

/** At most `max` bytes behind their length, readable in JSON where they can be. */
export function readableBytes(max: number): Schema<Bytes> {
  return { ...bytes(0, max), json: { kind: 'value', to: toReadable, from: (json) => fromReadable(json, max) } };
}

/** The JSON form of some bytes. */
export function toReadable(value: Bytes): Json {
  return objectSpelt(value) ?? { base64: toBase64Url(value) };
}

/** The bytes of a JSON form; at most `max`. */
export function fromReadable(json: Json, max: number): Bytes {
  if (!isJsonObject(json)) return refuse('wrong-type');
  if (isEscape(json)) return at('base64', () => bytesOfText(member(json, 'base64') ?? null, 0, max));
  // Deeper or stranger than JSON can be sent, it has no bytes that everyone would agree on.
  if (!isPlainJson(json, LIMITS.jsonDepth)) return refuse('out-of-range');
  const value = encodeUtf8(spelt(json));
  if (value === undefined || value.length > max) return refuse('oversized');
  return value;
}

function objectSpelt(value: Bytes): Json | undefined {
  if (value[0] !== OPENING_BRACE) return undefined;
  const text = decodeUtf8(value);
  const json = text === undefined ? undefined : parsed(text);
  if (!isJsonObject(json) || isEscape(json) || !isPlainJson(json, LIMITS.jsonDepth)) return undefined;
  return JSON.stringify(json) === text ? json : undefined;
}

/** Its text. What `JSON.parse` did not make may look like JSON and refuse to be written. */
function spelt(json: Json): string {
  try {
    return JSON.stringify(json);
  } catch {
    return refuse('out-of-range');
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Looks like the form for bytes: one member `base64`, a string. */
function isEscape(json: { readonly [name: string]: Json }): boolean {
  return typeof member(json, 'base64') === 'string' && Object.keys(json).length === 1;
}
