/**
 * How a replica notices that its view does not serve [OSDI'99 §4.4, PROTOCOL: timers]. One timer of T: it runs at a backup while a signed request
 * that would execute now waits, and at every replica, the primary too, while an accepted slot does; it starts anew at each execution, unless a request that came later than the oldest was
 * executed before it (a primary that serves some to starve others). After a VIEW-CHANGE another one takes its place: it runs once a quorum is
 * seen in that view or a higher one, for twice as long as the last, until something was executed in the new view.
 */
import type { Core } from './core.ts';
import { suspect } from './detection.ts';
import { replicaName } from '../base/ids.ts';
import type { Sequence } from '../base/ids.ts';
import type { Request } from '../messages/index.ts';
import { isOwedBatches, wouldRecover } from './recover-request.ts';
import { replicaOfClient } from './replica-client.ts';
import type { Slot } from './slot.ts';
import type { WaitingRequest } from './request-queue.ts';

/** A signed request arrived at a backup: timed if it would execute now, judged by the later of agreed time and the own clock. */
export function startRequestTimer(core: Core, waiting: WaitingRequest): void {
  if (core.queue.hasTimer(waiting) || !isTimed(core, waiting.request.request)) return;
  core.queue.startTimer(waiting);
  watch(core);
}

/** Would it execute now, so that backups wait for it once it is signed and they know it? */
export function isTimed(core: Core, request: Request): boolean {
  const nowUs = Math.max(core.agreedTime, core.now.wall * 1000);
  const isOfReplica = replicaOfClient(request.client) !== undefined;
  if (isOfReplica) return wouldRecover(core, request);
  return core.clientTable.wouldExecute(request, nowUs) || followsTold(core, request);
}

/** Its client was told of the one before it, and need not wait until that is committed here. */
function followsTold({ tentative, log }: Core, { client, session, timestamp }: Request): boolean {
  if (tentative === undefined) return false;
  const batch = log.find(tentative.sequence)?.bodyOf(tentative.digest);
  return (
    batch !== undefined &&
    batch.requests.some(
      ({ request }) => request.client === client && request.session === session && request.timestamp + 1 === timestamp,
    )
  );
}

/** On entering a view: everything signed that waits here is timed from now on; it was passed on to the new primary. */
export function startRequestTimers(core: Core): void {
  core.timers.clear('request');
  for (const waiting of core.queue.all()) if (waiting.verified === 'signature') startRequestTimer(core, waiting);
}

/** The view change did not end in time, or nothing was executed in the view it led to. */
export function onViewChangeTimeout(core: Core): void {
  if (!core.inViewChange && excuse(core)) watch(core);
  else core.toppled = 'timeout';
}

/** In a new view in which nothing is waited for there is nothing to time. */
export function stopViewChangeTimer(core: Core): void {
  if (!isAwaiting(core)) core.timers.clear('view-change');
  else if (!core.timers.isSet('view-change')) core.timers.set('view-change', core.now.monotonic + core.timeoutUs);
}

/**
 * A primary waits for what it has proposed and not for what it could propose. It must wait for that: where f correct replicas have left the view and the
 * others executed everything, nobody else would begin the view change that it needs itself (seeds 1001289, 1001887).
 */
function isAwaiting(core: Core): boolean {
  if (core.isPrimary) return oldestOpenSlot(core) !== undefined;
  return core.queue.oldestTimed() !== undefined || oldestOpenSlot(core) !== undefined || isOwedBatches(core);
}

/** The view change lasts too long; or it led to a view in which nothing was executed. */
function watchViewChange(core: Core): void {
  core.timers.clear('request');
  const isTimed = !core.diverged && core.isViewShared;
  if (isTimed && !core.timers.isSet('view-change')) core.timers.set('view-change', core.now.monotonic + core.timeoutUs);
}

/** Starts the timer if something is waited for and it does not run; stops it if nothing is, or if it is this replica that cannot go on. */
export function watch(core: Core): void {
  if (core.inViewChange) return watchViewChange(core);
  if (!core.mayVote || core.isBehind || !isAwaiting(core)) {
    core.timers.clear('request');
    core.timers.clear('view-change');
  } else if (!core.timers.isSet('request') && !core.timers.isSet('view-change')) {
    core.timers.set('request', core.now.monotonic + core.timeoutUs);
  }
}

/** After executions. `overtaken`: a request received later than the oldest timed one was among them, and that one still waits. */
export function restartAfterExecution(core: Core, overtaken: boolean): void {
  if (!core.inViewChange) core.timers.clear('view-change');
  if (!overtaken) core.timers.clear('request');
  watch(core);
}

/**
 * T has passed without an execution: the primary is suspected (not by itself), and its view ends here. Not while others go on: then it is this replica that lags,
 * and alone in a higher view it would be of no use to anybody.
 */
export function onRequestTimeout(core: Core): void {
  if (excuse(core)) return watch(core);
  const waiting = core.queue.oldestTimed();
  const slot = oldestOpenSlot(core);
  core.emit({
    kind: 'request-timeout',
    view: core.view,
    requestDigest: waiting?.request.digest,
    sequence: slot?.sequence,
  });
  const what =
    waiting === undefined
      ? `sequence ${slot?.sequence ?? core.lastExecuted + 1}`
      : `request ${waiting.request.digest.slice(0, 12)}…`;
  if (!core.isPrimary) {
    suspect(core, {
      node: core.primary,
      kind: 'unresponsive',
      certainty: 'uncertain',
      summary: `${what} was not executed within ${core.timeoutUs / 1000} ms while ${replicaName(core.primary)} is primary of view ${core.view}`,
    });
  }
  core.toppled = 'timeout';
}

/**
 * Is the primary not to blame, because f+1 others have executed more than this replica, and more than when it was last excused so? Then they go on, and
 * what they know repairs it, whatever the primary does. If they stand still, one of them may be the only correct one that executed it, which f others do
 * not believe: all must move on. Notes how far they are when it says yes.
 */
function excuse(core: Core): boolean {
  const elsewhere = core.executedElsewhere;
  if (elsewhere <= Math.max(core.lastExecuted, core.excusedUpTo)) return false;
  core.excusedUpTo = elsewhere;
  return true;
}

function oldestOpenSlot(core: Core): Slot | undefined {
  // Not up to the highest slot that exists: a vote alone makes one, and this is asked at every step.
  const last = Math.max(core.highestAccepted, highestChosen(core));
  for (let sequence = Math.max(core.lastExecuted, core.log.low) + 1; sequence <= last; sequence += 1) {
    const slot = core.log.find(sequence as Sequence);
    if (slot !== undefined && (slot.acceptedIn(core.view) !== undefined || core.chosen.has(sequence))) return slot;
  }
  return undefined;
}

function highestChosen({ newView }: Core): number {
  return newView === undefined ? 0 : (newView.newView.slots.at(-1)?.sequence ?? 0);
}
