/** Counts refusals by code and reports them, strangers' at a bounded rate: nobody may fill the log from outside. */
import type { Party } from '../../protocol/ports.ts';
import type { LinkRefusal, LinkRefusalCode } from './settings.ts';

/** Refusals of strangers that are reported, at most, per second; all are counted. */
const STRANGERS_PER_SECOND = 10;

export type RefusalCounts = Readonly<Partial<Record<LinkRefusalCode, number>>>;

export class RefusalCount {
  readonly #report: (link: Party | undefined, refusal: LinkRefusal) => void;
  readonly #counts: Partial<Record<LinkRefusalCode, number>> = {};
  #second = 0;
  #reported = 0;

  constructor(report: (link: Party | undefined, refusal: LinkRefusal) => void) {
    this.#report = report;
  }

  add(link: Party | undefined, refusal: LinkRefusal): void {
    this.countOnly(refusal.code);
    if (link !== undefined || this.#mayReport()) this.#report(link, refusal);
  }

  countOnly(code: LinkRefusalCode): void {
    this.#counts[code] = (this.#counts[code] ?? 0) + 1;
  }

  counts(): RefusalCounts {
    return { ...this.#counts };
  }

  #mayReport(): boolean {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) [this.#second, this.#reported] = [second, 0];
    this.#reported += 1;
    return this.#reported <= STRANGERS_PER_SECOND;
  }
}
