/**
 * A plain content that goes back step by step, tells its states apart by a fingerprint, and lets nobody touch more than a footprint. Owns one map:
 * the application's keys in hexadecimal, and notes of its user under other names.
 */
import { assert } from '../../base/assert.ts';
import { toHex } from '../../base/bytes.ts';
import type { Bytes } from '../../base/bytes.ts';
import type { Entry, Transaction } from '../../base/key-value.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { Random } from '../random.ts';
import type { Footprint } from './footprint.ts';

interface Stored {
  readonly text: string;
  readonly entry: Entry | undefined;
}

interface Change {
  readonly name: string;
  readonly before: Stored | undefined;
}

type Words = readonly [number, number, number];

export class ReversibleContent implements Transaction {
  readonly #values = new Map<string, Stored>();
  /** One list of changes per step. */
  readonly #steps: Change[][] = [];
  readonly #random = new Random(1, 'fingerprint');
  readonly #words = new Map<string, Words>();
  /** The sum of random words, one draw per name and value: 96 bits, which no search will see collide. */
  #sum: Words = [0, 0, 0];
  #allowed: Footprint = [];

  get fingerprint(): string {
    return this.#sum.join(' ');
  }

  /** A new step, which may touch the application's keys of this footprint. */
  begin(footprint: Footprint): void {
    this.#allowed = footprint.flatMap((prefix) => {
      const bytes = encodeUtf8(prefix);
      return bytes === undefined ? [] : [toHex(bytes)];
    });
    this.#steps.push([]);
  }

  /** Takes the last step back. */
  undo(): void {
    for (const { name, before } of this.#steps.pop()?.toReversed() ?? []) this.#store(name, before);
  }

  note(name: string): string | undefined {
    return this.#values.get(name)?.text;
  }

  setNote(name: string, text: string | undefined): void {
    this.#change(name, text === undefined ? undefined : { text, entry: undefined });
  }

  get(key: Bytes): Bytes | undefined {
    return this.#values.get(this.#nameOf(key))?.entry?.value;
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    const [first, end] = [toHex(from), to === undefined ? undefined : toHex(to)];
    const isAllowed = this.#allowed.some((prefix) => first.startsWith(prefix) && isWithin(prefix, end));
    assert(isAllowed, 'an operation reads only ranges of its footprint');
    const names = [...this.#values.keys()].filter((name) => name >= first && (end === undefined || name < end));
    const entries = names.toSorted().flatMap((name) => this.#values.get(name)?.entry ?? []);
    return entries.slice(0, limit);
  }

  put(key: Bytes, value: Bytes): void {
    this.#change(this.#nameOf(key), { text: toHex(value), entry: { key: key.slice(), value: value.slice() } });
  }

  delete(key: Bytes): void {
    this.#change(this.#nameOf(key), undefined);
  }

  #nameOf(key: Bytes): string {
    const name = toHex(key);
    assert(
      this.#allowed.some((prefix) => name.startsWith(prefix)),
      'an operation touches only keys of its footprint',
    );
    return name;
  }

  #change(name: string, after: Stored | undefined): void {
    this.#steps.at(-1)?.push({ name, before: this.#values.get(name) });
    this.#store(name, after);
  }

  #store(name: string, after: Stored | undefined): void {
    const before = this.#values.get(name);
    if (before !== undefined) this.#add(name, before, -1);
    if (after !== undefined) this.#add(name, after, 1);
    if (after === undefined) this.#values.delete(name);
    else this.#values.set(name, after);
  }

  #add(name: string, { text }: Stored, sign: number): void {
    const key = `${name} ${text}`;
    let words = this.#words.get(key);
    if (words === undefined) {
      words = [this.#random.next(), this.#random.next(), this.#random.next()];
      this.#words.set(key, words);
    }
    const [a, b, c] = this.#sum;
    this.#sum = [(a + sign * words[0]) >>> 0, (b + sign * words[1]) >>> 0, (c + sign * words[2]) >>> 0];
  }
}

/** All keys from one that begins with `prefix` up to, not including, `end` begin with it. In hexadecimal. */
function isWithin(prefix: string, end: string | undefined): boolean {
  if (prefix === '') return true;
  const last = Number.parseInt(prefix.slice(-2), 16) + 1;
  return end !== undefined && end <= prefix.slice(0, -2) + last.toString(16).padStart(2, '0');
}
