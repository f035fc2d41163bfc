/**
 * Checkpoints, their certificates, and garbage collection [OSDI'99 §4.3]. Keeps invariants 6 (h never falls and moves only with q signed
 * CHECKPOINTs) and 8 (equal roots at equal checkpoints): the root covers all replicated state, and what was announced stays until a higher
 * checkpoint is stable.
 */
import { GENESIS, asSequence } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import type { Version } from '../base/key-value.ts';
import { checkpointBytes } from '../messages/index.ts';
import type { Checkpoint, SignedCheckpoint } from '../messages/index.ts';
import { windowSize } from './config.ts';
import type { Core } from './core.ts';
import { suspect } from './detection.ts';
import { tryAcceptAll } from './normal-case.ts';
import { slotStatuses } from './replica-status.ts';
import { statements } from './statement.ts';
import { storedRecords } from './stored-records.ts';
import { writeSystemState } from './system-state.ts';

/** One root, and the signed CHECKPOINTs of a quorum that name it. */
interface Certificate {
  readonly root: Digest;
  readonly proof: readonly SignedCheckpoint[];
}

/** Every K numbers, and after a flagged batch. */
export function isCheckpointDue(core: Core, sequence: Sequence, flagged: boolean): boolean {
  return flagged || sequence % core.config.cluster.checkpointInterval === 0;
}

/**
 * The state at `sequence` is sealed; CHECKPOINT follows when it is hashed and durable. That it may be only once all records before it are: it was
 * executed by own votes, too, and without them a crash could leave a state that nobody agreed on. Requires: just executed `sequence`.
 */
export function takeCheckpoint(core: Core, sequence: Sequence): void {
  writeSystemState(core);
  core.state.seal(sequence);
  core.output({ kind: 'store', sequence });
  core.sealedUpTo = sequence;
  core.lastChanges.forget(sequence);
  if (!core.replaying) announceSealed(core);
}

/** CHECKPOINT to all for every sealed state that has become durable since; none of a state that cannot be read. */
export function announceSealed(core: Core): void {
  if (core.damage !== undefined) return;
  const highest = Math.max(GENESIS, ...core.ownCheckpoints.keys());
  for (const version of core.state.versions()) {
    if (version.sequence <= highest) continue;
    if (contradictsStable(core, version)) return;
    announce(core, version);
    tryStable(core, version.sequence);
  }
}

/** A NEW-VIEW proved this checkpoint before the own state there was hashed, and names another root: diverged. */
function contradictsStable(core: Core, version: Version): boolean {
  const { stable } = core;
  if (version.sequence !== stable.sequence || version.root === stable.root) return false;
  diverge(core, signCheckpoint(core, version), stable);
  return true;
}

/** Own CHECKPOINT for a state that is durable here. */
export function signCheckpoint(core: Core, { sequence, root }: Pick<Version, 'sequence' | 'root'>): SignedCheckpoint {
  const checkpoint: Checkpoint = { type: 'checkpoint', sequence, root, replica: core.self };
  return { checkpoint, signature: core.authenticator.sign(checkpointBytes(core.codec, checkpoint)) };
}

function announce(core: Core, version: Version): void {
  const { sequence, root } = version;
  const signed = signCheckpoint(core, version);
  core.ownCheckpoints.set(sequence, signed);
  core.emit({ kind: 'checkpoint-taken', sequence, root });
  // Whoever lost its log says nothing that a quorum could count, and counts it nowhere itself.
  if (core.isRecovering) return;
  core.broadcast(signed.checkpoint, signed.signature);
  votesAt(core, sequence).set(core.self, signed);
}

function votesAt(core: Core, sequence: Sequence): Map<ReplicaId, SignedCheckpoint> {
  let votes = core.checkpointVotes.get(sequence);
  if (votes === undefined) {
    votes = new Map();
    core.checkpointVotes.set(sequence, votes);
  }
  return votes;
}

/** CHECKPOINT, signed. Conditions: n above h (at h its root is compared); one per (sender, n) up to two windows above h, beyond that the highest per sender. */
export function onCheckpoint(core: Core, checkpoint: Checkpoint, signature: Uint8Array): void {
  const { replica, sequence, root } = checkpoint;
  const signed: SignedCheckpoint = { checkpoint, signature };
  if (sequence <= core.log.low) {
    if (sequence === core.stable.sequence && root !== core.stable.root) suspectRoot(core, signed, core.stable);
    core.refuse('checkpoint', replica, sequence === core.log.low ? 'duplicate' : 'below-window');
    return;
  }
  if (sequence > core.log.low + 2 * windowSize(core.config.cluster)) {
    keepFar(core, signed);
    // A state that was transferred here, the crash coming before the sync of its proof: h is still far below it.
    if (core.ownCheckpoints.has(sequence)) tryStable(core, sequence);
    return;
  }
  const votes = votesAt(core, sequence);
  const earlier = votes.get(replica);
  if (earlier !== undefined) {
    if (earlier.checkpoint.root !== root) {
      const summary = `two signed CHECKPOINTs at sequence ${sequence} with roots ${earlier.checkpoint.root.slice(0, 12)}… and ${root.slice(0, 12)}…`;
      const frames = [earlier, signed].flatMap((each) => statements(core.codec, each.checkpoint, each.signature));
      suspect(core, { node: replica, kind: 'contradictory-votes', certainty: 'certain', sequence, summary, frames });
    }
    core.refuse('checkpoint', replica, earlier.checkpoint.root === root ? 'duplicate' : 'contradicts-earlier-vote');
    // Of two roots that a liar signed the one stays that more others name: else a certificate with its signature in it could never be received here.
    if (earlier.checkpoint.root === root || support(votes.values(), signed) <= support(votes.values(), earlier)) return;
  }
  votes.set(replica, signed);
  tryStable(core, sequence);
}

/** How many other senders name the same root at the same number. */
function support(votes: Iterable<SignedCheckpoint>, { checkpoint }: SignedCheckpoint): number {
  let count = 0;
  for (const { checkpoint: other } of votes) {
    if (other.replica === checkpoint.replica) continue;
    if (other.sequence === checkpoint.sequence && other.root === checkpoint.root) count += 1;
  }
  return count;
}

/**
 * Beyond two windows: per sender the highest, and besides it the one that is worth most. With the highest alone a liar that signs a
 * number nobody has reached, or another root, takes its signature out of every certificate for a replica that is far behind.
 */
function keepFar(core: Core, signed: SignedCheckpoint): void {
  const { replica, sequence } = signed.checkpoint;
  const kept = core.farCheckpoints.get(replica) ?? [];
  if (kept.some(({ checkpoint }) => checkpoint.sequence === sequence && checkpoint.root === signed.checkpoint.root))
    return;
  const others = [...core.farCheckpoints.values()].flat();
  const [highest, ...rest] = [...kept, signed].toSorted(
    (left, right) => right.checkpoint.sequence - left.checkpoint.sequence,
  );
  const [best] = rest
    .map((one) => {
      const named = support(others, one);
      return { one, worth: worth(core, named), support: named };
    })
    .toSorted((left, right) => {
      if (left.worth !== right.worth) return right.worth - left.worth;
      return left.worth > 0
        ? right.one.checkpoint.sequence - left.one.checkpoint.sequence
        : right.support - left.support;
    });
  core.farCheckpoints.set(
    replica,
    [highest, best?.one].filter((one) => one !== undefined),
  );
}

/**
 * 2 where it completes a certificate; 1 where a correct one of the others names it, and it may do so yet; else 0. Of equal worth above 0 the higher
 * number is better: of a lower one everybody may have dropped the state (seed 1118416).
 */
function worth({ quorums }: Core, others: number): 0 | 1 | 2 {
  if (others + 1 >= quorums.quorum) return 2;
  return others >= quorums.weak ? 1 : 0;
}

/** The root that q distinct signers name at `sequence`, with their signatures. */
function certificateAt(core: Core, sequence: Sequence): Certificate | undefined {
  const far = [...core.farCheckpoints.values()].flat().filter((signed) => signed.checkpoint.sequence === sequence);
  return certify(core, [...(core.checkpointVotes.get(sequence)?.values() ?? []), ...far]);
}

/** Requires: distinct signers. */
function certify(core: Core, votes: readonly SignedCheckpoint[]): Certificate | undefined {
  const byRoot = new Map<Digest, SignedCheckpoint[]>();
  for (const signed of votes) {
    const same = byRoot.get(signed.checkpoint.root) ?? [];
    same.push(signed);
    byRoot.set(signed.checkpoint.root, same);
    if (same.length >= core.quorums.quorum) return { root: signed.checkpoint.root, proof: same };
  }
  return undefined;
}

/** The highest checkpoint above h that q signers certify, whether its state is here or not. */
export function certifiedCheckpoint(core: Core): (Certificate & { readonly sequence: Sequence }) | undefined {
  const numbers = new Set(core.checkpointVotes.keys());
  for (const signed of [...core.farCheckpoints.values()].flat()) numbers.add(signed.checkpoint.sequence);
  for (const number of [...numbers].toSorted((left, right) => right - left)) {
    const sequence = asSequence(number);
    const certificate = sequence > core.log.low ? certificateAt(core, sequence) : undefined;
    if (certificate !== undefined) return { sequence, ...certificate };
  }
  return undefined;
}

/**
 * A checkpoint whose state has arrived: announced, and stable if q signed it. Requires: durable, and in place. With f+1 signers h stays where it is.
 */
export function installCheckpoint(core: Core, version: Version, certificate: Certificate): void {
  const { sequence } = version;
  announce(core, version);
  // h may have moved on meanwhile: then the next transfer follows.
  if (certificate.proof.length >= core.quorums.quorum && sequence >= core.log.low)
    becomeStable(core, sequence, certificate);
  else tryStable(core, sequence);
}

/**
 * A stable checkpoint that a VIEW-CHANGE proves: it becomes h although the state may still have to come. An own state that contradicts it is wrong.
 * Requires: proven. No effect at or below h.
 */
export function adoptStable(core: Core, sequence: Sequence, certificate: Certificate): void {
  if (sequence <= core.log.low) return;
  const own = core.ownCheckpoints.get(sequence);
  if (own !== undefined && own.checkpoint.root !== certificate.root) diverge(core, own, certificate);
  becomeStable(core, sequence, certificate);
}

function diverge(core: Core, { checkpoint: { sequence, root } }: SignedCheckpoint, certificate: Certificate): void {
  if (!core.diverged) core.emit({ kind: 'diverged', sequence, own: root, stable: certificate.root });
  core.diverged = true;
}

/** f+1 that signed one root at one number above `above`, the highest such: one of them is correct and has that state. */
export function weaklyCertifiedCheckpoint(
  core: Core,
  above: Sequence,
): { readonly sequence: Sequence; readonly root: Digest; readonly signers: readonly ReplicaId[] } | undefined {
  for (const number of [...core.checkpointVotes.keys()].toSorted((left, right) => right - left)) {
    if (number <= above) continue;
    const signers = new Map<Digest, ReplicaId[]>();
    for (const { checkpoint } of core.checkpointVotes.get(number)?.values() ?? []) {
      const same = signers.get(checkpoint.root) ?? [];
      same.push(checkpoint.replica);
      signers.set(checkpoint.root, same);
    }
    for (const [root, replicas] of signers)
      if (replicas.length >= core.quorums.weak) return { sequence: asSequence(number), root, signers: replicas };
  }
  return undefined;
}

/**
 * Stable at `sequence` once q signers name one root. h follows when the own state there is durable; a root other than the own one means that
 * this replica has diverged: alarm, no more execution, no more votes.
 */
export function tryStable(core: Core, sequence: Sequence): void {
  if (sequence <= core.log.low) return;
  const certificate = certificateAt(core, sequence);
  if (certificate === undefined) return;
  for (const signed of core.checkpointVotes.get(sequence)?.values() ?? []) {
    if (signed.checkpoint.root !== certificate.root) suspectRoot(core, signed, certificate);
  }
  const own = core.ownCheckpoints.get(sequence);
  if (own === undefined) return;
  if (own.checkpoint.root !== certificate.root) {
    diverge(core, own, certificate);
    return;
  }
  becomeStable(core, sequence, certificate);
}

/** The liar's signed CHECKPOINT, and those of the quorum that contradict it, as evidence. */
function suspectRoot(core: Core, liar: SignedCheckpoint, stable: Certificate): void {
  const { replica: node, sequence, root } = liar.checkpoint;
  const summary = `signed root ${root.slice(0, 12)}… at sequence ${sequence}, where ${stable.root.slice(0, 12)}… is stable`;
  const frames = [liar, ...stable.proof].flatMap((each) => statements(core.codec, each.checkpoint, each.signature));
  // With f = 0 the quorum itself may have been lied to: two honest nodes of three could then call each other certain.
  const certainty = core.quorums.faultLimit > 0 ? 'certain' : 'uncertain';
  suspect(core, { node, kind: 'wrong-checkpoint', certainty, sequence, summary, frames });
}

/** h moves up: the log at or below it goes, the proof is written down, and what waited above the window is tried. */
function becomeStable(core: Core, sequence: Sequence, certificate: Certificate): void {
  for (const slot of core.log.from(GENESIS)) {
    if (slot.sequence > sequence) break;
    core.heldBytes -= slot.pending?.sizeBytes ?? 0;
    core.pending.delete(slot);
    core.heldBytes -= slot.bodyBytes;
  }
  rememberFinished(core, sequence);
  core.log.collect(sequence);
  core.stable = { sequence, ...certificate };
  const hasState = hasStableState(core);
  const least = forgetOwnCheckpoints(core, hasState);
  for (const voted of core.checkpointVotes.keys()) if (voted <= sequence) core.checkpointVotes.delete(voted);
  admitFarCheckpoints(core);
  if (sequence % core.config.cluster.checkpointInterval === 0) relaxTimeout(core);
  core.persist({ kind: 'stable', sequence, ...certificate, hasState });
  core.output({ kind: 'truncate', records: storedRecords(core) });
  // Not before: after a crash in between h is the one before, and its state is announced.
  core.output({ kind: 'collect', sequence: least });
  core.emit({
    kind: 'checkpoint-stable',
    sequence,
    root: certificate.root,
    replicas: certificate.proof.map((signed) => signed.checkpoint.replica),
  });
  tryAcceptAll(core);
}

/** Is a state at or above h here? Else it is still to be fetched. */
export function hasStableState(core: Core): boolean {
  return Math.max(GENESIS, ...core.ownCheckpoints.keys()) >= core.stable.sequence;
}

/** States below the number it returns may go: below h, once one at or above it is here; until then the highest stays, since a restart starts from it. */
function forgetOwnCheckpoints(core: Core, hasState: boolean): Sequence {
  const least = hasState ? core.stable.sequence : Math.max(GENESIS, ...core.ownCheckpoints.keys());
  for (const taken of core.ownCheckpoints.keys()) if (taken < least) core.ownCheckpoints.delete(taken);
  return asSequence(least);
}

/** T comes down again as the cluster gets on. */
function relaxTimeout(core: Core): void {
  core.performance.relax();
  core.timeoutUs = Math.max(core.config.tuning.requestTimeoutUs, Math.floor(core.timeoutUs / 2));
}

/** The status of the slots that go, so that it can still be asked for. */
function rememberFinished(core: Core, sequence: Sequence): void {
  const finished = slotStatuses(core, asSequence(core.log.low + 1), sequence);
  core.finishedSlots = [...core.finishedSlots, ...finished].slice(-windowSize(core.config.cluster));
}

/** CHECKPOINTs that lay too far above and are within reach now. */
function admitFarCheckpoints(core: Core): void {
  const reach = core.log.low + 2 * windowSize(core.config.cluster);
  for (const [replica, kept] of core.farCheckpoints) {
    for (const signed of kept) {
      const { sequence } = signed.checkpoint;
      if (sequence > core.log.low && sequence <= reach && !votesAt(core, sequence).has(replica))
        votesAt(core, sequence).set(replica, signed);
    }
    const still = kept.filter(({ checkpoint }) => checkpoint.sequence > reach);
    if (still.length > 0) core.farCheckpoints.set(replica, still);
    else core.farCheckpoints.delete(replica);
  }
}
