/**
 * Keys in the order in which they came, the oldest taken first. For tables that forget what is oldest: a Map could tell, but steps over every entry that
 * was taken from its front until it lays itself out anew.
 */
export class Arrivals<Key> {
  #keys: Key[] = [];
  #first = 0;

  get size(): number {
    return this.#keys.length - this.#first;
  }

  push(key: Key): void {
    this.#keys.push(key);
  }

  /** The oldest, which is taken out; undefined when there is none. Cost O(1) in the mean. */
  shift(): Key | undefined {
    const key = this.#keys[this.#first];
    if (this.#first < this.#keys.length) this.#first += 1;
    if (this.#first * 2 > this.#keys.length) {
      this.#keys = this.#keys.slice(this.#first);
      this.#first = 0;
    }
    return key;
  }
}
