/**
 * Broken variants of the core: small patches for a copy of the source. Each must be seen by the simulator: that list is the proof that its
 * checkers see. A patch that does not apply exactly once is out of date and fails.
 */

/** One broken variant. */
export interface Mutant {
  readonly name: string;
  /** What of PROTOCOL's invariants it breaks. */
  readonly breaks: string;
  /** Relative to the root. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly search: string;
  readonly replace: string;
  /** The simulator must see it within so many seeds. */
  readonly seeds: number;
  /** The first of them, 1 if it is not given: where few seeds show it, one that does, so that it need not be looked for each time. */
  readonly from?: number;
  /** So many nodes in every seed. */
  readonly nodes?: number;
  /** Seen by this test instead, which enumerates what random seeds find too rarely. Relative to the root; run in the copy. */
  readonly test?: string;
  /** The liar of every seed, where few of those that are drawn would show it. */
  readonly liar?: string;
  /** Disks are lost in every seed. */
  readonly lostDisks?: true;
  /** Clients use read-only requests in every seed. */
  readonly reads?: true;
  readonly tentative?: true;
  readonly overlap?: true;
  readonly compound?: true;
}

/** Where most of them apply. */
export const PROTOCOL = 'src/protocol';

/** The file with the patch in it; undefined when it does not apply exactly once. */
export function applyMutant({ search, replace }: Pick<Mutant, 'search' | 'replace'>, text: string): string | undefined {
  const at = text.indexOf(search);
  if (at < 0 || text.indexOf(search, at + 1) >= 0) return undefined;
  return text.slice(0, at) + replace + text.slice(at + search.length);
}
