/**
 * Bringing back a replica that left its view alone [PROTOCOL: timers]. It votes no more in that view and moves nobody, since it takes f+1: the cluster
 * lacks it, as if it were down, until the next failure. So when it has stood in the next view for long, the others come along. Keeps invariant 7;
 * touches no other, as a replica may leave its view at any time. A liar that poses as one costs a view change, and then waits twice as long.
 */
import type { ReplicaId } from '../base/ids.ts';
import type { Core } from './core.ts';

/** In T as configured: long beside any view change that is on its way to succeed. */
const PATIENCE_IN_T = 20;
/** So often the wait doubles: with the defaults from 10 s to 11 min. */
const DOUBLINGS = 6;

/**
 * Runs the timer while somebody stands in the next view: a correct replica strays no further, since it runs on only once q have been seen where it is, and
 * with them f+1 correct ones, whom all follow.
 */
export function watchStrays(core: Core): void {
  if (!core.mayVote || straysOf(core).length === 0) core.timers.clear('stray');
  else if (!core.timers.isSet('stray')) core.timers.set('stray', core.now.monotonic + patienceUs(core));
}

/** On to the stray's view, if it is still there to be joined. */
export function onStrayTimeout(core: Core): void {
  if (core.mayVote && straysOf(core).some((replica) => isPresent(core, replica))) {
    core.straysJoined += 1;
    core.toppled ??= 'stray';
  } else watchStrays(core);
}

/** Whose valid VIEW-CHANGE for the view after this one is here. */
function straysOf(core: Core): readonly ReplicaId[] {
  return core.others.filter((replica) => core.viewChanges.get(replica)?.viewChange.view === core.view + 1);
}

function isPresent(core: Core, replica: ReplicaId): boolean {
  const { requestTimeoutUs, idleStatusIntervalUs } = core.config.tuning;
  const heard = core.peer(replica).lastHeard ?? 0;
  return core.now.monotonic - heard <= Math.max(requestTimeoutUs, 3 * idleStatusIntervalUs);
}

function patienceUs({ config, straysJoined }: Core): number {
  return PATIENCE_IN_T * config.tuning.requestTimeoutUs * 2 ** Math.min(straysJoined, DOUBLINGS);
}
