/** Claims of VIEW-CHANGEs in shorthand, for the tests of the decision. */
import { GENESIS, NULL_DIGEST, asDigest, asReplicaId, asSequence, asView } from '../../src/base/ids.ts';
import type { Digest } from '../../src/base/ids.ts';
import type { ClaimedCheckpoint, ClaimedSlot, ViewChangeClaims } from '../../src/protocol/view-change-claims.ts';

/** Digests by letter, `a` < `b` < …; null is the smallest of all. */
export const digest = (letter: string): Digest => asDigest(letter.charCodeAt(0).toString(16).repeat(32));
export const A: Digest = digest('a');
export const B: Digest = digest('b');

/** The root of a checkpoint, by letter. */
export const root = (letter: string): Digest => digest(letter.toUpperCase());

/** `entry('a', 0)`: digest a in view 0, at sequence 1 if no other is given. */
export function entry(what: Digest, view: number, sequence = 1): ClaimedSlot {
  return { sequence: asSequence(sequence), digest: what, view: asView(view) };
}

export function checkpoint(sequence: number, letter: string): ClaimedCheckpoint {
  return { sequence: asSequence(sequence), root: root(letter) };
}

/** What replica `index` claims: nothing, at genesis, but for what is given. */
export function claim(index: number, given: Partial<Omit<ViewChangeClaims, 'replica'>> = {}): ViewChangeClaims {
  return {
    replica: asReplicaId(index),
    lowWaterMark: GENESIS,
    root: NULL_DIGEST,
    checkpoints: [],
    prepared: [],
    prePrepared: [],
    ...given,
  };
}
