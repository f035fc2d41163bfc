/** A plain key-value content for the model, and fingerprints to compare contents by. Shares no code with src/state, on purpose. */
import type { Bytes } from '../../base/bytes.ts';
import { compareBytes, toHex } from '../../base/bytes.ts';
import type { Entry, Reader, Transaction } from '../../base/key-value.ts';

/** Two 32-bit words: sums over all entries, so that the order in which they came does not matter. */
export interface Fingerprint {
  readonly sum: number;
  readonly mix: number;
  readonly count: number;
}

function mixed(key: Bytes, value: Bytes): readonly [number, number] {
  let low = key.length;
  let high = value.length ^ 0x5bd1e995;
  for (const bytes of [key, value]) {
    for (let i = 0; i < bytes.length; i += 1) {
      const byte = bytes[i] ?? 0;
      low = Math.imul(low ^ byte, 0x01000193);
      high = Math.imul(high + byte, 0x27d4eb2f) ^ (high >>> 15);
    }
    low = Math.imul(low ^ (low >>> 15), 0x85ebca6b);
  }
  return [low >>> 0, high >>> 0];
}

export function fingerprintOf(reader: Reader): Fingerprint {
  let sum = 0;
  let mix = 0;
  const entries = reader.range(new Uint8Array(0), undefined, Number.MAX_SAFE_INTEGER);
  for (const { key, value } of entries) {
    const [low, high] = mixed(key, value);
    sum = (sum + low) >>> 0;
    mix = (mix + high) >>> 0;
  }
  return { sum, mix, count: entries.length };
}

/** A content in memory that can be read, changed, and undone to a mark. Keys in order are found by sorting: slow and simple. */
export class PlainContent implements Transaction {
  readonly #values = new Map<string, Entry>();
  #undo: { readonly name: string; readonly before: Entry | undefined }[] = [];
  #fingerprint: Fingerprint = { sum: 0, mix: 0, count: 0 };

  get fingerprint(): Fingerprint {
    return this.#fingerprint;
  }

  get(key: Bytes): Bytes | undefined {
    return this.#values.get(toHex(key))?.value;
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    return [...this.#values.values()]
      .filter(({ key }) => compareBytes(key, from) >= 0 && (to === undefined || compareBytes(key, to) < 0))
      .toSorted((left, right) => compareBytes(left.key, right.key))
      .slice(0, limit);
  }

  put(key: Bytes, value: Bytes): void {
    this.#set(toHex(key), { key: key.slice(), value: value.slice() });
  }

  delete(key: Bytes): void {
    this.#set(toHex(key), undefined);
  }

  /** From here `undo` goes back. */
  mark(): void {
    this.#undo = [];
  }

  undo(): void {
    for (const { name, before } of this.#undo.toReversed()) this.#set(name, before);
    this.#undo = [];
  }

  #set(name: string, entry: Entry | undefined): void {
    const before = this.#values.get(name);
    this.#undo.push({ name, before });
    const [lowBefore, highBefore] = before === undefined ? [0, 0] : mixed(before.key, before.value);
    const [low, high] = entry === undefined ? [0, 0] : mixed(entry.key, entry.value);
    if (entry === undefined) this.#values.delete(name);
    else this.#values.set(name, entry);
    this.#fingerprint = {
      sum: (this.#fingerprint.sum + low - lowBefore) >>> 0,
      mix: (this.#fingerprint.mix + high - highBefore) >>> 0,
      count: this.#values.size,
    };
  }
}
