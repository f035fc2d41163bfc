/**
 * Requests in mac mode whose authenticator does not convince everyone (a faulty client gives one replica a good MAC and another a bad one)
 * [Aardvark, NSDI'09 §3]. Keeps invariant 3 (validity): a backup takes a request as its client's only if it verified it itself, or if f+1
 * replicas vouch for it, one of which is correct and verified it.
 */
import type { ClientId, Digest, ReplicaId, View } from '../base/ids.ts';
import type { Batch, Complaint } from '../messages/index.ts';
import type { Core } from './core.ts';
import { replicaOfClient } from './replica-client.ts';
import type { PendingPrePrepare, Slot, SlotComplaint } from './slot.ts';

/** Clients remembered as marked; beyond it the oldest are forgotten, who may then be complained about again. */
const MARKED_CLIENTS = 4096;

function forgetOldest(entries: Map<ClientId, unknown>, limit: number): void {
  for (const client of entries.keys()) {
    if (entries.size <= limit) return;
    entries.delete(client);
  }
}

/** True when every request of the waiting pre-prepare is known to be its client's. */
export function isBatchAuthentic(core: Core, slot: Slot, pending: PendingPrePrepare): boolean {
  return firstUnverified(core, slot, pending) === undefined;
}

function firstUnverified(core: Core, slot: Slot, pending: PendingPrePrepare): Digest | undefined {
  return pending.batch?.requests.find((_, index) => !isAuthentic(core, slot, pending, index))?.digest;
}

function isAuthentic(core: Core, slot: Slot, pending: PendingPrePrepare, index: number): boolean {
  const entry = pending.batch?.requests[index];
  if (entry === undefined) return false;
  if (!isAdmitted(core, entry.request.client)) return false;
  const verified = pending.verified[index] ?? 'unverified';
  if (core.config.cluster.authentication === 'signature')
    return verified === 'signature' || core.queue.find(entry)?.verified === 'signature';
  if (verified !== 'unverified' || core.queue.find(entry) !== undefined) return true;
  return voucherCount(core, slot, pending, entry.digest) >= core.quorums.weak;
}

/** Listed, a replica of the cluster, or any client where open clients are admitted. */
export function isAdmitted(core: Core, client: ClientId): boolean {
  const replica = replicaOfClient(client);
  if (replica !== undefined) return replica < core.quorums.replicaCount;
  return core.config.cluster.openClients || core.listedClients.has(client);
}

/** The primary by its PRE-PREPARE, others by PREPARE, or by a complaint about this batch that does not name the request. */
function voucherCount(core: Core, slot: Slot, { view, digest }: PendingPrePrepare, request: Digest): number {
  const vouchers = new Set<ReplicaId>([core.primaryOf(view), ...slot.prepares.voters(view, digest)]);
  for (const [replica, complaint] of slot.complaints) {
    if (complaint.view === view && complaint.digest === digest && !complaint.requests.has(request))
      vouchers.add(replica);
  }
  vouchers.delete(core.self);
  return vouchers.size;
}

/** Names to all, again and again, the requests of a waiting pre-prepare that could not be verified here. */
export function complainAbout(core: Core, slot: Slot, pending: PendingPrePrepare): void {
  core.emit({ kind: 'buffered', what: 'unverified-request', sequence: slot.sequence });
  if (core.config.cluster.authentication === 'signature') return;
  const requests = unverifiedRequests(core, slot, pending);
  const { view, digest } = pending;
  const known = slot.complaints.get(core.self);
  const isNew = known?.digest !== digest || known.view !== view || known.requests.size !== requests.length;
  core.timers.setNoLaterThan('complaint', core.now.monotonic + core.config.tuning.statusIntervalUs);
  if (!isNew) return;
  slot.complaints.set(core.self, { view, digest, requests: new Set(requests) });
  sendComplaint(core, slot, pending, requests);
  if (pending.batch !== undefined) markComplainedAbout(core, slot, pending.batch, core.self);
}

/** The own MACs that fail; what others vouch for is not complained about again, but stays named while it is not authentic. */
function unverifiedRequests(core: Core, slot: Slot, pending: PendingPrePrepare): readonly Digest[] {
  const unverified: Digest[] = [];
  pending.batch?.requests.forEach((entry, index) => {
    if (!isAuthentic(core, slot, pending, index)) unverified.push(entry.digest);
  });
  return unverified;
}

function sendComplaint(core: Core, slot: Slot, { view, digest }: PendingPrePrepare, requests: readonly Digest[]): void {
  core.emit({ kind: 'complained', view, sequence: slot.sequence, requests });
  core.broadcast({ type: 'complaint', replica: core.self, view, sequence: slot.sequence, digest, requests });
}

/** The complaint timer: once more for every pre-prepare that still waits for a verified request. */
export function repeatComplaints(core: Core): void {
  for (const slot of core.pendingSlots()) {
    const { pending } = slot;
    if (pending === undefined || core.log.place(slot.sequence) !== 'window') continue;
    const requests = unverifiedRequests(core, slot, pending);
    if (requests.length === 0) continue;
    slot.complaints.set(core.self, { view: pending.view, digest: pending.digest, requests: new Set(requests) });
    sendComplaint(core, slot, pending, requests);
    core.timers.setNoLaterThan('complaint', core.now.monotonic + core.config.tuning.statusIntervalUs);
  }
}

const SIGNED_ONLY_FIRST_US = 60_000_000;
const TOPPLED_WITHIN_US = 60_000_000;
const MAX_DOUBLINGS = 10;

/** How long requests have to be signed after so many times before. */
function penaltyUs(times: number): number {
  return SIGNED_ONLY_FIRST_US * 2 ** Math.min(times, MAX_DOUBLINGS);
}

/**
 * A view ends. The second one within a minute in which requests could not be verified, and from now on as primary only signed requests of open
 * clients are proposed, for a time that doubles: each new identity costs the cluster one view change, and not for long.
 */
export function noteEndOfView(core: Core): void {
  const { monotonic } = core.now;
  const { complaintPenalty: penalty } = core;
  if (!penalty.complainedInView) return;
  penalty.complainedInView = false;
  const isSecond = penalty.lastToppledAt !== undefined && monotonic - penalty.lastToppledAt < TOPPLED_WITHIN_US;
  penalty.lastToppledAt = monotonic;
  if (!isSecond) return;
  penalty.signedOnlyUntil = monotonic + penaltyUs(penalty.times);
  penalty.times += 1;
}

/** Does this replica as primary propose this client's requests only when they are signed? */
export function mustSign(core: Core, client: ClientId): boolean {
  if (isMarked(core, client)) return true;
  return !core.listedClients.has(client) && core.now.monotonic < core.complaintPenalty.signedOnlyUntil;
}

/**
 * COMPLAINT. Conditions: this view; n in the window; the batch known here (else it will be repeated), of which only its requests are kept; one
 * per (sender, v, n), the latest counts. Returns the slot whose waiting pre-prepare is
 * to be tried again: a complaint that does not name a request vouches for it.
 */
export function onComplaint(core: Core, message: Complaint): Slot | undefined {
  const { replica, view, sequence, digest, requests } = message;
  if (view !== core.view) {
    core.refuse('complaint', replica, 'other-view');
    return undefined;
  }
  if (core.log.place(sequence) !== 'window') {
    core.refuse('complaint', replica, core.log.place(sequence) === 'below' ? 'below-window' : 'above-window');
    return undefined;
  }
  const slot = core.log.at(sequence);
  const batch = knownBatch(slot, view, digest);
  if (batch === undefined) {
    core.refuse('complaint', replica, 'not-asked-for');
    return undefined;
  }
  const named = new Set(requests);
  const concerned = batch.requests.filter((entry) => named.has(entry.digest)).map((entry) => entry.digest);
  slot.complaints.set(replica, { view, digest, requests: new Set(concerned) });
  markComplainedAbout(core, slot, batch, replica);
  return slot;
}

/** The batch of (v, n, d) that waits or was accepted here. */
function knownBatch(slot: Slot, view: View, digest: Digest): Batch | undefined {
  if (slot.pending?.view === view && slot.pending.digest === digest) return slot.pending.batch;
  return slot.acceptedIn(view)?.digest === digest ? slot.bodyOf(digest) : undefined;
}

/**
 * f+1 distinct complaints about one request mark its client: fewer count for nothing, or one liar could force all clients to sign. About one, since that is what stops a batch: nodes
 * that were started again, one after the other, each fail to verify what was under way then, and no client is to blame for it. A slot that is executed is stuck no more.
 */
function markComplainedAbout(core: Core, slot: Slot, batch: Batch, complainer: ReplicaId): void {
  const latest = slot.complaints.get(complainer);
  if (latest === undefined || slot.executed !== undefined) return;
  for (const { request, digest } of batch.requests) {
    if (!latest.requests.has(digest) || isMarked(core, request.client)) continue;
    if (complaintCount(slot, latest, digest) < core.quorums.weak) continue;
    core.complaintPenalty.complainedInView = true;
    mark(core, request.client);
  }
}

/** For a time that doubles with each mark: a client that spoils its authenticators again stops few batches, and one that is not to blame is not marked for ever. */
function mark(core: Core, client: ClientId): void {
  const times = core.markedClients.get(client)?.times ?? 0;
  core.markedClients.delete(client);
  core.markedClients.set(client, { until: core.now.monotonic + penaltyUs(times), times: times + 1 });
  forgetOldest(core.markedClients, MARKED_CLIENTS);
  core.emit({ kind: 'client-marked', client });
}

/** Are its requests proposed only when they are signed, for what was complained about? */
export function isMarked(core: Core, client: ClientId): boolean {
  const until = core.markedClients.get(client)?.until;
  return until !== undefined && core.now.monotonic < until;
}

/** How many name this request of the batch of (v, d). */
function complaintCount(slot: Slot, { view, digest }: SlotComplaint, request: Digest): number {
  let count = 0;
  for (const each of slot.complaints.values())
    if (each.view === view && each.digest === digest && each.requests.has(request)) count += 1;
  return count;
}
