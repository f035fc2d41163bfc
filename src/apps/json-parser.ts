/**
 * A strict JSON reader (RFC 8259) for operations: what two readers might understand differently is refused by name instead of resolved.
 * `JSON.parse` will not do: it takes duplicate keys, rounds large numbers, and gives `__proto__` a meaning to whoever copies members.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { latin1 } from '../base/latin1.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import type { JsonObject, JsonValue } from './json.ts';

/** Arrays and objects within each other, at most. Bounds the recursion. */
export const MAX_JSON_DEPTH = 32;

export type JsonProblemCode =
  | 'not_json'
  | 'duplicate_key'
  | 'forbidden_key'
  | 'not_an_integer'
  | 'number_out_of_range'
  | 'invalid_string'
  | 'too_deep';

/** Why bytes were refused, and where. */
export interface JsonProblem {
  readonly code: JsonProblemCode;
  readonly message: string;
  /** The member of the outermost object whose value was being read. */
  readonly member: string | undefined;
}

/** The value of UTF-8 JSON text, members in the order of the text; or the first thing that is wrong with it. Never throws. */
export function parseJson(bytes: Bytes): Result<JsonValue, JsonProblem> {
  // Most are ASCII: then the bytes are the characters, and only the strings in them are made texts.
  const parsed = new Parser(bytes, undefined).parse();
  if (parsed.ok || isAscii(bytes)) return parsed;
  const text = decodeUtf8(bytes);
  return text === undefined
    ? fail({ code: 'not_json', message: 'the bytes are not UTF-8', member: undefined })
    : new Parser(codesOf(text), text).parse();
}

function isAscii(bytes: Bytes): boolean {
  for (let at = 0; at < bytes.length; at += 1) if ((bytes[at] as number) >= 0x80) return false;
  return true;
}

function codesOf(text: string): Uint16Array {
  const codes = new Uint16Array(text.length);
  for (let at = 0; at < text.length; at += 1) codes[at] = text.charCodeAt(at);
  return codes;
}

/** A value that this program wrote with `encodeJson`. Anything else there is a bug of ours or a damaged state. */
export function storedJson(bytes: Bytes): JsonValue {
  const parsed = parseJson(bytes);
  assert(parsed.ok, 'what was stored is JSON');
  return parsed.value;
}

/** Characters by their codes. */
const CODE = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  quote: 0x22,
  plus: 0x2b,
  comma: 0x2c,
  minus: 0x2d,
  point: 0x2e,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  upperE: 0x45,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  lowerE: 0x65,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
const WORDS: readonly (readonly [string, JsonValue])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
];
/** No code of a character: behind the last one. */
const END = -1;
const INTEGER = /^-?(?:0|[1-9][0-9]*)$/;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/;
const HEX_4 = /^[0-9a-fA-F]{4}$/;

function isSpace(code: number): boolean {
  return code === CODE.space || code === CODE.lineFeed || code === CODE.carriageReturn || code === CODE.tab;
}

function isDigit(code: number): boolean {
  return code >= CODE.zero && code <= CODE.nine;
}

/** One of the characters of which numbers are made, in whatever order. */
function isOfNumber(code: number): boolean {
  if (isDigit(code) || code === CODE.minus || code === CODE.plus || code === CODE.point) return true;
  return code === CODE.upperE || code === CODE.lowerE;
}

/** Reads one text. A method that gives undefined has said in `#problem` why; no JSON value is undefined. */
class Parser {
  /** UTF-16. */
  readonly #codes: Bytes | Uint16Array;
  /** The same; undefined: they are to be ASCII, and what is not is refused. */
  readonly #text: string | undefined;
  #at = 0;
  #depth = 0;
  #member: string | undefined;
  #problem: JsonProblem | undefined;

  constructor(codes: Bytes | Uint16Array, text: string | undefined) {
    this.#codes = codes;
    this.#text = text;
  }

  parse(): Result<JsonValue, JsonProblem> {
    const value = this.#value();
    this.#skipSpace();
    if (value !== undefined && this.#at === this.#codes.length) return ok(value);
    return fail(this.#problem ?? this.#problemHere('not_json', 'text after the end of the value'));
  }

  #value(): JsonValue | undefined {
    this.#skipSpace();
    const code = this.#codeAt(this.#at);
    if (code === CODE.quote) return this.#string();
    if (code === CODE.openBrace || code === CODE.openBracket) return this.#nested(code === CODE.openBrace);
    if (code === CODE.minus || isDigit(code)) return this.#number();
    for (const [word, value] of WORDS) if (this.#take(word)) return value;
    const first = this.#slice(this.#at, this.#at + 1);
    return this.#refuse('not_json', first === '' ? 'the text ends too early' : `unexpected ${JSON.stringify(first)}`);
  }

  #nested(isObject: boolean): JsonValue | undefined {
    if (this.#depth === MAX_JSON_DEPTH) return this.#refuse('too_deep', `more than ${MAX_JSON_DEPTH} levels`);
    this.#at += 1;
    this.#depth += 1;
    const value = isObject ? this.#object() : this.#array();
    this.#depth -= 1;
    return value;
  }

  #array(): readonly JsonValue[] | undefined {
    const items: JsonValue[] = [];
    this.#skipSpace();
    if (this.#takeCode(CODE.closeBracket)) return items;
    for (;;) {
      const item = this.#value();
      if (item === undefined) return undefined;
      items.push(item);
      this.#skipSpace();
      if (this.#takeCode(CODE.closeBracket)) return items;
      if (!this.#takeCode(CODE.comma)) return this.#refuse('not_json', 'expected , or ] in an array');
    }
  }

  #object(): JsonObject | undefined {
    const members = new Map<string, JsonValue>();
    this.#skipSpace();
    if (this.#takeCode(CODE.closeBrace)) return members;
    for (;;) {
      const name = this.#memberName(members);
      if (name === undefined) return undefined;
      if (this.#depth === 1) this.#member = name;
      const value = this.#value();
      if (value === undefined) return undefined;
      members.set(name, value);
      this.#skipSpace();
      if (this.#takeCode(CODE.closeBrace)) return members;
      if (!this.#takeCode(CODE.comma)) return this.#refuse('not_json', 'expected , or } in an object');
    }
  }

  /** A member's name and the colon behind it. */
  #memberName(members: JsonObject): string | undefined {
    this.#skipSpace();
    if (this.#codeAt(this.#at) !== CODE.quote) return this.#refuse('not_json', 'expected a member name in quotes');
    const start = this.#at;
    const name = this.#string();
    if (name === undefined) return undefined;
    const problem = members.has(name) ? 'duplicate_key' : name === '__proto__' ? 'forbidden_key' : undefined;
    if (problem !== undefined) {
      this.#at = start;
      return this.#refuse(problem, problem === 'duplicate_key' ? 'a member twice' : 'a member named __proto__');
    }
    this.#skipSpace();
    return this.#takeCode(CODE.colon) ? name : this.#refuse('not_json', 'expected : after a member name');
  }

  #string(): string | undefined {
    const start = this.#at;
    let text = '';
    let escaped = false;
    let from = start + 1;
    for (;;) {
      this.#at = this.#endOfPlain(from);
      const code = this.#codeAt(this.#at);
      if (code === CODE.quote) break;
      if (code === END) return this.#refuse('not_json', 'a string without end');
      if (code < CODE.space) return this.#refuse('not_json', 'a control character in a string');
      if (code !== CODE.backslash) return this.#refuse('not_json', 'not ASCII');
      text += this.#slice(from, this.#at);
      const character = this.#escape();
      if (character === undefined) return undefined;
      text += character;
      escaped = true;
      from = this.#at;
    }
    text += this.#slice(from, this.#at);
    this.#at += 1;
    if (!escaped || encodeUtf8(text) !== undefined) return text;
    this.#at = start;
    return this.#refuse('invalid_string', 'half of a surrogate pair in a string');
  }

  /** Where the characters from `from` that stand for themselves in a string end. */
  #endOfPlain(from: number): number {
    const codes = this.#codes;
    const last = this.#text === undefined ? 0x7f : 0xffff;
    let at = from;
    for (; at < codes.length; at += 1) {
      const code = codes[at] as number;
      if (code < CODE.space || code === CODE.quote || code === CODE.backslash || code > last) return at;
    }
    return at;
  }

  /** What the escape at `#at` stands for; one UTF-16 code unit. */
  #escape(): string | undefined {
    const kind = this.#slice(this.#at + 1, this.#at + 2);
    const short = ESCAPES.get(kind);
    if (short !== undefined) {
      this.#at += 2;
      return short;
    }
    const digits = this.#slice(this.#at + 2, this.#at + 6);
    if (kind !== 'u' || !HEX_4.test(digits)) return this.#refuse('not_json', 'an unknown escape in a string');
    this.#at += 6;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #number(): number | undefined {
    let end = this.#at;
    while (isOfNumber(this.#codeAt(end))) end += 1;
    const literal = this.#slice(this.#at, end);
    if (!NUMBER.test(literal)) return this.#refuse('not_json', 'not a JSON number');
    if (!INTEGER.test(literal)) return this.#refuse('not_an_integer', 'a number with a fraction or an exponent');
    const value = Number(literal);
    if (!Number.isSafeInteger(value)) return this.#refuse('number_out_of_range', 'a number beyond ±(2^53 − 1)');
    this.#at = end;
    return value === 0 ? 0 : value;
  }

  #skipSpace(): void {
    while (isSpace(this.#codeAt(this.#at))) this.#at += 1;
  }

  #takeCode(expected: number): boolean {
    if (this.#codeAt(this.#at) !== expected) return false;
    this.#at += 1;
    return true;
  }

  #take(expected: string): boolean {
    if (this.#slice(this.#at, this.#at + expected.length) !== expected) return false;
    this.#at += expected.length;
    return true;
  }

  #codeAt(at: number): number {
    return at < this.#codes.length ? (this.#codes[at] as number) : END;
  }

  /** The characters from `from` to before `to`, or to the end. */
  #slice(from: number, to: number): string {
    if (this.#text !== undefined) return this.#text.slice(from, to);
    return latin1(this.#codes as Bytes, Math.min(from, this.#codes.length), Math.min(to, this.#codes.length));
  }

  #problemHere(code: JsonProblemCode, what: string): JsonProblem {
    return { code, message: `${what}, at character ${this.#at + 1}`, member: this.#member };
  }

  #refuse(code: JsonProblemCode, what: string): undefined {
    this.#problem ??= this.#problemHere(code, what);
    return undefined;
  }
}
