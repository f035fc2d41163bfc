/**
 * Leaving a view [TOCS §3.2.4, §4.3.5; PROTOCOL: view change]. Keeps invariants 2 and 6: from the moment its VIEW-CHANGE(v+1) is written a replica
 * is in view v+1, sends no vote for a lower one and becomes prepared in none, so that what it lists in P and Q stays true; its view never falls.
 * One VIEW-CHANGE per view, sent again byte for byte. Owns `core.viewChanges`.
 */
import { GENESIS, NULL_DIGEST, VIEW_ZERO, asView, replicaName } from '../base/ids.ts';
import type { Bytes } from '../base/bytes.ts';
import type { View } from '../base/ids.ts';
import { assert } from '../base/assert.ts';
import { viewChangeBytes } from '../messages/index.ts';
import type { ClaimedCheckpoint, ClaimedSlot, SignedViewChange, ViewChange } from '../messages/index.ts';
import { claimLimits } from './config.ts';
import { noteEndOfView } from './complaints.ts';
import type { Core } from './core.ts';
import { validateClaims } from './view-change-claims.ts';
import { suspect } from './detection.ts';
import { dropAllPending } from './normal-case.ts';
import { isProvenStable } from './stable-proof.ts';
import { statements } from './statement.ts';
import { joinsStray, watchStrays } from './stray.ts';
import { forgetTentative } from './tentative.ts';
import { checkAgainstCommits, checkAgainstEarlier, isSame, onSecondViewChange } from './view-change-evidence.ts';
import type { ViewChangeReason } from './view-change-reason.ts';
import { sendNewView } from './view-messages.ts';

/** Views beyond this are refused: nobody gets there, and the numbers above it must still be numbers. */
const MAX_VIEW = 2 ** 52;

/** Leaves for `view`: written down, then VIEW-CHANGE to all. Requires: above the present view. The timer of the new one runs twice as long. */
export function startViewChange(core: Core, view: View, reason: ViewChangeReason): void {
  assert(view > core.view, 'a view never falls');
  noteEndOfView(core);
  core.view = view;
  core.inViewChange = true;
  core.newView = undefined;
  core.chosen = new Map();
  core.toppled = undefined;
  core.awaitedBodies = [];
  core.decisionWaits = undefined;
  core.performance.reset();
  core.viewChangeSince = core.now.monotonic;
  // Where one is brought back nothing has taken too long.
  if (reason !== 'stray') core.timeoutUs = Math.min(core.config.tuning.maxTimeoutUs, 2 * core.timeoutUs);
  for (const timer of ['request', 'view-change', 'idle-checkpoint', 'pending', 'complaint', 'stray'] as const)
    core.timers.clear(timer);
  core.strays.clear();
  dropAllPending(core);
  forgetTentative(core);
  const viewChange = makeViewChange(core);
  const signed = { viewChange, signature: core.authenticator.sign(viewChangeBytes(core.codec, viewChange)) };
  core.persist({ kind: 'view-change', viewChange: signed });
  core.viewChanges.set(core.self, signed);
  core.emit({ kind: 'view-change-started', view, reason });
  core.broadcast(viewChange, signed.signature);
  core.isDecisionDue = true;
}

/** What this replica knows: h with its proof, C, P and Q, each in ascending order. */
function makeViewChange(core: Core): ViewChange {
  const { view, self, stable } = core;
  const prepared: ClaimedSlot[] = [];
  const prePrepared: ClaimedSlot[] = [];
  for (const slot of core.log.from(core.log.low + 1)) {
    const { sequence } = slot;
    if (slot.prepared !== undefined) prepared.push({ sequence, ...slot.prepared });
    const listed = [...slot.prePrepared].toSorted(([left], [right]) => (left < right ? -1 : 1));
    for (const [digest, latest] of listed) prePrepared.push({ sequence, digest, view: latest });
  }
  return {
    type: 'view-change',
    view,
    lowWaterMark: stable.sequence,
    root: stable.sequence === GENESIS ? NULL_DIGEST : stable.root,
    checkpoints: announced(core),
    prepared,
    prePrepared,
    replica: self,
    stableProof: stable.proof,
  };
}

function announced(core: Core): readonly ClaimedCheckpoint[] {
  return (
    [...core.ownCheckpoints]
      // What f+1 say was decided is executed above the window too; a checkpoint there is nobody's business yet.
      .filter(([sequence]) => sequence > core.log.low && sequence <= core.log.high)
      .map(([, { checkpoint }]) => ({ sequence: checkpoint.sequence, root: checkpoint.root }))
      .toSorted((left, right) => left.sequence - right.sequence)
  );
}

/**
 * VIEW-CHANGE. Conditions in the order checked: a view that can be; not older than its sender's latest; not a second one for that view; h proven;
 * valid, by itself alone. A valid one is kept whatever else it contradicts: contradictions are evidence, and the choice allows for f liars.
 */
export function onViewChange(core: Core, message: ViewChange, signature: Bytes): void {
  const { replica, view } = message;
  const signed: SignedViewChange = { viewChange: message, signature };
  const refuse = (code: Parameters<Core['refuse']>[2]): void => core.refuse('view-change', replica, code);
  if (view === VIEW_ZERO || view > MAX_VIEW) return refuse('invalid-view-change');
  const kept = core.viewChanges.get(replica);
  if (kept !== undefined && view < kept.viewChange.view) return refuse('old-view');
  if (kept?.viewChange.view === view) {
    if (isSame(core, kept, signed)) return refuse('duplicate');
    onSecondViewChange(core, kept, signed);
    return refuse('contradicts-earlier-vote');
  }
  if (!isProvenStable(core, message)) return refuse('unproven');
  const fault = validateClaims(message, view, claimLimits(core.config.cluster));
  if (fault !== undefined) {
    onInvalid(core, signed, fault.code);
    return refuse('invalid-view-change');
  }
  checkAgainstEarlier(core, kept, signed);
  checkAgainstCommits(core, signed);
  core.viewChanges.set(replica, signed);
  core.noteView(replica, view);
  if (view <= core.view) sendNewView(core, replica);
  core.isDecisionDue = true;
  join(core);
  followPrimary(core);
  watchStrays(core);
}

/**
 * Where syncs overlap a primary that starts again has to leave its view, and says so: nobody else would end it while nothing is waited for. A primary that
 * lies ends its view as well by silence.
 */
export function followPrimary(core: Core): void {
  if (!core.overlaps || core.inViewChange || core.isPrimary) return;
  const signed = core.viewChanges.get(core.primary);
  if (signed !== undefined && signed.viewChange.view > core.view) core.toppled ??= 'joined';
}

function onInvalid(core: Core, { viewChange, signature }: SignedViewChange, fault: string): void {
  const { replica, view } = viewChange;
  suspect(core, {
    node: replica,
    kind: 'invalid-view-change',
    certainty: 'certain',
    view,
    summary: `${replicaName(replica)} signed a VIEW-CHANGE for view ${view} that no correct replica makes: ${fault}`,
    frames: statements(core.codec, viewChange, signature),
    isOwnContradiction: true,
  });
}

/**
 * To the (f+1)-th highest view among others' VIEW-CHANGEs, if it is above the own one: one of those f+1 is correct, so f liars that shout high
 * numbers move nobody, and correct replicas that are scattered over several views meet again.
 */
export function join(core: Core): void {
  if (core.isRecovering) return;
  const views = core.others.map((replica) => core.viewChanges.get(replica)?.viewChange.view ?? VIEW_ZERO);
  const target = views.toSorted((left, right) => right - left)[core.quorums.weak - 1] ?? VIEW_ZERO;
  if (target > core.view) startViewChange(core, target, joinsStray(core, target) ? 'stray' : 'joined');
}

/** On to the next view; not for a replica that lost its log, which sends no VIEW-CHANGE. */
export function leaveView(core: Core, reason: ViewChangeReason): void {
  core.toppled = undefined;
  if (core.isRecovering) return;
  startViewChange(core, asView(core.view + 1), reason);
}
