/**
 * Tentative execution [OSDI'99 §5.1.2, TOCS §5.1.2; ADR 31]: what a prepared batch comes to is told its clients before it is committed, as replies that
 * say so. A client believes a quorum of them that were made in one view: then f+1 correct replicas have prepared the batch there, and no view change
 * chooses another. Keeps invariants 1, 3 and 8, since nothing is changed: results and changes are kept beside the state, and come to be when the batch is
 * committed; in a view change they are forgotten. Keeps invariant 4 by `answeredUpTo`: no read is answered from a state below what was told.
 *
 * One batch at a time: the next one to be executed, all before it being committed. Its COMMIT is on nobody's way any more, and waits for the next vote to
 * the same peers, so that it costs no frame of its own where requests follow each other.
 */
import { StateDamaged } from '../base/key-value.ts';
import { asSequence } from '../base/ids.ts';
import { askedBy, sizeOfSet } from '../messages/index.ts';
import type { AuthenticatedRequest, Batch } from '../messages/index.ts';
import type { Core } from './core.ts';
import { noteDamage } from './damage.ts';
import { runTentatively } from './run-operation.ts';
import { isAskedHere, replyTentatively } from './replying.ts';
import { noteBatchTime } from './normal-case.ts';
import { replicaOfClient } from './replica-client.ts';
import type { Slot } from './slot.ts';
import { agreedTimeAfter } from './tentative.ts';
import type { TentativeResult } from './tentative.ts';

/** A batch of more requests costs less by the frame, and its clients more by the reply. */
const MAX_REQUESTS = 8;

/**
 * Executes the next batch tentatively, if it is prepared in this view and not decided, everything before it is executed, and it is plain ({@link isPlain}).
 * The record of its being prepared is before the replies, and so on disk before they leave.
 */
export function executeTentatively(core: Core): void {
  if (!core.config.cluster.tentativeExecution || core.tentative !== undefined) return;
  if (!core.mayVote || !core.mayExecute || core.state.isFull) return;
  const slot = core.log.find(asSequence(core.lastExecuted + 1));
  if (slot?.prepared === undefined || slot.prepared.view !== core.view || slot.decided !== undefined) return;
  const { digest } = slot.prepared;
  const batch = slot.bodyOf(digest);
  if (batch === undefined || !isPlain(core, batch)) return;
  const results = run(core, slot, batch);
  if (results === undefined) return;
  core.tentative = { sequence: slot.sequence, digest, results };
  core.answeredUpTo = asSequence(Math.max(core.answeredUpTo, slot.sequence));
  core.lastExecutionAt = core.now.monotonic;
  noteBatchTime(core, slot, 1);
  core.emit({ kind: 'tentatively-executed', view: core.view, sequence: slot.sequence, digest });
  for (const [index, entry] of batch.requests.entries()) {
    const result = results[index];
    if (result === undefined || (batch === slot.verified && !isAskedHere(core, entry))) continue;
    replyTentatively(core, entry, { sequence: slot.sequence, digest, result: result.result });
    result.isTold = true;
    core.queue.noteTold(entry);
  }
}

/**
 * Few requests, each of which asks as many for a reply as have to agree on a tentative one, is the next of its session, of another session than all others, and
 * touches nothing but its session and the application: no idempotency key, no receipt (that of a tentative reply would prove nothing to others), no RECOVER.
 */
function isPlain(core: Core, { flags, requests }: Batch): boolean {
  if (flags !== 0 || requests.length > MAX_REQUESTS) return false;
  const sessions = new Set<string>();
  for (const entry of requests) {
    const { client, session } = entry.request;
    sessions.add(`${client}/${session}`);
    if (!isPlainRequest(core, entry)) return false;
  }
  return sessions.size === requests.length;
}

function isPlainRequest(core: Core, { request, proof }: AuthenticatedRequest): boolean {
  if (request.idempotency !== undefined || request.flags !== 0) return false;
  if (replicaOfClient(request.client) !== undefined) return false;
  const { replicaCount, quorum } = core.quorums;
  if (sizeOfSet(askedBy(proof), replicaCount) < quorum) return false;
  return core.clientTable.isNext(request);
}

/** The results, with the state as it was before; undefined where the state cannot be read, which is noted. */
function run(core: Core, slot: Slot, batch: Batch): readonly TentativeResult[] | undefined {
  const before = core.outputCount;
  const transaction = core.state.begin();
  try {
    return batch.requests.map(({ request }, index) => {
      const place = { sequence: slot.sequence, index, agreedTime: agreedTimeAfter(core, batch) };
      return { ...runTentatively(core, request, transaction, place), isTold: false };
    });
  } catch (error) {
    if (!(error instanceof StateDamaged)) throw error;
    core.takeBack(before);
    noteDamage(core, error.message);
    return undefined;
  } finally {
    transaction.rollback();
  }
}
