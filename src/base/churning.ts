/**
 * A Map and a Set for what comes and goes all the time. When the engine lays the table of a Map out anew, which it does again and again where entries are
 * added and deleted, the old table keeps a pointer to the new one. Once a table has grown old in the heap, all that follow it, and all that ever stood in
 * them, count as reachable until the next full collection: what should die young is copied twice and dies old. Here the content moves to a Map of
 * its own, which nothing old points to, before that can go far.
 */

/** After so many deletions at least, and as many as there are entries: a move costs each deletion about as much as the table's own laying out. */
const FEW = 32;

export class ChurningMap<Key, Value> {
  #map = new Map<Key, Value>();
  #deletions = 0;

  get size(): number {
    return this.#map.size;
  }

  has(key: Key): boolean {
    return this.#map.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  /** Whoever iterates meanwhile may miss what is added, and see what is deleted afterwards. */
  set(key: Key, value: Value): void {
    if (this.#deletions > FEW && this.#deletions > this.#map.size) {
      this.#map = new Map(this.#map);
      this.#deletions = 0;
    }
    this.#map.set(key, value);
  }

  /** True if it was there. Harmless to whoever iterates. */
  delete(key: Key): boolean {
    const wasThere = this.#map.delete(key);
    if (wasThere) this.#deletions += 1;
    return wasThere;
  }

  /** Whoever iterates goes on with what was there. */
  clear(): void {
    this.#map = new Map();
    this.#deletions = 0;
  }

  /** As all of them: in order of insertion. */
  keys(): MapIterator<Key> {
    return this.#map.keys();
  }

  values(): MapIterator<Value> {
    return this.#map.values();
  }

  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.#map.entries();
  }
}

export class ChurningSet<Item> {
  #set = new Set<Item>();
  #deletions = 0;

  get size(): number {
    return this.#set.size;
  }

  has(item: Item): boolean {
    return this.#set.has(item);
  }

  /** As {@link ChurningMap.set}. */
  add(item: Item): void {
    if (this.#deletions > FEW && this.#deletions > this.#set.size) {
      this.#set = new Set(this.#set);
      this.#deletions = 0;
    }
    this.#set.add(item);
  }

  /** As {@link ChurningMap.delete}. */
  delete(item: Item): boolean {
    const wasThere = this.#set.delete(item);
    if (wasThere) this.#deletions += 1;
    return wasThere;
  }

  /** As {@link ChurningMap.clear}. */
  clear(): void {
    this.#set = new Set();
    this.#deletions = 0;
  }

  /** In order of insertion. */
  values(): SetIterator<Item> {
    return this.#set.values();
  }

  [Symbol.iterator](): SetIterator<Item> {
    return this.#set.values();
  }
}
