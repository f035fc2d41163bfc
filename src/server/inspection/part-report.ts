/** What a check of one part of a node's folder is given, and what it says. */
import type { Prepared } from '../preparation.ts';

export interface CheckedNode {
  readonly directory: string;
  readonly prepared: Prepared;
}

/** Something that is wrong, and where. */
export interface Finding {
  readonly file: string;
  /** Byte in the file, where one can be named. */
  readonly offset: number | undefined;
  readonly what: string;
}

/** What came of one part: no finding, no damage. */
export interface PartReport {
  readonly part: string;
  readonly findings: readonly Finding[];
  /** What was looked at, and what is odd and harmless. One sentence each. */
  readonly notes: readonly string[];
}
