/** What the ledger refuses: the catalogue that docs/application.md repeats, held together by a test. */
import type { JsonObject } from './json.ts';
import { refuse } from './operation.ts';
import type { OperationRefusalCode, Outcome, Refusal } from './operation.ts';
import { ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';

/** Each code with what it says. */
export const LEDGER_REFUSALS = {
  not_json: 'the operation is not JSON in UTF-8',
  not_an_object: 'the operation is JSON, but not an object',
  duplicate_key: 'a member of an object stands there twice',
  forbidden_key: 'a member, or a key of the store, is named `__proto__`',
  not_an_integer: 'a number has a fraction or an exponent',
  number_out_of_range: 'a number is beyond ±(2^53 − 1)',
  invalid_string: 'a string holds half of a surrogate pair, which has no UTF-8 form',
  too_deep: 'arrays and objects are nested deeper than 32 levels',
  unknown_operation: 'the member `operation` is missing, not a string, or no operation of the ledger',
  unknown_field: 'a member that this operation does not take',
  missing_field: 'a member that this operation needs',
  not_read_only: 'an operation that changes the state was sent as a read-only query',
  invalid_amount: 'the amount is missing, or not an integer from 1 to 2^53 − 1',
  invalid_account: 'an account name is not 1 to 128 letters, digits and . _ : @ + - beginning with a letter or digit',
  same_account: 'a transfer from an account to itself',
  insufficient_funds: 'the account holds less than the amount',
  invalid_key: 'a key is not a string of 1 to 128 characters without control characters',
  invalid_limit: 'a limit is not an integer from 1 to 1,000',
  value_too_large: 'a value takes more than 64 KiB in canonical JSON',
} as const satisfies Record<OperationRefusalCode, string> & Record<string, string>;

export type LedgerRefusalCode = keyof typeof LEDGER_REFUSALS;
export type LedgerOutcome = Outcome<LedgerRefusalCode>;
/** A field of an operation, checked. */
export type Field<Value> = Result<Value, Refusal<LedgerRefusalCode>>;

const ACCOUNT_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$/;
const MAX_KEY_CHARACTERS = 128;
const MAX_LIMIT = 1000;

/** The field as an account name, or `otherwise` when it is left out. */
export function accountField(fields: JsonObject, name: string, otherwise: string | undefined): Field<string> {
  const value = fields.has(name) ? fields.get(name) : otherwise;
  if (value === undefined) return refuse('missing_field', `"${name}" names the account`);
  return typeof value === 'string' && ACCOUNT_NAME.test(value)
    ? ok(value)
    : refuse(
        'invalid_account',
        `"${name}" is 1 to 128 letters, digits and . _ : @ + - beginning with a letter or digit`,
      );
}

/** The field `amount`. */
export function amountField(fields: JsonObject): Field<number> {
  const value = fields.get('amount');
  return typeof value === 'number' && value >= 1
    ? ok(value)
    : refuse('invalid_amount', '"amount" is an integer from 1 to 9007199254740991');
}

/** The field as a key of the store. */
export function keyField(fields: JsonObject, name: string): Field<string> {
  const value = fields.get(name);
  if (value === undefined) return refuse('missing_field', `"${name}" is needed: a key of the store`);
  if (typeof value !== 'string' || !isKey(value)) {
    return refuse(
      'invalid_key',
      `"${name}" is a string of 1 to ${MAX_KEY_CHARACTERS} characters, no control characters`,
    );
  }
  return value === '__proto__' ? refuse('forbidden_key', `"${name}" is __proto__`) : ok(value);
}

/** The field `limit`, or `otherwise` when it is left out. */
export function limitField(fields: JsonObject, otherwise: number): Field<number> {
  const value = fields.has('limit') ? fields.get('limit') : otherwise;
  return typeof value === 'number' && value >= 1 && value <= MAX_LIMIT
    ? ok(value)
    : refuse('invalid_limit', `"limit" is an integer from 1 to ${MAX_LIMIT}`);
}

/** Control characters (U+0000 … U+001F, U+007F … U+009F) are kept out: keys are shown in logs, URLs and tables. */
function isKey(text: string): boolean {
  let pairs = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return false;
    // A surrogate pair is one character, and a string of an operation has no half of one.
    if (code >= 0xd800 && code <= 0xdbff) pairs += 1;
  }
  const characters = text.length - pairs;
  return characters >= 1 && characters <= MAX_KEY_CHARACTERS;
}
