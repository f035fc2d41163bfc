/** Changes laid over a content that stands still, and reading through both. The content below may be memory or a database. */
import type { Bytes } from '../base/bytes.ts';
import type { Entry, Reader } from '../base/key-value.ts';
import type { Change, Changes } from './changes.ts';
import { keyText } from './ordered-map.ts';
import type { KeyText, OrderedMap } from './ordered-map.ts';
import { checkLimit } from './usage-error.ts';

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

function isEntry(change: Change): change is Entry {
  return change.value !== undefined;
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
