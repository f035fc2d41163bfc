/** Schemas made of schemas: optional values, lists, objects, size bounds and rules across fields. */
import { assert } from '../../base/assert.ts';
import type { CodecContext } from '../codec-context.ts';
import { refuse, within } from '../refusal.ts';
import type { RefusalCode } from '../refusal.ts';
import type { Json, JsonObject } from './json-value.ts';
import { at, member, openList, openObject } from './json-value.ts';
import type { Reader } from './reader.ts';
import type { MembersForm, Schema, ValueForm, ValueOf } from './schema.ts';
import { valueForm } from './schema.ts';
import { lengthBytes, readLength, writeLength } from './scalars.ts';
import type { Writer } from './writer.ts';

/** The value or nothing: 1 byte, 0 or 1, then the value. In JSON the member is absent, or none of the members of a spread value is there. */
export function option<T>(schema: Schema<T>): Schema<T | undefined> {
  const { json } = schema;
  return {
    minBytes: 1,
    maxBytes: 1 + schema.maxBytes,
    write(writer, value) {
      writer.u8(value === undefined ? 0 : 1);
      if (value !== undefined) schema.write(writer, value);
    },
    read(reader) {
      const present = reader.u8();
      if (present > 1) refuse('out-of-range');
      return present === 1 ? schema.read(reader) : undefined;
    },
    json:
      json.kind === 'value'
        ? { ...json, absent: { value: undefined }, to: (value) => (value === undefined ? undefined : json.to(value)) }
        : {
            ...json,
            put: (value, object) => (value === undefined ? undefined : json.put(value, object)),
            take: (object, context) =>
              json.names.some((name) => Object.hasOwn(object, name)) ? json.take(object, context) : undefined,
          },
  };
}

/** At most `max` values of one kind behind their number. */
export function list<T>(item: Schema<T>, max: number): Schema<readonly T[]> {
  const form = valueForm(item);
  return {
    minBytes: lengthBytes(max),
    maxBytes: lengthBytes(max) + max * item.maxBytes,
    write(writer, values) {
      writeLength(writer, values.length, max);
      for (const value of values) item.write(writer, value);
    },
    read(reader) {
      const length = readLength(reader, 0, max, item.minBytes);
      const values: T[] = [];
      try {
        while (values.length < length) values.push(item.read(reader));
      } catch (thrown) {
        throw within(`[${values.length}]`, thrown);
      }
      return values;
    },
    json: {
      kind: 'value',
      to: (values) => values.map((value) => form.to(value) ?? null),
      from: (json, context) =>
        openList(json, max).map((value, index) => at(`[${index}]`, () => form.from(value, context))),
    },
  };
}

/** The schema with a tighter bound on its encoding than its parts imply: `oversized` beyond. `sizeOf` computes the bytes of a value's encoding. */
export function bounded<T>(schema: Schema<T>, maxBytes: number, sizeOf: (value: T) => number): Schema<T> {
  const { json } = schema;
  const checked = (value: T): T => (sizeOf(value) > maxBytes ? refuse('oversized') : value);
  return {
    ...schema,
    maxBytes: Math.min(schema.maxBytes, maxBytes),
    write(writer, value) {
      const start = writer.length;
      schema.write(writer, value);
      assert(writer.length - start <= maxBytes, 'an encoding within its limit');
    },
    read(reader) {
      const start = reader.at;
      const value = schema.read(reader);
      if (reader.at - start > maxBytes) refuse('oversized');
      return value;
    },
    json:
      json.kind === 'value'
        ? { ...json, from: (value, context) => checked(json.from(value, context)) }
        : { ...json, take: (members, context) => checked(json.take(members, context)) },
  };
}

/** Why a value whose fields are each in order is refused as a whole; `at` names the field at fault. */
export interface Fault {
  readonly code: RefusalCode;
  readonly at: string;
}

/** What must hold between fields: undefined, or what is wrong. */
export interface Rules<T> {
  /** Asserted when written, checked when read. */
  readonly rule?: (value: T) => Fault | undefined;
  /** Needs the hash, hence checked when read only. */
  readonly verify?: (value: T, context: CodecContext) => Fault | undefined;
}

export type Fields = Readonly<Record<string, Schema<unknown>>>;
/** The object that has the fields of the schemas. */
export type ObjectOf<F> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** An object schema, and its form for {@link spread}. */
export interface ObjectSchema<T> extends Schema<T> {
  readonly json: ValueForm<T>;
  readonly members: MembersForm<T>;
}

/** Additions to {@link object}. */
export interface ObjectOptions<T> extends Rules<T> {
  /** So many fields, from the front, are the content of a message; the rest is attached. Default: all. */
  readonly contentFields?: number;
  /**
   * Reads and writes the same fields in the same order, spelled out: the engine makes object literals and property accesses by name several
   * times faster than loops over names. For the objects of the hot path. Where something is attached they set `contentEnd` themselves, `read` at last.
   */
  readonly quick?: { readonly read: (reader: Reader) => T; readonly write: (writer: Writer, value: T) => void };
}

interface Part {
  readonly name: string;
  readonly schema: Schema<unknown>;
}

/** The fields one after the other; in JSON an object of members in snake_case. The type of the value follows from the fields. */
export function object<F extends Fields>(
  fields: F,
  options: ObjectOptions<ObjectOf<F>> = {},
): ObjectSchema<ObjectOf<F>> {
  type T = ObjectOf<F>;
  const parts: readonly Part[] = Object.entries(fields).map(([name, schema]) => ({ name, schema }));
  const members = membersOf<T>(parts, options);
  const names = new Set(members.names);
  const readSlowly = (reader: Reader): T => readParts(parts, reader, options.contentFields ?? parts.length) as T;
  const { rule, verify, quick } = options;
  const isAllContent = (options.contentFields ?? parts.length) === parts.length;
  const read = quick === undefined ? readSlowly : readQuickly(quick.read, readSlowly, isAllContent);
  return {
    minBytes: parts.reduce((sum, part) => sum + part.schema.minBytes, 0),
    maxBytes: parts.reduce((sum, part) => sum + part.schema.maxBytes, 0),
    write(writer, value) {
      if (rule !== undefined) assertRule(rule(value));
      if (quick !== undefined) {
        quick.write(writer, value);
        if (isAllContent) writer.contentEnd = writer.length;
      } else
        writeParts(parts, writer, value as Readonly<Record<string, unknown>>, options.contentFields ?? parts.length);
    },
    read(reader) {
      const value = read(reader);
      if (rule !== undefined) refuseOn(rule(value));
      if (verify !== undefined) refuseOn(verify(value, reader.context));
      return value;
    },
    json: {
      kind: 'value',
      to(value) {
        const made: JsonObject = {};
        members.put(value, made);
        return made;
      },
      from: (json, context) => members.take(openObject(json, names), context),
    },
    members,
  };
}

/** The object's members as members of the object around it. */
export function spread<T>(schema: ObjectSchema<T>): Schema<T> {
  return { ...schema, json: schema.members };
}

function writeParts(
  parts: readonly Part[],
  writer: Writer,
  value: Readonly<Record<string, unknown>>,
  contentFields: number,
): void {
  let contentEnd = writer.length;
  let index = 0;
  for (const { name, schema } of parts) {
    schema.write(writer, value[name]);
    index += 1;
    if (index === contentFields) contentEnd = writer.length;
  }
  // An object inside this one has set its own before: the outermost has the last word.
  writer.contentEnd = contentEnd;
}

function readParts(parts: readonly Part[], reader: Reader, contentFields: number): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  let contentEnd = reader.at;
  let index = 0;
  let step = '';
  try {
    for (const { name, schema } of parts) {
      step = name;
      value[name] = schema.read(reader);
      index += 1;
      if (index === contentFields) contentEnd = reader.at;
    }
  } catch (thrown) {
    throw within(step, thrown);
  }
  reader.contentEnd = contentEnd;
  return value;
}

/** Where the quick reader refuses, the slow one reads again: it knows the path. */
function readQuickly<T>(
  quick: (reader: Reader) => T,
  slow: (reader: Reader) => T,
  isAllContent: boolean,
): (reader: Reader) => T {
  return (reader) => {
    const start = reader.at;
    try {
      const value = quick(reader);
      if (isAllContent) reader.contentEnd = reader.at;
      return value;
    } catch {
      reader.rewind(start);
      return slow(reader);
    }
  };
}

function assertRule(fault: Fault | undefined): void {
  assert(fault === undefined, `fields that agree (${fault?.code} at ${fault?.at})`);
}

function refuseOn(fault: Fault | undefined): void {
  if (fault !== undefined) refuse(fault.code, fault.at);
}

function membersOf<T>(parts: readonly Part[], rules: Rules<T>): MembersForm<T> {
  const forms = parts.map((part) => ({ name: part.name, form: memberForm(part) }));
  return {
    kind: 'members',
    names: forms.flatMap(({ form }) => form.names),
    put(value, made) {
      for (const { name, form } of forms) form.put((value as Readonly<Record<string, unknown>>)[name], made);
    },
    take(json, context) {
      const value: Record<string, unknown> = {};
      for (const { name, form } of forms) value[name] = form.take(json, context);
      refuseOn(rules.rule?.(value as T));
      refuseOn(rules.verify?.(value as T, context));
      return value as T;
    },
  };
}

/** How one field appears among the members: as itself, or spread. */
function memberForm({ name, schema }: Part): MembersForm<unknown> {
  const form = schema.json;
  if (form.kind === 'members') return form;
  const label = form.name ?? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return {
    kind: 'members',
    names: [label],
    put(value, made) {
      const json = form.to(value);
      if (json !== undefined) made[label] = json;
    },
    take(object, context): unknown {
      const json: Json | undefined = member(object, label);
      if (json !== undefined) return at(label, () => form.from(json, context));
      return form.absent === undefined ? refuse('missing-field', label) : form.absent.value;
    },
  };
}
