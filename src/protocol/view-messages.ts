/** The own signed messages about views, sent again byte for byte to whoever lacks them. Changes nothing. */
import type { ReplicaId } from '../base/ids.ts';
import type { Core } from './core.ts';

/** The own VIEW-CHANGE of the view change under way. Returns how many went out. */
export function resendViewChange(core: Core, to: readonly ReplicaId[]): number {
  const own = core.viewChanges.get(core.self);
  if (!core.inViewChange || own?.viewChange.view !== core.view) return 0;
  core.send(to, own.viewChange, own.signature);
  return to.length;
}

/** The NEW-VIEW of the view that this replica is in, to one that is not there yet. Returns how many went out. */
export function sendNewView(core: Core, to: ReplicaId): number {
  if (core.inViewChange || core.newView === undefined) return 0;
  core.send([to], core.newView.newView, core.newView.signature);
  return 1;
}
