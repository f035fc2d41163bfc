/**
 * Items in order of last use, as a doubly linked list: touch, remove and "which is oldest" cost O(1). An explicit order, so that nothing
 * that must be the same on all replicas hangs on how a Map iterates.
 */
import { assert } from '../base/assert.ts';

/** Where an item stands in its {@link Recency}; given back to touch or remove it. */
export interface Place<Item> {
  readonly item: Item;
  older: Place<Item> | undefined;
  newer: Place<Item> | undefined;
  owner: Recency<Item> | undefined;
}

export class Recency<Item> {
  #oldest: Place<Item> | undefined;
  #newest: Place<Item> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The item not used for longest. */
  get oldest(): Item | undefined {
    return this.#oldest?.item;
  }

  /** The item used last. */
  get newest(): Item | undefined {
    return this.#newest?.item;
  }

  /** Adds `item` as the one used last. */
  add(item: Item): Place<Item> {
    const place: Place<Item> = { item, older: undefined, newer: undefined, owner: this };
    this.#append(place);
    return place;
  }

  /** Makes it the one used last. Requires: it stands here. */
  touch(place: Place<Item>): void {
    assert(place.owner === this, 'an item is touched where it stands');
    if (place === this.#newest) return;
    this.#unlink(place);
    this.#append(place);
  }

  /** Requires: it stands here. */
  remove(place: Place<Item>): void {
    assert(place.owner === this, 'an item is removed where it stands, once');
    this.#unlink(place);
    place.owner = undefined;
  }

  /** Oldest first. */
  *items(): Generator<Item, void, undefined> {
    for (let place = this.#oldest; place !== undefined; place = place.newer) yield place.item;
  }

  #append(place: Place<Item>): void {
    place.older = this.#newest;
    place.newer = undefined;
    if (this.#newest === undefined) this.#oldest = place;
    else this.#newest.newer = place;
    this.#newest = place;
    this.#size += 1;
  }

  #unlink(place: Place<Item>): void {
    if (place.older === undefined) this.#oldest = place.newer;
    else place.older.newer = place.newer;
    if (place.newer === undefined) this.#newest = place.older;
    else place.newer.older = place.older;
    this.#size -= 1;
  }
}
