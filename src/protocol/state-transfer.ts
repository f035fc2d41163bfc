/**
 * Behind the window, or diverged: the whole state of a certified checkpoint, in its plain form [OSDI'99 §4.3, TOCS §5.3]. Keeps invariants 5 and
 * 8: a state is put in place only if its root is one that q replicas signed, or f+1 vouch for, and it is durable before the own CHECKPOINT for it leaves.
 * One source at a time, so that a wrong state can be blamed on the one who sent it.
 */
import { EMPTY, compareBytes, concatBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { asSequence, replicaName } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import type { Entry, Snapshot } from '../base/key-value.ts';
import { LIMITS, stateEntrySize } from '../messages/index.ts';
import type { FetchState, SignedCheckpoint, State } from '../messages/index.ts';
import { certifiedCheckpoint, installCheckpoint, weaklyCertifiedCheckpoint } from './checkpoints.ts';
import { hasAllowance, nextAllowance, spend } from './allowance.ts';
import type { Core } from './core.ts';
import { suspect } from './detection.ts';
import { lastTimestampOf } from './recover-request.ts';
import { restoreSnapshot, takeOverState } from './recovery.ts';

/** What is fetched, from whom, and how far it has come. */
export interface Transfer {
  readonly sequence: Sequence;
  readonly root: Digest;
  /** q CHECKPOINTs, or none where f+1 replicas vouch for the state: then h does not move. */
  readonly proof: readonly SignedCheckpoint[];
  /** Who is asked, one after the other. */
  readonly sources: readonly ReplicaId[];
  readonly source: ReplicaId;
  readonly entries: Entry[];
  sizeBytes: number;
  /** Monotonic µs: by then it must be complete, or the next source is asked. */
  readonly deadline: number;
  /** How long to wait for one answer, µs, and how often the present question was asked in vain. */
  readonly patienceUs: number;
  unanswered: number;
}

const CHUNK_BYTES = 512 * 1024;
/** Beyond it the next source is asked: it is a liar's, or needs the database of a later version. */
const MAX_STATE_BYTES = 1024 * 1024 * 1024;
/**
 * For one answer, and for all answers of one source. Both double whenever all sources have been asked, so that a liar who trickles costs little,
 * and a large state over a slow link comes all the same.
 */
const FIRST_PATIENCE_US = 250_000;
const FIRST_DEADLINE_US = 10_000_000;
const MAX_DOUBLINGS = 10;
/** A question is put so often before the next source is asked: one lost frame must not cost all that has come so far. */
const ASKED_AT_MOST = 4;

/**
 * On every STATUS tick: a checkpoint above what was executed here is certified, and nothing was executed since the last tick. Its signers have
 * dropped the batches up to it, so asking for them is of no use.
 */
export function considerTransfer(core: Core): void {
  if (core.transfer !== undefined) return;
  const target = transferTarget(core);
  if (target === undefined) {
    core.stuckAt = undefined;
    core.transferAttempts = 0;
  } else if (core.stuckAt === core.lastExecuted || core.lastExecuted < core.log.low) {
    startTransfer(core, undefined);
  } else {
    core.stuckAt = core.lastExecuted;
  }
}

/** What lacks may come after all while a state is under way: then the own state is further, and stays. */
function isNeeded(core: Core, sequence: Sequence): boolean {
  return sequence >= core.log.low && (core.diverged || sequence > core.lastExecuted);
}

type Target = Pick<Transfer, 'sequence' | 'root' | 'proof' | 'sources'>;

/**
 * What is worth fetching: the highest checkpoint that q signed, the own h among them; else the start of this view, listed by f+1 in its NEW-VIEW;
 * else one that f+1 signed. Of f+1 one is correct: its state is the right one, though not proven to be stable.
 */
function transferTarget(core: Core): Target | undefined {
  const certified = certifiedCheckpoint(core) ?? (core.stable.proof.length > 0 ? core.stable : undefined);
  if (certified !== undefined && isNeeded(core, certified.sequence)) {
    const { sequence, root, proof } = certified;
    return {
      sequence,
      root,
      proof,
      sources: othersOf(
        core,
        proof.map(({ checkpoint }) => checkpoint.replica),
      ),
    };
  }
  const start = startOfView(core);
  if (start !== undefined && isNeeded(core, start.sequence)) return start;
  const weak = weaklyCertifiedCheckpoint(core, core.lastExecuted);
  if (weak === undefined || !isNeeded(core, weak.sequence)) return undefined;
  return { sequence: weak.sequence, root: weak.root, proof: [], sources: othersOf(core, weak.signers) };
}

function startOfView(core: Core): Target | undefined {
  if (core.newView === undefined) return undefined;
  const { start, viewChanges } = core.newView.newView;
  const lists = viewChanges.filter(
    ({ viewChange: { lowWaterMark, checkpoints } }) =>
      lowWaterMark === start.sequence ||
      checkpoints.some(({ sequence, root }) => sequence === start.sequence && root === start.root),
  );
  const sources = othersOf(
    core,
    lists.map(({ viewChange }) => viewChange.replica),
  );
  return { ...start, proof: [], sources };
}

function othersOf(core: Core, replicas: readonly ReplicaId[]): readonly ReplicaId[] {
  return replicas.filter((replica) => replica !== core.self).toSorted((left, right) => left - right);
}

function stopTransfer(core: Core): void {
  core.transfer = undefined;
  core.timers.clear('transfer');
}

/** Asks the next signer of the highest certified checkpoint, after the one that failed. */
function startTransfer(core: Core, failed: ReplicaId | undefined): void {
  stopTransfer(core);
  const target = transferTarget(core);
  if (target === undefined) return;
  const { sequence, root, sources } = target;
  // When none of them has it (any more), the next STATUS tick tries again, by then perhaps for a higher one.
  const source = sources.find((replica) => failed === undefined || replica > failed);
  if (source === undefined) return;
  const scale = 2 ** Math.min(Math.floor(core.transferAttempts / sources.length), MAX_DOUBLINGS);
  const deadline = core.now.monotonic + FIRST_DEADLINE_US * scale;
  const patienceUs = FIRST_PATIENCE_US * scale;
  core.transfer = { ...target, source, entries: [], sizeBytes: 0, deadline, patienceUs, unanswered: 0 };
  core.emit({ kind: 'transfer-started', sequence, root, from: source });
  ask(core, core.transfer);
}

function ask(core: Core, { sequence, root, source, entries, patienceUs }: Transfer): void {
  const after = entries.at(-1)?.key ?? EMPTY;
  core.timers.set('transfer', core.now.monotonic + patienceUs);
  core.send([source], { type: 'fetch-state', replica: core.self, sequence, root, after });
}

/** The source did not answer in time: it is asked the same again, in the end the next one. */
export function onTransferTimeout(core: Core): void {
  const { transfer } = core;
  if (transfer === undefined) return;
  transfer.unanswered += 1;
  const isPatient = transfer.unanswered < ASKED_AT_MOST && core.now.monotonic <= transfer.deadline;
  if (isPatient && isNeeded(core, transfer.sequence)) ask(core, transfer);
  else giveUp(core, transfer.source);
}

/**
 * A source took too long: the next one, and more patience once all of them have. Not after "no longer held": whoever runs behind checkpoints that
 * move on hears that often, and would end up waiting minutes for one lost answer.
 */
function giveUp(core: Core, source: ReplicaId): void {
  core.transferAttempts += 1;
  startTransfer(core, source);
}

/** FETCH-STATE: the next entries of a checkpoint that is still held, or that it is not; later, if the peer was sent much just now. */
export function onFetchState(core: Core, message: FetchState): void {
  const { replica, sequence, root, after } = message;
  if (!hasAllowance(core, replica)) {
    core.peer(replica).deferredFetchState = message;
    core.timers.setNoLaterThan('serve', nextAllowance(core, replica));
    return;
  }
  const own = core.ownCheckpoints.get(sequence);
  const held = own !== undefined && own.snapshot.root === root;
  const entries = held ? entriesAfter(own.snapshot, after) : [];
  const isLast = held && entries.length === 0;
  spend(
    core,
    replica,
    entries.reduce((sum, entry) => sum + stateEntrySize(entry), 0),
  );
  core.send([replica], { type: 'state', replica: core.self, sequence, root, after, held, isLast, entries });
}

/** The 'serve' timer. */
export function answerDeferred(core: Core): void {
  for (const replica of core.others) {
    const peer = core.peer(replica);
    const message = peer.deferredFetchState;
    peer.deferredFetchState = undefined;
    if (message !== undefined) onFetchState(core, message);
  }
}

function entriesAfter(snapshot: Snapshot, after: Bytes): readonly Entry[] {
  const chunk: Entry[] = [];
  let size = 0;
  for (const entry of snapshot.range(concatBytes(after, Uint8Array.of(0)), undefined, LIMITS.stateEntries)) {
    size += stateEntrySize(entry);
    if (chunk.length > 0 && size > CHUNK_BYTES) break;
    chunk.push(entry);
  }
  return chunk;
}

/** STATE. Conditions: asked for, from the one asked, following on what came before; still needed; held there, in time, within the bound; keys ascend. */
export function onState(core: Core, message: State): void {
  const { transfer } = core;
  const { replica, sequence, root, after, entries } = message;
  const expected = transfer?.entries.at(-1)?.key ?? EMPTY;
  const isAsked =
    transfer?.source === replica &&
    transfer.sequence === sequence &&
    transfer.root === root &&
    compareBytes(after, expected) === 0;
  if (!isAsked) {
    core.refuse('state', replica, 'not-asked-for');
    return;
  }
  if (!isNeeded(core, sequence)) {
    stopTransfer(core);
    return;
  }
  if (!message.held) {
    startTransfer(core, replica);
    return;
  }
  if (core.now.monotonic > transfer.deadline || transfer.sizeBytes > MAX_STATE_BYTES) {
    giveUp(core, replica);
    return;
  }
  if (message.isLast) {
    install(core, transfer);
    return;
  }
  if (!takeEntries(transfer, entries, expected)) {
    blame(core, transfer, 'entries out of order, or none');
    return;
  }
  transfer.unanswered = 0;
  ask(core, transfer);
}

function takeEntries(transfer: Transfer, entries: readonly Entry[], after: Bytes): boolean {
  let last = after;
  for (const entry of entries) {
    if (compareBytes(entry.key, last) <= 0) return false;
    last = entry.key;
    transfer.sizeBytes += stateEntrySize(entry);
    transfer.entries.push(entry);
  }
  return entries.length > 0;
}

function blame(core: Core, { source, sequence }: Transfer, what: string): void {
  const summary = `${replicaName(source)} sent ${what} as the state of checkpoint ${sequence}`;
  suspect(core, { node: source, kind: 'wrong-state', certainty: 'certain', sequence, summary });
  startTransfer(core, source);
}

/** Everything has come: in place if its root is the certified one, else the old state stays and the source is blamed. */
function install(core: Core, transfer: Transfer): void {
  const { sequence, root, proof } = transfer;
  const before = core.state.snapshot();
  core.state.restore(transfer.entries);
  if (core.state.root() !== root) {
    restoreSnapshot(core, before);
    blame(core, transfer, 'entries with another root');
    return;
  }
  stopTransfer(core);
  core.stuckAt = undefined;
  core.transferAttempts = 0;
  takeOverState(core);
  core.diverged = false;
  for (const slot of core.log.from(sequence + 1)) slot.executed = undefined;
  core.queue.prune((client, session) => lastTimestampOf(core, client, session));
  core.nextSequence = asSequence(Math.max(core.nextSequence, sequence + 1));
  core.lastExecutionAt = core.now.monotonic;
  core.emit({ kind: 'transferred', sequence, root, from: transfer.source, sizeBytes: transfer.sizeBytes });
  installCheckpoint(core, sequence, { root, proof });
}
