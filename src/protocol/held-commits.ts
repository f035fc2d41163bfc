/**
 * COMMITs for which nobody waits: those of a batch whose clients were told when it was prepared (tentative-execution.ts). Such a one leaves with the next vote
 * to the same peers, so that it costs no frame of its own where requests follow each other; at the latest after a moment. Keeps invariant 2: it is written
 * down that the batch is prepared before it comes here, and the end of the view forgets it.
 */
import type { Core } from './core.ts';

/** So long, µs, a COMMIT that nobody waits for may wait for a vote to leave with. */
const COMMIT_PATIENCE_US = 5_000;

/** COMMITs that wait leave: with a vote, or because somebody waits for them. */
export function releaseCommits(core: Core): void {
  if (core.unsentCommits.length === 0) return;
  const commits = core.unsentCommits;
  core.unsentCommits = [];
  core.timers.clear('commit');
  for (const commit of commits) core.broadcast(commit);
}

/** At the end of a step: a COMMIT waits only for a batch whose clients have been told, and while no read waits for it. */
export function settleCommits(core: Core): void {
  if (core.unsentCommits.length === 0) return;
  const { tentative } = core;
  const isTold = core.unsentCommits.every(({ sequence }) => sequence === tentative?.sequence);
  if (!isTold || !core.parkedReads.isEmpty) releaseCommits(core);
  else if (!core.timers.isSet('commit')) core.timers.set('commit', core.now.monotonic + COMMIT_PATIENCE_US);
}
