/**
 * A map that forgets what was not used for long: a cache whose size nobody outside can drive. Two generations: what is used is in the younger one, and
 * when that is full the older one goes. So a use moves nothing within a map, where every entry that was taken out from the front would have to be stepped
 * over until the map is laid out anew.
 */
export class BoundedMap<Key, Value> {
  readonly #limit: number;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  /** The `limit` entries used last are always here, deleted ones counted, and at most twice as many. Requires: limit ≥ 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The value, which now counts as the last used one. */
  get(key: Key): Value | undefined {
    const value = this.#young.get(key);
    if (value !== undefined || this.#old.size === 0) return value;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  /** Effects: when full, entries unused for longer than `limit` others are gone. */
  set(key: Key, value: Value): void {
    this.#old.delete(key);
    if (this.#young.size >= this.#limit && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: Key): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
