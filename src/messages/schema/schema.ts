/**
 * What a schema is: one description of a value from which come its canonical bytes, its TypeScript type and its JSON.
 *
 * Every value has exactly one encoding. `write` asserts that the value is within the schema (a value outside is a bug of ours); `read` and
 * `from` refuse whatever is not. All closures are made once, when the modules load.
 */
import type { CodecContext } from '../codec-context.ts';
import type { Json, JsonObject } from './json-value.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** A description of the values `T`. */
export interface Schema<T> {
  /** Bounds of the encoding in bytes. A reader checks `minBytes` × count against what is left before it makes a list. */
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Appends the canonical encoding. Throws InvariantViolation if the value breaks the schema. */
  write(writer: Writer, value: T): void;
  /** Reads one value. Refuses everything that `write` would not have written. */
  read(reader: Reader): T;
  readonly json: ValueForm<T> | MembersForm<T>;
}

/** JSON form that is one value: the member of an object, the item of a list. */
export interface ValueForm<T> {
  readonly kind: 'value';
  /** Name of the member, if it is not the field's name in snake_case. */
  readonly name?: string;
  /** The value when the member is absent; without it the member is required. */
  readonly absent?: { readonly value: T };
  /** undefined: the member is left out. */
  to(value: T): Json | undefined;
  from(json: Json, context: CodecContext): T;
}

/** JSON form that is spread over several members (or none) of the object around it. */
export interface MembersForm<T> {
  readonly kind: 'members';
  readonly names: readonly string[];
  put(value: T, object: JsonObject): void;
  take(object: { readonly [name: string]: Json }, context: CodecContext): T;
}

/** The type a schema describes. */
export type ValueOf<S> = S extends { read(reader: Reader): infer T } ? T : never;

/** The same schema, with another name for its JSON member. */
export function named<T>(name: string, schema: Schema<T>): Schema<T> {
  if (schema.json.kind !== 'value') throw new TypeError(`${name}: has no value form`);
  return { ...schema, json: { ...schema.json, name } };
}

/** The value form of a schema that must have one: for items of lists and whole messages. */
export function valueForm<T>(schema: Schema<T>): ValueForm<T> {
  if (schema.json.kind !== 'value') throw new TypeError('spread over members, it cannot stand alone');
  return schema.json;
}
