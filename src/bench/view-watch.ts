/** Which view the answers of a load name: one view is over when an answer names a later one. Owns the changes seen. */

/** `view`: the one that began; `atMs`: when its first answer was there, ms since 1970. */
export interface ViewChangeSeen {
  readonly view: number;
  readonly atMs: number;
}

export class ViewWatch {
  /** A cluster begins in view 0. */
  #view = 0;
  readonly #changes: ViewChangeSeen[] = [];

  /** In order. */
  get changes(): readonly ViewChangeSeen[] {
    return this.#changes;
  }

  /** An answer named `view`. True: no earlier one named as late a view. */
  note(view: number, atMs: number): boolean {
    if (view <= this.#view) return false;
    this.#view = view;
    this.#changes.push({ view, atMs });
    return true;
  }
}
