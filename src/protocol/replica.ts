/**
 * One PBFT replica, sans IO: `step` is the only mutation, everything that happens comes out as outputs, in order. It owns the protocol state
 * (core.ts) and nothing else; it must never look at a clock, a socket or a disk. The paper's rules are in the modules it dispatches to.
 */
import { assert } from '../base/assert.ts';
import { GENESIS } from '../base/ids.ts';
import type { Digest, Sequence } from '../base/ids.ts';
import type { Reader, Version } from '../base/key-value.ts';
import type { SignedCheckpoint } from '../messages/index.ts';
import { fetchMissingBodies, hasOpenWork, onBatchBody, onDecided, onFetch, onStatus, sendStatus } from './catch-up.ts';
import { onCheckpoint } from './checkpoints.ts';
import { onComplaint, repeatComplaints } from './complaints.ts';
import { validateReplicaConfig } from './config.ts';
import type { ReplicaConfig } from './config.ts';
import { Core } from './core.ts';
import type { ReplicaModules } from './core.ts';
import { noteDamage } from './damage.ts';
import { checkResponsiveness, expireSuspicions, suspect } from './detection.ts';
import { executeReady } from './execution.ts';
import { releaseCommits, settleCommits } from './held-commits.ts';
import type { Input, Now } from './input.ts';
import { onCommit, onPrePrepare, onPrepare, retryAll, tryAccept, tryAcceptAll } from './normal-case.ts';
import type { StepOutput } from './output.ts';
import { needsIdleCheckpoint, propose, proposeIdleCheckpoint } from './proposing.ts';
import type { Record } from './record.ts';
import { restore } from './recovery.ts';
import { storedRecords } from './stored-records.ts';
import { answerParkedReads } from './read-only.ts';
import { onRequests } from './requests.ts';
import { beginRecovery, onRecoveryTimer, onReplyStable, pursueRecovery, startRecovery } from './lost-votes.ts';
import { considerGrants } from './recovery-grant.ts';
import { onQueryStable } from './stable-answers.ts';
import { onRequestTimeout, onViewChangeTimeout, watch } from './request-timer.ts';
import { answerDeferred, onFetchState } from './state-serving.ts';
import { considerTransfer, onSealed, onState, onTransferTimeout } from './state-transfer.ts';
import { onNewView, tryNewView } from './new-view.ts';
import { leaveView, onViewChange } from './view-change.ts';
import { resendViewChange } from './view-messages.ts';
import { replicaInside } from './replica-inside.ts';
import type { ReplicaInside } from './replica-inside.ts';
import { replicaStatus, slotStatuses } from './replica-status.ts';
import type { ReplicaStatus, SlotStatus, Wait } from './status.ts';
import { applicationTransaction } from './state-layout.ts';
import { writeGenesis } from './system-state.ts';
import { onStrayTimeout, watchStrays } from './stray.ts';
import { executeTentatively } from './tentative-execution.ts';
import { replicaWaits } from './waits.ts';

export type { ReplicaModules };

/** A state, and the signed CHECKPOINTs of q replicas for its root. */
export interface CertifiedState {
  readonly version: Version;
  readonly proof: readonly SignedCheckpoint[];
}

/** The log is gone: the replica comes back by a recovery (lost-votes.ts). */
export interface LostLog {
  /** Fresh: used for no recovery before. */
  readonly nonce: Digest;
}

export class Replica {
  readonly #core: Core;
  #started = false;

  /**
   * A replica at genesis, or, with the state and the records it stored, where it was. Requires: `modules.state` is the replica's alone. Throws
   * UnusableRecords when the records are damaged or foreign; a wrong configuration is a programmer error (validate it first).
   */
  constructor(config: ReplicaConfig, modules: ReplicaModules, records: readonly Record[], lost?: LostLog) {
    const problems = validateReplicaConfig(config);
    assert(problems.length === 0, `a valid configuration: ${problems.map((problem) => problem.path).join(', ')}`);
    const core = new Core(config, modules);
    this.#core = core;
    if (core.state.versions().length === 0 && core.state.assembling === undefined) {
      writeGenesis(core, (state) => {
        modules.application.initialize?.(applicationTransaction(state));
      });
      core.state.seal(GENESIS);
      core.state.store(GENESIS);
    }
    restore(core, records);
    if (lost !== undefined && records.length === 0) beginRecovery(core, lost.nonce);
  }

  /** Once, before the first step: greets the peers and asks what was missed. */
  start(now: Now): readonly StepOutput[] {
    assert(!this.#started, 'a replica is started once');
    this.#started = true;
    const core = this.#core;
    core.now = now;
    core.lastExecutionAt = now.monotonic;
    core.viewChangeSince = now.monotonic;
    for (const peer of core.peers) peer.lastHeard = now.monotonic;
    core.emit({ kind: 'started', view: core.view, lastExecuted: core.lastExecuted, lowWaterMark: core.log.low });
    if (!core.inViewChange) core.emit({ kind: 'view-entered', view: core.view, primary: core.primary });
    sendStatus(core, core.others);
    resendViewChange(core, core.others);
    startRecovery(core);
    // What it proposed here and forgot it must not propose otherwise.
    if (core.overlaps && core.isPrimary && !core.inViewChange && core.proposesIn === core.view)
      leaveView(core, 'restart');
    retryAll(core);
    onSealed(core);
    core.isDecisionDue = true;
    this.#settle();
    core.timers.set('status', now.monotonic + core.config.tuning.statusIntervalUs);
    return core.drain();
  }

  /** Takes one input and returns what comes of it, in order. Requires: `now` never runs backwards in its monotonic part. */
  step(now: Now, input: Input): readonly StepOutput[] {
    const core = this.#core;
    assert(this.#started, 'a replica is started before its first step');
    assert(now.monotonic >= core.now.monotonic, 'the monotonic clock never runs backwards');
    core.now = now;
    this.#take(input);
    // First what this input has decided, then the clock: a slot whose quorum is here is not held against the primary.
    executeReady(core);
    this.#leaveToppled();
    this.#fireTimers();
    this.#leaveToppled();
    this.#settle();
    return core.drain();
  }

  /** Step no later than at this monotonic time (µs), whatever comes. */
  nextTimeout(): number | undefined {
    return this.#core.timers.next();
  }

  status(): ReplicaStatus {
    return replicaStatus(this.#core);
  }

  /** What it holds besides: timers, P and Q, votes for checkpoints. */
  inside(): ReplicaInside {
    return replicaInside(this.#core);
  }

  /** The log from `from` to `to`, both included, as far as it is between h and the highest known number. */
  slots(from: Sequence, to: Sequence): readonly SlotStatus[] {
    return slotStatuses(this.#core, from, to);
  }

  /** Does the request wait here to be proposed or executed? */
  isQueued(requestDigest: Digest): boolean {
    return this.#core.queue.holds(requestDigest);
  }

  /** What this replica waits for besides its slots and a view change; empty while nothing holds it up. */
  waits(): readonly Wait[] {
    return replicaWaits(this.#core);
  }

  /** The last slots that went with a stable checkpoint, as they were then: at most one window of them, ascending. A restart forgets them. */
  finishedSlots(): readonly SlotStatus[] {
    return this.#core.finishedSlots;
  }

  /** The shortest list of records from which a restart gives this replica. */
  records(): readonly Record[] {
    return storedRecords(this.#core);
  }

  /** The state of the last stable checkpoint, if it is held and proven. */
  certifiedState(): CertifiedState | undefined {
    const { stable, state } = this.#core;
    const version = state.versions().find(({ sequence, root }) => sequence === stable.sequence && root === stable.root);
    return version === undefined || stable.proof.length === 0 ? undefined : { version, proof: stable.proof };
  }

  /** The executed state, the protocol's own tables included; see applicationReader. */
  get reader(): Reader {
    return this.#core.state;
  }

  #take(input: Input): void {
    const core = this.#core;
    switch (input.kind) {
      case 'message':
        assert(input.author !== core.self, 'no replica hears itself');
        core.peer(input.author).lastHeard = core.now.monotonic;
        this.#onMessage(input);
        return;
      case 'requests':
        onRequests(core, input.from, input.requests);
        return;
      case 'connected':
        sendStatus(core, [input.peer]);
        return;
      case 'refused':
        suspect(core, {
          node: input.link,
          kind: 'bad-link',
          certainty: 'uncertain',
          summary: `${input.refusal.code}: ${input.refusal.reason}`,
        });
        core.emit({ kind: 'refused', type: 'frame', from: input.link, code: input.refusal.code });
        return;
      case 'wrong-reply':
        suspect(core, {
          node: input.replica,
          kind: 'wrong-reply',
          certainty: 'certain',
          view: input.view,
          sequence: input.sequence,
          summary: input.summary,
          frames: input.frames,
        });
        return;
      case 'sealed':
        onSealed(core);
        return;
      case 'damaged':
        noteDamage(core, input.reason);
        return;
      case 'timeout':
    }
  }

  #onMessage(input: Extract<Input, { kind: 'message' }>): void {
    const core = this.#core;
    const { message, signature, author } = input;
    switch (message.type) {
      case 'pre-prepare':
        onPrePrepare(core, { message, author, signature, verified: input.requests });
        return;
      case 'prepare':
        onPrepare(core, message, signature);
        return;
      case 'commit':
        onCommit(core, message, signature);
        return;
      case 'checkpoint':
        assert(signature !== undefined, 'a CHECKPOINT is signed');
        onCheckpoint(core, message, signature);
        return;
      case 'status':
        onStatus(core, message);
        return;
      case 'fetch':
        onFetch(core, message);
        return;
      case 'fetch-state':
        onFetchState(core, message);
        return;
      case 'state':
        onState(core, message);
        return;
      case 'batch':
        onBatchBody(core, message);
        return;
      case 'decided':
        onDecided(core, message);
        return;
      case 'view-change':
        assert(signature !== undefined, 'a VIEW-CHANGE is signed');
        onViewChange(core, message, signature);
        return;
      case 'new-view':
        assert(signature !== undefined, 'a NEW-VIEW is signed');
        onNewView(core, message, signature);
        return;
      case 'query-stable':
        onQueryStable(core, message);
        return;
      case 'reply-stable':
        onReplyStable(core, message);
        return;
      case 'complaint': {
        const slot = onComplaint(core, message);
        if (slot !== undefined) tryAccept(core, slot);
      }
    }
  }

  #fireTimers(): void {
    const core = this.#core;
    const { monotonic } = core.now;
    const { tuning } = core.config;
    if (core.timers.fires('status', monotonic)) {
      sendStatus(core, core.others);
      fetchMissingBodies(core);
      considerTransfer(core);
      checkResponsiveness(core);
      expireSuspicions(core);
      watchStrays(core);
      core.timers.set(
        'status',
        monotonic + (hasOpenWork(core) ? tuning.statusIntervalUs : tuning.idleStatusIntervalUs),
      );
    }
    if (core.timers.fires('transfer', monotonic)) onTransferTimeout(core);
    if (core.timers.fires('serve', monotonic)) answerDeferred(core);
    if (core.timers.fires('request', monotonic)) onRequestTimeout(core);
    if (core.timers.fires('view-change', monotonic)) onViewChangeTimeout(core);
    if (core.timers.fires('pending', monotonic)) tryAcceptAll(core);
    if (core.timers.fires('recovery', monotonic)) onRecoveryTimer(core);
    if (core.timers.fires('complaint', monotonic)) repeatComplaints(core);
    if (core.timers.fires('commit', monotonic)) releaseCommits(core);
    if (core.timers.fires('stray', monotonic)) onStrayTimeout(core);
    if (core.timers.fires('idle-checkpoint', monotonic)) proposeIdleCheckpoint(core);
    // What it is set for happens when the step settles.
    core.timers.fires('propose', monotonic);
  }

  /** A handler or a timer has seen that this view leads nowhere. */
  #leaveToppled(): void {
    const { toppled } = this.#core;
    if (toppled !== undefined) leaveView(this.#core, toppled);
  }

  /** Runs what has become possible until nothing more is: execution, proposals, timers. */
  #settle(): void {
    const core = this.#core;
    considerGrants(core);
    pursueRecovery(core);
    if (core.isDecisionDue) tryNewView(core);
    let before: number;
    do {
      before = core.lastExecuted + core.nextSequence;
      executeReady(core);
      answerParkedReads(core);
      executeTentatively(core);
      propose(core);
    } while (core.lastExecuted + core.nextSequence !== before);
    settleCommits(core);
    answerParkedReads(core);
    watch(core);
    this.#watchIdleness();
    if (hasOpenWork(core))
      core.timers.setNoLaterThan('status', core.now.monotonic + core.config.tuning.statusIntervalUs);
  }

  #watchIdleness(): void {
    const core = this.#core;
    if (!core.isPrimary || !core.mayVote || !needsIdleCheckpoint(core)) {
      core.timers.clear('idle-checkpoint');
    } else if (!core.timers.isSet('idle-checkpoint')) {
      core.timers.set(
        'idle-checkpoint',
        Math.max(core.lastExecutionAt + core.config.tuning.idleCheckpointUs, core.now.monotonic + 1),
      );
    }
  }
}
