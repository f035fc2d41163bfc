/**
 * Which requests are signed and shown to all replicas at once, not to the primary alone. Backups pass them on and measure how soon the primary orders
 * them; of what goes to the primary alone they know no time, and a primary that is slow by less than half a timeout would go unnoticed
 * [Aardvark, NSDI'09 §4.2]. Few, since each takes a signature of the client and a verification by everybody: of a client with many requests
 * under way 20 a second, of one with a single one a fraction of that, so that many clients together do not show much more.
 */

/** In so many µs a client with many requests under way may show one. */
const SPACING_US = 50_000;
/** So many under way are many. */
const FULL_SHARE = 64;
/** What was not shown in time may be shown later, so many at once: where a turn takes long the requests come in heaps. */
const SAVED = 4;

export class Showing {
  #lookedAt = -Infinity;
  #credit = 0;
  /** Most requests under way since the last look: in a closed loop they end and begin together. */
  #most = 0;

  /** Is the next request to be shown to all? `underWay`: requests under way, with that one. */
  isDue(now: number, underWay: number): boolean {
    this.#most = Math.max(this.#most, underWay);
    const spacings = (now - this.#lookedAt) / SPACING_US;
    if (spacings >= 1) {
      const share = Math.min(1, this.#most / FULL_SHARE);
      this.#credit = Math.min(SAVED, this.#credit + share * Math.min(SAVED, spacings));
      this.#lookedAt = now;
      this.#most = 0;
    }
    if (this.#credit < 1) return false;
    this.#credit -= 1;
    return true;
  }
}
