/** The last messages that were sent and received, as frames; kept in lab mode only, so that one can be looked at, sent again or altered. */
import type { Bytes } from '../base/bytes.ts';
import type { Party } from '../protocol/ports.ts';

export interface RecordedFrame {
  /** Wall clock, ms since 1970. */
  readonly atMs: number;
  readonly direction: 'sent' | 'received';
  readonly peer: Party;
  readonly frame: Bytes;
}

export interface RingLimits {
  readonly frames: number;
  readonly bytes: number;
}

export const DEFAULT_RING_LIMITS: RingLimits = { frames: 8192, bytes: 16 * 1024 * 1024 };

/** Bounded in number and bytes; when it is full the oldest go. */
export class MessageRing {
  readonly #limits: RingLimits;
  #recorded: RecordedFrame[] = [];
  /** Index of the oldest that is still kept: a shift of the whole array for each message would cost too much. */
  #first = 0;
  #bytes = 0;

  constructor(limits: RingLimits = DEFAULT_RING_LIMITS) {
    this.#limits = limits;
  }

  add(recorded: RecordedFrame): void {
    this.#recorded.push(recorded);
    this.#bytes += recorded.frame.length;
    while (this.size > this.#limits.frames || (this.#bytes > this.#limits.bytes && this.size > 1)) {
      this.#bytes -= this.#recorded[this.#first]?.frame.length ?? 0;
      this.#first += 1;
    }
    if (this.#first > this.#limits.frames) {
      this.#recorded = this.#recorded.slice(this.#first);
      this.#first = 0;
    }
  }

  get size(): number {
    return this.#recorded.length - this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What is kept, oldest first. */
  all(): readonly RecordedFrame[] {
    return this.#recorded.slice(this.#first);
  }
}
