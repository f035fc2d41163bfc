/**
 * A strict JSON reader (RFC 8259) for operations: what two readers might understand differently is refused by name instead of resolved.
 * `JSON.parse` will not do: it takes duplicate keys, rounds large numbers, and gives `__proto__` a meaning to whoever copies members.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
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
  const text = decodeUtf8(bytes);
  return text === undefined
    ? fail({ code: 'not_json', message: 'the bytes are not UTF-8', member: undefined })
    : new Parser(text).parse();
}

/** A value that this program wrote with `encodeJson`. Anything else there is a bug of ours or a damaged state. */
export function storedJson(bytes: Bytes): JsonValue {
  const parsed = parseJson(bytes);
  assert(parsed.ok, 'what was stored is JSON');
  return parsed.value;
}

const SPACE = new Set([' ', '\t', '\n', '\r']);
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
const NUMBER_CHARACTER = /[-+.0-9eE]/;
const INTEGER = /^-?(?:0|[1-9][0-9]*)$/;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/;
const HEX_4 = /^[0-9a-fA-F]{4}$/;

/** Reads one text. A method that gives undefined has said in `#problem` why; no JSON value is undefined. */
class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #member: string | undefined;
  #problem: JsonProblem | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Result<JsonValue, JsonProblem> {
    const value = this.#value();
    this.#skipSpace();
    if (value !== undefined && this.#at === this.#text.length) return ok(value);
    return fail(this.#problem ?? this.#problemHere('not_json', 'text after the end of the value'));
  }

  #value(): JsonValue | undefined {
    this.#skipSpace();
    const first = this.#text.charAt(this.#at);
    if (first === '"') return this.#string();
    if (first === '{') return this.#nested(() => this.#object());
    if (first === '[') return this.#nested(() => this.#array());
    if (first === '-' || (first >= '0' && first <= '9')) return this.#number();
    for (const [word, value] of WORDS) if (this.#take(word)) return value;
    return this.#refuse('not_json', first === '' ? 'the text ends too early' : `unexpected ${JSON.stringify(first)}`);
  }

  #nested<Value>(read: () => Value | undefined): Value | undefined {
    if (this.#depth === MAX_JSON_DEPTH) return this.#refuse('too_deep', `more than ${MAX_JSON_DEPTH} levels`);
    this.#at += 1;
    this.#depth += 1;
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #array(): readonly JsonValue[] | undefined {
    const items: JsonValue[] = [];
    this.#skipSpace();
    if (this.#take(']')) return items;
    for (;;) {
      const item = this.#value();
      if (item === undefined) return undefined;
      items.push(item);
      this.#skipSpace();
      if (this.#take(']')) return items;
      if (!this.#take(',')) return this.#refuse('not_json', 'expected , or ] in an array');
    }
  }

  #object(): JsonObject | undefined {
    const members = new Map<string, JsonValue>();
    this.#skipSpace();
    if (this.#take('}')) return members;
    for (;;) {
      const name = this.#memberName(members);
      if (name === undefined) return undefined;
      if (this.#depth === 1) this.#member = name;
      const value = this.#value();
      if (value === undefined) return undefined;
      members.set(name, value);
      this.#skipSpace();
      if (this.#take('}')) return members;
      if (!this.#take(',')) return this.#refuse('not_json', 'expected , or } in an object');
    }
  }

  /** A member's name and the colon behind it. */
  #memberName(members: JsonObject): string | undefined {
    this.#skipSpace();
    if (this.#text.charAt(this.#at) !== '"') return this.#refuse('not_json', 'expected a member name in quotes');
    const start = this.#at;
    const name = this.#string();
    if (name === undefined) return undefined;
    const problem = members.has(name) ? 'duplicate_key' : name === '__proto__' ? 'forbidden_key' : undefined;
    if (problem !== undefined) {
      this.#at = start;
      return this.#refuse(problem, problem === 'duplicate_key' ? 'a member twice' : 'a member named __proto__');
    }
    this.#skipSpace();
    return this.#take(':') ? name : this.#refuse('not_json', 'expected : after a member name');
  }

  #string(): string | undefined {
    const start = this.#at;
    let text = '';
    let escaped = false;
    let from = start + 1;
    for (this.#at = from; ;) {
      const code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code)) return this.#refuse('not_json', 'a string without end');
      if (code < 0x20) return this.#refuse('not_json', 'a control character in a string');
      if (code === 0x22) break;
      if (code !== 0x5c) {
        this.#at += 1;
        continue;
      }
      text += this.#text.slice(from, this.#at);
      const character = this.#escape();
      if (character === undefined) return undefined;
      text += character;
      escaped = true;
      from = this.#at;
    }
    text += this.#text.slice(from, this.#at);
    this.#at += 1;
    if (!escaped || encodeUtf8(text) !== undefined) return text;
    this.#at = start;
    return this.#refuse('invalid_string', 'half of a surrogate pair in a string');
  }

  /** What the escape at `#at` stands for; one UTF-16 code unit. */
  #escape(): string | undefined {
    const kind = this.#text.charAt(this.#at + 1);
    const short = ESCAPES.get(kind);
    if (short !== undefined) {
      this.#at += 2;
      return short;
    }
    const digits = this.#text.slice(this.#at + 2, this.#at + 6);
    if (kind !== 'u' || !HEX_4.test(digits)) return this.#refuse('not_json', 'an unknown escape in a string');
    this.#at += 6;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #number(): number | undefined {
    let end = this.#at;
    while (NUMBER_CHARACTER.test(this.#text.charAt(end))) end += 1;
    const literal = this.#text.slice(this.#at, end);
    if (!NUMBER.test(literal)) return this.#refuse('not_json', 'not a JSON number');
    if (!INTEGER.test(literal)) return this.#refuse('not_an_integer', 'a number with a fraction or an exponent');
    const value = Number(literal);
    if (!Number.isSafeInteger(value)) return this.#refuse('number_out_of_range', 'a number beyond ±(2^53 − 1)');
    this.#at = end;
    return value === 0 ? 0 : value;
  }

  #skipSpace(): void {
    while (SPACE.has(this.#text.charAt(this.#at))) this.#at += 1;
  }

  #take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #problemHere(code: JsonProblemCode, what: string): JsonProblem {
    return { code, message: `${what}, at character ${this.#at + 1}`, member: this.#member };
  }

  #refuse(code: JsonProblemCode, what: string): undefined {
    this.#problem ??= this.#problemHere(code, what);
    return undefined;
  }
}
