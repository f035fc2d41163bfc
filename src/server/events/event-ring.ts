/** The last events, as the bytes that consumers are sent, for those who come back. Bounded in number and size; when it is full the oldest go. */
import type { StreamEventKind } from '../../api/index.ts';

/** One event. Its number says its place: where some are missing, numbers are. */
export interface EncodedEvent {
  readonly number: number;
  readonly kind: StreamEventKind;
  /** As it is sent. */
  readonly text: string;
}

export interface EventRingLimits {
  readonly events: number;
  /** Characters of all texts. */
  readonly size: number;
}

export const DEFAULT_EVENT_RING_LIMITS: EventRingLimits = { events: 16_384, size: 8 * 1024 * 1024 };

export class EventRing {
  readonly #limits: EventRingLimits;
  readonly #onGone: (event: EncodedEvent) => void;
  #events: EncodedEvent[] = [];
  /**
   * Index of the oldest that is still kept. What lies before it is let go once that is more in number than what is kept, or more in size than may be: a
   * shift of the whole array for each event would cost too much.
   */
  #first = 0;
  #size = 0;
  /** Of what lies before the first. */
  #goneSize = 0;

  /** `onGone` hears of each event that is kept no more. */
  constructor(limits: EventRingLimits = DEFAULT_EVENT_RING_LIMITS, onGone: (event: EncodedEvent) => void = ignore) {
    this.#limits = limits;
    this.#onGone = onGone;
  }

  add(event: EncodedEvent): void {
    this.#events.push(event);
    this.#size += event.text.length;
    while (this.count > this.#limits.events || (this.#size > this.#limits.size && this.count > 1)) {
      const oldest = this.#events[this.#first];
      this.#first += 1;
      if (oldest === undefined) continue;
      this.#size -= oldest.text.length;
      this.#goneSize += oldest.text.length;
      this.#onGone(oldest);
    }
    if (this.#first <= this.count && this.#goneSize <= this.#limits.size) return;
    this.#events = this.#events.slice(this.#first);
    this.#first = 0;
    this.#goneSize = 0;
  }

  get count(): number {
    return this.#events.length - this.#first;
  }

  /** What is kept of the events above `number`, in order. */
  above(number: number): readonly EncodedEvent[] {
    const kept = this.#events.slice(this.#first);
    const from = kept.findIndex((event) => event.number > number);
    return from < 0 ? [] : kept.slice(from);
  }

  clear(): void {
    for (const event of this.above(0)) this.#onGone(event);
    this.#events = [];
    this.#first = 0;
    this.#size = 0;
    this.#goneSize = 0;
  }
}

function ignore(): void {
  // Whoever needs not know.
}
