/**
 * Who is suspected of what [docs/detection.md]. Keeps invariant 9 (accuracy): no correct replica holds a certain suspicion against a correct
 * one. A suspicion is reported and remembered; it never removes anyone from a quorum.
 */
import type { Bytes } from '../base/bytes.ts';
import { GENESIS, replicaName } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import { authenticatedBytes, encodeMessage } from '../messages/index.ts';
import type { Commit, PrePrepare, Prepare } from '../messages/index.ts';
import type { Core } from './core.ts';
import type { Slot } from './slot.ts';
import { statements } from './statement.ts';
import type { Certainty, Suspicion, SuspicionKind } from './suspicion.ts';
import { quorumsIntersect } from './quorum.ts';
import type { Vote } from './votes.ts';

export interface Accusation {
  readonly node: ReplicaId;
  readonly kind: SuspicionKind;
  readonly certainty: Certainty;
  readonly view?: View;
  readonly sequence?: Sequence;
  readonly summary: string;
  readonly frames?: readonly Bytes[];
  /** Two statements of `node` itself contradict each other: true whatever quorums mean. */
  readonly isOwnContradiction?: boolean;
}

const UNCERTAIN_KEPT = 256;

/** Records what was seen against a node: one entry per node, kind and certainty; the first evidence stays, the count grows. */
export function suspect(core: Core, accusation: Accusation): void {
  if (accusation.node === core.self) return;
  const certainty = certaintyUnderRule(core, accusation);
  if (certainty === 'certain' && topples(core, accusation)) core.toppled ??= 'equivocation';
  const key = `${accusation.node}/${accusation.kind}/${certainty}`;
  const known = core.suspicions.get(key);
  if (known !== undefined) {
    core.suspicions.set(key, { ...known, lastSeenMs: core.now.wall, count: known.count + 1 });
    return;
  }
  if (core.suspicions.size >= UNCERTAIN_KEPT && certainty === 'uncertain') return;
  const suspicion: Suspicion = {
    node: accusation.node,
    kind: accusation.kind,
    certainty,
    view: accusation.view ?? core.view,
    sequence: accusation.sequence ?? GENESIS,
    firstSeenMs: core.now.wall,
    lastSeenMs: core.now.wall,
    count: 1,
    evidence: { summary: accusation.summary, frames: accusation.frames ?? [] },
  };
  core.suspicions.set(key, suspicion);
  if (certainty === 'certain') core.persist({ kind: 'suspicion', suspicion });
  core.emit({ kind: 'suspicion', suspicion });
}

/** The primary of the own, present view has shown that it lies to it: that view must end. */
function topples(core: Core, { node, kind, view = core.view }: Accusation): boolean {
  if (kind !== 'equivocation' && kind !== 'wrong-new-view') return false;
  return node === core.primary && view === core.view && !core.inViewChange;
}

/** Under the demonstration rule two quorums need not meet, so only a sender's contradiction of itself is certain. */
function certaintyUnderRule(core: Core, { certainty, kind, isOwnContradiction = false }: Accusation): Certainty {
  const isOwn = isOwnContradiction || kind === 'contradictory-votes';
  return quorumsIntersect(core.quorums) || isOwn ? certainty : 'uncertain';
}

/** Forgets uncertain suspicions that were not seen again for a while. */
export function expireSuspicions(core: Core): void {
  const oldest = core.now.wall - core.config.tuning.suspicionExpiryUs / 1000;
  for (const [key, suspicion] of core.suspicions) {
    if (suspicion.certainty === 'uncertain' && suspicion.lastSeenMs < oldest) core.suspicions.delete(key);
  }
}

/** primary(v) sent two PRE-PREPAREs for one (v, n) with different digests: certain, since each was authentic. */
export function onSecondPrePrepare(core: Core, slot: Slot, second: PrePrepare, signature: Bytes | undefined): void {
  const { view } = second;
  const first = slot.acceptedIn(view) ?? slot.pending;
  if (first === undefined) return;
  const batch = first === slot.pending ? slot.pending.batch : slot.bodyOf(first.digest);
  const frames = [
    ...statements(core.codec, { ...second, digest: first.digest, batch }, first.signature),
    ...statements(core.codec, second, signature),
  ];
  suspect(core, {
    node: core.primaryOf(view),
    kind: 'equivocation',
    certainty: 'certain',
    view,
    sequence: slot.sequence,
    summary: `${replicaName(core.primaryOf(view))} sent PRE-PREPAREs for two batches at view ${view}, sequence ${slot.sequence}: ${short(first.digest)} and ${short(second.digest)}`,
    frames,
    isOwnContradiction: true,
  });
}

/** A PRE-PREPARE of primary(v) for a number for which its own NEW-VIEW chose something else: certain. */
export function onPrePrepareBesideNewView(
  core: Core,
  message: PrePrepare,
  signature: Bytes | undefined,
  chosen: Digest,
): void {
  const { view, sequence, digest } = message;
  const node = core.primaryOf(view);
  suspect(core, {
    node,
    kind: 'wrong-new-view',
    certainty: 'certain',
    view,
    sequence,
    summary: `${replicaName(node)} sent a PRE-PREPARE for ${short(digest)} at view ${view}, sequence ${sequence}, where its NEW-VIEW chose ${short(chosen)}`,
    frames: [
      ...statements(core.codec, message, signature),
      ...(core.newView === undefined ? [] : statements(core.codec, core.newView.newView, core.newView.signature)),
    ],
    isOwnContradiction: true,
  });
}

/** One sender, two votes of one phase at one (v, n): certain; where votes are signed the two prove it to anyone. */
export function onContradictoryVote(
  core: Core,
  earlier: Vote,
  message: Prepare | Commit,
  signature: Bytes | undefined,
): void {
  const { replica, view, sequence, digest, type } = message;
  suspect(core, {
    node: replica,
    kind: 'contradictory-votes',
    certainty: 'certain',
    view,
    sequence,
    summary: `${replicaName(replica)} sent two ${type.toUpperCase()}s for different batches at view ${view}, sequence ${sequence}: ${short(earlier.digest)} and ${short(digest)}`,
    frames: [
      ...statements(core.codec, { ...message, digest: earlier.digest }, earlier.signature),
      ...statements(core.codec, message, signature),
    ],
  });
}

/** A PREPARE for another digest than the one accepted here in that view. Of the primary itself it contradicts what it proposed. */
export function onPrepareMismatch(core: Core, sender: ReplicaId, slot: Slot, view: View, digest: Digest): void {
  const primary = core.primaryOf(view);
  if (sender === primary) {
    suspect(core, {
      node: primary,
      kind: 'equivocation',
      certainty: 'certain',
      view,
      sequence: slot.sequence,
      summary: `${replicaName(primary)} prepared ${short(digest)} at view ${view}, sequence ${slot.sequence}, where it had pre-prepared ${short(slot.accepted?.digest)}`,
      isOwnContradiction: true,
    });
    return;
  }
  const summary = `${replicaName(sender)} prepared ${short(digest)} at view ${view}, sequence ${slot.sequence}, where ${short(slot.accepted?.digest)} was pre-prepared here`;
  const accuse = (node: ReplicaId, kind: SuspicionKind, certainty: Certainty): void => {
    suspect(core, { node, kind, certainty, view, sequence: slot.sequence, summary });
  };
  if (primary === core.self) {
    accuse(sender, 'false-vote', 'certain');
    return;
  }
  const primaries = core.disagreements.get(sender) ?? new Set<ReplicaId>();
  primaries.add(primary);
  core.disagreements.set(sender, primaries);
  if (primaries.size >= core.quorums.weak && core.quorums.faultLimit > 0) {
    accuse(sender, 'false-vote', 'certain');
    return;
  }
  accuse(sender, 'digest-mismatch', 'uncertain');
  accuse(primary, 'digest-mismatch', 'uncertain');
}

/**
 * What f+1 voices or a quorum here prove is certain given at most f faults. With f = 0 that is given no fault at all: the one liar of three
 * nodes could then make two honest ones certain of each other.
 */
function certainGivenFaults(core: Core): Certainty {
  return core.quorums.faultLimit > 0 ? 'certain' : 'uncertain';
}

/** COMMIT(v, n, d') while d ≠ d' is prepared here in v: no correct replica can have prepared d'. */
export function onCommitMismatch(core: Core, sender: ReplicaId, slot: Slot, view: View, digest: Digest): void {
  suspect(core, {
    node: sender,
    kind: 'false-vote',
    certainty: certainGivenFaults(core),
    view,
    sequence: slot.sequence,
    summary: `${replicaName(sender)} committed ${short(digest)} at view ${view}, sequence ${slot.sequence}, where ${short(slot.prepared?.digest)} is prepared here`,
    frames: falseCommitStatements(core, slot, sender),
  });
}

/** Its own signed PREPARE and COMMIT for different batches in one view: proof for anyone, where there is one. */
function selfContradiction(core: Core, slot: Slot, sender: ReplicaId): readonly Bytes[] {
  const prepare = slot.prepares.of(sender);
  const commit = slot.commits.of(sender);
  if (prepare === undefined || commit === undefined) return [];
  if (prepare.view !== commit.view || prepare.digest === commit.digest) return [];
  return [...voteStatements(core, slot, 'prepare', sender), ...voteStatements(core, slot, 'commit', sender)];
}

/**
 * Proof for anyone that a COMMIT is false: its sender's own PREPARE for another batch in that view, or else the votes of a quorum for another
 * one. Nothing where votes are not signed, too few of them are held, or the first evidence stands already.
 */
function falseCommitStatements(core: Core, slot: Slot, sender: ReplicaId): readonly Bytes[] {
  const own = selfContradiction(core, slot, sender);
  const { prepared } = slot;
  const isKnown = core.suspicions.has(`${sender}/false-vote/certain`);
  if (own.length > 0 || prepared === undefined || isKnown || core.config.cluster.authentication !== 'signature')
    return own;
  const commit = voteStatements(core, slot, 'commit', sender);
  const { quorum } = core.quorums;
  const votes = [core.self, ...core.others]
    .filter((author) => author !== sender)
    .flatMap((author) => agreeingStatements(core, slot, prepared, author))
    .slice(0, quorum);
  return commit.length === 0 || votes.length < quorum ? [] : [...commit, ...votes];
}

/** One vote of `author` for what is prepared here. No signature of an own vote is kept: signed again it is the same, byte for byte. */
function agreeingStatements(
  core: Core,
  slot: Slot,
  { view, digest }: { readonly view: View; readonly digest: Digest },
  author: ReplicaId,
): readonly Bytes[] {
  const { sequence } = slot;
  const isFor = (vote: Vote | undefined): boolean => vote?.view === view && vote.digest === digest;
  const type = isFor(slot.commits.of(author)) ? 'commit' : isFor(slot.prepares.of(author)) ? 'prepare' : undefined;
  if (type !== undefined && author !== core.self) return voteStatements(core, slot, type, author);
  if (type !== undefined) {
    const own = { type, view, sequence, digest, replica: author } as const;
    return statements(core.codec, own, core.authenticator.sign(authenticatedBytes(core.codec, encodeMessage(own))));
  }
  const accepted = slot.acceptedIn(view);
  if (author !== core.primaryOf(view) || accepted?.digest !== digest || !slot.holdsBody(digest)) return [];
  const batch = slot.bodyOf(digest);
  return statements(core.codec, { type: 'pre-prepare', view, sequence, digest, batch }, accepted.signature);
}

/** The vote as its sender signed it; nothing where votes are not signed. */
function voteStatements(core: Core, slot: Slot, type: 'prepare' | 'commit', sender: ReplicaId): readonly Bytes[] {
  const vote = (type === 'prepare' ? slot.prepares : slot.commits).of(sender);
  if (vote === undefined) return [];
  const { view, digest, signature } = vote;
  return statements(core.codec, { type, view, sequence: slot.sequence, digest, replica: sender }, signature);
}

/** f+1 distinct senders vote for another digest than the accepted one: at least one is correct, so primary(v) sent two. */
export function checkDissent(core: Core, slot: Slot): void {
  const { accepted } = slot;
  if (accepted === undefined || core.primaryOf(accepted.view) === core.self) return;
  const { view, digest: own } = accepted;
  // Asked at every vote, and nearly always nobody dissents.
  if (!slot.prepares.hasDissent(view, own) && !slot.commits.hasDissent(view, own)) return;
  const primary = core.primaryOf(accepted.view);
  const dissenters = new Map<Digest, Set<ReplicaId>>();
  for (const votes of [slot.prepares, slot.commits]) {
    for (const [sender, vote] of votes.entries()) {
      if (vote.view !== accepted.view || vote.digest === accepted.digest || sender === primary) continue;
      const senders = dissenters.get(vote.digest) ?? new Set<ReplicaId>();
      senders.add(sender);
      dissenters.set(vote.digest, senders);
    }
  }
  for (const [digest, senders] of dissenters) {
    if (senders.size < core.quorums.weak) continue;
    const names = [...senders].map(replicaName).join(', ');
    suspect(core, {
      node: primary,
      kind: 'equivocation',
      certainty: certainGivenFaults(core),
      view: accepted.view,
      sequence: slot.sequence,
      summary: `${names} voted for ${short(digest)} at view ${accepted.view}, sequence ${slot.sequence}, but ${replicaName(primary)} sent ${short(accepted.digest)} here`,
      frames: dissentStatements(core, slot, digest, senders),
    });
  }
}

/** What the primary sent here, and the votes for something else: of f+1 signers one is correct and was sent that. */
function dissentStatements(core: Core, slot: Slot, digest: Digest, senders: ReadonlySet<ReplicaId>): readonly Bytes[] {
  const { accepted, sequence } = slot;
  if (accepted?.signature === undefined) return [];
  const { view, digest: own, signature } = accepted;
  const sent = statements(
    core.codec,
    { type: 'pre-prepare', view, sequence, digest: own, batch: slot.bodyOf(own) },
    signature,
  );
  const votes = [...senders].flatMap((sender) => {
    const type = slot.prepares.of(sender)?.digest === digest ? 'prepare' : 'commit';
    return voteStatements(core, slot, type, sender);
  });
  return [...sent, ...votes];
}

/** After a pre-prepare was accepted: the PREPAREs that came before it. */
export function checkEarlyPrepares(core: Core, slot: Slot): void {
  const { accepted } = slot;
  if (accepted === undefined) return;
  for (const sender of slot.prepares.dissenters(accepted.view, accepted.digest)) {
    const vote = slot.prepares.of(sender);
    if (vote !== undefined) onPrepareMismatch(core, sender, slot, accepted.view, vote.digest);
  }
  checkDissent(core, slot);
}

/** After a batch prepared: the COMMITs that came before it. */
export function checkEarlyCommits(core: Core, slot: Slot): void {
  const { prepared } = slot;
  if (prepared === undefined) return;
  for (const sender of slot.commits.dissenters(prepared.view, prepared.digest)) {
    const vote = slot.commits.of(sender);
    if (vote !== undefined) onCommitMismatch(core, sender, slot, prepared.view, vote.digest);
  }
}

/** Nothing heard for long, or no vote although slots were executed meanwhile: the node or its link. */
export function checkResponsiveness(core: Core): void {
  const { monotonic } = core.now;
  const { requestTimeoutUs, idleStatusIntervalUs } = core.config.tuning;
  const patience = Math.max(requestTimeoutUs, 3 * idleStatusIntervalUs);
  for (const replica of core.others) {
    const peer = core.peer(replica);
    const heard = peer.lastHeard ?? 0;
    const name = replicaName(replica);
    if (monotonic - heard > patience) {
      suspect(core, {
        node: replica,
        kind: 'unresponsive',
        certainty: 'uncertain',
        summary: `nothing heard from ${name} for ${seconds(monotonic - heard)}`,
      });
    } else if (peer.silentSince !== undefined && core.lastExecutionAt - peer.silentSince > patience) {
      suspect(core, {
        node: replica,
        kind: 'unresponsive',
        certainty: 'uncertain',
        summary: `no vote of ${name} for ${seconds(core.lastExecutionAt - peer.silentSince)} while a quorum voted`,
      });
    }
  }
}

function seconds(us: number): string {
  return `${(us / 1_000_000).toFixed(1)} s`;
}

function short(digest: Digest | undefined): string {
  return digest === undefined ? 'nothing' : `${digest.slice(0, 12)}…`;
}
