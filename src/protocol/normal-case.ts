/**
 * The three phases [OSDI'99 §4.2]. Keeps invariants 2 (one prepared digest per (v, n)) and 6 (nothing outside the window or at or below the
 * floor is accepted): a replica accepts one digest per (v, n), writes it down before it votes for it, and votes only in its own view.
 */
import { BATCH_CHECKPOINT, LIMITS, NO_DIGESTS, REQUEST_READ_ONLY, operationCount } from '../messages/index.ts';
import type { Batch, Commit, PrePrepare, Prepare, SlotDigest } from '../messages/index.ts';
import type { Bytes } from '../base/bytes.ts';
import { NULL_DIGEST, asSequence } from '../base/ids.ts';
import type { Digest, ReplicaId } from '../base/ids.ts';
import { requestBodies } from './bodies.ts';
import { slotDigestLimit } from './config.ts';
import { complainAbout, isBatchAuthentic } from './complaints.ts';
import type { Core } from './core.ts';
import {
  checkDissent,
  checkEarlyCommits,
  checkEarlyPrepares,
  onCommitMismatch,
  onContradictoryVote,
  onPrePrepareBesideNewView,
  onPrepareMismatch,
  onSecondPrePrepare,
  suspect,
} from './detection.ts';
import { releaseCommits } from './held-commits.ts';
import type { RequestVerification } from './input.ts';
import { batchBytes, heldBytesLimit } from './memory.ts';
import { judgePrimary } from './primary-performance.ts';
import type { CoreRefusalCode } from './refusal.ts';
import type { PendingPrePrepare, Slot } from './slot.ts';
import { checkAgainstViewChange } from './view-change-evidence.ts';

export interface ReceivedPrePrepare {
  readonly message: PrePrepare;
  readonly author: ReplicaId;
  readonly signature: Bytes | undefined;
  readonly verified: readonly RequestVerification[];
}

/**
 * PRE-PREPARE at a backup. Conditions in the order checked: from primary(v); v is this view, and no view change is under way; n above h and
 * the floor and not more than a window above the high mark; no other digest accepted for (v, n); not executed here with another digest; no
 * read-only request, a flagged batch empty; memory. Then it waits or is accepted ({@link tryAccept}). One that waits has no vote yet, so it gives
 * way to a second one: what could never be accepted (a forged request, a time far ahead) must not keep out what can.
 */
export function onPrePrepare(core: Core, received: ReceivedPrePrepare): void {
  const { message, author } = received;
  const refusal = refusePrePrepare(core, received);
  if (refusal !== undefined) {
    core.refuse('pre-prepare', author, refusal);
    return;
  }
  const slot = core.log.at(message.sequence);
  notePerformance(core, message);
  dropPending(core, slot);
  const sizeBytes = batchBytes(message.batch);
  slot.pending = {
    view: message.view,
    digest: message.digest,
    batch: message.batch,
    signature: received.signature,
    verified: received.verified,
    isMixed: false,
    sizeBytes,
  };
  core.heldBytes += sizeBytes;
  core.pending.add(slot);
  tryAccept(core, slot);
}

/** What was passed on and stands in this batch has waited so long for the primary. */
function notePerformance(core: Core, { batch }: PrePrepare): void {
  const isIdle = core.highestAccepted <= core.lastTold;
  core.performance.notePrePrepare(digestsOf(batch), core.now.monotonic, isIdle ? core.lastExecutionAt : undefined);
  judgePrimary(core);
}

/** Made as they are asked for: mostly nothing is measured. */
function* digestsOf(batch: Batch | undefined): Generator<Digest, void, undefined> {
  for (const { digest } of batch?.requests ?? []) yield digest;
}

function refusePrePrepare(
  core: Core,
  { message, author, verified, signature }: ReceivedPrePrepare,
): CoreRefusalCode | undefined {
  const { view, sequence, digest, batch } = message;
  if (author !== core.primaryOf(view)) return 'not-from-primary';
  if (view !== core.view) return 'other-view';
  if (core.inViewChange) return 'in-view-change';
  if (core.diverged) return 'diverged';
  if (core.isPrimary) return 'not-from-primary';
  const place = core.log.place(sequence);
  if (place === 'below' || sequence <= core.floor) return 'below-window';
  if (place === 'far-above') return 'above-window';
  const slot = core.log.at(sequence);
  const chosen = core.chosen.get(sequence);
  if (chosen !== undefined) return refuseBesideChosen(core, message, signature, chosen);
  const accepted = slot.acceptedIn(view);
  const waiting = slot.pending?.view === view ? slot.pending : undefined;
  const earlier = (accepted ?? waiting)?.digest;
  if (earlier !== undefined && earlier !== digest) onSecondPrePrepare(core, slot, message, signature);
  if (accepted !== undefined) return accepted.digest === digest ? 'duplicate' : 'other-digest-accepted';
  if (slot.executed !== undefined && slot.executed !== digest) return 'other-digest-executed';
  const content = refuseBatch(batch);
  if (content !== undefined) return content;
  if (waiting?.digest === digest) {
    mergePending(core, slot, waiting, { batch, verified });
    return 'duplicate';
  }
  if (hasTooManyDigests(core, slot, digest)) return 'too-many-digests';
  const limit = heldBytesLimit(core.config) / (place === 'above' ? 2 : 1);
  if (core.heldBytes + batchBytes(batch) > limit) return 'budget-exhausted';
  return undefined;
}

/** The NEW-VIEW counts as the pre-prepare of what it chose: another digest from its primary contradicts its own signature. */
function refuseBesideChosen(
  core: Core,
  message: PrePrepare,
  signature: Bytes | undefined,
  chosen: Digest,
): CoreRefusalCode {
  if (message.digest === chosen) return 'duplicate';
  onPrePrepareBesideNewView(core, message, signature, chosen);
  return 'other-digest-accepted';
}

/** At the cap a fresh pre-prepare is taken only for null and what is listed: Q, and with it a VIEW-CHANGE, must stay small. */
function hasTooManyDigests(core: Core, slot: Slot, digest: Digest): boolean {
  if (digest === NULL_DIGEST || slot.prePrepared.has(digest)) return false;
  return slot.prePrepared.size >= slotDigestLimit(core.config.cluster);
}

function refuseBatch(batch: Batch | undefined): CoreRefusalCode | undefined {
  if (batch === undefined) return undefined;
  if (batch.requests.length === 0 && batch.flags === 0) return 'empty-batch';
  if ((batch.flags & BATCH_CHECKPOINT) !== 0 && batch.requests.length > 0) return 'flagged-batch-not-empty';
  let operations = 0;
  for (const { request } of batch.requests) {
    if ((request.flags & REQUEST_READ_ONLY) !== 0) return 'read-only-in-batch';
    operations += operationCount(request);
  }
  return operations > LIMITS.requestsPerBatch ? 'too-many-operations' : undefined;
}

/** The same pre-prepare again, perhaps with better proofs of its requests (a client that signed meanwhile). */
function mergePending(
  core: Core,
  slot: Slot,
  pending: PendingPrePrepare,
  again: Pick<PendingPrePrepare, 'batch' | 'verified'>,
): void {
  if (pending.verified.includes('unverified')) slot.pending = merged(core, pending, again);
  tryAccept(core, slot);
}

/** A copy whose proofs are all good takes the place of the first: its proofs are what was verified. Else what either shows counts, and no proof does. */
function merged(
  core: Core,
  pending: PendingPrePrepare,
  { batch, verified }: Pick<PendingPrePrepare, 'batch' | 'verified'>,
): PendingPrePrepare {
  const sizeBytes = batchBytes(batch);
  const isWhole = !verified.includes('unverified') && sizeBytes <= pending.sizeBytes;
  if (isWhole) {
    core.heldBytes += sizeBytes - pending.sizeBytes;
    return { ...pending, batch, verified, sizeBytes, isMixed: false };
  }
  const either = pending.verified.map((before, index) =>
    before === 'unverified' ? (verified[index] ?? before) : before,
  );
  return { ...pending, verified: either, isMixed: true };
}

/**
 * Accepts the waiting pre-prepare of a slot if it may be accepted now: n ≤ h+L, every request authentic, its timestamp within bounds of the
 * own clock, a flagged batch not sooner than the spacing. Otherwise it stays, and what it waits for tries again.
 */
export function tryAccept(core: Core, slot: Slot): void {
  const { pending } = slot;
  if (pending === undefined || !core.mayVote) return;
  if (pending.view !== core.view || (slot.executed !== undefined && slot.executed !== pending.digest)) {
    dropPending(core, slot);
    return;
  }
  if (core.log.place(slot.sequence) !== 'window') {
    core.emit({ kind: 'buffered', what: 'above-window', sequence: slot.sequence });
    return;
  }
  if (!isBatchAuthentic(core, slot, pending)) {
    complainAbout(core, slot, pending);
    return;
  }
  if (pending.batch !== undefined && !isTimely(core, slot, pending.batch)) return;
  accept(core, slot, pending);
}

/** Retries every waiting pre-prepare, lowest number first. */
export function tryAcceptAll(core: Core): void {
  for (const slot of core.pendingSlots()) tryAccept(core, slot);
}

function isTimely(core: Core, slot: Slot, batch: Batch): boolean {
  const { tuning, cluster } = core.config;
  const { wall, monotonic } = core.now;
  const aheadMs = batch.timestamp - wall - tuning.clockSkewMs;
  if (aheadMs > 0) {
    core.emit({ kind: 'buffered', what: 'timestamp-ahead', sequence: slot.sequence });
    reportSkew(core, slot, batch);
    core.timers.setNoLaterThan('pending', monotonic + Math.min(aheadMs, 60_000) * 1000);
    return false;
  }
  if (batch.timestamp < wall - cluster.sessionHorizonUs / 2000) {
    reportSkew(core, slot, batch);
    core.refuse('pre-prepare', core.primary, 'timestamp-too-old');
    dropPending(core, slot);
    return false;
  }
  if ((batch.flags & BATCH_CHECKPOINT) !== 0 && core.lastFlaggedAt !== undefined) {
    const earliest = core.lastFlaggedAt + tuning.flaggedBatchSpacingUs;
    if (monotonic < earliest) {
      core.emit({ kind: 'buffered', what: 'flagged-too-soon', sequence: slot.sequence });
      core.timers.setNoLaterThan('pending', earliest);
      return false;
    }
  }
  return true;
}

function reportSkew(core: Core, slot: Slot, batch: Batch): void {
  const offset = (batch.timestamp - core.now.wall) / 1000;
  const summary = `a batch at sequence ${slot.sequence} bears a time ${offset.toFixed(1)} s off this node's clock`;
  suspect(core, { node: core.primary, kind: 'clock-skew', certainty: 'uncertain', sequence: slot.sequence, summary });
}

/** The view ends: what waited in it was accepted by nobody here. */
export function dropAllPending(core: Core): void {
  for (const slot of core.pendingSlots()) dropPending(core, slot);
}

/** Votes for everything that the NEW-VIEW of this view chose, as far as its bodies are here; the others are asked for. */
export function acceptChosen(core: Core): void {
  const missing: SlotDigest[] = [];
  for (const [number, digest] of core.chosen) {
    const sequence = asSequence(number);
    if (core.log.place(sequence) === 'below') continue;
    if (!tryAcceptChosen(core, core.log.at(sequence))) missing.push({ sequence, digest });
  }
  for (const { sequence, digest } of missing) core.emit({ kind: 'body-missing', sequence, digest });
  requestBodies(core, missing);
}

/**
 * The slot as the NEW-VIEW chose it: its Q entry and body on disk, then PREPARE; the primary's vote is the NEW-VIEW, where syncs do not overlap. False: its body is missing.
 * None for a slot that was executed here with another digest, which an equivocated NEW-VIEW can cause; nor beyond twice the cap.
 */
export function tryAcceptChosen(core: Core, slot: Slot): boolean {
  const digest = core.chosen.get(slot.sequence);
  if (digest === undefined || !core.mayVote || slot.acceptedIn(core.view) !== undefined) return true;
  if (slot.executed !== undefined && slot.executed !== digest) return true;
  if (isBeyondCap(core, slot, digest)) return true;
  if (!slot.holdsBody(digest)) return false;
  const { view } = core;
  recordAccepted(core, slot, { view, digest, batch: slot.bodyOf(digest), signature: undefined });
  if (!core.isPrimary || core.overlaps) castPrepare(core, slot, { view, digest });
  checkEarlyPrepares(core, slot);
  tryPrepared(core, slot);
  return true;
}

/** Null always has its place in Q; what else a NEW-VIEW chose has as long as the VIEW-CHANGE that lists it is valid. */
function isBeyondCap(core: Core, slot: Slot, digest: Digest): boolean {
  if (digest === NULL_DIGEST || slot.prePrepared.has(digest)) return false;
  const listed = slot.prePrepared.size - (slot.prePrepared.has(NULL_DIGEST) ? 1 : 0);
  return listed >= 2 * slotDigestLimit(core.config.cluster);
}

function dropPending(core: Core, slot: Slot): void {
  core.heldBytes -= slot.pending?.sizeBytes ?? 0;
  slot.pending = undefined;
  core.pending.delete(slot);
}

/** The backup's vote: written down with its body, then PREPARE to all. */
function accept(core: Core, slot: Slot, pending: PendingPrePrepare): void {
  slot.pending = undefined;
  core.pending.delete(slot);
  // It counts as the body from now on.
  core.heldBytes -= pending.sizeBytes;
  recordAccepted(core, slot, pending);
  if (!pending.isMixed && !pending.verified.includes('unverified')) slot.verified = pending.batch;
  if (pending.batch !== undefined && (pending.batch.flags & BATCH_CHECKPOINT) !== 0)
    core.lastFlaggedAt = core.now.monotonic;
  releaseCommits(core);
  castPrepare(core, slot, pending);
  checkEarlyPrepares(core, slot);
  tryPrepared(core, slot);
}

/** The own vote: PREPARE to all. Requires: its record is before it. */
export function castPrepare(core: Core, { sequence, prepares }: Slot, vote: Pick<Prepare, 'view' | 'digest'>): void {
  const { view, digest } = vote;
  core.broadcast({ type: 'prepare', view, sequence, digest, replica: core.self });
  prepares.add(core.self, { view, digest, signature: undefined });
}

/** Common to backup and primary: the pre-prepare is this replica's for (v, n), its Q entry and body are on disk behind the barrier. */
export function recordAccepted(
  core: Core,
  slot: Slot,
  {
    view,
    digest,
    batch,
    signature,
  }: { view: AcceptedView; digest: Digest; batch: Batch | undefined; signature: Bytes | undefined },
): void {
  // A body that Q lists is on disk already.
  const stored = slot.prePrepared.has(digest) ? undefined : batch;
  slot.accepted = { view, digest, signature };
  slot.acceptedAt = core.now.monotonic;
  slot.prePrepared.set(digest, view);
  if (batch !== undefined && batch !== slot.bodyOf(digest))
    core.heldBytes += slot.hold(digest, batch, batchBytes(batch));
  if (slot.sequence > core.highestAccepted) core.highestAccepted = slot.sequence;
  core.persist({ kind: 'accepted', view, sequence: slot.sequence, digest, batch: stored, signature });
  const requests = slot.requestsOf(digest) ?? NO_DIGESTS;
  core.emit({ kind: 'pre-prepared', view, sequence: slot.sequence, digest, requests });
  if (core.queue.size === 0 || batch === undefined) return;
  for (const request of batch.requests) {
    const waiting = core.queue.find(request);
    if (waiting !== undefined) core.queue.markProposed(waiting);
  }
}

type AcceptedView = PrePrepare['view'];

/** PREPARE. Conditions: v not below this view; n in the window or one above; not from primary(v), whose PRE-PREPARE is its vote, unless syncs overlap; one per (sender, v, n). */
export function onPrepare(core: Core, message: Prepare, signature: Bytes | undefined): void {
  const { replica, view, digest } = message;
  if (replica === core.primaryOf(view) && !core.overlaps) {
    core.refuse('prepare', replica, 'not-from-primary');
    return;
  }
  const slot = slotForVote(core, message);
  if (slot === undefined) return;
  const kept = slot.prepares.of(replica);
  switch (slot.prepares.add(replica, { view, digest, signature })) {
    case 'older-view':
    case 'duplicate':
      core.refuse('prepare', replica, 'duplicate');
      return;
    case 'contradiction':
      if (kept !== undefined) onContradictoryVote(core, kept, message, signature);
      core.refuse('prepare', replica, 'contradicts-earlier-vote');
      return;
    case 'added':
  }
  const accepted = slot.acceptedIn(view);
  if (accepted !== undefined && accepted.digest !== digest) {
    onPrepareMismatch(core, replica, slot, view, digest);
    checkDissent(core, slot);
    return;
  }
  if (slot.pending !== undefined) tryAccept(core, slot);
  tryPrepared(core, slot);
}

/** COMMIT. Conditions: v not below this view unless the slot is prepared in v; n in the window or one above; one per (sender, v, n). */
export function onCommit(core: Core, message: Commit, signature: Bytes | undefined): void {
  const { replica, view, digest } = message;
  const slot = slotForVote(core, message);
  if (slot === undefined) return;
  checkAgainstViewChange(core, replica, slot.sequence, { view, digest, signature });
  const kept = slot.commits.of(replica);
  switch (slot.commits.add(replica, { view, digest, signature })) {
    case 'older-view':
    case 'duplicate':
      core.refuse('commit', replica, 'duplicate');
      return;
    case 'contradiction':
      if (kept !== undefined) onContradictoryVote(core, kept, message, signature);
      core.refuse('commit', replica, 'contradicts-earlier-vote');
      return;
    case 'added':
  }
  if (slot.prepared?.view === view && slot.prepared.digest !== digest)
    onCommitMismatch(core, replica, slot, view, digest);
  checkDissent(core, slot);
  tryCommitted(core, slot);
}

function slotForVote(core: Core, message: Prepare | Commit): Slot | undefined {
  const { sequence, replica, view, type } = message;
  core.peer(replica).silentSince = undefined;
  core.noteView(replica, view);
  const place = core.log.place(sequence);
  if (place === 'below' || place === 'far-above') {
    core.refuse(type, replica, place === 'below' ? 'below-window' : 'above-window');
    return undefined;
  }
  const slot = core.log.at(sequence);
  const isOld = view < core.view && !(type === 'commit' && slot.prepared?.view === view);
  if (isOld) {
    core.refuse(type, replica, 'other-view');
    return undefined;
  }
  return slot;
}

/** prepared(v, n, d): the accepted pre-prepare with its body and q−1 matching PREPAREs of distinct backups, where syncs overlap q of distinct replicas. Written down, then COMMIT, at once or with the next vote (held-commits.ts). */
export function tryPrepared(core: Core, slot: Slot): void {
  const accepted = slot.acceptedIn(core.view);
  if (accepted === undefined || !core.mayVote || slot.prepared?.view === core.view) return;
  if (core.log.place(slot.sequence) !== 'window' || slot.sequence <= core.floor || !slot.holdsBody(accepted.digest))
    return;
  if (slot.prepares.count(accepted.view, accepted.digest) < core.quorums.prepares) return;
  const { view, digest } = accepted;
  const { sequence } = slot;
  slot.prepared = { view, digest };
  core.persist({ kind: 'prepared', view, sequence, digest });
  core.emit({ kind: 'prepared', view, sequence, digest });
  const commit = { type: 'commit', view, sequence, digest, replica: core.self } as const;
  if (core.config.cluster.tentativeExecution) core.unsentCommits.push(commit);
  else core.broadcast(commit);
  slot.commits.add(core.self, { view, digest, signature: undefined });
  checkEarlyCommits(core, slot);
  tryCommitted(core, slot);
}

/** After a restart: what became possible with the last record and was not yet written down. With n = 1 nobody else's vote would bring it up. */
export function retryAll(core: Core): void {
  acceptChosen(core);
  for (const slot of core.log.from(core.log.low + 1)) {
    tryPrepared(core, slot);
    tryCommitted(core, slot);
  }
}

/** The weight of one batch in their mean time. */
const BATCHES_AVERAGED = 8;

/**
 * How long the batch took here from its PRE-PREPARE until now, when its clients may be told. `phases`: 2 when it is committed; 1 when it is prepared, which
 * takes half of that, a hop and a disk: a primary is judged by both.
 */
export function noteBatchTime(core: Core, slot: Slot, phases: 1 | 2): void {
  if (slot.acceptedIn(core.view) === undefined || slot.acceptedAt === 0) return;
  const took = core.now.monotonic - slot.acceptedAt;
  core.performance.noteBatchTime((took * 2) / phases);
  core.batchTimeUs += (took - core.batchTimeUs) / (core.batchTimeUs === 0 ? 1 : BATCHES_AVERAGED);
}

/** committed-local(v, n, d): prepared, and q matching COMMITs of distinct replicas. Execution follows in order (execution.ts). */
export function tryCommitted(core: Core, slot: Slot): void {
  const { prepared } = slot;
  if (prepared === undefined || slot.decided !== undefined) return;
  if (slot.commits.count(prepared.view, prepared.digest) < core.quorums.quorum) return;
  slot.decided = prepared.digest;
  // That of a batch which clients were told of earlier ended then.
  if (core.tentative?.sequence !== slot.sequence) noteBatchTime(core, slot, 2);
  core.emit({ kind: 'committed', view: prepared.view, sequence: slot.sequence, digest: prepared.digest });
}
