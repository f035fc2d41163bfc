/** What a replica waits for besides its slots, as data [G26]. It looks at the core and changes nothing. */
import { asSequence } from '../base/ids.ts';
import type { Sequence } from '../base/ids.ts';
import { certifiedCheckpoint } from './checkpoints.ts';
import type { Core } from './core.ts';
import { recoveryWait } from './recovery-status.ts';
import { NOBODY, ascending, votes } from './slot-wait.ts';
import type { Wait } from './status.ts';

/** What the replica waits for besides its slots, what holds up most first. */
export function replicaWaits(core: Core): readonly Wait[] {
  return [
    recoveryWait(core),
    repairWait(core),
    stateWait(core),
    storageWait(core),
    checkpointsWait(core),
    decisionsWait(core),
    requestsWait(core),
  ].filter((wait) => wait !== undefined);
}

function repairWait(core: Core): Wait | undefined {
  if (core.damage !== undefined)
    return { ...NOBODY, what: 'repair', sequence: core.lastExecuted, sinceUs: core.damage.sinceUs };
  if (!core.diverged) return undefined;
  return { ...NOBODY, what: 'repair', sequence: core.lastExecuted, sinceUs: core.moments.ofDivergence };
}

function stateWait(core: Core): Wait | undefined {
  const { transfer } = core;
  const base = { ...NOBODY, what: 'state', needed: 1 } as const;
  if (transfer !== undefined) {
    const { sequence, sources } = transfer;
    const sinceUs = Math.max(core.moments.ofTransfer, core.lastExecutionAt);
    return { ...base, sequence, missing: sources, sinceUs, amount: core.state.assembling?.takenBytes ?? 0 };
  }
  const target = core.stuckAt === undefined ? undefined : certifiedCheckpoint(core);
  if (target === undefined || target.sequence <= core.lastExecuted) return undefined;
  const missing = target.proof.map(({ checkpoint }) => checkpoint.replica).filter((replica) => replica !== core.self);
  return { ...base, sequence: target.sequence, missing, sinceUs: since(core), amount: 0 };
}

/** Execution waits for the disk. */
function storageWait(core: Core): Wait | undefined {
  if (!core.state.isFull) return undefined;
  return { ...NOBODY, what: 'storage', sequence: core.sealedUpTo, sinceUs: core.lastExecutionAt };
}

/** The lowest checkpoint taken here that is not stable. */
function checkpointsWait(core: Core): Wait | undefined {
  const [lowest] = [...core.ownCheckpoints.keys()].filter((sequence) => sequence > core.log.low).toSorted(ascending);
  const own = lowest === undefined ? undefined : core.ownCheckpoints.get(lowest);
  if (own === undefined) return undefined;
  const { sequence, root } = own.checkpoint;
  const same = [...(core.checkpointVotes.get(sequence) ?? [])].filter(([, { checkpoint }]) => checkpoint.root === root);
  const have = same.map(([replica]) => replica);
  return {
    ...NOBODY,
    ...votes(core, have),
    what: 'checkpoints',
    sequence,
    sinceUs: core.moments.ofCheckpoint(sequence),
  };
}

/** Others have executed more, as f+1 of them say. */
function decisionsWait(core: Core): Wait | undefined {
  const ahead = core.others.filter((replica) => core.peer(replica).claimedExecuted > core.lastExecuted);
  const { weak } = core.quorums;
  if (ahead.length < weak || core.transfer !== undefined) return undefined;
  const claims = ahead.map((replica) => core.peer(replica).claimedExecuted).toSorted((left, right) => right - left);
  const sequence: Sequence = claims[weak - 1] ?? core.lastExecuted;
  return { ...NOBODY, what: 'decisions', sequence, needed: weak, missing: ahead, sinceUs: since(core) };
}

/** Requests in no batch yet: the oldest tells since when. */
function requestsWait(core: Core): Wait | undefined {
  const [oldest] = core.queue.unproposed();
  if (oldest === undefined) return undefined;
  const base = { ...NOBODY, sequence: asSequence(core.lastExecuted + 1), amount: core.queue.unproposedCount };
  const sinceUs = Math.max(oldest.receivedAt, core.moments.ofView);
  if (core.isPrimary) return { ...base, what: 'window', sinceUs };
  return { ...base, what: 'proposal', needed: 1, missing: [core.primary], sinceUs };
}

function since(core: Core): number {
  return Math.max(core.lastExecutionAt, core.moments.ofView);
}
