/**
 * Repair by asking, within the log window [PROTOCOL: catching up]. Keeps invariants 1 (a batch is executed without an own commit certificate
 * only when f+1 replicas, one of them correct, say that it was decided) and 7 (what was lost is asked for until it is there). STATUS is a
 * hint and moves nothing by itself.
 */
import { asSequence } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import type { BatchBody, Decided, Fetch, SlotDigest, Status } from '../messages/index.ts';
import { LIMITS } from '../messages/limits.ts';
import { hasAllowance, spend } from './allowance.ts';
import { requestBodies } from './bodies.ts';
import type { Core } from './core.ts';
import { batchBytes } from './memory.ts';
import { tryAcceptChosen, tryPrepared } from './normal-case.ts';
import type { Slot } from './slot.ts';
import { resendViewChange, sendNewView } from './view-messages.ts';

/** Bodies sent in answer to one STATUS, in bytes; more follow with the next one. */
const HELP_BYTES = 2 * 1024 * 1024;
/** Slots helped with in answer to one STATUS. */
const HELP_SLOTS = 64;

/** Is anything open here that a peer may be able to help with? */
export function hasOpenWork(core: Core): boolean {
  // At a backup a request that nobody ordered and nobody signed may lie for ever: no peer can help with it.
  const isAwaited = core.isPrimary ? core.queue.size > 0 : core.queue.oldestTimed() !== undefined;
  if (core.inViewChange || core.isBehind || core.log.top > core.lastExecuted || isAwaited || core.stuckAt !== undefined)
    return true;
  return core.others.some((replica) => core.peer(replica).claimedExecuted > core.lastExecuted);
}

/** STATUS to `to`: what is here, so that peers see the holes. */
export function sendStatus(core: Core, to: readonly ReplicaId[]): void {
  const slots: { sequence: Slot['sequence']; prepared: boolean; committed: boolean }[] = [];
  for (const slot of core.log.from(core.lastExecuted + 1)) {
    if (slots.length >= LIMITS.windowSlots) break;
    if (slot.acceptedIn(core.view) === undefined && slot.decided === undefined) continue;
    slots.push({
      sequence: slot.sequence,
      prepared: slot.prepared?.view === core.view || slot.decided !== undefined,
      committed: slot.decided !== undefined,
    });
  }
  const { self, view, inViewChange, lastExecuted } = core;
  core.send(to, { type: 'status', replica: self, view, inViewChange, lowWaterMark: core.log.low, lastExecuted, slots });
}

/** Bodies that are needed and not held: asked for from all, by digest. */
export function fetchMissingBodies(core: Core): void {
  requestBodies(core, [...missingBodies(core)]);
}

/** Of what is decided, of what the NEW-VIEW of this view chose, and of what the own decision as new primary asks for. */
function* missingBodies(core: Core): Generator<SlotDigest> {
  for (const slot of core.log.from(core.log.low + 1)) {
    const { sequence } = slot;
    const decided = slot.sequence > core.lastExecuted ? slot.decided : undefined;
    if (decided !== undefined && !slot.holdsBody(decided)) yield { sequence, digest: decided };
    const chosen = core.chosen.get(sequence);
    const isOpen = slot.executed === undefined || slot.executed === chosen;
    if (chosen !== undefined && chosen !== decided && isOpen && !slot.holdsBody(chosen))
      yield { sequence, digest: chosen };
  }
  yield* core.awaitedBodies;
}

/** Was this body asked for? */
function isWanted(core: Core, sequence: Sequence, digest: Digest): boolean {
  const place = core.log.place(sequence);
  if (place === 'below' || place === 'far-above') return false;
  if (core.log.find(sequence)?.decided === digest || core.chosen.get(sequence) === digest) return true;
  return core.awaitedBodies.some((awaited) => awaited.sequence === sequence && awaited.digest === digest);
}

/**
 * STATUS of a peer: resend what it lacks, at a bounded rate. Own messages always; others' where they are signed. What is decided here is said
 * so, which is worth more to it than votes of a view that may be over.
 */
export function onStatus(core: Core, status: Status): void {
  const peer = core.peer(status.replica);
  peer.claimedExecuted = status.lastExecuted;
  core.noteView(status.replica, status.view);
  const { monotonic } = core.now;
  if (peer.lastHelped !== undefined && monotonic - peer.lastHelped < core.config.tuning.statusIntervalUs / 2) return;
  const messages = help(core, status);
  if (messages === 0) return;
  peer.lastHelped = monotonic;
  core.emit({ kind: 'resent', to: status.replica, messages });
}

function help(core: Core, status: Status): number {
  return (
    helpWithCheckpoints(core, status) +
    helpWithView(core, status) +
    helpWithDecisions(core, status) +
    helpWithVotes(core, status)
  );
}

/**
 * A peer that is in a lower view, or still changes to this one: the NEW-VIEW, which suffices by itself; without one the VIEW-CHANGEs that are here,
 * others' only when the own has not helped for a while.
 */
function helpWithView(core: Core, { replica, view, inViewChange }: Status): number {
  if (view > core.view || (view === core.view && !(inViewChange && core.view > 0))) return 0;
  if (!core.inViewChange) return sendNewView(core, replica);
  let messages = resendViewChange(core, [replica]);
  if (core.now.monotonic - core.viewChangeSince < core.config.tuning.requestTimeoutUs) return messages;
  for (const [sender, { viewChange, signature }] of core.viewChanges) {
    if (sender === core.self || sender === replica || viewChange.view < view) continue;
    core.send([replica], viewChange, signature);
    messages += 1;
  }
  return messages;
}

function helpWithCheckpoints(core: Core, { replica, lowWaterMark }: Status): number {
  let messages = 0;
  if (lowWaterMark < core.stable.sequence) {
    for (const { checkpoint, signature } of core.stable.proof) {
      // Its own it knows, and would refuse from anybody else. Whoever lost its log does not even repeat what it said.
      if (checkpoint.replica === replica || (checkpoint.replica === core.self && core.isRecovering)) continue;
      core.send([replica], checkpoint, signature);
      messages += 1;
    }
  }
  for (const [sequence, { checkpoint, signature }] of core.ownCheckpoints) {
    if (core.isRecovering) break;
    if (sequence <= lowWaterMark || sequence <= core.stable.sequence) continue;
    core.send([replica], checkpoint, signature);
    messages += 1;
  }
  return messages;
}

/** DECIDED claims for what the peer has not executed: executed or committed-local here, and still in the log. */
function helpWithDecisions(core: Core, { replica, lastExecuted }: Status): number {
  const decisions: { sequence: Slot['sequence']; digest: Digest }[] = [];
  for (const slot of core.log.from(lastExecuted + 1)) {
    if (decisions.length >= LIMITS.windowSlots) break;
    const digest = slot.executed ?? slot.decided;
    if (digest !== undefined) decisions.push({ sequence: slot.sequence, digest });
  }
  if (decisions.length === 0) return 0;
  core.send([replica], { type: 'decided', replica: core.self, decisions });
  return 1;
}

function helpWithVotes(core: Core, status: Status): number {
  if (status.view !== core.view || core.inViewChange) return 0;
  const theirs = new Map(status.slots.map((slot) => [slot.sequence, slot]));
  let messages = 0;
  let slots = 0;
  let bytes = 0;
  for (const slot of core.log.from(Math.max(status.lastExecuted, core.floor) + 1)) {
    if (slots >= HELP_SLOTS || bytes > HELP_BYTES) break;
    const their = theirs.get(slot.sequence);
    const accepted = slot.acceptedIn(core.view);
    if (their?.committed === true || accepted === undefined) continue;
    slots += 1;
    if (their === undefined && !core.chosen.has(slot.sequence)) {
      bytes += slot.sizeOf(accepted.digest);
      messages += resendPrePrepare(core, slot, status.replica);
    }
    messages += resendVotes(core, slot, status.replica, their?.prepared === true);
  }
  return messages;
}

function resendPrePrepare(core: Core, slot: Slot, to: ReplicaId): number {
  const { accepted } = slot;
  if (accepted === undefined || core.primaryOf(accepted.view) === to) return 0;
  if (!core.isPrimary && accepted.signature === undefined) return 0;
  const { view, digest, signature } = accepted;
  core.send(
    [to],
    { type: 'pre-prepare', view, sequence: slot.sequence, digest, batch: slot.bodyOf(digest) },
    signature,
  );
  return 1;
}

/** Own votes, and others' where they bear a signature. */
function resendVotes(core: Core, slot: Slot, to: ReplicaId, isPreparedThere: boolean): number {
  let messages = 0;
  const { sequence } = slot;
  if (!isPreparedThere) {
    for (const [sender, { view, digest, signature }] of slot.prepares.entries()) {
      if (sender === to || view !== core.view || (sender !== core.self && signature === undefined)) continue;
      core.send([to], { type: 'prepare', view, sequence, digest, replica: sender }, signature);
      messages += 1;
    }
  }
  for (const [sender, { view, digest, signature }] of slot.commits.entries()) {
    if (sender === to || view !== core.view || (sender !== core.self && signature === undefined)) continue;
    core.send([to], { type: 'commit', view, sequence, digest, replica: sender }, signature);
    messages += 1;
  }
  return messages;
}

/** FETCH: the bodies that are held, as far as the peer's allowance goes; it asks for the others again. */
export function onFetch(core: Core, { replica, wanted }: Fetch): void {
  for (const { sequence, digest } of wanted) {
    const slot = core.log.find(sequence);
    const batch = slot?.bodyOf(digest);
    if (slot === undefined || batch === undefined) continue;
    if (!hasAllowance(core, replica)) {
      core.refuse('fetch', replica, 'budget-exhausted');
      return;
    }
    spend(core, replica, slot.sizeOf(digest));
    core.send([replica], { type: 'batch', replica: core.self, sequence, digest, batch });
  }
}

/** DECIDED: f+1 distinct claims of one digest decide a slot. f+1 COMMITs would not: a COMMIT says prepared, not decided. */
export function onDecided(core: Core, { replica, decisions }: Decided): void {
  for (const { sequence, digest } of decisions) {
    const place = core.log.place(sequence);
    if (place === 'below' || place === 'far-above') continue;
    const slot = core.log.at(sequence);
    if (slot.decided !== undefined || slot.claims.has(replica)) continue;
    slot.claims.set(replica, digest);
    const claims = [...slot.claims].filter(([, claimed]) => claimed === digest).map(([claimant]) => claimant);
    if (claims.length < core.quorums.weak) continue;
    slot.decided = digest;
    core.emit({ kind: 'decided', sequence, digest, claims });
    if (slot.holdsBody(digest)) continue;
    if (slot.pending?.digest === digest && slot.pending.batch !== undefined) {
      core.heldBytes += slot.hold(digest, slot.pending.batch, slot.pending.sizeBytes);
      continue;
    }
    core.emit({ kind: 'body-missing', sequence, digest });
    core.send(
      claims.filter((claimant) => claimant !== core.self),
      { type: 'fetch', replica: core.self, wanted: [{ sequence, digest }] },
    );
  }
}

/** A body asked for; its digest was checked when it was decoded, so anyone may supply it. Conditions: wanted here, not held, within the window. */
export function onBatchBody(core: Core, { replica, sequence, digest, batch }: BatchBody): void {
  if (!isWanted(core, sequence, digest) || core.log.find(sequence)?.holdsBody(digest) === true) {
    core.refuse('batch', replica, 'not-asked-for');
    return;
  }
  const slot = core.log.at(sequence);
  core.heldBytes += slot.hold(digest, batch, batchBytes(batch));
  core.emit({ kind: 'body-fetched', sequence: asSequence(sequence), digest });
  tryAcceptChosen(core, slot);
  tryPrepared(core, slot);
  core.isDecisionDue = true;
}
