/**
 * Changes laid over a content that stands still, and reading through both. The changes are a persistent map: to undo is to forget one, to
 * nest is to start from the outer one, and reading is always two layers deep. The content below may be memory or a database.
 */
import type { Bytes } from '../base/bytes.ts';
import type { Entry, Reader } from '../base/key-value.ts';
import { OrderedMap, keyText } from './ordered-map.ts';
import type { KeyText } from './ordered-map.ts';
import { checkKey, checkLimit, checkValue } from './usage-error.ts';

/** What a key shall hold; undefined = nothing. */
export interface Change {
  readonly key: Bytes;
  readonly value: Bytes | undefined;
}

/** Changed keys with what they shall hold, in key order. */
export type Changes = OrderedMap<Change>;

export const NO_CHANGES: Changes = OrderedMap.empty<Change>();

/** A content that does not change, readable by key and in key order. */
export interface Source {
  find(key: KeyText): Entry | undefined;
  /** Entries with `from` ≤ key < `to` in key order, read as they are asked for; `to` undefined = to the end. */
  scan(from: KeyText, to: KeyText | undefined): Iterable<Entry>;
}

/** The content of an ordered map. */
export class MapSource implements Source {
  readonly #entries: OrderedMap<Entry>;

  constructor(entries: OrderedMap<Entry>) {
    this.#entries = entries;
  }

  find(key: KeyText): Entry | undefined {
    return this.#entries.get(key);
  }

  scan(from: KeyText, to: KeyText | undefined): Iterable<Entry> {
    return this.#entries.scan(from, to);
  }
}

/** What a change takes besides the bytes of key and value: its place in the map, the key as text, two arrays. */
const CHANGE_BYTES = 512;

/** About what the changes take in memory, in bytes; counted no further than to `limit`, so that it takes no longer for many. */
export function memoryOf(changes: Changes, limit: number): number {
  let bytes = CHANGE_BYTES * changes.size;
  for (const { key, value } of changes.scan('', undefined)) {
    if (bytes > limit) return bytes;
    bytes += 2 * key.length + (value?.length ?? 0);
  }
  return bytes;
}

function isEntry(change: Change): change is Entry {
  return change.value !== undefined;
}

/** `changes` with `value` at `key`. Copies both, so that the caller may use its arrays again. Throws `StateUsageError` beyond the bounds. */
export function changed(changes: Changes, key: Bytes, value: Bytes): Changes {
  checkKey(key);
  checkValue(value);
  return changes.with(keyText(key), { key: new Uint8Array(key), value: new Uint8Array(value) });
}

/** `changes` with nothing at `key`. Throws `StateUsageError` beyond the bounds. */
export function deleted(changes: Changes, key: Bytes): Changes {
  checkKey(key);
  return changes.with(keyText(key), { key: new Uint8Array(key), value: undefined });
}

/** `base` as it reads with `changes` made. */
export class OverlayReader implements Reader, Source {
  readonly #base: Source;
  readonly #changes: Changes;

  constructor(base: Source, changes: Changes) {
    this.#base = base;
    this.#changes = changes;
  }

  get(key: Bytes): Bytes | undefined {
    return this.find(keyText(key))?.value;
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    checkLimit(limit);
    const entries: Entry[] = [];
    if (limit === 0) return entries;
    for (const entry of this.scan(keyText(from), to === undefined ? undefined : keyText(to))) {
      entries.push(entry);
      if (entries.length === limit) break;
    }
    return entries;
  }

  find(key: KeyText): Entry | undefined {
    const change = this.#changes.get(key);
    if (change === undefined) return this.#base.find(key);
    return isEntry(change) ? change : undefined;
  }

  *scan(from: KeyText, to: KeyText | undefined): Generator<Entry, void, undefined> {
    for (const change of this.#merged(from, to)) if (isEntry(change)) yield change;
  }

  /** Both layers in key order; where both have a key, the change alone. */
  *#merged(from: KeyText, to: KeyText | undefined): Generator<Change, void, undefined> {
    const changes = this.#changes.scan(from, to);
    let change = changes.next();
    for (const entry of this.#base.scan(from, to)) {
      const text = keyText(entry.key);
      let replaced = false;
      while (change.done !== true && keyText(change.value.key) <= text) {
        replaced = keyText(change.value.key) === text;
        yield change.value;
        change = changes.next();
      }
      if (!replaced) yield entry;
    }
    while (change.done !== true) {
      yield change.value;
      change = changes.next();
    }
  }
}
