/**
 * How many sessions have requests ordered one after the other: so many may be expected again soon after they were answered. An estimate for the primary, which
 * batches by it; it counts what was executed, so that only what was really ordered moves it. Owns a fifth of a second of the past.
 */

import type { ClientId } from '../base/ids.ts';

/** Those of one such stretch of time are counted together, µs: several rounds of a busy cluster. */
const STRETCH_US = 100_000;
/** More are not counted: no batch holds so many. */
const MOST = 4096;

/** Small enough that an engine keeps the number in the place of a pointer. */
const NAME_MASK = 0x3fffffff;

export class Crowd {
  #current = new Set<number>();
  #last = new Set<number>();
  /** Monotonic µs at which the current stretch began. */
  #since = 0;
  /** The client that was noted last, and what stands for it in the names of its sessions. */
  #client: ClientId | undefined;
  #mark = 0;

  /** A request of this session was executed. */
  note(client: ClientId, session: number, now: number): void {
    this.#turn(now);
    if (this.#current.size < MOST) this.#current.add(this.#nameOf(client, session));
  }

  /** Of the low bits of a session's number and the first digits of its client: one number, which two sessions hardly share. */
  #nameOf(client: ClientId, session: number): number {
    if (client !== this.#client) {
      this.#client = client;
      this.#mark = 0;
      for (let at = 0; at < 6; at += 1) this.#mark = this.#mark * 32 + (client.charCodeAt(at) & 31);
    }
    return (session ^ this.#mark) & NAME_MASK;
  }

  /** Sessions of the stretch under way or of the one before, whichever had more. */
  size(now: number): number {
    this.#turn(now);
    return Math.max(this.#current.size, this.#last.size);
  }

  #turn(now: number): void {
    const past = now - this.#since;
    if (past < STRETCH_US) return;
    this.#last = past < 2 * STRETCH_US ? this.#current : new Set();
    this.#current = new Set();
    this.#since = now;
  }
}
