/**
 * Entering a view [TOCS §3.2.4, §4.3.5; PROTOCOL: view change]. Keeps invariant 1: what may have committed in an earlier view is what the new one
 * starts with. The primary chooses (decision.ts), everybody else checks its choice against the signed VIEW-CHANGEs in it; at most one NEW-VIEW
 * per view is ever accepted, and it is on disk before the first message in the view.
 */
import { asSequence, replicaName } from '../base/ids.ts';
import type { Bytes } from '../base/bytes.ts';
import { equalBytes } from '../base/bytes.ts';
import type { Digest, Sequence } from '../base/ids.ts';
import { NULL_DIGEST } from '../base/ids.ts';
import { newViewBytes, viewChangeBytes, viewChangeDigest } from '../messages/index.ts';
import type { NewView, SignedNewView, SignedViewChange } from '../messages/index.ts';
import { requestBodies } from './bodies.ts';
import { adoptStable } from './checkpoints.ts';
import { claimLimits } from './config.ts';
import type { Core } from './core.ts';
import { checkChoice, decide } from './decision.ts';
import type { NewViewChoice, Waiting } from './decision.ts';
import { suspect } from './detection.ts';
import { acceptChosen, dropAllPending } from './normal-case.ts';
import { startRequestTimers, stopViewChangeTimer } from './request-timer.ts';
import { passOnKnownRequests } from './requests.ts';
import { isProvenStable } from './stable-proof.ts';
import { statements } from './statement.ts';
import { watchStrays } from './stray.ts';
import { forgetTentative } from './tentative.ts';
import { followPrimary } from './view-change.ts';
import { validateClaims } from './view-change-claims.ts';
import { checkPassedOn } from './view-change-evidence.ts';

/** As primary of the view that is being changed to: chooses as soon as the VIEW-CHANGEs that are here, and the bodies, allow it. */
export function tryNewView(core: Core): void {
  core.isDecisionDue = false;
  if (!core.inViewChange || !core.isPrimary || core.diverged) return;
  const supports = [...core.viewChanges.values()]
    .filter(({ viewChange }) => viewChange.view === core.view)
    .toSorted((left, right) => left.viewChange.replica - right.viewChange.replica);
  if (supports.length < core.quorums.quorum) {
    core.decisionWaits = `${core.quorums.quorum} VIEW-CHANGEs, of which ${supports.length} are here`;
    return;
  }
  adoptProven(core, supports);
  const claims = supports.map(({ viewChange }) => viewChange);
  const decision = decide(claims, core.quorums, (sequence, digest) => holdsBody(core, sequence, digest));
  if (decision.kind === 'waiting') return onWaiting(core, decision.reason);
  core.awaitedBodies = [];
  core.decisionWaits = undefined;
  const newView = makeNewView(core, decision.choice, supports);
  const signed = { newView, signature: core.authenticator.sign(newViewBytes(core.codec, newView)) };
  const nulls = newView.slots.filter(({ digest }) => digest === NULL_DIGEST).length;
  const { view, start, slots } = newView;
  core.emit({ kind: 'new-view-made', view, start: start.sequence, slots: slots.length, nulls });
  // Its own vote for all of it is on disk before NEW-VIEW leaves.
  enterView(core, signed);
  core.broadcast(newView, signed.signature);
}

function holdsBody(core: Core, sequence: Sequence, digest: Digest): boolean {
  return core.log.find(sequence)?.holdsBody(digest) === true;
}

/** More VIEW-CHANGEs may come; missing bodies are asked for, from all. */
function onWaiting(core: Core, reason: Waiting): void {
  if (reason.code === 'claims') return;
  const awaited = reason.slots.flatMap(({ sequence, fetch }) => fetch.map((digest) => ({ sequence, digest })));
  const isNew = awaited.length !== core.awaitedBodies.length;
  core.awaitedBodies = awaited;
  const numbers = reason.slots.map(({ sequence }) => sequence);
  core.decisionWaits =
    awaited.length > 0
      ? `the batches of ${numbers.join(', ')}, asked for from all`
      : `more VIEW-CHANGEs: nothing can be chosen yet for ${numbers.join(', ')}`;
  if (isNew) requestBodies(core, awaited);
}

function makeNewView(core: Core, { start, slots }: NewViewChoice, supports: readonly SignedViewChange[]): NewView {
  return {
    type: 'new-view',
    view: core.view,
    start,
    slots,
    supports: supports.map(({ viewChange }) => ({
      replica: viewChange.replica,
      digest: viewChangeDigest(core.codec, viewChange),
    })),
    viewChanges: supports,
  };
}

/** The highest stable checkpoint that the VIEW-CHANGEs prove becomes the own h, so that all of X lies in the window; the state may follow. */
function adoptProven(core: Core, supports: readonly SignedViewChange[]): void {
  for (const { viewChange } of supports) {
    const { lowWaterMark, root, stableProof } = viewChange;
    if (lowWaterMark > core.log.low) adoptStable(core, lowWaterMark, { root, proof: stableProof });
  }
}

/**
 * NEW-VIEW. Conditions in the order checked: a higher view than the own, or the own while its change is under way (so at most one per view); each
 * VIEW-CHANGE in it signed, its h proven; of q distinct replicas, each valid; the choice follows from them. What fails the last two is a lie of
 * its primary, whoever passed it on.
 */
export function onNewView(core: Core, message: NewView, signature: Bytes): void {
  const author = core.primaryOf(message.view);
  const signed: SignedNewView = { newView: message, signature };
  if (message.view < core.view) return core.refuse('new-view', author, 'old-view');
  if (message.view === core.view && !core.inViewChange) {
    if (core.newView !== undefined) onSecondNewView(core, core.newView, signed);
    return core.refuse('new-view', author, 'duplicate');
  }
  if (!message.viewChanges.every((each) => isAuthentic(core, each))) return core.refuse('new-view', author, 'unproven');
  // Evidence alone: whatever they contradict, the choice allows for f liars.
  for (const each of message.viewChanges) checkPassedOn(core, each);
  const fault = findFault(core, message);
  if (fault === undefined) {
    enterView(core, signed);
    return;
  }
  const summary = `${replicaName(author)} signed a NEW-VIEW for view ${message.view} that does not follow from its VIEW-CHANGEs: ${fault}`;
  accuse(core, signed, summary, newViewStatements(core, signed));
  core.refuse('new-view', author, 'wrong-new-view');
  // Or else the primary of the next view could drive on whoever is alone there, out of everybody's reach.
  if (core.inViewChange && core.view === message.view && core.isViewShared) core.toppled = 'wrong-new-view';
}

function isAuthentic(core: Core, { viewChange, signature }: SignedViewChange): boolean {
  const { replica } = viewChange;
  if (replica >= core.quorums.replicaCount) return false;
  const known = core.viewChanges.get(replica);
  // Verified when it came: the same signature under the same content.
  if (known !== undefined && equalBytes(known.signature, signature) && known.viewChange.view === viewChange.view) {
    if (viewChangeDigest(core.codec, known.viewChange) === viewChangeDigest(core.codec, viewChange)) return true;
  }
  const bytes = viewChangeBytes(core.codec, viewChange);
  if (!core.authenticator.verifySignature({ kind: 'replica', replica }, bytes, signature)) return false;
  return isProvenStable(core, viewChange);
}

function findFault(core: Core, { view, start, slots, viewChanges }: NewView): string | undefined {
  const claims = viewChanges.map(({ viewChange }) => viewChange);
  for (const claim of claims) {
    const invalid = validateClaims(claim, view, claimLimits(core.config.cluster));
    if (invalid !== undefined) return `the VIEW-CHANGE of ${replicaName(claim.replica)} is invalid (${invalid.code})`;
  }
  const failure = checkChoice({ start, slots }, claims, core.quorums);
  return failure && JSON.stringify(failure);
}

/** Two different NEW-VIEWs for one view, both signed by its primary. */
function onSecondNewView(core: Core, first: SignedNewView, second: SignedNewView): void {
  if (equalBytes(first.signature, second.signature)) return;
  const { view } = second.newView;
  const summary = `${replicaName(core.primaryOf(view))} signed two NEW-VIEWs for view ${view}`;
  const both = [first, second].flatMap((each) => statements(core.codec, each.newView, each.signature));
  accuse(core, second, summary, both);
}

function newViewStatements(core: Core, { newView, signature }: SignedNewView): readonly Bytes[] {
  const support = newView.viewChanges.flatMap((each) => statements(core.codec, each.viewChange, each.signature));
  return [...statements(core.codec, newView, signature), ...support];
}

function accuse(core: Core, { newView }: SignedNewView, summary: string, frames: readonly Bytes[]): void {
  suspect(core, {
    node: core.primaryOf(newView.view),
    kind: 'wrong-new-view',
    certainty: 'certain',
    view: newView.view,
    sequence: newView.start.sequence,
    summary,
    frames,
    isOwnContradiction: true,
  });
}

/**
 * In the view from here on: its start is the floor, and what it chose counts as pre-prepared by its primary. Requires: checked, or the own. Slots
 * executed before are voted for again, so that P stays true, and never executed again.
 */
function enterView(core: Core, signed: SignedNewView): void {
  const { view, start, slots, viewChanges } = signed.newView;
  // First: after a crash in between, X would lie beyond the window of the h that is on disk.
  adoptProven(core, viewChanges);
  core.view = view;
  core.inViewChange = false;
  core.newView = signed;
  core.lastNewView = signed;
  core.floor = start.sequence;
  core.chosen = new Map(slots.map(({ sequence, digest }) => [sequence, digest]));
  core.toppled = undefined;
  core.awaitedBodies = [];
  core.decisionWaits = undefined;
  core.lastFlaggedAt = undefined;
  dropAllPending(core);
  // Whoever comes here without a VIEW-CHANGE of its own leaves a view all the same.
  forgetTentative(core);
  core.persist({ kind: 'new-view', newView: signed });
  for (const { viewChange } of viewChanges) core.noteView(viewChange.replica, view);
  core.noteView(core.primary, view);
  const last = slots.at(-1)?.sequence ?? start.sequence;
  core.nextSequence = asSequence(Math.max(last, core.lastExecuted) + 1);
  core.emit({ kind: 'view-entered', view, primary: core.primary });
  core.performance.reset();
  core.queue.proposeAnew();
  acceptChosen(core);
  startRequestTimers(core);
  if (!core.isPrimary) passOnKnownRequests(core);
  stopViewChangeTimer(core);
  followPrimary(core);
  watchStrays(core);
}
