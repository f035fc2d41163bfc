/**
 * From the records on disk back to the core [PROTOCOL: durability]. Keeps invariant 5: whatever this replica told others, it still knows
 * after a restart. Replaying runs the same execution code; what it would say is thrown away.
 */
import { asSequence } from '../base/ids.ts';
import type { Entry, Snapshot } from '../base/key-value.ts';
import { ClientTable } from './client-table.ts';
import type { Core } from './core.ts';
import { executeSlot } from './execution.ts';
import { IdempotencyTable } from './idempotency.ts';

import { batchBytes } from './memory.ts';
import type { SignedNewView, SignedViewChange } from '../messages/index.ts';
import type { Record, StoredState } from './record.ts';
import { makeRecovery, restoreRecovery } from './recovery-progress.ts';
import { RecoveryTable } from './recovery-table.ts';
import { hasConfiguration, readProgress } from './system-state.ts';

/** The records do not fit this replica or each other: a damaged or foreign disk. Nothing was changed on disk; the message says what to do. */
export class UnusableRecords extends Error {
  override readonly name = 'UnusableRecords';
}

/** Brings a fresh core to where the records say it was. Requires: the state is at genesis. Throws {@link UnusableRecords}. */
export function restore(core: Core, records: readonly Record[]): void {
  core.replaying = true;
  restoreCheckpoints(core, records);
  for (const record of records) {
    if (record.kind !== 'checkpoint' && record.kind !== 'stable') restoreRecord(core, record);
  }
  restoreRecovery(core);
  const { newView } = core;
  const chosen = newView?.newView.slots.at(-1)?.sequence ?? core.floor;
  core.nextSequence = asSequence(Math.max(core.highestAccepted, core.lastExecuted, chosen, core.log.low) + 1);
  // What replaying took or completed anew (a crash came between the execution and its checkpoint's sync) is written down before it is spoken of.
  const anew = core.drain().filter((output) => output.kind === 'persist' && isOfCheckpoints(output.record));
  for (const output of anew) core.output(output);
  core.timers.clearAll();
  for (const peer of core.peers) peer.silentSince = undefined;
  core.replaying = false;
}

function isOfCheckpoints(record: Record): boolean {
  return record.kind === 'checkpoint' || record.kind === 'stable';
}

/** The highest stable checkpoint and own checkpoints from there up; the state is that of the highest. */
function restoreCheckpoints(core: Core, records: readonly Record[]): void {
  let isStateExpected = false;
  for (const record of records) {
    if (record.kind === 'stable' && record.sequence > core.stable.sequence) {
      core.stable = { sequence: record.sequence, root: record.root, proof: record.proof };
      isStateExpected = record.hasState;
    } else if (record.kind === 'stable' && record.sequence === core.stable.sequence) {
      isStateExpected ||= record.hasState;
    }
  }
  const taken = records.filter((record) => record.kind === 'checkpoint');
  const highest = Math.max(0, ...taken.map((record) => record.checkpoint.checkpoint.sequence));
  // Where the state for h was still to come, the one before it is where this replica starts.
  const least = Math.min(core.stable.sequence, highest);
  const checkpoints = taken
    .filter((record) => record.checkpoint.checkpoint.sequence >= least)
    .toSorted((left, right) => left.checkpoint.checkpoint.sequence - right.checkpoint.checkpoint.sequence);
  for (const { checkpoint, state } of checkpoints) {
    const { sequence, root } = checkpoint.checkpoint;
    const snapshot = loadState(core, state, `the state of checkpoint ${sequence}`);
    if (snapshot.root !== root)
      throw new UnusableRecords(
        `the state of checkpoint ${sequence} does not have the root that was announced: the log is damaged`,
      );
    core.ownCheckpoints.set(sequence, { signed: checkpoint, snapshot });
    if (sequence === core.stable.sequence && root !== core.stable.root) core.diverged = true;
    if (sequence > core.stable.sequence) {
      core.checkpointVotes.set(sequence, new Map([[core.self, checkpoint]]));
    }
  }
  if (isStateExpected && !core.ownCheckpoints.has(core.stable.sequence)) {
    throw new UnusableRecords(`the log holds the proof of checkpoint ${core.stable.sequence} but not its state`);
  }
  core.log.collect(core.stable.sequence);
  takeOverState(core);
}

/** Puts a stored state in place and returns it as a snapshot. */
function loadState(core: Core, state: StoredState, what: string): Snapshot {
  if (state.kind === 'entries') core.state.restore(state.entries);
  else restoreSnapshot(core, state.snapshot);
  if (!hasConfiguration(core.state, core.config.cluster)) {
    throw new UnusableRecords(
      `${what} was made under another configuration (members, quorum rule, authentication, checkpoint interval, limits): start with the configuration it was made with`,
    );
  }
  return core.state.snapshot();
}

/** Makes the state what `snapshot` holds. */
export function restoreSnapshot(core: Core, snapshot: Snapshot): void {
  core.state.restore(snapshotEntries(snapshot));
}

const PAGE = 4096;

function* snapshotEntries(snapshot: Snapshot): Generator<Entry> {
  let from: Uint8Array = Uint8Array.of(0);
  for (;;) {
    const page = snapshot.range(from, undefined, PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    const next = new Uint8Array(last.key.length + 1);
    next.set(last.key);
    from = next;
  }
}

/** Progress and tables as the state has them. */
export function takeOverState(core: Core): void {
  const progress = readProgress(core.state);
  if (progress === undefined)
    throw new UnusableRecords('the stored state lacks its sequence number: the log is damaged');
  core.lastExecuted = progress.lastExecuted;
  core.agreedTime = progress.agreedTime;
  core.clientTable = ClientTable.load(core.state, core.config.cluster);
  core.idempotency = IdempotencyTable.load(core.state, core.config.cluster);
  core.recoveries = RecoveryTable.load(core.state);
  if (core.highestAccepted < core.lastExecuted) core.highestAccepted = core.lastExecuted;
}

function restoreRecord(core: Core, record: Exclude<Record, { kind: 'checkpoint' | 'stable' }>): void {
  if (record.kind === 'suspicion') {
    core.suspicions.set(`${record.suspicion.node}/${record.suspicion.kind}/certain`, record.suspicion);
    return;
  }
  if (record.kind === 'recovery') {
    core.recovery = makeRecovery(record);
    return;
  }
  if (record.kind === 'view-change') return restoreViewChange(core, record.viewChange);
  if (record.kind === 'new-view') return restoreNewView(core, record.newView);
  const { sequence, view, digest } = record;
  if (sequence <= core.log.low) return;
  if (core.log.place(sequence) === 'far-above') {
    throw new UnusableRecords(
      `a record of sequence ${sequence} lies beyond the window of the stable checkpoint ${core.log.low}: records before it are missing, the log is damaged`,
    );
  }
  const slot = core.log.at(sequence);
  switch (record.kind) {
    case 'accepted': {
      if (record.batch === undefined && !slot.holdsBody(digest))
        throw new UnusableRecords(`the batch voted for at sequence ${sequence} is missing: the log is damaged`);
      if (record.batch !== undefined && !slot.bodies.has(digest)) {
        slot.bodies.set(digest, record.batch);
        core.heldBytes += batchBytes(record.batch);
      }
      slot.prePrepared.set(digest, view);
      slot.accepted = { view, digest, signature: record.signature };
      if (core.primaryOf(view) !== core.self) slot.prepares.add(core.self, { view, digest, signature: undefined });
      if (sequence > core.highestAccepted) core.highestAccepted = sequence;
      return;
    }
    case 'prepared':
      slot.prepared = { view, digest };
      slot.commits.add(core.self, { view, digest, signature: undefined });
      return;
    case 'executed': {
      if (record.batch !== undefined && !slot.bodies.has(digest)) {
        slot.bodies.set(digest, record.batch);
        core.heldBytes += batchBytes(record.batch);
      }
      slot.decided = digest;
      if (sequence <= core.lastExecuted) slot.executed = digest;
      else if (sequence === core.lastExecuted + 1 && slot.holdsBody(digest)) executeSlot(core, slot, digest);
    }
  }
}

/** From here on in a higher view, and not yet in it. */
function restoreViewChange(core: Core, signed: SignedViewChange): void {
  const { view } = signed.viewChange;
  if (view < core.view) return;
  core.viewChanges.set(core.self, signed);
  if (view === core.view && !core.inViewChange) return;
  core.view = view;
  core.inViewChange = true;
  core.newView = undefined;
  core.chosen = new Map();
}

function restoreNewView(core: Core, signed: SignedNewView): void {
  const { view, start, slots } = signed.newView;
  if (view < core.view) return;
  core.view = view;
  core.inViewChange = false;
  core.newView = signed;
  core.lastNewView = signed;
  core.floor = start.sequence;
  core.chosen = new Map(slots.map(({ sequence, digest }) => [sequence, digest]));
}
