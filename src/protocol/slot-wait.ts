/** What a slot waits for, as data: the first thing that is missing [G26]. It looks at the core and changes nothing. */
import { asSequence } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import { isBatchAuthentic } from './complaints.ts';
import type { Core } from './core.ts';
import type { PendingPrePrepare, Slot } from './slot.ts';
import type { Wait } from './status.ts';

/** The first thing that is missing before the slot can go on; undefined when it was executed. */
export function slotWait(core: Core, slot: Slot): Wait | undefined {
  if (slot.executed !== undefined) return undefined;
  const sinceUs = core.moments.ofSlot(slot.sequence);
  const base = { ...NOBODY, sequence: slot.sequence, sinceUs };
  if (slot.decided !== undefined) {
    if (!slot.holdsBody(slot.decided)) return { ...base, what: 'body', needed: 1, missing: core.others };
    const next = asSequence(core.lastExecuted + 1);
    return slot.sequence > next ? { ...base, what: 'earlier-slot', sequence: next } : { ...base, what: 'turn' };
  }
  const accepted = slot.acceptedIn(core.view);
  if (core.inViewChange) return { ...base, what: 'new-view', needed: 1, missing: [core.primary] };
  if (accepted === undefined) return acceptanceWait(core, slot, base);
  const { view, digest } = accepted;
  if (slot.prepared?.view !== view) {
    const have = slot.prepares.voters(view, digest);
    const missing = without(core, core.overlaps ? have : [...have, core.primary]);
    return { ...base, what: 'prepares', needed: core.quorums.prepares, have, missing };
  }
  const have = slot.commits.voters(view, digest);
  return { ...base, what: 'commits', needed: core.quorums.quorum, have, missing: without(core, have) };
}

/** The fields of a wait that is not about votes. */
export const NOBODY = { needed: 0, have: [], missing: [], amount: undefined } as const;

type Base = Omit<Wait, 'what'>;

function acceptanceWait(core: Core, slot: Slot, base: Base): Wait {
  const { pending } = slot;
  if (pending === undefined) return { ...base, what: 'pre-prepare', needed: 1, missing: [core.primary] };
  if (core.log.place(slot.sequence) !== 'window') {
    const [sequence] = [...core.checkpointVotes.keys()].filter((each) => each > core.log.low).toSorted(ascending);
    const have = sequence === undefined ? [] : [...(core.checkpointVotes.get(sequence)?.keys() ?? [])];
    return { ...base, ...votes(core, have), what: 'stable-checkpoint', sequence: core.log.low };
  }
  return isBatchAuthentic(core, slot, pending) ? { ...base, what: 'batch-time' } : proofWait(core, slot, pending, base);
}

/** f+1 who vouch for the requests, where they are not signed. */
function proofWait(core: Core, slot: Slot, { view, digest }: PendingPrePrepare, base: Base): Wait {
  if (core.config.cluster.authentication === 'signature') return { ...base, what: 'request-proof' };
  const have = [...new Set([core.primary, ...slot.prepares.voters(view, digest)])].toSorted(ascending);
  return { ...base, what: 'request-proof', needed: core.quorums.weak, have, missing: without(core, have) };
}

/** `q` votes: whose are here, and who could still send one. */
export function votes(core: Core, have: readonly ReplicaId[]): Pick<Wait, 'needed' | 'have' | 'missing'> {
  return { needed: core.quorums.quorum, have: have.toSorted(ascending), missing: without(core, have) };
}

function without(core: Core, replicas: readonly ReplicaId[]): readonly ReplicaId[] {
  return [core.self, ...core.others].filter((replica) => !replicas.includes(replica)).toSorted(ascending);
}

/** Order of numbers, for sorting. */
export const ascending = (left: number, right: number): number => left - right;
