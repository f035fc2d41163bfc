/**
 * What has changed since a content stood still: keys with what they shall hold. One table, changed in place, and a journal of what stood there
 * before: to undo is to go back in it. A key that changes again costs one look-up, and however often it does, it is held once in the table and once
 * for each open transaction that changed it. The order of the keys is made when it is first asked for, which most operations never do.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { OrderedMap, keyText } from './ordered-map.ts';
import type { KeyText } from './ordered-map.ts';
import { checkKey, checkValue } from './usage-error.ts';
import { BLOCK_BYTES, ValueStore } from './value-store.ts';

/** What a key shall hold; undefined = nothing. Never changed: whoever has read one may keep it. */
export interface Change {
  readonly key: Bytes;
  readonly value: Bytes | undefined;
}

/** The place of a key in the table. */
interface Cell {
  readonly text: KeyText;
  change: Change;
  /** The transaction in whose part of the journal stands what was here before it. Where that has ended, the number means nothing any more. */
  savedBy: number;
}

/** What a cell held; `change` undefined: there was no such cell. */
interface Saved {
  readonly cell: Cell;
  readonly change: Change | undefined;
  readonly savedBy: number;
}

/** What a change takes besides the bytes of key and value: its place in the table and in the order of keys, the key as text, two arrays. */
const CHANGE_BYTES = 512;

export class Changes {
  readonly #cells = new Map<KeyText, Cell>();
  /** In key order, without those of `#unsorted`. */
  #sorted = OrderedMap.empty<Cell>();
  /** New since the order was last asked for. */
  #unsorted: Cell[] = [];
  readonly #values = new ValueStore();
  readonly #journal: Saved[] = [];
  /** The open transactions, outermost first: their numbers, never given twice, and where in the journal the part of each begins. */
  readonly #open: number[] = [];
  readonly #from: number[] = [];
  #lastNumber = 0;

  /** How many keys have changed. */
  get size(): number {
    return this.#cells.size;
  }

  /** How many earlier contents of keys are held so that open transactions can be undone. */
  get savedCount(): number {
    return this.#journal.length;
  }

  get(key: KeyText): Change | undefined {
    return this.#cells.get(key)?.change;
  }

  /** All of them, in no order that means anything. */
  *all(): Generator<Change, void, undefined> {
    for (const { change } of this.#cells.values()) yield change;
  }

  /** Those with `from` ≤ key < `to` in key order, as they are asked for; `to` undefined = to the end. Nothing is changed meanwhile. */
  *scan(from: KeyText, to: KeyText | undefined): Generator<Change, void, undefined> {
    for (const cell of this.#unsorted) this.#sorted = this.#sorted.with(cell.text, cell);
    this.#unsorted = [];
    for (const { change } of this.#sorted.scan(from, to)) yield change;
  }

  /** About what they take in memory, in bytes; counted no further than to `limit`, so that it takes no longer for many. */
  memory(limit: number): number {
    // Each key keeps one block of values alive at most, with whatever else was in it.
    let bytes = CHANGE_BYTES * this.size + BLOCK_BYTES * Math.min(this.size, this.#values.blockCount);
    for (const { key, value } of this.all()) {
      if (bytes > limit) return bytes;
      bytes += 2 * key.length + (value?.length ?? 0);
    }
    return bytes;
  }

  /** From here on what is changed can be undone, until the `commit` or `rollback` that belongs to this. */
  begin(): void {
    this.#lastNumber += 1;
    this.#open.push(this.#lastNumber);
    this.#from.push(this.#journal.length);
  }

  /** What has changed since `begin` is part of the transaction around it, or stays if there is none. */
  commit(): void {
    const from = this.#end();
    const outer = this.#open.at(-1);
    if (outer === undefined) {
      this.#journal.length = 0;
      return;
    }
    let kept = from;
    for (let at = from; at < this.#journal.length; at += 1) {
      const saved = this.#journal[at] as Saved;
      saved.cell.savedBy = outer;
      // The outer one has what stood there earlier still.
      if (saved.savedBy === outer) continue;
      this.#journal[kept] = saved;
      kept += 1;
    }
    this.#journal.length = kept;
  }

  /** All is as it was at `begin`. */
  rollback(): void {
    const from = this.#end();
    while (this.#journal.length > from) {
      const { cell, change, savedBy } = this.#journal.pop() as Saved;
      cell.savedBy = savedBy;
      if (change === undefined) this.#remove(cell);
      else cell.change = change;
    }
  }

  /** `value` is at `key`. Copies both, so that the caller may use its arrays again. Throws `StateUsageError` beyond the bounds. */
  put(key: Bytes, value: Bytes): void {
    checkKey(key);
    checkValue(value);
    this.#set(key, this.#values.copyOf(value));
  }

  /** Nothing is at `key`. Throws `StateUsageError` beyond the bounds. */
  delete(key: Bytes): void {
    checkKey(key);
    this.#set(key, undefined);
  }

  /** These changes as they were before the outermost transaction began: a copy. */
  committed(): Changes {
    const before = new Changes();
    const undone = new Map<Cell, Change | undefined>();
    for (const { cell, change } of this.#journal.toReversed()) undone.set(cell, change);
    for (const [text, cell] of this.#cells) {
      const change = undone.has(cell) ? undone.get(cell) : cell.change;
      if (change !== undefined) before.#add({ text, change, savedBy: 0 });
    }
    return before;
  }

  #set(key: Bytes, value: Bytes | undefined): void {
    const text = keyText(key);
    const level = this.#open.at(-1);
    assert(level !== undefined, 'a state is changed by transactions');
    const known = this.#cells.get(text);
    if (known === undefined) {
      const cell: Cell = { text, change: { key: new Uint8Array(key), value }, savedBy: level };
      this.#add(cell);
      this.#journal.push({ cell, change: undefined, savedBy: 0 });
      return;
    }
    const { change, savedBy } = known;
    if (savedBy !== level) {
      this.#journal.push({ cell: known, change, savedBy });
      known.savedBy = level;
    }
    known.change = { key: change.key, value };
  }

  #add(cell: Cell): void {
    this.#cells.set(cell.text, cell);
    this.#unsorted.push(cell);
  }

  /** Requires: the cell was added last of all that are there. */
  #remove(cell: Cell): void {
    this.#cells.delete(cell.text);
    if (this.#unsorted.at(-1) === cell) this.#unsorted.pop();
    else this.#sorted = this.#sorted.without(cell.text);
  }

  /** The innermost transaction ends. Returns where its part of the journal begins. */
  #end(): number {
    const from = this.#from.pop();
    assert(from !== undefined, 'a transaction ends once');
    this.#open.pop();
    return from;
  }
}
