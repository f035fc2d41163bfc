/**
 * From the records on disk back to the core [PROTOCOL: durability]. Keeps invariant 5: whatever this replica told others, it still knows
 * after a restart. Replaying runs the same execution code; what it would say is thrown away.
 */
import { GENESIS, asSequence } from '../base/ids.ts';
import type { Sequence } from '../base/ids.ts';
import type { Reader, Version } from '../base/key-value.ts';
import { signCheckpoint } from './checkpoints.ts';
import { ClientTable } from './client-table.ts';
import type { Core } from './core.ts';
import { whileReadable } from './damage.ts';
import { executeSlot } from './execution.ts';
import { IdempotencyTable } from './idempotency.ts';

import { batchBytes } from './memory.ts';
import type { SignedNewView, SignedViewChange } from '../messages/index.ts';
import type { StepOutput } from './output.ts';
import type { Record } from './record.ts';
import { makeRecovery, restoreRecovery } from './recovery-progress.ts';
import { RecoveryTable } from './recovery-table.ts';
import { hasConfiguration, readProgress } from './system-state.ts';

/** The records do not fit this replica or each other: a damaged or foreign disk. Nothing was changed on disk; the message says what to do. */
export class UnusableRecords extends Error {
  override readonly name = 'UnusableRecords';
}

/** Brings a fresh core to where its state and the records say it was. Requires: the state has a version, or is at genesis. Throws {@link UnusableRecords}. */
export function restore(core: Core, records: readonly Record[]): void {
  core.replaying = true;
  restoreCheckpoints(core, records);
  for (const record of records) {
    if (record.kind !== 'stable') restoreRecord(core, record);
  }
  restoreRecovery(core);
  const { newView } = core;
  const chosen = newView?.newView.slots.at(-1)?.sequence ?? core.floor;
  core.nextSequence = asSequence(Math.max(core.highestAccepted, core.lastExecuted, chosen, core.log.low) + 1);
  // What replaying sealed or made stable anew (a crash came before that was written down) is written down before it is spoken of.
  for (const output of core.drain().filter(isStillToDo)) core.output(output);
  core.timers.clearAll();
  for (const peer of core.peers) peer.silentSince = undefined;
  core.replaying = false;
}

function isStillToDo(output: StepOutput): boolean {
  switch (output.kind) {
    case 'store':
      return true;
    case 'persist':
      return output.record.kind === 'stable';
    case 'event':
      return output.event.kind === 'state-damaged';
    default:
      return false;
  }
}

/** The highest stable checkpoint; whether the records say that a state at or above it was durable. */
function restoreStable(core: Core, records: readonly Record[]): boolean {
  let isStateExpected = false;
  for (const record of records) {
    if (record.kind !== 'stable') continue;
    if (record.sequence > core.stable.sequence) {
      core.stable = { sequence: record.sequence, root: record.root, proof: record.proof };
      isStateExpected = record.hasState;
    } else if (record.sequence === core.stable.sequence) {
      isStateExpected ||= record.hasState;
    }
  }
  return isStateExpected;
}

/** Own checkpoints are the durable versions of the state, from h up; where the state for h was still to come, the one before it is where this replica starts. */
function restoreCheckpoints(core: Core, records: readonly Record[]): void {
  const isStateExpected = restoreStable(core, records);
  core.log.collect(core.stable.sequence);
  // Below h no record tells any more what was executed, and so answered, in an earlier life; and the durable state may end before it.
  core.answeredUpTo = core.stable.sequence;
  const versions = core.state.versions();
  const highest = versions.at(-1);
  if (highest === undefined) {
    if (records.length > 0 && core.stable.sequence > GENESIS && isStateExpected)
      throw new UnusableRecords(missingState(core, GENESIS));
    return;
  }
  if (isStateExpected && highest.sequence < core.stable.sequence)
    throw new UnusableRecords(missingState(core, highest.sequence));
  const least = Math.min(core.stable.sequence, highest.sequence);
  for (const version of versions) {
    const { sequence, root } = version;
    if (sequence < least || sequence === GENESIS) continue;
    const signed = signCheckpoint(core, version);
    core.ownCheckpoints.set(sequence, signed);
    if (sequence === core.stable.sequence && root !== core.stable.root) core.diverged = true;
    if (sequence > core.stable.sequence) core.checkpointVotes.set(sequence, new Map([[core.self, signed]]));
  }
  core.sealedUpTo = highest.sequence;
  whileReadable(core, () => takeOverVersion(core, highest));
}

function missingState(core: Core, held: Sequence): string {
  return `the log holds the proof of checkpoint ${core.stable.sequence}, whose state was durable, but the state database ends at ${held}: it is older than the log`;
}

/** Progress and tables as a durable version has them; without the tables while another content is being assembled, which brings its own. */
function takeOverVersion(core: Core, version: Version): void {
  if (!hasConfiguration(version, core.config.cluster)) {
    throw new UnusableRecords(
      'the state was made under another configuration (members, quorum rule, authentication, MACs, checkpoint interval, limits): start with the configuration it was made with',
    );
  }
  if (core.state.assembling === undefined) return takeOverState(core);
  takeOverProgress(core, version);
}

function takeOverProgress(core: Core, reader: Pick<Reader, 'get'>): void {
  const progress = readProgress(reader);
  if (progress === undefined) throw new UnusableRecords('the stored state lacks its sequence number: it is damaged');
  core.lastExecuted = progress.lastExecuted;
  core.tentative = undefined;
  core.agreedTime = progress.agreedTime;
  core.answeredUpTo = asSequence(Math.max(core.answeredUpTo, progress.lastExecuted));
  core.lastChanges.forget(progress.lastExecuted);
  if (core.highestAccepted < core.lastExecuted) core.highestAccepted = core.lastExecuted;
}

/** Progress and tables as the present state has them. */
export function takeOverState(core: Core): void {
  takeOverProgress(core, core.state);
  core.clientTable = ClientTable.load(core.state, core.config.cluster);
  core.idempotency = IdempotencyTable.load(core.state, core.config.cluster);
  core.recoveries = RecoveryTable.load(core.state);
}

function restoreRecord(core: Core, record: Exclude<Record, { kind: 'stable' }>): void {
  if (record.kind === 'suspicion') {
    core.suspicions.set(`${record.suspicion.node}/${record.suspicion.kind}/certain`, record.suspicion);
    return;
  }
  if (record.kind === 'recovery') {
    core.recovery = makeRecovery(record);
    return;
  }
  if (record.kind === 'proposes') {
    core.proposesIn = record.view;
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
      if (record.batch !== undefined && !slot.holdsBody(digest))
        core.heldBytes += slot.hold(digest, record.batch, batchBytes(record.batch));
      slot.prePrepared.set(digest, view);
      slot.accepted = { view, digest, signature: record.signature };
      if (core.overlaps || core.primaryOf(view) !== core.self)
        slot.prepares.add(core.self, { view, digest, signature: undefined });
      if (sequence > core.highestAccepted) core.highestAccepted = sequence;
      return;
    }
    case 'prepared':
      core.answeredUpTo = asSequence(Math.max(core.answeredUpTo, sequence));
      slot.prepared = { view, digest };
      slot.commits.add(core.self, { view, digest, signature: undefined });
      return;
    case 'executed': {
      if (record.batch !== undefined && !slot.holdsBody(digest))
        core.heldBytes += slot.hold(digest, record.batch, batchBytes(record.batch));
      core.answeredUpTo = asSequence(Math.max(core.answeredUpTo, sequence));
      slot.decided = digest;
      if (sequence === core.lastExecuted + 1 && slot.holdsBody(digest) && core.mayExecute)
        whileReadable(core, () => {
          executeSlot(core, slot, digest);
        });
      // What was executed in an earlier life binds, also where it cannot be executed in this one yet.
      if (sequence <= core.lastExecuted || !core.mayExecute) slot.executed = digest;
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
