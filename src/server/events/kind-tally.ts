/**
 * Numbers what happens, and remembers of which kind it was: so one who comes back is told how many events it lost of those kinds that it wants. Owns
 * that memory, of a fixed size: exact for the last 65,536 events, a bound from below for what lies further back.
 */
import { STREAM_EVENT_KINDS } from '../../api/index.ts';
import type { StreamEventKind } from '../../api/index.ts';
import type { EncodedEvent } from './event-ring.ts';

const WINDOW = 65_536;
const PLACES: ReadonlyMap<StreamEventKind, number> = new Map(STREAM_EVENT_KINDS.map((kind, place) => [kind, place]));

const placeOf = (kind: StreamEventKind): number => PLACES.get(kind) ?? 0;

export class KindTally {
  /** Of the last events, each at its number modulo the length. */
  readonly #window = new Uint8Array(WINDOW);
  /** Of each kind the last number that is not kept. */
  readonly #lastGone = new Float64Array(STREAM_EVENT_KINDS.length);
  #number = 0;

  /** Of the last event; 0 before the first. */
  get number(): number {
    return this.#number;
  }

  /** One more of this kind, which is not kept. */
  pass(kind: StreamEventKind): void {
    const place = placeOf(kind);
    this.#number += 1;
    this.#window[this.#number % WINDOW] = place;
    this.#lastGone[place] = this.#number;
  }

  /** One more of this kind; its number. */
  add(kind: StreamEventKind): number {
    this.#number += 1;
    this.#window[this.#number % WINDOW] = placeOf(kind);
    return this.#number;
  }

  /** The event with this number is not kept, or not any more. */
  gone(kind: StreamEventKind, number: number): void {
    const place = placeOf(kind);
    this.#lastGone[place] = Math.max(this.#lastGone[place] ?? 0, number);
  }

  /**
   * How many of the events above `after` whose kind is wanted are not kept. `kept`: those that are. Where more than the window lies between, a kind that
   * has only lost events from before it counts as one.
   */
  missing(after: number, wants: (kind: StreamEventKind) => boolean, kept: readonly EncodedEvent[]): number {
    const wanted = Uint8Array.from(STREAM_EVENT_KINDS, (kind) => Number(wants(kind)));
    // A number is an event, and all are wanted.
    if (!wanted.includes(0)) return this.#number - after - kept.length;
    const known = Math.max(after, this.#number - WINDOW);
    let count = 0;
    for (let back = this.#number - known - 1; back >= 0; back -= 1)
      count += wanted[this.#window[(this.#number - back) % WINDOW] ?? 0] ?? 0;
    count -= kept.filter(({ number }) => number > known).length;
    for (const [place, isWanted] of wanted.entries()) {
      const last = this.#lastGone[place] ?? 0;
      if (isWanted === 1 && last > after && last <= known) count += 1;
    }
    return count;
  }
}
