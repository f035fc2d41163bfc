/** Makes the readonly view of a replica (status.ts) from its core. Changes nothing. */
import { GENESIS } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import type { DigestList } from '../messages/index.ts';
import { isMarked } from './complaints.ts';
import type { Core } from './core.ts';
import { recoveryStatus } from './recovery-status.ts';
import type { Slot } from './slot.ts';
import type { Phase, ReplicaStatus, SlotStatus, ViewChangeStatus, Wait } from './status.ts';
import { slotWait } from './slot-wait.ts';

export function replicaStatus(core: Core): ReplicaStatus {
  const last = lastCheckpoint(core);
  return {
    self: core.self,
    quorums: core.quorums,
    view: core.view,
    primary: core.primary,
    inViewChange: core.inViewChange,
    highestAccepted: core.highestAccepted,
    lastExecuted: core.lastExecuted,
    lowWaterMark: core.log.low,
    highWaterMark: core.log.high,
    stateRoot: last.root,
    stateRootSequence: last.sequence,
    agreedTime: core.agreedTime,
    suspicions: [...core.suspicions.values()],
    diverged: core.diverged,
    mayExecute: core.mayExecute,
    queuedRequests: core.queue.size,
    queuedBytes: core.queue.bytes,
    markedClients: [...core.markedClients.keys()].filter((client) => isMarked(core, client)),
    openSlots: Math.max(0, core.log.top - Math.max(core.lastExecuted, core.log.low)),
    viewChange: viewChangeStatus(core),
    recovery: recoveryStatus(core),
  };
}

function lastCheckpoint(core: Core): { readonly sequence: Sequence; readonly root: ReplicaStatus['stateRoot'] } {
  let last: { readonly sequence: Sequence; readonly root: ReplicaStatus['stateRoot'] } = core.stable;
  for (const { checkpoint } of core.ownCheckpoints.values()) if (checkpoint.sequence > last.sequence) last = checkpoint;
  if (last.sequence > GENESIS) return last;
  // Nobody signs for genesis: its root is that of the version.
  return core.state.versions().find(({ sequence }) => sequence === GENESIS) ?? last;
}

export function slotStatuses(core: Core, from: Sequence, to: Sequence): readonly SlotStatus[] {
  if (from === to) {
    const slot = core.log.find(from);
    return slot === undefined ? [] : [new SlotView(core, slot)];
  }
  const statuses: SlotStatus[] = [];
  for (const slot of core.log.from(from)) {
    if (slot.sequence > to) break;
    statuses.push(new SlotView(core, slot));
  }
  return statuses;
}

const NOBODY: readonly ReplicaId[] = [];

/** The slot as it stands now. Every executed slot is looked at, and its requests are asked for seldom: they stay packed until then. */
class SlotView implements SlotStatus {
  readonly sequence: Sequence;
  readonly view: View;
  readonly digest: Digest | undefined;
  readonly phase: Phase;
  readonly bodyHeld: boolean;
  readonly prepares: readonly ReplicaId[];
  readonly commits: readonly ReplicaId[];
  readonly waitingFor: Wait | undefined;
  readonly #requests: DigestList | undefined;

  constructor(core: Core, slot: Slot) {
    const digest = slot.digest();
    const view = slot.accepted?.view ?? core.view;
    this.sequence = slot.sequence;
    this.view = view;
    this.digest = digest;
    this.phase = phaseOf(core, slot);
    this.bodyHeld = digest !== undefined && slot.holdsBody(digest);
    this.prepares = digest === undefined ? NOBODY : slot.prepares.voters(view, digest);
    this.commits = digest === undefined ? NOBODY : slot.commits.voters(view, digest);
    this.waitingFor = slotWait(core, slot);
    this.#requests = digest === undefined ? undefined : slot.requestsOf(digest);
  }

  get requests(): readonly Digest[] {
    return this.#requests?.toArray() ?? [];
  }
}

function phaseOf(core: Core, slot: Slot): Phase {
  if (slot.executed !== undefined) return 'executed';
  if (slot.decided !== undefined) return 'committed';
  const accepted = slot.acceptedIn(core.view);
  if (accepted === undefined) return 'none';
  return slot.prepared?.view === core.view ? 'prepared' : 'pre-prepared';
}

function viewChangeStatus(core: Core): ViewChangeStatus | undefined {
  if (!core.inViewChange) return undefined;
  const { view } = core;
  return {
    view,
    sinceUs: core.viewChangeSince,
    viewChangesFrom: [...core.viewChanges.values()]
      .filter(({ viewChange }) => viewChange.view === view)
      .map(({ viewChange }) => viewChange.replica)
      .toSorted((left, right) => left - right),
    seenInView: core.seenIn(view),
    needed: core.quorums.quorum,
    timeoutAtUs: core.timers.at('view-change'),
    decision: core.isPrimary ? core.decisionWaits : undefined,
  };
}
