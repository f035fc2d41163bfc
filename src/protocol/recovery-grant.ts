/**
 * The one view change that the others grant a replica that has recovered [PROTOCOL: lost votes]: it may vote only above the views that its lost
 * VIEW-CHANGEs can name, and nothing else would bring the cluster there. Replicated state says who may ask: once per RECOVER, hence once per
 * 10 minutes of agreed time; a restart may grant it again.
 */
import { asView } from '../base/ids.ts';
import type { View } from '../base/ids.ts';
import type { ViewChange } from '../messages/index.ts';
import type { Core } from './core.ts';
import { startViewChange } from './view-change.ts';

/** Follows the VIEW-CHANGE of a replica whose recovery is done here, its h says so and is proven, to a view not far above. One of before lies below. */
export function considerGrants(core: Core): void {
  if (core.recoveries.isEmpty || core.isRecovering || core.diverged) return;
  for (const [replica, { sequence, target }] of core.recoveries.rows()) {
    const wanted = core.viewChanges.get(replica)?.viewChange;
    if (replica === core.self || wanted === undefined || core.granted.get(replica) === sequence) continue;
    if (wanted.lowWaterMark < target || wanted.view <= core.view || wanted.view > highestGranted(core)) continue;
    if (votesIn(core.view, wanted)) continue;
    core.granted.set(replica, sequence);
    startViewChange(core, wanted.view, 'recovery');
  }
}

/** It lists a vote of its own in this view: then it needs no other, and left for a reason that is nothing to us (seed 1026814: who restarts forgets what it has granted). */
function votesIn(view: View, { prepared, prePrepared }: ViewChange): boolean {
  return [...prepared, ...prePrepared].some((claim) => claim.view === view);
}

/** It asks for f+1 above a view that this replica has entered, or will be sent the NEW-VIEW of. A liar must not use views up. */
function highestGranted(core: Core): number {
  return asView(core.view + 2 * core.quorums.replicaCount);
}
