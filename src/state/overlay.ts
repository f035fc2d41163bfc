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
  get(key: KeyText): Entry | undefined;
  /** Entries with `from` ≤ key < `to` in key order, read as they are asked for; `to` undefined = to the end. */
  scan(from: KeyText, to: KeyText | undefined): Iterable<Entry>;
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
export class OverlayReader implements Reader {
  readonly #base: Source;
  readonly #changes: Changes;

  constructor(base: Source, changes: Changes) {
    this.#base = base;
    this.#changes = changes;
  }

  get(key: Bytes): Bytes | undefined {
    const text = keyText(key);
    const change = this.#changes.get(text);
    return change === undefined ? this.#base.get(text)?.value : change.value;
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    checkLimit(limit);
    const entries: Entry[] = [];
    if (limit === 0) return entries;
    for (const { key, value } of this.#merged(keyText(from), to === undefined ? undefined : keyText(to))) {
      if (value === undefined) continue;
      entries.push({ key, value });
      if (entries.length === limit) break;
    }
    return entries;
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
