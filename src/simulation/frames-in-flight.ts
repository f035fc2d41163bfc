/** The frames that are under way in a world, and what somebody who interferes can do to one of them. Owns nothing: they are entries of the world's queue. */
import type { Bytes } from '../base/bytes.ts';
import type { Party } from '../protocol/ports.ts';
import type { Entry, EventQueue } from './event-queue.ts';
import type { World } from './world.ts';

/** An entry of the queue: a frame that will arrive. */
export interface SentFrame {
  readonly kind: 'frame';
  readonly from: Party;
  readonly to: Party;
  readonly frame: Bytes;
  /** µs of virtual time. */
  readonly sentAt: number;
  /** Which instance of a twin sent it. */
  readonly side: 'first' | 'second' | undefined;
}

/** A frame that is under way. Times in µs of virtual time. */
export interface FrameInFlight {
  /** Its name in this world. */
  readonly number: number;
  readonly from: Party;
  readonly to: Party;
  readonly frame: Bytes;
  readonly sentAt: number;
  readonly arrivesAt: number;
}

export class FramesInFlight {
  readonly #world: World;
  readonly #queue: EventQueue<SentFrame | { readonly kind: string }>;

  constructor(world: World, queue: EventQueue<SentFrame | { readonly kind: string }>) {
    this.#world = world;
    this.#queue = queue;
  }

  /** All of them, in the order in which they arrive. */
  list(): readonly FrameInFlight[] {
    return this.#queue
      .entries()
      .flatMap(({ time, order, item }): readonly FrameInFlight[] => {
        if (!isFrame(item)) return [];
        const { from, to, frame, sentAt } = item;
        return [{ number: order, from, to, frame, sentAt, arrivesAt: time }];
      })
      .toSorted((left, right) => left.arrivesAt - right.arrivesAt || left.number - right.number);
  }

  /** Takes a frame out of the network. False when none of this number is under way. */
  lose(number: number): boolean {
    const entry = this.#find(number);
    if (entry === undefined) return false;
    const { from, to, frame } = entry.item;
    this.#queue.take(number);
    this.#note([9, number], entry.item, 'is lost by hand');
    this.#world.observer.lost(from, to, frame, 'by hand');
    return true;
  }

  /** A frame arrives so many µs later, under the same number; others pass it. False when none of this number is under way. */
  postpone(number: number, byUs: number): boolean {
    const entry = this.#find(number);
    if (entry === undefined) return false;
    this.#note([10, number, byUs], entry.item, `is held back by hand for ${byUs} µs`);
    return this.#queue.move(number, entry.time + byUs);
  }

  /** A frame arrives once more, so many µs later. False when none of this number is under way. */
  repeat(number: number, afterUs: number): boolean {
    const entry = this.#find(number);
    if (entry === undefined) return false;
    this.#note([11, number, afterUs], entry.item, 'is doubled by hand');
    this.#queue.push(entry.time + afterUs, entry.item);
    return true;
  }

  #find(number: number): Entry<SentFrame> | undefined {
    const entry = this.#queue.entries().find(({ order }) => order === number);
    return entry !== undefined && isFrame(entry.item) ? { ...entry, item: entry.item } : undefined;
  }

  #note(what: readonly number[], { from, to }: SentFrame, text: string): void {
    const { trace, time } = this.#world;
    trace.add(time, what, () => `${this.#world.addressOf(from)} → ${this.#world.addressOf(to)}  ${text}`);
  }
}

function isFrame(item: SentFrame | { readonly kind: string }): item is SentFrame {
  return item.kind === 'frame';
}
