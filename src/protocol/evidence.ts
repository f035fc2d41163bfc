/**
 * Whether signed statements prove an accusation to a third party, who has nothing but the cluster's public keys [docs/detection.md]. Pure, and
 * strict: every statement must be authentic, of this cluster, and needed for the proof; anything else is refused with its reason. A new kind
 * of proof is one function here or in view-change-proofs.ts, and its line in PROOFS; a new message one line in src/messages/statement.ts.
 */
import type { Bytes } from '../base/bytes.ts';
import { asReplicaId } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { readStatement } from '../messages/index.ts';
import type { CodecContext } from '../messages/index.ts';
import { NO_CONTRADICTION, by, ofType, pairThatDiffers } from './evidence-case.ts';
import type { Case, ContentOf, EvidenceFault, Exhibit, ExhibitOf, Finding } from './evidence-case.ts';
import type { Authenticator } from './ports.ts';
import { quorumsIntersect } from './quorum.ts';
import type { Quorums } from './quorum.ts';
import { matches } from './reply-certificate.ts';
import type { SuspicionKind } from './suspicion.ts';
import type { ClaimLimits } from './view-change-claims.ts';
import {
  commitLeftOut,
  fallenLowWaterMark,
  invalidViewChange,
  prePrepareBesideChoice,
  twoNewViews,
  twoViewChanges,
  wrongChoice,
} from './view-change-proofs.ts';

/** What is said against one node, and the statements that are to prove it. */
export interface Claim {
  readonly node: ReplicaId;
  readonly kind: SuspicionKind;
  /** Proven like the rest, except where no statement names a view (CHECKPOINTs): there it says when it was seen. */
  readonly view: View;
  readonly sequence: Sequence;
  readonly statements: readonly Bytes[];
}

/** What a third party knows of the cluster. */
export interface EvidenceRules {
  readonly quorums: Quorums;
  /** Bound to the cluster's id. */
  readonly codec: CodecContext;
  readonly keys: Pick<Authenticator, 'verifySignature'>;
  /** The bounds of a valid VIEW-CHANGE; undefined: not known, and only what is out of bounds in every cluster counts. */
  readonly limits: ClaimLimits | undefined;
}

/** What a proof takes for granted: `nothing` where what a node signed is wrong by itself, else that at most f nodes lie. */
export type Assumption = 'nothing' | 'at-most-f-faults';

/** `not-provable`: nothing of this kind proves it to others, or nothing was signed; it may be true all the same. */
export type Verdict =
  | { readonly kind: 'proven'; readonly assuming: Assumption }
  | { readonly kind: 'not-provable' }
  | { readonly kind: 'refuted'; readonly fault: EvidenceFault };

interface Proof {
  readonly assuming: Assumption;
  readonly find: (of: Case) => Finding;
}

/** What may prove each kind, the strongest first; empty: nothing does. */
const PROOFS: Readonly<Record<SuspicionKind, readonly Proof[]>> = {
  equivocation: [contradiction(twoPrePrepares), givenFewLiars(dissentingVotes)],
  'false-vote': [contradiction(prepareAgainstCommit), givenFewLiars(commitAgainstQuorum)],
  'contradictory-votes': [
    contradiction(twoVotesOfOnePhase),
    contradiction(prepareAgainstCommit),
    contradiction(twoCheckpoints),
  ],
  'wrong-checkpoint': [contradiction(twoCheckpoints), givenFewLiars(checkpointAgainstQuorum)],
  'wrong-reply': [contradiction(twoReplies), givenFewLiars(replyAgainstWeak)],
  'digest-mismatch': [],
  unresponsive: [],
  'bad-link': [],
  'clock-skew': [],
  'wrong-state': [],
  'contradictory-view-changes': [
    contradiction(twoViewChanges),
    contradiction(fallenLowWaterMark),
    contradiction(commitLeftOut),
  ],
  'invalid-view-change': [contradiction(invalidViewChange)],
  'wrong-new-view': [contradiction(wrongChoice), contradiction(twoNewViews), contradiction(prePrepareBesideChoice)],
  'slow-primary': [],
};

/** The node contradicts itself, or the rules of the protocol. */
function contradiction(find: Proof['find']): Proof {
  return { assuming: 'nothing', find };
}

/** The node contradicts so many others that one of them is correct. */
function givenFewLiars(find: Proof['find']): Proof {
  return { assuming: 'at-most-f-faults', find };
}

/** Judges a claim. Never throws, whatever the statements. */
export function judge(rules: EvidenceRules, claim: Claim): Verdict {
  const { node, kind, view, sequence, statements } = claim;
  if (node >= rules.quorums.replicaCount) return refuted({ code: 'unknown-node' });
  const proofs = PROOFS[kind];
  if (proofs.length === 0 || statements.length === 0) return { kind: 'not-provable' };
  const exhibits: Exhibit[] = [];
  for (const [index, bytes] of statements.entries()) {
    const opened = open(rules, index, bytes);
    if (!opened.ok) return refuted(opened.error);
    exhibits.push(opened.value);
  }
  const { quorums, codec, limits } = rules;
  let nearest: EvidenceFault = { code: 'no-contradiction' };
  for (const { assuming, find } of proofs) {
    const found = within(find({ node, kind, view, sequence, quorums, codec, limits, exhibits }), exhibits);
    const isIdle = assuming === 'at-most-f-faults' && !(quorums.faultLimit > 0 && quorumsIntersect(quorums));
    if (found.ok && !isIdle) return { kind: 'proven', assuming };
    const fault: EvidenceFault = found.ok ? { code: 'rests-on-others' } : found.error;
    if (fault.code !== 'no-contradiction') nearest = fault;
  }
  return refuted(nearest);
}

function refuted(fault: EvidenceFault): Verdict {
  return { kind: 'refuted', fault };
}

/** Statements that would not be missed may have been put there to mislead whoever reads them. */
function within(found: Finding, exhibits: readonly Exhibit[]): Finding {
  if (!found.ok) return found;
  const idle = exhibits.find((exhibit) => !found.value.includes(exhibit));
  return idle === undefined ? found : fail({ code: 'irrelevant-statement', index: idle.index });
}

/** Decodes, finds whose it must be, and verifies: in this order, so that the cheapest check comes first. */
function open({ codec, quorums, keys }: EvidenceRules, index: number, bytes: Bytes): Result<Exhibit, EvidenceFault> {
  const read = readStatement(codec, bytes);
  if (!read.ok) {
    const { code, reason } = read.error;
    if (code === 'foreign-cluster') return fail({ code: 'foreign-cluster', index });
    return fail({
      code: 'malformed-statement',
      index,
      reason: code === 'malformed' ? reason : `no statement has the domain ${reason}`,
    });
  }
  const { content, signed, signature, said } = read.value;
  const signer = 'replica' in content ? content.replica : asReplicaId(content.view % quorums.replicaCount);
  if (signer >= quorums.replicaCount) return fail({ code: 'unknown-signer', index });
  if (!keys.verifySignature({ kind: 'replica', replica: signer }, signed, signature))
    return fail({ code: 'bad-signature', index, signer });
  return ok({ index, content, signer, identity: codec.sha256(said) });
}

/** Of these types, at the view and sequence number of the claim. */
function atPlace<const Type extends 'pre-prepare' | 'prepare' | 'commit'>(
  { exhibits, view, sequence }: Case,
  ...types: readonly Type[]
): readonly ExhibitOf<Type>[] {
  return ofType<'pre-prepare' | 'prepare' | 'commit'>(exhibits, ...types).filter(
    (exhibit): exhibit is ExhibitOf<Type> => exhibit.content.view === view && exhibit.content.sequence === sequence,
  );
}

/** `liar`, and at least `needed` distinct signers who agree with each other on something else. */
function liarAgainst(liar: Exhibit | undefined, others: readonly Exhibit[], needed: number): Finding {
  if (liar === undefined || others.length === 0) return NO_CONTRADICTION;
  const have = new Set(others.map(({ signer }) => signer)).size;
  return have >= needed ? ok([liar, ...others]) : fail({ code: 'too-few-signers', have, needed });
}

/** primary(v) signed two PRE-PREPAREs for one (v, n). */
function twoPrePrepares(of: Case): Finding {
  return pairThatDiffers(by(of.node, atPlace(of, 'pre-prepare')), ({ content }) => content.digest);
}

/** f+1 others voted in v for one other digest than the one that primary(v) signed: one of them is correct, and votes for what it was sent. */
function dissentingVotes(of: Case): Finding {
  const [sent, ...more] = by(of.node, atPlace(of, 'pre-prepare'));
  const votes = atPlace(of, 'prepare', 'commit').filter(({ signer }) => signer !== of.node);
  const [digest, ...rivals] = new Set(votes.map(({ content }) => content.digest));
  if (more.length > 0 || rivals.length > 0 || digest === sent?.content.digest) return NO_CONTRADICTION;
  return liarAgainst(sent, votes, of.quorums.weak);
}

/** Two PREPAREs or two COMMITs of one (v, n). */
function twoVotesOfOnePhase(of: Case): Finding {
  const own = by(of.node, atPlace(of, 'prepare', 'commit'));
  if (new Set(own.map(({ content }) => content.type)).size > 1) return NO_CONTRADICTION;
  return pairThatDiffers(own, ({ content }) => content.digest);
}

/** One digest pre-prepared, as primary or as backup, and another committed in the same view: a replica accepts one per (v, n). */
function prepareAgainstCommit(of: Case): Finding {
  const [commit] = by(of.node, atPlace(of, 'commit'));
  const accepted = by(of.node, atPlace(of, 'pre-prepare', 'prepare'));
  const other = accepted.find(({ content }) => commit !== undefined && content.digest !== commit.content.digest);
  return commit === undefined || other === undefined ? NO_CONTRADICTION : ok([commit, other]);
}

/**
 * A COMMIT for d′ where q replicas pre-prepared d in the same view. Had its sender prepared d′, q would have pre-prepared that, and one
 * correct replica both. A COMMIT for d is by one who pre-prepared d, like a PREPARE.
 */
function commitAgainstQuorum(of: Case): Finding {
  const votes = atPlace(of, 'pre-prepare', 'prepare', 'commit');
  const liar = by(of.node, atPlace(of, 'commit'))[0];
  const others = votes.filter(({ content }) => content.digest !== liar?.content.digest);
  if (new Set(others.map(({ content }) => content.digest)).size > 1) return NO_CONTRADICTION;
  return liarAgainst(liar, others, of.quorums.quorum);
}

function checkpointsAt({ exhibits, sequence }: Case): readonly ExhibitOf<'checkpoint'>[] {
  return ofType(exhibits, 'checkpoint').filter(({ content }) => content.sequence === sequence);
}

/** Two CHECKPOINTs for one number with different roots. */
function twoCheckpoints(of: Case): Finding {
  return pairThatDiffers(by(of.node, checkpointsAt(of)), ({ content }) => content.root);
}

/** A CHECKPOINT beside q for another root, which make that one stable. */
function checkpointAgainstQuorum(of: Case): Finding {
  const all = checkpointsAt(of);
  const [liar] = by(of.node, all);
  const others = all.filter(({ content }) => content.root !== liar?.content.root);
  const roots: ReadonlySet<Digest> = new Set(others.map(({ content }) => content.root));
  return roots.size > 1 ? NO_CONTRADICTION : liarAgainst(liar, others, of.quorums.quorum);
}

/** REPLYs that claim an execution of the request that a REPLY of the accused at the claim's place names. Table errors may be true beside one. */
function repliesToOneRequest(of: Case): {
  readonly liar: ExhibitOf<'reply'> | undefined;
  readonly others: readonly ExhibitOf<'reply'>[];
} {
  const all = ofType(of.exhibits, 'reply').filter(
    // Whoever reads twice may get two answers, and what was tentative need not have come to be.
    ({ content }) => content.outcome === 'executed' || content.outcome === 'replayed',
  );
  const liar = by(of.node, all).find(({ content }) => content.view === of.view && content.sequence === of.sequence);
  const others = all.filter(
    (other) =>
      liar !== undefined && isSameRequest(other.content, liar.content) && !matches(other.content, liar.content),
  );
  return { liar, others };
}

function isSameRequest(left: ContentOf<'reply'>, right: ContentOf<'reply'>): boolean {
  return (
    left.client === right.client &&
    left.session === right.session &&
    left.timestamp === right.timestamp &&
    left.requestDigest === right.requestDigest
  );
}

/** Two different executions of one request, claimed by one replica: it executes each once. */
function twoReplies(of: Case): Finding {
  const { liar, others } = repliesToOneRequest(of);
  const [other] = by(of.node, others);
  return liar === undefined || other === undefined ? NO_CONTRADICTION : ok([liar, other]);
}

/** An execution claimed beside f+1 others that match in another one. */
function replyAgainstWeak(of: Case): Finding {
  const { liar, others } = repliesToOneRequest(of);
  const [first] = others;
  const doMatch = others.every(({ content }) => first !== undefined && matches(content, first.content));
  return doMatch ? liarAgainst(liar, others, of.quorums.weak) : NO_CONTRADICTION;
}
