/**
 * Behind the window, diverged, or damaged: the state of a certified checkpoint, as far as it differs from the own one [OSDI'99 §4.3, TOCS §5.3]. Keeps
 * invariants 5 and 8: a state is put in place only if its root is one that q replicas signed, or f+1 vouch for, and it is durable before the own
 * CHECKPOINT for it leaves. It comes subtree by subtree from several peers at once, and each is checked when it comes: whoever sends a wrong one is
 * known. Once a first piece has come there is no way back to the content above the own checkpoints, only on to this state or a later one.
 */
import { GENESIS, NULL_DIGEST, asSequence, replicaName } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import type { Assembly, SubtreeAddress, SubtreeContent, Version } from '../base/key-value.ts';
import { LIMITS } from '../messages/index.ts';
import type { SignedCheckpoint, State, StateSubtree } from '../messages/index.ts';
import { announceSealed, certifiedCheckpoint, installCheckpoint, weaklyCertifiedCheckpoint } from './checkpoints.ts';
import type { Core } from './core.ts';
import { suspect } from './detection.ts';
import { lastTimestampOf } from './recover-request.ts';
import { takeOverState } from './recovery.ts';

/** What is fetched, and who is asked for what. */
export interface Transfer {
  readonly sequence: Sequence;
  readonly root: Digest;
  /** q CHECKPOINTs, or none where f+1 replicas vouch for the state: then h does not move. */
  readonly proof: readonly SignedCheckpoint[];
  /** Who may have it, and has not shown otherwise: asked in this order. */
  readonly sources: readonly ReplicaId[];
  /** One question under way per source. */
  readonly questions: ReadonlyMap<ReplicaId, Question>;
  /** How long to wait for one answer, µs. */
  readonly patienceUs: number;
  /** All has come and is being made durable. */
  readonly isInstalling: boolean;
  /** Keys and values that have come, once all has. */
  readonly sizeBytes: number;
}

interface Question {
  readonly subtrees: readonly SubtreeAddress[];
  /** Monotonic µs. */
  readonly deadline: number;
}

/** Owns the moving parts of a transfer. */
class Fetching implements Transfer {
  readonly sequence: Sequence;
  readonly root: Digest;
  readonly proof: readonly SignedCheckpoint[];
  readonly patienceUs: number;
  readonly questions = new Map<ReplicaId, Question>();
  sources: readonly ReplicaId[];
  isInstalling = false;
  sizeBytes = 0;
  /** How often in a row each source did not help. */
  readonly unanswered = new Map<ReplicaId, number>();

  constructor({ sequence, root, proof, sources }: Target, patienceUs: number) {
    this.sequence = sequence;
    this.root = root;
    this.proof = proof;
    this.sources = sources;
    this.patienceUs = patienceUs;
  }

  /** A source is asked no more in this transfer. */
  drop(source: ReplicaId): void {
    this.sources = this.sources.filter((replica) => replica !== source);
    this.questions.delete(source);
  }

  /** The source was of no use once more. True: it is dropped for that. */
  countInVain(source: ReplicaId): boolean {
    this.questions.delete(source);
    const count = (this.unanswered.get(source) ?? 0) + 1;
    this.unanswered.set(source, count);
    if (count >= ASKED_AT_MOST) this.drop(source);
    return count >= ASKED_AT_MOST;
  }

  /** Is this subtree asked of anybody? */
  isAsked(address: SubtreeAddress): boolean {
    for (const { subtrees } of this.questions.values())
      if (subtrees.some((asked) => isSame(asked, address))) return true;
    return false;
  }
}

/**
 * For one answer. It doubles whenever all sources were of no use, so that a liar who trickles costs little, and a large state over a slow link comes
 * all the same.
 */
const FIRST_PATIENCE_US = 250_000;
const MAX_DOUBLINGS = 10;
/** A source is asked so often in vain before it is left alone: one lost frame must not cost it. */
const ASKED_AT_MOST = 4;
/** Subtrees in one question. */
const SUBTREES_AT_ONCE = LIMITS.subtrees;

/**
 * On every STATUS tick: a checkpoint above what was executed here is certified, and nothing was executed since the last tick. Its signers have
 * dropped the batches up to it, so asking for them is of no use.
 */
export function considerTransfer(core: Core): void {
  if (core.transfer !== undefined) return;
  const target = transferTarget(core);
  if (target === undefined) {
    core.stuckAt = undefined;
    core.transferAttempts = 0;
  } else if (core.stuckAt === core.lastExecuted || core.lastExecuted < core.log.low || !core.mayExecute) {
    startTransfer(core, target);
  } else {
    core.stuckAt = core.lastExecuted;
  }
}

/** What lacks may come after all while nothing of a state has come: then the own state is further, and stays. */
function isNeeded(core: Core, sequence: Sequence): boolean {
  return sequence >= core.log.low && (!core.mayExecute || sequence > core.lastExecuted);
}

type Target = Pick<Transfer, 'sequence' | 'root' | 'proof' | 'sources'>;

/**
 * What is worth fetching: the highest checkpoint that q signed, the own h among them; else the start of this view, listed by f+1 in its NEW-VIEW;
 * else one that f+1 signed. Of f+1 one is correct: its state is the right one, though not proven to be stable.
 */
function transferTarget(core: Core): Target | undefined {
  const certified = certifiedCheckpoint(core) ?? (core.stable.proof.length > 0 ? core.stable : undefined);
  if (certified !== undefined && isNeeded(core, certified.sequence)) {
    const { sequence, root, proof } = certified;
    const signers = proof.map(({ checkpoint }) => checkpoint.replica);
    return { sequence, root, proof, sources: othersOf(core, signers) };
  }
  const start = startOfView(core);
  if (start !== undefined && isNeeded(core, start.sequence)) return start;
  const weak = weaklyCertifiedCheckpoint(core, core.mayExecute ? core.lastExecuted : core.log.low);
  if (weak === undefined || !isNeeded(core, weak.sequence)) return undefined;
  return { sequence: weak.sequence, root: weak.root, proof: [], sources: othersOf(core, weak.signers) };
}

/** Undefined for a view that starts at genesis, too: that has no root to ask for, and nobody need be brought there. */
function startOfView(core: Core): Target | undefined {
  if (core.newView === undefined) return undefined;
  const { start, viewChanges } = core.newView.newView;
  if (start.sequence === GENESIS) return undefined;
  const lists = viewChanges.filter(
    ({ viewChange: { lowWaterMark, checkpoints } }) =>
      lowWaterMark === start.sequence ||
      checkpoints.some(({ sequence, root }) => sequence === start.sequence && root === start.root),
  );
  const sources = othersOf(
    core,
    lists.map(({ viewChange }) => viewChange.replica),
  );
  return { ...start, proof: [], sources };
}

/** The next one after the own id first: several that are behind do not all ask the same. */
function othersOf(core: Core, replicas: readonly ReplicaId[]): readonly ReplicaId[] {
  const { replicaCount } = core.quorums;
  const distance = (replica: ReplicaId): number => (replica - core.self + replicaCount) % replicaCount;
  return replicas
    .filter((replica) => replica !== core.self)
    .toSorted((left, right) => distance(left) - distance(right));
}

function stopTransfer(core: Core): void {
  core.transfer = undefined;
  core.timers.clear('transfer');
}

/** One that cannot be gone on with is followed by the next on a STATUS tick, from whoever has the state then. */
function giveUp(core: Core): void {
  stopTransfer(core);
  core.transferAttempts += 1;
}

function startTransfer(core: Core, target: Target): void {
  const { sequence, root, sources } = target;
  if (sources.length === 0) return;
  const scale = 2 ** Math.min(core.transferAttempts, MAX_DOUBLINGS);
  const fetching = new Fetching(target, FIRST_PATIENCE_US * scale);
  core.transfer = fetching;
  core.emit({ kind: 'transfer-started', sequence, root, from: sources });
  // What is here already may be all of it.
  if (core.state.assembling !== undefined) assemble(core, fetching);
  proceed(core, fetching);
}

/** From here on there is no way back. */
function assemble(core: Core, { sequence, root }: Fetching): Assembly {
  const { assembling } = core.state;
  if (assembling?.sequence === sequence && assembling.root === root) return assembling;
  return core.state.assemble(sequence, root);
}

/** Complete, or on with what is missing. `last`: who has just answered; asked again after those who have nothing to do. */
function proceed(core: Core, fetching: Fetching, last?: ReplicaId): void {
  if (core.transfer !== fetching || fetching.isInstalling) return;
  const { assembling } = core.state;
  if (assembling?.isComplete === true && assembling.root === fetching.root) {
    fetching.isInstalling = true;
    fetching.sizeBytes = assembling.takenBytes;
    fetching.questions.clear();
    core.timers.clear('transfer');
    core.state.install();
    onSealed(core);
    return;
  }
  if (fetching.sources.length === 0) {
    giveUp(core);
    return;
  }
  const idle = fetching.sources.filter((source) => !fetching.questions.has(source));
  const first = idle.filter((source) => source !== last);
  askAll(core, fetching, [...first, ...idle.filter((each) => each === last)]);
  setTimer(core, fetching);
}

/** Asks sources that have no question open: for the root first, one alone; then each for an equal part of what is missing. */
function askAll(core: Core, fetching: Fetching, idle: readonly ReplicaId[]): void {
  const { sequence, root, patienceUs } = fetching;
  const missing = wanted(core, fetching, SUBTREES_AT_ONCE * idle.length);
  const share = Math.ceil(missing.length / Math.max(1, idle.length));
  for (const [at, source] of idle.entries()) {
    const subtrees = missing.slice(at * share, (at + 1) * share);
    if (subtrees.length === 0) return;
    fetching.questions.set(source, { subtrees, deadline: core.now.monotonic + patienceUs });
    core.send([source], { type: 'fetch-state', replica: core.self, sequence, root, subtrees });
  }
}

function wanted(core: Core, fetching: Fetching, limit: number): readonly SubtreeAddress[] {
  const { assembling } = core.state;
  if (assembling === undefined) return fetching.questions.size > 0 ? [] : [rootOf(fetching)];
  return assembling.wanted(limit, (address) => fetching.isAsked(address));
}

function rootOf({ root }: Fetching): SubtreeAddress {
  return { path: NULL_DIGEST, depth: 0, hash: root };
}

function isSame(left: SubtreeAddress, right: SubtreeAddress): boolean {
  return left.depth === right.depth && left.hash === right.hash && left.path === right.path;
}

function setTimer(core: Core, { questions }: Fetching): void {
  core.timers.clear('transfer');
  if (questions.size > 0)
    core.timers.set('transfer', Math.min(...[...questions.values()].map(({ deadline }) => deadline)));
}

/** Sources that did not answer in time: others get their questions, they get another chance. */
export function onTransferTimeout(core: Core): void {
  const fetching = core.transfer;
  if (!(fetching instanceof Fetching)) return;
  if (core.state.assembling === undefined && !isNeeded(core, fetching.sequence)) {
    stopTransfer(core);
    return;
  }
  let late: ReplicaId | undefined;
  for (const [source, { deadline }] of fetching.questions) {
    if (deadline > core.now.monotonic) continue;
    late = source;
    fetching.countInVain(source);
  }
  proceed(core, fetching, late);
}

/** STATE. Conditions: of one who was asked, about the state asked for; still needed; held there; each subtree is what its address says. */
export function onState(core: Core, message: State): void {
  const fetching = core.transfer;
  const { replica, sequence, root, held, subtrees } = message;
  const question = fetching?.questions.get(replica);
  if (
    !(fetching instanceof Fetching) ||
    question === undefined ||
    fetching.sequence !== sequence ||
    fetching.root !== root
  ) {
    core.refuse('state', replica, 'not-asked-for');
    return;
  }
  if (core.state.assembling === undefined && !isNeeded(core, sequence)) {
    stopTransfer(core);
    return;
  }
  if (!held) {
    onNotHeld(core, fetching, replica);
    return;
  }
  if (!areTaken(core, fetching, subtrees)) {
    blame(core, fetching, replica);
  } else if (subtrees.length === 0) {
    fetching.countInVain(replica);
  } else if (subtrees.some(({ address }) => question.subtrees.some((asked) => isSame(asked, address)))) {
    fetching.unanswered.delete(replica);
    fetching.questions.delete(replica);
  }
  proceed(core, fetching, replica);
}

/** An answer, and no fault: checkpoints move on. Where all have moved on, so does this replica. */
function onNotHeld(core: Core, fetching: Fetching, replica: ReplicaId): void {
  fetching.drop(replica);
  const target = transferTarget(core);
  if (target !== undefined && target.sequence > fetching.sequence) {
    stopTransfer(core);
    startTransfer(core, target);
    return;
  }
  if (fetching.sources.length === 0) stopTransfer(core);
  else proceed(core, fetching);
}

/**
 * Is each subtree what its address says? What is missing here is taken, whether this question asked for it or an earlier one, whose answer is late; what
 * is not missing is no fault.
 */
function areTaken(core: Core, fetching: Fetching, subtrees: readonly StateSubtree[]): boolean {
  const isBegun = core.state.assembling !== undefined;
  const useful = isBegun ? subtrees : subtrees.filter(({ address }) => isSame(address, rootOf(fetching)));
  if (useful.length === 0) return true;
  const assembly = assemble(core, fetching);
  return useful.every(({ address, entries, nodes }) => {
    const content: SubtreeContent = nodes.length > 0 ? { kind: 'nodes', nodes } : { kind: 'entries', entries };
    return assembly.take(address, content) !== 'wrong';
  });
}

function blame(core: Core, fetching: Fetching, node: ReplicaId): void {
  const { sequence } = fetching;
  const summary = `${replicaName(node)} sent a subtree with another hash as part of the state of checkpoint ${sequence}`;
  suspect(core, { node, kind: 'wrong-state', certainty: 'certain', sequence, summary });
  fetching.drop(node);
}

/** A sealed or fetched state has become durable, or one that was fetched is complete. */
export function onSealed(core: Core): void {
  const { transfer } = core;
  if (transfer instanceof Fetching && !transfer.isInstalling && core.state.assembling?.isComplete === true) {
    proceed(core, transfer);
    return;
  }
  if (transfer?.isInstalling === true) {
    const version = core.state.versions().find(({ sequence }) => sequence === transfer.sequence);
    if (version !== undefined && version.root === transfer.root) onInstalled(core, transfer, version);
  }
  announceSealed(core);
}

/** The fetched state is in place and durable: from here on as if it had been executed. */
function onInstalled(core: Core, { sequence, root, proof, sizeBytes }: Transfer, version: Version): void {
  stopTransfer(core);
  core.stuckAt = undefined;
  core.transferAttempts = 0;
  core.diverged = false;
  core.damage = undefined;
  takeOverState(core);
  for (const slot of core.log.from(sequence + 1)) slot.executed = undefined;
  // Own checkpoints above it were of the state that is gone.
  for (const taken of core.ownCheckpoints.keys()) if (taken > sequence) core.ownCheckpoints.delete(taken);
  core.sealedUpTo = sequence;
  core.queue.prune((client, session) => lastTimestampOf(core, client, session));
  core.nextSequence = asSequence(Math.max(core.nextSequence, sequence + 1));
  core.lastExecutionAt = core.now.monotonic;
  core.emit({ kind: 'transferred', sequence, root, sizeBytes });
  installCheckpoint(core, version, { root, proof });
}
