/** Counts refusals by code and reports them at a bounded rate: nobody may fill the log from outside. */
import type { Party } from '../../protocol/ports.ts';
import type { LinkRefusal, LinkRefusalCode } from './settings.ts';

/** Refusals that are reported, at most, per second: of replicas, and of everybody else. All are counted. */
const REPORTED_PER_SECOND = { replicas: 100, others: 10 } as const;

export type RefusalCounts = Readonly<Partial<Record<LinkRefusalCode, number>>>;

export class RefusalCount {
  readonly #report: (link: Party | undefined, refusal: LinkRefusal) => void;
  readonly #counts: Partial<Record<LinkRefusalCode, number>> = {};
  #second = 0;
  readonly #reported = { replicas: 0, others: 0 };

  constructor(report: (link: Party | undefined, refusal: LinkRefusal) => void) {
    this.#report = report;
  }

  add(link: Party | undefined, refusal: LinkRefusal): void {
    this.countOnly(refusal.code);
    if (this.#mayReport(link?.kind === 'replica' ? 'replicas' : 'others')) this.#report(link, refusal);
  }

  countOnly(code: LinkRefusalCode): void {
    this.#counts[code] = (this.#counts[code] ?? 0) + 1;
  }

  counts(): RefusalCounts {
    return { ...this.#counts };
  }

  #mayReport(who: 'replicas' | 'others'): boolean {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#reported.replicas = 0;
      this.#reported.others = 0;
    }
    this.#reported[who] += 1;
    return this.#reported[who] <= REPORTED_PER_SECOND[who];
  }
}
