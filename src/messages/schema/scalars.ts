/** Schemas of single values: numbers, names, ids, bytes and text. Integers are big-endian and of fixed width. */
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { fromBase64Url, toBase64Url } from '../../base/bytes.ts';
import type { ClientId, Digest, ReplicaId, Sequence, View } from '../../base/ids.ts';
import { MAX_NUMBER, replicaName, replicaOfName } from '../../base/ids.ts';
import { refuse } from '../refusal.ts';
import type { Json } from './json-value.ts';
import type { HexSlot } from './hex.ts';
import { HEX_BYTES, HEX_SLOTS } from './hex.ts';
import type { Reader } from './reader.ts';
import { RecentHex } from './recent-hex.ts';
import type { Schema } from './schema.ts';
import { named } from './schema.ts';
import type { Writer } from './writer.ts';

/** A JSON number that is an integer from 0 to `max`. */
export function wholeNumber(json: Json, max: number): number {
  if (typeof json !== 'number') return refuse('wrong-type');
  if (!Number.isSafeInteger(json) || json < 0 || json > max) refuse('out-of-range');
  // JSON knows a zero with a sign; integers here do not.
  return json + 0;
}

/** An integer from 0 to `max` (default 2^53−1), 8 bytes. */
export function count<T extends number = number>(max: number = MAX_NUMBER): Schema<T> {
  return {
    minBytes: 8,
    maxBytes: 8,
    write(writer, value) {
      assert(value <= max, 'a number within its limit');
      writer.u53(value);
    },
    read(reader) {
      const value = reader.u53();
      if (value > max) refuse('out-of-range');
      return value as T;
    },
    json: { kind: 'value', to: (value) => value, from: (json) => wholeNumber(json, max) as T },
  };
}

/** View number, 8 bytes. */
export const view: Schema<View> = count<View>();

/** Sequence number, 8 bytes. */
export const sequence: Schema<Sequence> = count<Sequence>();

/** Index of a replica, 1 byte; `node1` for 0 in JSON. */
export const replica: Schema<ReplicaId> = {
  minBytes: 1,
  maxBytes: 1,
  write: (writer, value) => writer.u8(value),
  read: (reader) => reader.u8() as ReplicaId,
  json: {
    kind: 'value',
    to: replicaName,
    from(json) {
      if (typeof json !== 'string') return refuse('wrong-type');
      return replicaOfName(json) ?? refuse('out-of-range');
    },
  },
};

/** The replica that a message is from: `node_id` in JSON. */
export const sender = named('node_id', replica);

function hexSchema<T extends string>(slot: HexSlot): Schema<T> {
  return {
    minBytes: HEX_BYTES,
    maxBytes: HEX_BYTES,
    write: (writer, value) => writer.hex(value, slot),
    read: (reader) => reader.hex(slot) as T,
    json: {
      kind: 'value',
      to: (value) => value,
      from(json) {
        if (typeof json !== 'string') return refuse('wrong-type');
        if (!/^[0-9a-f]{64}$/.test(json)) refuse('out-of-range');
        return json as T;
      },
    },
  };
}

/** SHA-256, 32 bytes; hexadecimal in memory and in JSON. */
export const digest: Schema<Digest> = hexSchema<Digest>(HEX_SLOTS.none);

const recentBatches = new RecentHex();

/** The same, of a batch that other messages name as well. */
export const sharedBatchDigest: Schema<Digest> = {
  ...digest,
  read: (reader) => reader.recentHex(recentBatches) as Digest,
};

/** The same, of a batch in a list whose items mostly name one batch. */
export const repeatedBatchDigest: Schema<Digest> = hexSchema<Digest>(HEX_SLOTS.batch);

/** The same, of a result in a list whose items mostly have one result. */
export const repeatedResultDigest: Schema<Digest> = hexSchema<Digest>(HEX_SLOTS.result);

/** Public key of a client, 32 bytes; hexadecimal in memory and in JSON. */
export const client: Schema<ClientId> = hexSchema<ClientId>(HEX_SLOTS.client);

/** False or true, 1 byte: 0 or 1. */
export const flag: Schema<boolean> = {
  minBytes: 1,
  maxBytes: 1,
  write: (writer, value) => writer.u8(value ? 1 : 0),
  read(reader) {
    const byte = reader.u8();
    if (byte > 1) refuse('out-of-range');
    return byte === 1;
  },
  json: {
    kind: 'value',
    to: (value) => value,
    from: (json) => (typeof json === 'boolean' ? json : refuse('wrong-type')),
  },
};

/** A set of named bits in a number, 1 byte; bit i is `names[i]`. In JSON a list of names, absent when empty. Unknown bits are refused. */
export function flags(names: readonly string[]): Schema<number> {
  const known = (1 << names.length) - 1;
  return {
    minBytes: 1,
    maxBytes: 1,
    write(writer, value) {
      assert((value & known) === value, 'known flags only');
      writer.u8(value);
    },
    read(reader) {
      const bits = reader.u8();
      if ((bits & known) !== bits) refuse('out-of-range');
      return bits;
    },
    json: {
      kind: 'value',
      absent: { value: 0 },
      to: (value) => (value === 0 ? undefined : names.filter((_, bit) => (value & (1 << bit)) !== 0)),
      from(json) {
        if (!Array.isArray(json)) return refuse('wrong-type');
        let bits = 0;
        for (const name of json as readonly Json[]) {
          const index = typeof name === 'string' ? names.indexOf(name) : -1;
          if (index < 0 || (bits & (1 << index)) !== 0) refuse('out-of-range');
          bits |= 1 << index;
        }
        return bits;
      },
    },
  };
}

/** One of a few words, 1 byte: its position in the list, from 0. */
export function oneOf<const Words extends readonly string[]>(words: Words): Schema<Words[number]> {
  return {
    minBytes: 1,
    maxBytes: 1,
    write(writer, value) {
      const index = words.indexOf(value);
      assert(index >= 0, 'one of the listed words');
      writer.u8(index);
    },
    read: (reader) => words[reader.u8()] ?? refuse('out-of-range'),
    json: {
      kind: 'value',
      to: (value) => value,
      from(json) {
        if (typeof json !== 'string') return refuse('wrong-type');
        return words.find((word) => word === json) ?? refuse('out-of-range');
      },
    },
  };
}

/** A fixed word that says what kind of object this is: no bytes. */
export function constant<const Word extends string>(word: Word): Schema<Word> {
  return {
    minBytes: 0,
    maxBytes: 0,
    write: (_, value) => assert(value === word, 'the word of this kind of object'),
    read: () => word,
    json: { kind: 'value', to: () => word, from: (json) => (json === word ? word : refuse('unknown-type')) },
  };
}

/** The same, and not in the JSON either. */
export function silent<const Word extends string>(word: Word): Schema<Word> {
  return { ...constant(word), json: { kind: 'members', names: [], put: () => undefined, take: () => word } };
}

/** Writes a length or count that is at most `max`, as wide as `max` needs: 1, 2 or 4 bytes. */
export function writeLength(writer: Writer, length: number, max: number): void {
  assert(length <= max, 'a length within its limit');
  if (max < 0x100) writer.u8(length);
  else if (max < 0x10000) writer.u16(length);
  else writer.u32(length);
}

/** Reads what {@link writeLength} wrote, and checks it against the limits and against what is left before anything is allocated for it. */
export function readLength(reader: Reader, min: number, max: number, itemMinBytes: number): number {
  const length = max < 0x100 ? reader.u8() : max < 0x10000 ? reader.u16() : reader.u32();
  if (length > max) refuse('oversized');
  if (length < min) refuse('out-of-range');
  if (length * itemMinBytes > reader.remaining) refuse('truncated');
  return length;
}

/** Bytes that {@link writeLength} takes. */
export function lengthBytes(max: number): number {
  return max < 0x100 ? 1 : max < 0x10000 ? 2 : 4;
}

/** `min` to `max` bytes behind their length; exactly `min`, without a length, if both are equal. JSON: base64url. */
export function bytes(min: number, max: number): Schema<Bytes> {
  const isFixed = min === max;
  const head = isFixed ? 0 : lengthBytes(max);
  return {
    minBytes: head + min,
    maxBytes: head + max,
    write(writer, value) {
      assert(value.length >= min && value.length <= max, 'a number of bytes within its limits');
      if (!isFixed) writeLength(writer, value.length, max);
      writer.bytes(value);
    },
    read: (reader) => reader.take(isFixed ? min : readLength(reader, min, max, 1)),
    json: { kind: 'value', to: toBase64Url, from: (json) => bytesOfText(json, min, max) },
  };
}

/** The bytes of base64url text in JSON. */
export function bytesOfText(json: Json, min: number, max: number): Bytes {
  if (typeof json !== 'string') return refuse('wrong-type');
  if (json.length > Math.ceil((max * 4) / 3)) refuse('oversized');
  const value = fromBase64Url(json) ?? refuse('out-of-range');
  if (value.length < min) refuse('out-of-range');
  return value;
}

const PRINTABLE = /^[ -~]*$/;

/** `min` to `max` printable ASCII characters (space to tilde) behind their number. */
export function text(min: number, max: number): Schema<string> {
  return {
    minBytes: lengthBytes(max) + min,
    maxBytes: lengthBytes(max) + max,
    write(writer, value) {
      assert(value.length >= min && PRINTABLE.test(value), 'printable ASCII characters');
      writeLength(writer, value.length, max);
      for (let i = 0; i < value.length; i += 1) writer.u8(value.charCodeAt(i));
    },
    read(reader) {
      const length = readLength(reader, min, max, 1);
      let value = '';
      for (let i = 0; i < length; i += 1) value += String.fromCharCode(reader.u8());
      if (!PRINTABLE.test(value)) refuse('out-of-range');
      return value;
    },
    json: {
      kind: 'value',
      to: (value) => value,
      from(json) {
        if (typeof json !== 'string') return refuse('wrong-type');
        if (json.length > max) refuse('oversized');
        if (json.length < min || !PRINTABLE.test(json)) refuse('out-of-range');
        return json;
      },
    },
  };
}
