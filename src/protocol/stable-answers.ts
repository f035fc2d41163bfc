/**
 * REPLY-STABLE for a replica that lost its log: what was taken, prepared and entered here [TOCS §4.3.2; PROTOCOL: lost votes]. All of it survives
 * restarts: own checkpoints from h up, P above h, the last NEW-VIEW. Changes nothing but what peers are owed.
 */
import { GENESIS, VIEW_ZERO, asSequence } from '../base/ids.ts';
import type { QueryStable } from '../messages/index.ts';
import { newViewSize, viewChangeSize } from '../messages/index.ts';
import { hasAllowance, spend } from './allowance.ts';
import type { Core } from './core.ts';

/**
 * QUERY-STABLE. Conditions: this replica's own word is good: it has not lost its log itself, and has not diverged; allowance. Once RECOVER is executed the
 * NEW-VIEW of the last view goes along, which the asking replica checks by itself.
 */
export function onQueryStable(core: Core, { replica, nonce, recovered }: QueryStable): void {
  if (core.isRecovering) return core.refuse('query-stable', replica, 'recovering');
  if (core.diverged) return core.refuse('query-stable', replica, 'diverged');
  if (!hasAllowance(core, replica)) return core.refuse('query-stable', replica, 'budget-exhausted');
  const taken = Math.max(GENESIS, ...core.ownCheckpoints.keys());
  const { lastNewView } = core;
  const viewChange = core.viewChanges.get(replica);
  core.send([replica], {
    type: 'reply-stable',
    replica: core.self,
    nonce,
    recovered,
    taken: asSequence(taken),
    prepared: asSequence(Math.max(taken, highestPrepared(core))),
    entered: lastNewView?.newView.view ?? VIEW_ZERO,
    viewChange,
  });
  spend(core, replica, viewChange === undefined ? 0 : viewChangeSize(viewChange.viewChange));
  if (recovered === 0 || lastNewView === undefined) return;
  core.send([replica], lastNewView.newView, lastNewView.signature);
  spend(core, replica, newViewSize(lastNewView.newView));
}

/** p: the highest number ever prepared or executed here. What h passed was decided. */
function highestPrepared(core: Core): number {
  let highest = Math.max(core.log.low, core.lastExecuted);
  for (const slot of core.log.from(highest + 1)) if (slot.prepared !== undefined) highest = slot.sequence;
  return highest;
}
