/** Makes sure that no event of a node counts twice, however often its stream breaks and resumes. */
import type { StreamEvent } from './stream-event.ts';

/** These stand beside the numbered events: their id is that of the event before them. */
const BESIDE: readonly StreamEvent['kind'][] = ['hello', 'lost'];

/** The order of one node's events: `boot-number`, numbers ascending for as long as the process lives. */
export class EventOrder {
  #boot: string | undefined;
  #number = -1;

  /** What `Last-Event-ID` takes to go on from here; undefined before the first event. */
  get lastId(): string | undefined {
    return this.#boot === undefined ? undefined : `${this.#boot}-${this.#number}`;
  }

  /** True once for each event; an id that is none is taken, since nothing can be said against it. */
  isNew({ id, kind }: Pick<StreamEvent, 'id' | 'kind'>): boolean {
    const [, boot, digits] = /^(.+)-(\d+)$/.exec(id) ?? [];
    if (boot === undefined || digits === undefined) return true;
    const number = Number(digits);
    if (boot !== this.#boot) {
      this.#boot = boot;
      this.#number = number;
      return true;
    }
    if (BESIDE.includes(kind)) {
      this.#number = Math.max(this.#number, number);
      return true;
    }
    if (number <= this.#number) return false;
    this.#number = number;
    return true;
  }
}
