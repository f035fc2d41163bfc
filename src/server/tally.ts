/**
 * A counter by one label, kept in a plain map and handed to Prometheus when it asks: what happens several times for each request must not cost as
 * much as a registry's own counter does.
 */
import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';

export class Tally {
  readonly #counts = new Map<string, { count: number }>();

  constructor({ name, help, label, registry }: { name: string; help: string; label: string; registry: Registry }) {
    const counter: Counter = new Counter({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect: () => {
        counter.reset();
        for (const [value, { count }] of this.#counts) counter.inc({ [label]: value }, count);
      },
    });
  }

  add(value: string, count = 1): void {
    const known = this.#counts.get(value);
    if (known === undefined) this.#counts.set(value, { count });
    else known.count += count;
  }
}
