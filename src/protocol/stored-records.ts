/** From the core to the records on disk [PROTOCOL: durability]; recovery.ts is the way back. Changes nothing. */
import type { Core } from './core.ts';
import type { Record } from './record.ts';

/** The shortest list from which a restart gives this replica again. */
export function storedRecords(core: Core): readonly Record[] {
  const records: Record[] = [];
  if (core.stable.proof.length > 0) {
    const hasState = Math.max(0, ...core.ownCheckpoints.keys()) >= core.stable.sequence;
    records.push({ kind: 'stable', ...core.stable, hasState });
  }
  if (core.recovery !== undefined) {
    const { nonce, mark, session, barred } = core.recovery;
    records.push({ kind: 'recovery', nonce, mark, session, barred });
  }
  const { lastNewView } = core;
  const own = core.viewChanges.get(core.self);
  // In the order in which they were made: the later one says where this replica is.
  if (core.inViewChange && lastNewView !== undefined) records.push({ kind: 'new-view', newView: lastNewView });
  if (own !== undefined) records.push({ kind: 'view-change', viewChange: own });
  if (!core.inViewChange && lastNewView !== undefined) records.push({ kind: 'new-view', newView: lastNewView });
  if (core.proposesIn !== undefined) records.push({ kind: 'proposes', view: core.proposesIn });
  for (const slot of core.log.from(core.log.low + 1)) {
    const { sequence } = slot;
    const byView = [...slot.prePrepared].toSorted(([, left], [, right]) => left - right);
    for (const [digest, view] of byView) {
      const signature = slot.accepted?.digest === digest ? slot.accepted.signature : undefined;
      records.push({ kind: 'accepted', view, sequence, digest, batch: slot.bodyOf(digest), signature });
    }
    if (slot.prepared !== undefined) records.push({ kind: 'prepared', sequence, ...slot.prepared });
    if (slot.executed !== undefined) {
      const batch = slot.prePrepared.has(slot.executed) ? undefined : slot.bodyOf(slot.executed);
      records.push({ kind: 'executed', view: core.view, sequence, digest: slot.executed, batch });
    }
  }
  for (const suspicion of core.suspicions.values())
    if (suspicion.certainty === 'certain') records.push({ kind: 'suspicion', suspicion });
  return records;
}
