/**
 * Bringing back a replica that left its view alone [PROTOCOL: timers]. It votes no more in that view and moves nobody, since it takes f+1: the cluster
 * lacks it, as if it were down, until the next failure. So when it has stood in the next view for long, the others come along. Keeps invariant 7;
 * touches no other, as a replica may leave its view at any time. A liar that poses as one costs a view change, and then waits twice as long.
 */
import type { ReplicaId, View } from '../base/ids.ts';
import type { Core } from './core.ts';

/** One that is waited for in the next view. */
export interface Stray {
  /** When it was seen there, or found silent; monotonic µs. */
  readonly sinceUs: number;
  /** Have the others been told of it? */
  readonly isPassedOn: boolean;
}

/** In T as configured: long beside any view change that is on its way to succeed. */
const PATIENCE_IN_T = 20;
/** So often the wait for one replica doubles: with the defaults from 10 s to 11 min. */
const DOUBLINGS = 6;

/**
 * Who stands in the next view, and since when. A correct replica strays no further: it goes on from there only once a quorum has been seen where it is, and
 * with that f+1 correct ones, whom all follow.
 */
export function watchStrays(core: Core): void {
  const { strays, now } = core;
  for (const replica of core.others) {
    const isStray = core.mayVote && core.viewChanges.get(replica)?.viewChange.view === core.view + 1;
    if (!isStray) strays.delete(replica);
    else if (!strays.has(replica)) strays.set(replica, { sinceUs: now.monotonic, isPassedOn: false });
  }
  if (strays.size === 0) core.timers.clear('stray');
  else core.timers.set('stray', Math.min(...[...strays.keys()].map((replica) => nextUs(core, replica))));
}

/**
 * Passes on the VIEW-CHANGE of one that has stood there for T, so that a liar that shows it to one replica alone makes no stray of that one: all wait
 * together. On to the next view for one that has stood there for long and is there to be joined.
 */
export function onStrayTimeout(core: Core): void {
  const { monotonic } = core.now;
  let isJoined = false;
  for (const replica of core.strays.keys()) {
    if (nextUs(core, replica) > monotonic) continue;
    if (passOn(core, replica)) continue;
    if (core.toppled === undefined && isPresent(core, replica)) {
      noteJoined(core, replica);
      isJoined = true;
    } else core.strays.set(replica, { sinceUs: monotonic, isPassedOn: true });
  }
  if (isJoined) core.toppled = 'stray';
  watchStrays(core);
}

/** On to `view` with f+1 others: was that for one that was waited for here as well? Then nothing took too long. */
export function joinsStray(core: Core, view: View): boolean {
  if (view !== core.view + 1) return false;
  let isJoined = false;
  for (const [replica, { sinceUs }] of core.strays) {
    if (core.now.monotonic - sinceUs < patienceUs(core, replica) / 2) continue;
    noteJoined(core, replica);
    isJoined = true;
  }
  return isJoined;
}

/** When it is passed on, and then when it is joined. */
function nextUs(core: Core, replica: ReplicaId): number {
  const { sinceUs = 0, isPassedOn = false } = core.strays.get(replica) ?? {};
  return sinceUs + (isPassedOn ? patienceUs(core, replica) : core.config.tuning.requestTimeoutUs);
}

/** False if the others have been told already. */
function passOn(core: Core, replica: ReplicaId): boolean {
  const stray = core.strays.get(replica);
  const signed = core.viewChanges.get(replica);
  if (stray === undefined || stray.isPassedOn || signed === undefined) return false;
  core.strays.set(replica, { ...stray, isPassedOn: true });
  core.send(
    core.others.filter((other) => other !== replica),
    signed.viewChange,
    signed.signature,
  );
  return true;
}

function noteJoined({ straysJoined }: Core, replica: ReplicaId): void {
  straysJoined.set(replica, (straysJoined.get(replica) ?? 0) + 1);
}

function isPresent(core: Core, replica: ReplicaId): boolean {
  const { requestTimeoutUs, idleStatusIntervalUs } = core.config.tuning;
  const heard = core.peer(replica).lastHeard ?? 0;
  return core.now.monotonic - heard <= Math.max(requestTimeoutUs, 3 * idleStatusIntervalUs);
}

function patienceUs({ config, straysJoined }: Core, replica: ReplicaId): number {
  const doublings = Math.min(straysJoined.get(replica) ?? 0, DOUBLINGS);
  return PATIENCE_IN_T * config.tuning.requestTimeoutUs * 2 ** doublings;
}
