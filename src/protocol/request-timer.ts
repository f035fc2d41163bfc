/**
 * How a backup notices that the primary does not serve [OSDI'99 §4.4, PROTOCOL: timers]. One timer of T: it runs while a signed request that
 * would execute now, or an accepted slot, waits; it starts anew at each execution, unless a request that came later than the oldest was
 * executed before it (a primary that serves some to starve others).
 */
import type { Core } from './core.ts';
import { suspect } from './detection.ts';
import { replicaName } from '../base/ids.ts';
import type { Slot } from './slot.ts';
import type { WaitingRequest } from './request-queue.ts';

/** A signed request arrived at a backup: timed if it would execute now, judged by the later of agreed time and the own clock. */
export function startRequestTimer(core: Core, waiting: WaitingRequest): void {
  if (core.queue.hasTimer(waiting)) return;
  const nowUs = Math.max(core.agreedTime, core.now.wall * 1000);
  if (!core.clientTable.wouldExecute(waiting.request.request, nowUs)) return;
  core.queue.startTimer(waiting);
  watch(core);
}

/** Starts the timer if something is waited for and it does not run; stops it if nothing is, or if it is this replica that cannot go on. */
export function watch(core: Core): void {
  if (
    core.isPrimary ||
    !core.mayVote ||
    (core.queue.oldestTimed() === undefined && oldestOpenSlot(core) === undefined)
  ) {
    core.timers.clear('request');
  } else if (!core.timers.isSet('request')) {
    core.timers.set('request', core.now.monotonic + core.config.tuning.requestTimeoutUs);
  }
}

/** After executions. `overtaken`: a request received later than the oldest timed one was among them, and that one still waits. */
export function restartAfterExecution(core: Core, overtaken: boolean): void {
  if (!overtaken) core.timers.clear('request');
  watch(core);
}

/** T has passed: the primary is suspected, and sent the oldest request once more, since passing it on may have been lost. Here a view change starts. */
export function onRequestTimeout(core: Core): void {
  const waiting = core.queue.oldestTimed();
  const slot = oldestOpenSlot(core);
  core.emit({
    kind: 'request-timeout',
    view: core.view,
    requestDigest: waiting?.request.digest,
    sequence: slot?.sequence,
  });
  const what =
    waiting === undefined ? `sequence ${slot?.sequence ?? 0}` : `request ${waiting.request.digest.slice(0, 12)}…`;
  suspect(core, {
    node: core.primary,
    kind: 'unresponsive',
    certainty: 'uncertain',
    summary: `${what} was not executed within ${core.config.tuning.requestTimeoutUs / 1000} ms while ${replicaName(core.primary)} is primary of view ${core.view}`,
  });
  if (waiting !== undefined) core.send([core.primary], { type: 'requests', requests: [waiting.request] });
  watch(core);
}

function oldestOpenSlot(core: Core): Slot | undefined {
  // Not up to the highest slot that exists: a vote alone makes one, and this is asked at every step.
  for (const slot of core.log.from(core.lastExecuted + 1, core.highestAccepted)) {
    if (slot.acceptedIn(core.view) !== undefined) return slot;
  }
  return undefined;
}
