/** The message log: the slots above the low water mark h [OSDI'99 §4.3]. Owns h; h never falls. */
import { assert } from '../base/assert.ts';
import { ChurningMap } from '../base/churning.ts';
import { GENESIS, asSequence } from '../base/ids.ts';
import type { Sequence } from '../base/ids.ts';
import { Slot } from './slot.ts';

/** Where a sequence number lies: voted on in `window`; only kept in `above`, up to one window above the high mark; else refused. */
export type Place = 'below' | 'window' | 'above' | 'far-above';

export class Log {
  readonly #replicaCount: number;
  readonly #window: number;
  readonly #onOpened: (sequence: Sequence) => void;
  readonly #slots = new ChurningMap<number, Slot>();
  #low: Sequence = GENESIS;
  /** Highest number that has a slot, or h. */
  #top = 0;

  /** `window` is L, in sequence numbers; `onOpened` hears of every new slot. */
  constructor(replicaCount: number, window: number, onOpened: (sequence: Sequence) => void = () => undefined) {
    this.#replicaCount = replicaCount;
    this.#window = window;
    this.#onOpened = onOpened;
  }

  get low(): Sequence {
    return this.#low;
  }

  get high(): Sequence {
    return asSequence(this.#low + this.#window);
  }

  get top(): Sequence {
    return asSequence(Math.max(this.#top, this.#low));
  }

  place(sequence: Sequence): Place {
    if (sequence <= this.#low) return 'below';
    if (sequence <= this.#low + this.#window) return 'window';
    return sequence <= this.#low + 2 * this.#window ? 'above' : 'far-above';
  }

  find(sequence: Sequence): Slot | undefined {
    return this.#slots.get(sequence);
  }

  /** The slot, made when it is new. Requires: h < sequence ≤ h + 2L. */
  at(sequence: Sequence): Slot {
    let slot = this.#slots.get(sequence);
    if (slot === undefined) {
      const place = this.place(sequence);
      assert(place === 'window' || place === 'above', 'a slot lies within two windows above the low water mark');
      slot = new Slot(sequence, this.#replicaCount);
      this.#slots.set(sequence, slot);
      this.#top = Math.max(this.#top, sequence);
      this.#onOpened(sequence);
    }
    return slot;
  }

  /** Existing slots from `from` up, ascending, none above `to`. */
  *from(from: number, to: number = this.#top): Generator<Slot> {
    for (let sequence = Math.max(from, this.#low + 1); sequence <= Math.min(to, this.#top); sequence += 1) {
      const slot = this.#slots.get(sequence);
      if (slot !== undefined) yield slot;
    }
  }

  /** Raises h to `low` and forgets the slots at or below it. Requires: low ≥ h. */
  collect(low: Sequence): void {
    assert(low >= this.#low, 'the low water mark never falls');
    for (let sequence = this.#low + 1; sequence <= Math.min(low, this.#top); sequence += 1)
      this.#slots.delete(sequence);
    this.#low = low;
    this.#top = Math.max(this.#top, low);
  }

  get slotCount(): number {
    return this.#slots.size;
  }
}
