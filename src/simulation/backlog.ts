/** What waits, in order, until somebody lets it go: in a clogged link, before a paused process. Bounded as the buffers of sockets are. */

/** Owns what waits. What finds no room is lost, the earlier stays. */
export class Backlog<Item> {
  readonly #bytesPerLink: number;
  readonly #items: Item[] = [];
  readonly #bytes = new Map<string, number>();

  constructor(bytesPerLink: number) {
    this.#bytesPerLink = bytesPerLink;
  }

  /** False: it is lost, for the buffer of `link` has no room for so many bytes. */
  add(item: Item, link: string, bytes: number): boolean {
    const total = (this.#bytes.get(link) ?? 0) + bytes;
    if (total > this.#bytesPerLink) return false;
    this.#bytes.set(link, total);
    this.#items.push(item);
    return true;
  }

  /** Takes out everything, in the order in which it came. */
  drain(): readonly Item[] {
    this.#bytes.clear();
    return this.#items.splice(0);
  }
}
