/** What happened in a run, counted: a kind that never happened was not tested. Plain data, so that workers can send it. */

/** Category → name → how often. */
export type CoverageCounts = { readonly [category: string]: { readonly [name: string]: number } };

/** Owns the counts of one or many runs. */
export class Coverage {
  readonly #counts = new Map<string, Map<string, number>>();

  count(category: string, name: string, times = 1): void {
    let names = this.#counts.get(category);
    if (names === undefined) {
      names = new Map();
      this.#counts.set(category, names);
    }
    names.set(name, (names.get(name) ?? 0) + times);
  }

  of(category: string, name: string): number {
    return this.#counts.get(category)?.get(name) ?? 0;
  }

  add(other: CoverageCounts): void {
    for (const [category, names] of Object.entries(other)) {
      for (const [name, times] of Object.entries(names)) this.count(category, name, times);
    }
  }

  /** Everything counted, categories and names in alphabetical order. */
  counts(): CoverageCounts {
    return Object.fromEntries(
      [...this.#counts]
        .toSorted(([left], [right]) => (left < right ? -1 : 1))
        .map(([category, names]) => [
          category,
          Object.fromEntries([...names].toSorted(([left], [right]) => (left < right ? -1 : 1))),
        ]),
    );
  }
}
