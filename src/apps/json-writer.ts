/**
 * JSON as bytes, written at once: a text of it would be joined from parts, made flat and then copied byte by byte. What it writes is `jsonText` in
 * UTF-8, with the same rules.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { encodedSlab } from '../messages/schema/slab.ts';
import { isJsonArray } from './json.ts';
import type { JsonMembers, JsonObject, JsonValue } from './json.ts';

const COMMA = 0x2c;
const COLON = 0x3a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Room that is kept between calls, and means nothing then. */
const KEPT = new Uint8Array(4096);

class JsonWriter {
  #bytes: Uint8Array = KEPT;
  #length = 0;

  /** UTF-8 of `jsonText(value)`. */
  encode(value: JsonValue): Bytes {
    this.#length = 0;
    this.#write(value);
    return this.#taken();
  }

  /** As `encode`, of the object with these members. */
  encodeMembers(members: JsonMembers): Bytes {
    this.#length = 0;
    let isFirst = true;
    this.#ascii('{');
    for (const name of Object.keys(members)) {
      this.#member(name, members[name] as JsonValue, isFirst);
      isFirst = false;
    }
    this.#ascii('}');
    return this.#taken();
  }

  #taken(): Bytes {
    const encoded = encodedSlab.copyOf(this.#bytes, 0, this.#length);
    this.#bytes = KEPT;
    return encoded;
  }

  #write(value: JsonValue): void {
    if (typeof value === 'string') {
      this.#string(value);
    } else if (typeof value === 'number') {
      assert(Number.isSafeInteger(value), 'numbers in replicated JSON are integers within 2^53 − 1');
      this.#ascii(value.toString());
    } else if (value === null || typeof value === 'boolean') {
      this.#ascii(String(value));
    } else if (isJsonArray(value)) {
      this.#ascii('[');
      for (const [at, item] of value.entries()) {
        if (at > 0) this.#byte(COMMA);
        this.#write(item);
      }
      this.#ascii(']');
    } else {
      this.#object(value);
    }
  }

  #object(object: JsonObject): void {
    let isFirst = true;
    this.#ascii('{');
    for (const [name, member] of object) {
      this.#member(name, member, isFirst);
      isFirst = false;
    }
    this.#ascii('}');
  }

  #member(name: string, value: JsonValue, isFirst: boolean): void {
    if (!isFirst) this.#byte(COMMA);
    this.#string(name);
    this.#byte(COLON);
    this.#write(value);
  }

  /** A string in quotes. Most have nothing to escape and are ASCII; any other is escaped by the engine. */
  #string(text: string): void {
    const start = this.#length;
    this.#room(text.length + 2);
    this.#byte(QUOTE);
    const bytes = this.#bytes;
    const from = this.#length;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) {
        this.#length = start;
        this.#escaped(text);
        return;
      }
      bytes[from + at] = code;
    }
    this.#length += text.length;
    this.#byte(QUOTE);
  }

  #escaped(text: string): void {
    const escaped = encodeUtf8(JSON.stringify(text));
    assert(escaped !== undefined, 'what is stored or answered has a UTF-8 form');
    this.#room(escaped.length);
    this.#bytes.set(escaped, this.#length);
    this.#length += escaped.length;
  }

  #ascii(text: string): void {
    this.#room(text.length);
    const bytes = this.#bytes;
    const from = this.#length;
    for (let at = 0; at < text.length; at += 1) bytes[from + at] = text.charCodeAt(at);
    this.#length += text.length;
  }

  #byte(byte: number): void {
    this.#room(1);
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }

  /** There is room for so many bytes more. */
  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

const WRITER = new JsonWriter();

/** UTF-8 of `jsonText(value)`, to be used soon: it may be a part of a larger array. Requires the same. */
export function encodeJson(value: JsonValue): Bytes {
  return WRITER.encode(value);
}

/** As `encodeJson(jsonObject(members))`. */
export function encodeMembers(members: JsonMembers): Bytes {
  return WRITER.encodeMembers(members);
}
