/** The arithmetic of quorums. Owns nothing. [OSDI'99 §3; for n ≠ 3f+1 the bare 2f+1 of the paper is wrong, see docs/protocol.md] */
import { assert } from '../base/assert.ts';

/**
 * `intersecting`: ⌈(n+f+1)/2⌉, any two quorums share a correct replica.
 * `2f+1`: the paper's number taken literally, unsafe for n ≠ 3f+1; for demonstration only.
 */
export type QuorumRule = 'intersecting' | '2f+1';

export interface Quorums {
  /** n, number of replicas. */
  readonly replicaCount: number;
  /** f = ⌊(n−1)/3⌋, how many may be Byzantine. */
  readonly faultLimit: number;
  /** q, votes in a quorum certificate. */
  readonly quorum: number;
  /** f+1, votes in a weak certificate: at least one is of a correct replica. */
  readonly weak: number;
  /** PREPAREs in a prepared certificate: q−1 beside the PRE-PREPARE; q where that is no vote (proposing.ts). */
  readonly prepares: number;
  readonly rule: QuorumRule;
}

export const MAX_REPLICAS = 31;

/** `overlapped`: a PRE-PREPARE may leave before it is on disk, where a fault is borne; else nothing is won by it. Requires: 1 ≤ replicaCount ≤ 31. */
export function makeQuorums(
  replicaCount: number,
  rule: QuorumRule = 'intersecting',
  overlapped: boolean = false,
): Quorums {
  assert(
    Number.isInteger(replicaCount) && replicaCount >= 1 && replicaCount <= MAX_REPLICAS,
    'n is an integer from 1 to 31',
  );
  const faultLimit = Math.floor((replicaCount - 1) / 3);
  const quorum = rule === '2f+1' ? 2 * faultLimit + 1 : Math.ceil((replicaCount + faultLimit + 1) / 2);
  const prepares = overlapped && faultLimit > 0 ? quorum : quorum - 1;
  return { replicaCount, faultLimit, quorum, weak: faultLimit + 1, prepares, rule };
}

/** Does a primary vote by PREPARE, as all others do, since its PRE-PREPARE may leave before it is on disk (proposing.ts)? */
export function primaryPrepares({ quorum, prepares }: Quorums): boolean {
  return prepares === quorum;
}

/** False for the demonstration rule where two of its quorums need not share a correct replica. */
export function quorumsIntersect({ replicaCount, faultLimit, quorum }: Quorums): boolean {
  return 2 * quorum - replicaCount >= faultLimit + 1;
}
