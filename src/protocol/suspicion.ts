/** What one replica says against another: the kinds, and what each means. [docs/detection.md] */
import type { Bytes } from '../base/bytes.ts';
import type { ReplicaId, Sequence, View } from '../base/ids.ts';

/** Given at most f faults, a correct node can never cause a certain suspicion; an uncertain one it may (slow link, named with the primary). */
export type Certainty = 'certain' | 'uncertain';

export type SuspicionKind =
  /** Two PRE-PREPAREs of primary(v) for one (v, n), or f+1 distinct votes for another digest than the accepted one. */
  | 'equivocation'
  /** COMMIT for another digest than the one prepared here; PREPARE at the primary for another digest than it proposed. */
  | 'false-vote'
  /** Two votes of one sender in one (v, n, phase) for different digests. */
  | 'contradictory-votes'
  /** PREPARE at a backup for another digest than the accepted one: the sender or the primary lies. */
  | 'digest-mismatch'
  /** A signed CHECKPOINT whose root differs from the stable one. */
  | 'wrong-checkpoint'
  /** A REPLY that claims another result of an ordered request than the accepted one. */
  | 'wrong-reply'
  /** Nothing heard, or its votes missing while a quorum votes. */
  | 'unresponsive'
  /** Bad MAC or signature, malformed or oversized frames on its link. */
  | 'bad-link'
  /** Its clock, as seen in batch timestamps, is further off than the bound. */
  | 'clock-skew'
  /** State it sent does not hash to what was asked for. */
  | 'wrong-state'
  /** Two signed VIEW-CHANGEs for one view, a lower h than in one for a lower view, or one that leaves out what its sender committed to before. */
  | 'contradictory-view-changes'
  /** A signed VIEW-CHANGE that no correct replica makes: views, numbers or lists out of bounds. */
  | 'invalid-view-change'
  /** A signed NEW-VIEW whose choice does not follow from the VIEW-CHANGEs in it, or a PRE-PREPARE of its primary that contradicts it. */
  | 'wrong-new-view'
  /** A primary that orders what it is given late, or leaves it out. */
  | 'slow-primary';

/** All kinds. Their order is the one of their numbers in stored records: new ones go to the end. */
export const SUSPICION_KINDS = [
  'equivocation',
  'false-vote',
  'contradictory-votes',
  'digest-mismatch',
  'wrong-checkpoint',
  'wrong-reply',
  'unresponsive',
  'bad-link',
  'clock-skew',
  'wrong-state',
  'contradictory-view-changes',
  'invalid-view-change',
  'wrong-new-view',
  'slow-primary',
] as const satisfies readonly SuspicionKind[];

/** One thing said against one node. Times: wall ms of this replica. */
export interface Suspicion {
  readonly node: ReplicaId;
  readonly kind: SuspicionKind;
  readonly certainty: Certainty;
  readonly view: View;
  /** 0 where no slot is concerned. */
  readonly sequence: Sequence;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** How often it was seen. */
  readonly count: number;
  readonly evidence: Evidence;
}

/**
 * What shows it: a sentence for people, and the signed statements where they prove it to third parties: each the 64 bytes of an Ed25519
 * signature followed by the bytes it signs (domain, cluster id, content of the message). evidence.ts says whether they do.
 */
export interface Evidence {
  readonly summary: string;
  readonly frames: readonly Bytes[];
}
