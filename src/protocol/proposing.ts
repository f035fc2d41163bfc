/**
 * The primary's part: requests become batches [OSDI'99 §4.2, TOCS §3.2.3]. A batch costs everybody about the same whether it is full or not, so half of those
 * who keep the primary busy are waited for, and never for long (ADR 30). At most `pipeline` batches are in flight. Its pre-prepare, on disk before it
 * leaves, is its vote; where syncs overlap [PROTOCOL: durability; ADR 32] it leaves at once and is none, and PREPARE follows when it is on disk. What a primary
 * has sent so it may have forgotten after a restart. So that it never sends another batch under the same number, it writes down that it proposes in a view
 * before it does, and a primary that finds that in its log proposes nothing there any more, and leaves the view (restart in replica.ts).
 */
import { NULL_DIGEST, asSequence } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import {
  BATCH_CHECKPOINT,
  authenticatedRequestSize,
  batchDigest,
  bundleSize,
  operationCount,
} from '../messages/index.ts';
import type { AuthenticatedRequest, Batch, Bundle, RequestProof } from '../messages/index.ts';
import { mustSign } from './complaints.ts';
import { slotDigestLimit } from './config.ts';
import type { Core } from './core.ts';
import { checkEarlyPrepares } from './detection.ts';
import { releaseCommits } from './held-commits.ts';
import { castPrepare, recordAccepted, tryPrepared } from './normal-case.ts';
import { owedUpTo } from './recover-request.ts';
import type { WaitingRequest } from './request-queue.ts';

/** Proposes all that may be proposed now: requests, and where there are none what it owes to those who recover. */
export function propose(core: Core): void {
  if (!core.isPrimary || !core.mayVote) return;
  proposeRequests(core);
  while (core.nextSequence <= owedUpTo(core) && hasRoom(core)) proposeBatch(core, undefined);
}

function proposeRequests(core: Core): void {
  while (core.queue.unproposedCount > 0) {
    skipFullSlots(core);
    if (!hasRoom(core) || !isWorthwhile(core)) return;
    const requests = gather(core);
    if (requests.length === 0) return;
    proposeBatch(core, { timestamp: core.now.wall, flags: 0, requests });
  }
}

/** Orders an empty batch that takes a checkpoint, when something was executed since the last one and nothing for a while. */
export function proposeIdleCheckpoint(core: Core): void {
  if (!core.isPrimary || !core.mayVote || !needsIdleCheckpoint(core)) return;
  skipFullSlots(core);
  if (hasRoom(core)) proposeBatch(core, { timestamp: core.now.wall, flags: BATCH_CHECKPOINT, requests: [] });
}

/** Something was executed since the last checkpoint, nothing is in flight or could be proposed instead, and there is room for it. */
export function needsIdleCheckpoint(core: Core): boolean {
  const last = Math.max(core.stable.sequence, core.sealedUpTo);
  const isIdle = core.lastExecuted > last && core.nextSequence === core.lastExecuted + 1;
  return isIdle && !hasProposable(core) && hasRoom(core);
}

function hasProposable(core: Core): boolean {
  for (const waiting of core.queue.unproposed()) if (!isHeldBack(core, waiting)) return true;
  return false;
}

/** Replicas complained about its client: only a signature will do. */
function isHeldBack(core: Core, { request, verified }: WaitingRequest): boolean {
  return verified !== 'signature' && mustSign(core, request.request.client);
}

function hasRoom(core: Core): boolean {
  return inFlight(core) < core.config.tuning.pipeline && core.log.place(core.nextSequence) === 'window';
}

/** Batches whose clients wait. */
function inFlight(core: Core): number {
  return core.nextSequence - 1 - core.lastTold;
}

/** Stands in a batch of this view that was accepted here and not executed. Looks through all of them. */
export function isInFlight(core: Core, request: Digest): boolean {
  for (let sequence = core.lastExecuted + 1; sequence < core.nextSequence; sequence += 1) {
    const slot = core.log.find(asSequence(sequence));
    const accepted = slot?.acceptedIn(core.view);
    const batch = accepted === undefined ? undefined : slot?.bodyOf(accepted.digest);
    if (batch?.requests.some(({ digest }) => digest === request) === true) return true;
  }
  return false;
}

/** Of those who keep the primary busy so many make a batch: while it is agreed on, the others make their next requests. */
const CROWD_SHARE = 0.5;
/** Nothing waits for others longer than this, µs. */
const PATIENCE_US = 20_000;
/** Nor beside a batch in flight for longer than so many take. */
const PATIENCE_BATCHES = 2;

/** With none in flight, since the last was executed: one batch time or half of `slowPrimaryUs`, half of what makes backups call the primary slow. */
function idlePatienceUs({ batchTimeUs, config }: Core): number {
  return Math.min(PATIENCE_BATCHES * batchTimeUs, Math.max(batchTimeUs, config.tuning.slowPrimaryUs / 2));
}

/**
 * Is what waits enough for one more batch, since each costs everybody about the same whether it is full or not? Half of those who had requests ordered
 * lately are waited for, since they come again when they are answered. Whoever comes alone, or after a pause, waits for nobody. Sets a timer where it is not.
 */
function isWorthwhile(core: Core): boolean {
  const [oldest] = core.queue.unproposed();
  const { batchRequests } = core.config.tuning;
  const { monotonic } = core.now;
  const wanted = Math.min(batchRequests, Math.floor(core.crowd.size(monotonic) * CROWD_SHARE));
  if (oldest === undefined || core.queue.unproposedCount >= wanted) return true;
  const isIdle = inFlight(core) === 0;
  const patience = Math.ceil(isIdle ? idlePatienceUs(core) : PATIENCE_BATCHES * core.batchTimeUs);
  const until = (isIdle ? core.lastExecutionAt : oldest.receivedAt) + Math.min(PATIENCE_US, patience);
  if (monotonic >= until) return true;
  core.timers.set('propose', until);
  return false;
}

/** Takes requests in order of arrival, at most one batch's worth; those that can change nothing any more are forgotten. */
function gather(core: Core): readonly AuthenticatedRequest[] {
  const { batchRequests, batchBytes: limit } = core.config.tuning;
  const taken: AuthenticatedRequest[] = [];
  const bundles = new Set<Bundle>();
  let bytes = 0;
  let operations = 0;
  for (const waiting of core.queue.unproposed()) {
    const { request } = waiting;
    if (isHeldBack(core, waiting)) continue;
    bytes += authenticatedRequestSize(request) + bundleBytes(request.proof, bundles);
    operations += operationCount(request.request);
    if (taken.length > 0 && (bytes > limit || operations > batchRequests)) break;
    core.queue.markProposed(waiting);
    taken.push(request);
    if (operations >= batchRequests) break;
  }
  return taken;
}

/** A bundle travels once with all its requests of a batch. */
function bundleBytes(proof: RequestProof, counted: Set<Bundle>): number {
  if (proof.kind === 'signature' || counted.has(proof.bundle)) return 0;
  counted.add(proof.bundle);
  return bundleSize(proof.bundle);
}

/** Numbers at which Q is full get the null batch. */
function skipFullSlots(core: Core): void {
  while (hasRoom(core)) {
    const digests = core.log.find(core.nextSequence)?.prePrepared.size ?? 0;
    if (digests < slotDigestLimit(core.config.cluster)) return;
    proposeBatch(core, undefined);
  }
}

/** Once in each view. */
function beginToPropose(core: Core): void {
  if (core.proposesIn === core.view) return;
  core.proposesIn = core.view;
  core.persist({ kind: 'proposes', view: core.view });
}

function proposeBatch(core: Core, batch: Batch | undefined): void {
  const { view } = core;
  const digest = batch === undefined ? NULL_DIGEST : batchDigest(core.codec, batch);
  const sequence = core.nextSequence;
  const slot = core.log.at(sequence);
  core.nextSequence = asSequence(sequence + 1);
  const prePrepare = { type: 'pre-prepare', view, sequence, digest, batch } as const;
  if (core.overlaps) {
    beginToPropose(core);
    releaseCommits(core);
    core.broadcast(prePrepare);
    recordAccepted(core, slot, { view, digest, batch, signature: undefined });
    castPrepare(core, slot, { view, digest });
  } else {
    recordAccepted(core, slot, { view, digest, batch, signature: undefined });
    releaseCommits(core);
    core.broadcast(prePrepare);
  }
  slot.verified = batch;
  checkEarlyPrepares(core, slot);
  tryPrepared(core, slot);
}
