/** JSON operations and their outcomes, as both applications here read and answer them: `{"operation": name, …fields}`. */
import type { Bytes } from '../base/bytes.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { isJsonObject, jsonObject } from './json.ts';
import { encodeMembers } from './json-writer.ts';
import type { JsonMembers, JsonObject } from './json.ts';
import { parseJson } from './json-parser.ts';
import type { JsonProblemCode } from './json-parser.ts';

/** What any JSON application may answer besides its own codes. */
export type OperationRefusalCode =
  | JsonProblemCode
  | 'not_an_object'
  | 'unknown_operation'
  | 'unknown_field'
  | 'missing_field'
  | 'not_read_only';

/** Why an operation was refused: an ordered outcome like any other, the same on every replica. */
export interface Refusal<Code extends string> {
  readonly code: Code;
  readonly message: string;
}

/** What an operation answers: an object, or a refusal. */
export type Outcome<Code extends string> = Result<JsonMembers, Refusal<Code>>;

/** A decoded operation: its name, and its members with the name among them. */
export interface Operation {
  readonly name: string;
  readonly fields: JsonObject;
}

const NAME = 'operation';

/** The failure half of an outcome. */
export function refuse<Code extends string>(
  code: Code,
  message: string,
): { readonly ok: false; readonly error: Refusal<Code> } {
  return fail({ code, message });
}

/** The operation in these bytes. A number that is refused as the value of `amount` is an `invalid_amount`, which says more to its sender. */
export function decodeOperation(bytes: Bytes): Result<Operation, Refusal<OperationRefusalCode | 'invalid_amount'>> {
  const parsed = parseJson(bytes);
  if (!parsed.ok) {
    const { code, message, member } = parsed.error;
    const ofNumber = code === 'not_an_integer' || code === 'number_out_of_range';
    return refuse(ofNumber && member === 'amount' ? 'invalid_amount' : code, message);
  }
  if (!isJsonObject(parsed.value)) return refuse('not_an_object', 'an operation is a JSON object');
  const fields = parsed.value;
  const name = fields.get(NAME);
  return typeof name === 'string'
    ? ok({ name, fields })
    : refuse('unknown_operation', 'the member "operation" names the operation, as a string');
}

/** The refusal for a name that is none of `known`. */
export function unknownOperation(name: string, known: readonly string[]): Outcome<'unknown_operation'> {
  return refuse('unknown_operation', `${quoted(name)} is none of ${known.join(', ')}`);
}

/** The refusal of the first field besides the name that is none of `allowed`; undefined when there is none. */
export function checkFields(fields: JsonObject, allowed: readonly string[]): Refusal<'unknown_field'> | undefined {
  for (const name of fields.keys()) if (name !== NAME && !allowed.includes(name)) return unknownField(name, allowed);
  return undefined;
}

function unknownField(unknown: string, allowed: readonly string[]): Refusal<'unknown_field'> {
  const takes = allowed.length === 0 ? 'none' : allowed.join(', ');
  return {
    code: 'unknown_field',
    message: `${quoted(unknown)} is not a field of this operation, which takes ${takes}`,
  };
}

/** The bytes of an outcome: the object itself, or `{"error":{"code","message"}}`. */
export function encodeOutcome(outcome: Outcome<string>): Bytes {
  if (outcome.ok) return encodeMembers(outcome.value);
  const { code, message } = outcome.error;
  return encodeMembers({ error: jsonObject({ code, message }) });
}

const QUOTED_LENGTH = 40;

/** A client's text for a message: in quotes, cut, and well-formed even if the cut halves a surrogate pair. */
export function quoted(text: string): string {
  return text.length <= QUOTED_LENGTH ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, QUOTED_LENGTH))}…`;
}
