/**
 * Executing decided batches in order of their numbers, each once [OSDI'99 §4.2]. Keeps invariants 1 (in order, one batch a number),
 * 3 (each request at most once: the client table judges) and 8 (everything is a function of state and batch).
 */
import { EMPTY } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { NULL_DIGEST, asSequence } from '../base/ids.ts';
import type { Digest, Sequence } from '../base/ids.ts';
import type { OpenTransaction } from '../base/key-value.ts';
import { BATCH_CHECKPOINT, NO_DIGESTS, REQUEST_COMPOUND, operationCount } from '../messages/index.ts';
import type { AuthenticatedRequest, Batch, Request } from '../messages/index.ts';
import type { IdempotencyKey } from './idempotency.ts';
import { isCheckpointDue, takeCheckpoint } from './checkpoints.ts';
import type { StoredReply } from './client-table.ts';
import { runCompound } from './compound.ts';
import type { Core } from './core.ts';
import { whileReadable } from './damage.ts';
import type { Outcome } from './event.ts';
import { ExecutedBatch, Outcomes } from './executed-batch.ts';
import { executeRecover } from './recover-request.ts';
import { replicaOfClient } from './replica-client.ts';
import { RepliesOfBatch, isAskedHere, reply, replyFromTable } from './replying.ts';
import { restartAfterExecution } from './request-timer.ts';
import { runInBatch, tooLarge } from './run-operation.ts';
import type { Slot } from './slot.ts';
import { agreedTimeAfter, takeTentative } from './tentative.ts';
import type { Tentative } from './tentative.ts';

/** Executes every decided batch that is next in order and whose body is held, unless earlier contents of the state have to be written first. */
export function executeReady(core: Core): void {
  while (core.mayExecute && !core.state.isFull) {
    const slot = core.log.find(nextSequence(core));
    if (slot?.decided === undefined || !slot.holdsBody(slot.decided)) return;
    const { decided } = slot;
    whileReadable(core, () => executeSlot(core, slot, decided));
  }
}

function nextSequence(core: Core): Slot['sequence'] {
  return (core.lastExecuted + 1) as Slot['sequence'];
}

/** Requires: `digest` is decided for this slot, its body is held, and the slot before it is executed. */
export function executeSlot(core: Core, slot: Slot, digest: Digest): void {
  const batch = digest === NULL_DIGEST ? undefined : slot.bodyOf(digest);
  const tentative = takeTentative(core, slot, digest);
  const outcomes = new Outcomes();
  let operations = 0;
  const oldest = core.queue.oldestTimed();
  let latestArrival = 0;
  core.answeredUpTo = asSequence(Math.max(core.answeredUpTo, slot.sequence));
  // What was prepared here is on disk as that; else a restart would not know that this number may have been answered for.
  const isBinding = core.config.cluster.readOnlyRequests && slot.prepared === undefined;
  const before = core.outputCount;
  if (isBinding) persistExecuted(core, slot, { digest, batch, isBinding });
  if (batch !== undefined) {
    core.agreedTime = agreedTimeAfter(core, batch);
    const transaction = core.state.begin();
    const place = placeOf(core, slot, batch, { digest, transaction, tentative });
    const { isPrimary } = core;
    const now = core.now.monotonic;
    try {
      for (const entry of batch.requests) {
        const { client, session, timestamp } = entry.request;
        place.isAsked = (batch !== slot.verified || isAskedHere(core, entry)) && !isTold(core, entry, place);
        outcomes.add(executeRequest(core, entry, place));
        place.request += 1;
        place.index += operationCount(entry.request);
        const waiting = core.queue.settle(client, session, timestamp);
        if (core.performance.isWaiting) core.performance.forget(entry.digest);
        if (isPrimary) core.crowd.note(client, session, now);
        if (waiting !== undefined && waiting.arrival > latestArrival) latestArrival = waiting.arrival;
      }
    } catch (error) {
      // A state that cannot be read: the tables in memory are ahead of it now, and are loaded again with the repaired one. Nobody is told of half a batch.
      transaction.rollback();
      core.takeBack(before);
      throw error;
    }
    transaction.commit();
    ({ operations } = place);
  }
  noteSilence(core, slot);
  slot.decided = digest;
  slot.executed = digest;
  core.lastExecuted = slot.sequence;
  core.lastExecutionAt = core.now.monotonic;
  const digests = slot.requestsOf(digest) ?? NO_DIGESTS;
  const { view, agreedTime: timestamp } = core;
  core.emit(
    new ExecutedBatch({ view, sequence: slot.sequence, digest, timestamp, operations, digests }, batch, outcomes),
  );
  if (!isBinding) persistExecuted(core, slot, { digest, batch, isBinding });
  slot.verified = undefined;
  slot.compact(digest, core.codec);
  const overtaken = oldest !== undefined && core.queue.hasTimer(oldest) && latestArrival > oldest.arrival;
  restartAfterExecution(core, overtaken);
  if (isCheckpointDue(core, slot.sequence, isFlagged(batch))) takeCheckpoint(core, slot.sequence);
}

function persistExecuted(
  core: Core,
  slot: Slot,
  {
    digest,
    batch,
    isBinding,
  }: { readonly digest: Digest; readonly batch: Batch | undefined; readonly isBinding: boolean },
): void {
  const stored = slot.prePrepared.has(digest) ? undefined : batch;
  const { view } = core;
  core.persist({ kind: 'executed', view, sequence: slot.sequence, digest, batch: stored, isBinding });
}

/** Peers without a COMMIT for what is executed now: silent from here on, until they vote again. */
function noteSilence(core: Core, slot: Slot): void {
  for (const replica of core.others) {
    if (slot.commits.of(replica) === undefined) core.peer(replica).silentSince ??= core.now.monotonic;
  }
}

function isFlagged(batch: Batch | undefined): boolean {
  return batch !== undefined && (batch.flags & BATCH_CHECKPOINT) !== 0;
}

/**
 * Where a request is executed. One object for a whole batch, since each made for every request is one that the collector has to take away: its fields
 * that are not readonly are those of the request at hand.
 */
interface Place {
  readonly transaction: OpenTransaction;
  readonly sequence: Sequence;
  readonly digest: Digest;
  /** Once the batch is executed. */
  readonly agreedTime: number;
  /** What was known of the batch before it was committed. */
  readonly tentative: Tentative | undefined;
  /** Where the replies to it go. */
  readonly replies: RepliesOfBatch;
  /** What came of the request; nobody keeps it. */
  readonly stored: { outcome: StoredReply['outcome']; sequence: Sequence; digest: Digest; result: Bytes };
  /** Place of the request in the batch, from 0; and of its first operation among all of the batch. */
  request: number;
  index: number;
  /** How many operations ran, of all requests so far. */
  operations: number;
  /** Is this replica to reply? */
  isAsked: boolean;
}

function placeOf(
  core: Core,
  { sequence }: Slot,
  batch: Batch,
  of: Pick<Place, 'digest' | 'transaction' | 'tentative'>,
): Place {
  const { digest, transaction, tentative } = of;
  return {
    transaction,
    sequence,
    digest,
    agreedTime: core.agreedTime,
    tentative,
    replies: new RepliesOfBatch(batch, { sequence, digest }),
    stored: { outcome: 'executed', sequence, digest, result: EMPTY },
    request: 0,
    index: 0,
    operations: 0,
    isAsked: true,
  };
}

/** Its client has the tentative reply of this replica, and has not asked again since. */
function isTold({ queue }: Core, request: AuthenticatedRequest, { tentative, request: at }: Place): boolean {
  return tentative?.results[at]?.isTold === true && queue.find(request)?.isTold !== false;
}

/** One request of a decided batch: run, answered again, or refused, as the client table says, the same on every replica. Those who are asked reply. */
function executeRequest(core: Core, entry: AuthenticatedRequest, place: Place): Outcome {
  const { request, digest: requestDigest } = entry;
  const { isAsked } = place;
  if (replicaOfClient(request.client) !== undefined) return recovers(core, place, request);
  const judgement = core.clientTable.judge(request, requestDigest, place.agreedTime);
  switch (judgement.kind) {
    case 'ignore':
      return 'ignored';
    case 'repeat':
      if (isAsked) replyFromTable(core, request, requestDigest, judgement.reply);
      return 'repeated';
    case 'error': {
      const { sequence, digest } = place;
      const { result } = judgement;
      if (isAsked) reply(core, request, requestDigest, { outcome: 'table-error', sequence, digest, result });
      return 'table-error';
    }
    case 'execute': {
      const stored = runOrReplay(core, request, place);
      const { evicted } = core.clientTable.record(request, requestDigest, place, stored);
      for (const { client, session } of evicted) core.emit({ kind: 'session-evicted', client, session });
      if (isAsked) place.replies.add(core, entry, place.request, stored);
      return stored.outcome;
    }
  }
}

function recovers(core: Core, place: Place, request: Request): Outcome {
  if (!executeRecover(core, place.transaction, request, place.sequence)) return 'ignored';
  place.operations += 1;
  return 'executed';
}

/** A listed client speaks for the scope it names (a gateway for a credential); an open client only for itself. */
function idempotencyKey(core: Core, { client, idempotency }: Request): IdempotencyKey | undefined {
  if (idempotency === undefined || core.listedClients.has(client)) return idempotency;
  return { scope: client, key: idempotency.key };
}

/** An idempotency key's first outcome again, or the application's. Only until the next request: see {@link Place}. */
function runOrReplay(core: Core, request: Request, place: Place): StoredReply {
  const key = idempotencyKey(core, request);
  if (key === undefined) return executed(place, run(core, request, place));
  const bodyDigest = core.authenticator.sha256(request.operation);
  const found = core.idempotency.find(key, bodyDigest);
  if (found.kind === 'replay') return found.reply;
  if (found.kind === 'conflict') return { ...executed(place, found.result), outcome: 'table-error' };
  const stored = executed(place, run(core, request, place));
  core.idempotency.record(key, bodyDigest, stored, place.index);
  return stored;
}

function executed({ stored }: Place, result: Bytes): StoredReply {
  stored.result = result;
  return stored;
}

/** The application's result, its changes made; or what is known of both from before. */
function run(core: Core, request: Request, place: Place): Bytes {
  const { transaction, sequence, tentative, stored } = place;
  const known = tentative?.results[place.request];
  if (known !== undefined) {
    place.operations += 1;
    for (const { key, value } of known.changes) {
      if (value === undefined) transaction.delete(key);
      else transaction.put(key, value);
      core.lastChanges.note(key, sequence);
    }
    return known.result;
  }
  if ((request.flags & REQUEST_COMPOUND) !== 0) {
    const { result, ran } = runCompound(core, request, transaction, place);
    place.operations += ran;
    return result;
  }
  place.operations += 1;
  const { storedReplyBytes: limit } = core.config.cluster;
  return runInBatch(core, request, transaction, place, { limit, previous: stored.result }) ?? tooLarge(core);
}
