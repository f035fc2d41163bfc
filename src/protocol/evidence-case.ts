/**
 * What lies before the judge of evidence (evidence.ts): the authentic statements of one claim, and what a proof answers when it has looked at
 * them. Pure.
 */
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { CodecContext, StatementContent } from '../messages/index.ts';
import type { Quorums } from './quorum.ts';
import type { SuspicionKind } from './suspicion.ts';
import type { ClaimLimits } from './view-change-claims.ts';

/** `index`: of the statement at fault, from 0. */
export type EvidenceFault =
  /** The cluster has no such node. */
  | { readonly code: 'unknown-node' }
  | { readonly code: 'malformed-statement'; readonly index: number; readonly reason: string }
  /** Signed for another cluster. */
  | { readonly code: 'foreign-cluster'; readonly index: number }
  /** Names a sender that the cluster does not have. */
  | { readonly code: 'unknown-signer'; readonly index: number }
  | { readonly code: 'bad-signature'; readonly index: number; readonly signer: ReplicaId }
  /** A valid statement that is no part of the proof: about another place, by another node, or of another kind. */
  | { readonly code: 'irrelevant-statement'; readonly index: number }
  | { readonly code: 'too-few-signers'; readonly have: number; readonly needed: number }
  /** It rests on the word of others, and proves nothing where f = 0 or where two quorums need not meet. */
  | { readonly code: 'rests-on-others' }
  /** A NEW-VIEW names the VIEW-CHANGE of `replica`, and it is not among the statements. */
  | { readonly code: 'missing-view-change'; readonly replica: ReplicaId }
  /** It depends on the bounds of a valid VIEW-CHANGE, which the third party does not know. */
  | { readonly code: 'unknown-limits' }
  /** All authentic, but it shows no such fault of this node at this place. */
  | { readonly code: 'no-contradiction' };

/** An authentic statement. */
export interface Exhibit {
  readonly index: number;
  readonly content: StatementContent;
  readonly signer: ReplicaId;
  /** SHA-256 of what it says: statements that say the same are the same. */
  readonly identity: Digest;
}

/** A claim, its statements opened, and what the third party knows of the cluster. */
export interface Case {
  readonly node: ReplicaId;
  readonly kind: SuspicionKind;
  readonly view: View;
  readonly sequence: Sequence;
  readonly quorums: Quorums;
  readonly codec: CodecContext;
  readonly limits: ClaimLimits | undefined;
  readonly exhibits: readonly Exhibit[];
}

/** The exhibits that prove it, or what is missing. */
export type Finding = Result<readonly Exhibit[], EvidenceFault>;

/** What a statement of a type says. */
export type ContentOf<Type extends StatementContent['type']> = Extract<StatementContent, { readonly type: Type }>;
/** A statement of a type. */
export type ExhibitOf<Type extends StatementContent['type']> = Exhibit & { readonly content: ContentOf<Type> };

/** Those of the given types. */
export function ofType<const Type extends StatementContent['type']>(
  exhibits: readonly Exhibit[],
  ...types: readonly Type[]
): readonly ExhibitOf<Type>[] {
  return exhibits.filter((exhibit): exhibit is ExhibitOf<Type> => types.some((type) => type === exhibit.content.type));
}

/** Those that `node` signed. */
export function by<E extends Exhibit>(node: ReplicaId, exhibits: readonly E[]): readonly E[] {
  return exhibits.filter(({ signer }) => signer === node);
}

/** The answer of a proof that finds nothing. */
export const NO_CONTRADICTION: Finding = fail({ code: 'no-contradiction' });

/** Two that differ in what `keyOf` tells are the proof. */
export function pairThatDiffers<E extends Exhibit>(exhibits: readonly E[], keyOf: (exhibit: E) => string): Finding {
  const [first, ...others] = exhibits;
  const second = others.find((other) => first !== undefined && keyOf(other) !== keyOf(first));
  return first === undefined || second === undefined ? NO_CONTRADICTION : ok([first, second]);
}
