/** What a check of one part of a node's folder is given, and what it says. */
import type { DatabaseState } from '../../node/index.ts';
import type { Prepared } from '../preparation.ts';

/** The state database of a node that is stopped, opened; or why it is not. */
export type CheckedState =
  | { readonly kind: 'open'; readonly database: DatabaseState }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly reason: string };

export interface CheckedNode {
  readonly directory: string;
  readonly prepared: Prepared;
  readonly state: CheckedState;
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
