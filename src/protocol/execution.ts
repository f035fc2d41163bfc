/**
 * Executing decided batches in order of their numbers, each once [OSDI'99 §4.2]. Keeps invariants 1 (in order, one batch a number),
 * 3 (each request at most once: the client table judges) and 8 (everything is a function of state and batch).
 */
import { InvariantViolation } from '../base/assert.ts';
import { EMPTY } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { NULL_DIGEST, asSequence } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { OpenTransaction } from '../base/key-value.ts';
import { BATCH_CHECKPOINT, NO_DIGESTS, REQUEST_RECEIPT, askedBy, isInSet, resultDigest } from '../messages/index.ts';
import type { AuthenticatedRequest, Batch, Reply, Request } from '../messages/index.ts';
import type { IdempotencyKey } from './idempotency.ts';
import { isCheckpointDue, takeCheckpoint } from './checkpoints.ts';
import type { StoredReply } from './client-table.ts';
import type { Core } from './core.ts';
import { whileReadable } from './damage.ts';
import type { ExecutedRequest } from './event.ts';
import { OperationTransaction } from './operation-transaction.ts';
import { executeRecover } from './recover-request.ts';
import { replicaOfClient } from './replica-client.ts';
import { restartAfterExecution } from './request-timer.ts';
import type { Slot } from './slot.ts';
import { agreedTimeAfter, takeTentative } from './tentative.ts';
import type { Tentative, TentativeResult } from './tentative.ts';

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
  const requests: ExecutedRequest[] = [];
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
    const place: Place = { transaction, sequence: slot.sequence, digest, tentative, index: 0, isAsked: true };
    try {
      for (const entry of batch.requests) {
        place.isAsked = (batch !== slot.verified || isAskedHere(core, entry)) && !isTold(core, entry, place);
        requests.push(executeRequest(core, entry, place));
        place.index += 1;
        const waiting = core.queue.settle(entry.request.client, entry.request.session, entry.request.timestamp);
        if (core.performance.isWaiting) core.performance.forget(entry.digest);
        if (core.isPrimary) core.crowd.note(entry.request.client, entry.request.session, core.now.monotonic);
        if (waiting !== undefined && waiting.arrival > latestArrival) latestArrival = waiting.arrival;
      }
    } catch (error) {
      // A state that cannot be read: the tables in memory are ahead of it now, and are loaded again with the repaired one. Nobody is told of half a batch.
      transaction.rollback();
      core.takeBack(before);
      throw error;
    }
    transaction.commit();
  }
  noteSilence(core, slot);
  slot.decided = digest;
  slot.executed = digest;
  core.lastExecuted = slot.sequence;
  core.lastExecutionAt = core.now.monotonic;
  core.emit({
    kind: 'executed',
    view: core.view,
    sequence: slot.sequence,
    digest,
    timestamp: core.agreedTime,
    requests,
    digests: slot.requestsOf(digest) ?? NO_DIGESTS,
  });
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

/** Where a request is executed: one for a whole batch, its last two fields those of the request at hand. */
interface Place {
  readonly transaction: OpenTransaction;
  readonly sequence: Sequence;
  readonly digest: Digest;
  /** What was known of the batch before it was committed. */
  readonly tentative: Tentative | undefined;
  index: number;
  /** Is this replica to reply? */
  isAsked: boolean;
}

/**
 * Its client wants a reply of this replica: it says so in the request as it stands in the batch, or as it waits here because the client has asked
 * again. Requires: the request was verified here; who may have altered the proof of another one must not silence anybody.
 */
export function isAskedHere({ self, queue }: Core, request: AuthenticatedRequest): boolean {
  if (isInSet(askedBy(request.proof), self)) return true;
  const waiting = queue.find(request);
  return waiting !== undefined && isInSet(waiting.asked, self);
}

/** Its client has the tentative reply of this replica, and has not asked again since. */
function isTold({ queue }: Core, request: AuthenticatedRequest, { tentative, index }: Place): boolean {
  return tentative?.results[index]?.isTold === true && queue.find(request)?.isTold !== false;
}

/** One request of a decided batch: run, answered again, or refused, as the client table says, the same on every replica. Those who are asked reply. */
function executeRequest(core: Core, entry: AuthenticatedRequest, place: Place): ExecutedRequest {
  const { request, digest: requestDigest } = entry;
  const { transaction, sequence, index, isAsked } = place;
  if (replicaOfClient(request.client) !== undefined)
    return told(entry, executeRecover(core, transaction, request, sequence) ? 'executed' : 'ignored');
  const judgement = core.clientTable.judge(request, requestDigest, core.agreedTime);
  switch (judgement.kind) {
    case 'ignore':
      return told(entry, 'ignored');
    case 'repeat':
      if (isAsked) replyFromTable(core, request, requestDigest, judgement.reply);
      return told(entry, 'repeated');
    case 'error': {
      const { digest } = place;
      const { result } = judgement;
      if (isAsked) reply(core, request, requestDigest, { outcome: 'table-error', sequence, digest, result });
      return told(entry, 'table-error');
    }
    case 'execute': {
      const stored = runOrReplay(core, request, place);
      const { evicted } = core.clientTable.record(
        request,
        requestDigest,
        { sequence, index, agreedTime: core.agreedTime },
        stored,
      );
      for (const { client, session } of evicted) core.emit({ kind: 'session-evicted', client, session });
      if (isAsked) reply(core, request, requestDigest, stored);
      return told(entry, stored.outcome);
    }
  }
}

function told({ request, digest }: AuthenticatedRequest, outcome: ExecutedRequest['outcome']): ExecutedRequest {
  const { client, session, timestamp } = request;
  return { client, session, timestamp, requestDigest: digest, outcome };
}

/** A listed client speaks for the scope it names (a gateway for a credential); an open client only for itself. */
function idempotencyKey(core: Core, { client, idempotency }: Request): IdempotencyKey | undefined {
  if (idempotency === undefined || core.listedClients.has(client)) return idempotency;
  return { scope: client, key: idempotency.key };
}

/** An idempotency key's first outcome again, or the application's. */
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

function executed({ sequence, digest }: Place, result: Bytes): StoredReply {
  return { outcome: 'executed', sequence, digest, result };
}

/** The application's result, its changes made; or what is known of both from before. */
function run(core: Core, request: Request, { transaction, sequence, index, tentative }: Place): Bytes {
  const known = tentative?.results[index];
  if (known !== undefined) {
    for (const { key, value } of known.changes) {
      if (value === undefined) transaction.delete(key);
      else transaction.put(key, value);
      core.lastChanges.note(key, sequence);
    }
    return known.result;
  }
  const place = { sequence, index, agreedTime: core.agreedTime };
  const { result, changed } = runOn(core, request, transaction, place, core.config.cluster.readOnlyRequests);
  for (const key of changed) core.lastChanges.note(key, sequence);
  return result;
}

interface OperationPlace {
  readonly sequence: Sequence;
  readonly index: number;
  /** Once its batch is executed. */
  readonly agreedTime: number;
}

/** What the application makes of a request on `transaction`, its changes beside the result. Throws StateDamaged. */
export function runTentatively(
  core: Core,
  request: Request,
  transaction: OpenTransaction,
  place: OperationPlace,
): Pick<TentativeResult, 'result' | 'changes'> {
  const { result, changed } = runOn(core, request, transaction, place, true);
  const changes = changed.map((key) => ({ key, value: copied(transaction.get(key)) }));
  return { result, changes };
}

function copied(value: Bytes | undefined): Bytes | undefined {
  return value === undefined ? undefined : new Uint8Array(value);
}

/** The application on a transaction of its own: what it throws undoes its changes and becomes a result that is the same everywhere. */
function runOn(
  core: Core,
  request: Request,
  transaction: OpenTransaction,
  { sequence, index, agreedTime }: OperationPlace,
  notesChanges: boolean,
): { readonly result: Bytes; readonly changed: readonly Bytes[] } {
  const { storedReplyBytes: limit } = core.config.cluster;
  const inner = transaction.begin();
  const state = new OperationTransaction(inner, notesChanges);
  const context = { sequence, index, timestamp: agreedTime, client: request.client };
  let result: unknown;
  try {
    result = core.application.execute(state, request.operation, context);
  } catch (error) {
    if (error instanceof InvariantViolation) throw error;
    inner.rollback();
    if (state.damage !== undefined) throw state.damage;
    return failed('application_error', 'the application threw; nothing was changed');
  }
  if (state.damage !== undefined) {
    inner.rollback();
    throw state.damage;
  }
  if (!(result instanceof Uint8Array)) {
    inner.rollback();
    return failed('application_error', 'the application returned something other than bytes; nothing was changed');
  }
  if (result.length > limit) {
    inner.rollback();
    return failed('result_too_large', `the result exceeds ${limit} bytes; nothing was changed`);
  }
  inner.commit();
  // A copy: the result is kept in the tables, and its author may use the buffer again.
  return { result: result.length === 0 ? EMPTY : new Uint8Array(result), changed: state.changed };
}

function failed(code: string, message: string): { readonly result: Bytes; readonly changed: readonly Bytes[] } {
  return { result: errorResult(code, message), changed: [] };
}

/** What an application that threw, or gave nothing that can be answered, is made to say: the same everywhere. */
export function errorResult(code: string, message: string): Bytes {
  return encodeUtf8(JSON.stringify({ error: { code, message } })) ?? new Uint8Array(0);
}

/** The stored reply of an executed request, sent again. */
export function replyFromTable(core: Core, request: Request, requestDigest: Digest, stored: StoredReply): void {
  reply(core, request, requestDigest, stored);
}

/** To a request of a batch that is prepared and not committed. */
export function replyTentatively(
  core: Core,
  { request, digest }: AuthenticatedRequest,
  known: Pick<StoredReply, 'sequence' | 'digest' | 'result'>,
): void {
  reply(core, request, digest, { ...known, outcome: 'tentative' });
}

/** REPLY: with the full result from the replica that the request names, else its digest alone [OSDI'99 §5.1.1]; a small result from all. */
function reply(
  core: Core,
  request: Request,
  requestDigest: Digest,
  stored: Pick<StoredReply, 'sequence' | 'digest' | 'result'> & { readonly outcome: Reply['outcome'] },
): void {
  if (core.replaying) return;
  const { self, view } = core;
  const { client, session, timestamp, replier, flags } = request;
  sendReply(core, flags, {
    type: 'reply',
    view,
    sequence: stored.sequence,
    digest: stored.digest,
    replica: self,
    client,
    session,
    timestamp,
    requestDigest,
    outcome: stored.outcome,
    resultDigest: resultDigest(core.codec, stored.result),
    since: undefined,
    result: isReturned(core, replier, stored.result) ? stored.result : undefined,
    receipt: undefined,
  });
}

/** Does this replica return the result itself, and not its digest alone? */
export function isReturned({ self, config }: Core, replier: ReplicaId, result: Bytes): boolean {
  return replier === self || result.length <= config.tuning.fullResultBytes;
}

/** To be signed where the mode is so, or the request (`flags`) wants a receipt. */
export function sendReply(core: Core, flags: number, reply: Reply): void {
  const isSigned = core.config.cluster.authentication === 'signature' || (flags & REQUEST_RECEIPT) !== 0;
  core.output({ kind: 'reply', reply, isSigned });
}
