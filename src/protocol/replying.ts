/** REPLY: who says what to whom [TOCS §4.1, OSDI'99 §5.1.1]. How replies leave and are signed together is in reply-outbox.ts. */
import type { Bytes } from '../base/bytes.ts';
import type { Digest, ReplicaId } from '../base/ids.ts';
import { BatchReplies, REQUEST_RECEIPT, askedBy, isInSet, resultDigest } from '../messages/index.ts';
import type { AuthenticatedRequest, Batch, Reply, Request } from '../messages/index.ts';
import type { StoredReply } from './client-table.ts';
import type { Core } from './core.ts';

/**
 * Its client wants a reply of this replica: it says so in the request as it stands in the batch, or as it waits here because the client has asked
 * again. Requires: the request was verified here; who may have altered the proof of another one must not silence anybody.
 */
export function isAskedHere({ self, queue }: Core, request: AuthenticatedRequest): boolean {
  if (isInSet(askedBy(request.proof), self)) return true;
  const waiting = queue.find(request);
  return waiting !== undefined && isInSet(waiting.asked, self);
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

/** With the full result from the replica that the request names, else its digest alone [OSDI'99 §5.1.1]; a small result from all. */
export function reply(
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
export function sendReply(core: Core, flags: number, said: Reply): void {
  core.output({ kind: 'reply', reply: said, isSigned: isSigned(core, flags) });
}

function isSigned({ config }: Core, flags: number): boolean {
  return config.cluster.authentication === 'signature' || (flags & REQUEST_RECEIPT) !== 0;
}

/** The replies to one batch as it is executed. Where they follow each other and none is to be signed, which is done one by one, they come out together. */
export class RepliesOfBatch {
  readonly #requests: readonly AuthenticatedRequest[];
  readonly #place: Pick<StoredReply, 'sequence' | 'digest'>;
  #gathered: BatchReplies | undefined;
  /** How much had come out after the last of them. */
  #end = 0;

  constructor({ requests }: Batch, place: Pick<StoredReply, 'sequence' | 'digest'>) {
    this.#requests = requests;
    this.#place = place;
  }

  /** To the request at `index`, which is `entry`. */
  add(core: Core, { request, digest }: AuthenticatedRequest, index: number, stored: StoredReply): void {
    const isAlone = stored.outcome !== 'executed' || this.#requests.length === 1 || isSigned(core, request.flags);
    if (isAlone) return reply(core, request, digest, stored);
    if (core.replaying) return;
    const { result } = stored;
    this.#row(core).add(core.codec, index, result, isReturned(core, request.replier, result));
  }

  /** Those that came out last; a new row where something else came out since. */
  #row(core: Core): BatchReplies {
    if (this.#gathered !== undefined && core.outputCount === this.#end) return this.#gathered;
    const place = { view: core.view, sequence: this.#place.sequence, digest: this.#place.digest, replica: core.self };
    const replies = new BatchReplies(place, this.#requests);
    core.output({ kind: 'batch-replies', replies });
    this.#gathered = replies;
    this.#end = core.outputCount;
    return replies;
  }
}
