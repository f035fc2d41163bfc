/** What is to happen, in order of time; at one time, in order of scheduling. A binary heap. */
import { assert } from '../base/assert.ts';

export interface Entry<Item> {
  readonly time: number;
  /** How many were scheduled before it: its name in this queue. */
  readonly order: number;
  readonly item: Item;
}

function before<Item>(left: Entry<Item>, right: Entry<Item>): boolean {
  return left.time < right.time || (left.time === right.time && left.order < right.order);
}

/** Owns the heap. Times are µs of virtual time. */
export class EventQueue<Item> {
  readonly #heap: Entry<Item>[] = [];
  #scheduled = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** The time of the next item; undefined when there is none. */
  get nextTime(): number | undefined {
    return this.#heap[0]?.time;
  }

  push(time: number, item: Item): void {
    this.#insert({ time, order: this.#scheduled, item });
    this.#scheduled += 1;
  }

  /** Everything that is scheduled, in no particular order. */
  entries(): readonly Entry<Item>[] {
    return this.#heap;
  }

  /** Takes out the entry of this order; undefined when there is none. For people who interfere: it looks through all. */
  take(order: number): Entry<Item> | undefined {
    const entry = this.#heap.find((one) => one.order === order);
    if (entry === undefined) return undefined;
    const others = this.#heap.filter((one) => one !== entry);
    this.#heap.length = 0;
    for (const other of others) this.#insert(other);
    return entry;
  }

  /** The entry of this order happens at `time`, under the same order. False when there is none. */
  move(order: number, time: number): boolean {
    const entry = this.take(order);
    if (entry !== undefined) this.#insert({ ...entry, time });
    return entry !== undefined;
  }

  #insert(entry: Entry<Item>): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || !before(entry, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = entry;
  }

  /** Takes the next item out. Requires: there is one. */
  pop(): { readonly time: number; readonly item: Item } {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    assert(first !== undefined && last !== undefined, 'something is scheduled');
    if (this.#heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: Entry<Item>): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      if (left === undefined) break;
      const takeRight = right !== undefined && before(right, left);
      const child = takeRight ? right : left;
      if (!before(child, entry)) break;
      heap[at] = child;
      at = 2 * at + (takeRight ? 2 : 1);
    }
    heap[at] = entry;
  }
}
