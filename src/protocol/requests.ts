/**
 * Requests at the door of the core [OSDI'99 §4.1, PROTOCOL: sessions]. Keeps invariant 3: only verified requests are queued. What was executed
 * is answered from the client table; what can change nothing is dropped; a backup passes signed requests on to the primary and times them.
 */
import type { ClientId, Digest, ReplicaId } from '../base/ids.ts';
import { LIMITS, REQUEST_READ_ONLY, authenticatedRequestsSize } from '../messages/index.ts';
import type { AuthenticatedRequest } from '../messages/index.ts';
import { isAdmitted, mustSign } from './complaints.ts';
import type { Core } from './core.ts';
import { replyFromTable } from './replying.ts';
import type { ReceivedRequest, RequestVerification } from './input.ts';
import { tryAcceptAll } from './normal-case.ts';
import { isInFlight } from './proposing.ts';
import { answerRead, parkRead, refuseRead } from './read-only.ts';
import { wouldRecover } from './recover-request.ts';
import type { CoreRefusalCode } from './refusal.ts';
import { replicaOfClient } from './replica-client.ts';
import type { WaitingRequest } from './request-queue.ts';
import { isTimed, startRequestTimer } from './request-timer.ts';

/** The event: its digest becomes a text when somebody looks. */
class RequestReceived {
  readonly kind = 'request-received';
  readonly client: ClientId;
  readonly queued = true;
  readonly #request: AuthenticatedRequest;

  constructor(request: AuthenticatedRequest) {
    this.client = request.request.client;
    this.#request = request;
  }

  get requestDigest(): Digest {
    return this.#request.digest;
  }
}

/** Requests from a client's own link, or passed on by a replica. */
export function onRequests(core: Core, from: ClientId | ReplicaId, requests: readonly ReceivedRequest[]): void {
  const forward: AuthenticatedRequest[] = [];
  for (const received of requests) {
    const waiting = onRequest(core, from, received);
    if (waiting === undefined || core.isPrimary || waiting.verified !== 'signature') continue;
    // From a client only: a replica that passes a request on to every backup and not to the primary would let a correct primary time out.
    // A replica's own request comes from its author as well.
    if (typeof from !== 'string' && replicaOfClient(received.request.request.client) !== from) continue;
    forward.push(received.request);
    startRequestTimer(core, waiting);
    if (!core.inViewChange) notePassedOn(core, waiting);
  }
  if (forward.length > 0 && !core.inViewChange) core.send([core.primary], { type: 'requests', requests: forward });
  tryAcceptAll(core);
}

/**
 * What is timed is measured as well. Not what can only be refused in order: of that a primary takes one request of a client at a time, and leaves
 * another one out by right.
 */
function notePassedOn(core: Core, waiting: WaitingRequest): void {
  if (!core.queue.hasTimer(waiting)) return;
  const isIdle = core.highestAccepted <= core.lastTold;
  core.performance.notePassedOn(waiting.request.digest, core.now.monotonic, isIdle ? core.lastExecutionAt : undefined);
}

/** Bytes of requests in one frame to the new primary. */
const PASSED_ON_BYTES = 1024 * 1024;

/** On entering a view, and after its timers were started: the new primary may know none of what waits. */
export function passOnKnownRequests(core: Core): void {
  let frame: AuthenticatedRequest[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (frame.length > 0) core.send([core.primary], { type: 'requests', requests: frame });
    frame = [];
    bytes = 0;
  };
  for (const waiting of core.queue.unproposed()) {
    const { request } = waiting;
    notePassedOn(core, waiting);
    const size = authenticatedRequestsSize([request]);
    if (bytes + size > PASSED_ON_BYTES || frame.length >= LIMITS.requestsPerBundle) flush();
    frame.push(request);
    bytes += size;
  }
  flush();
}

/**
 * One request. Conditions in the order checked: this replica's state is not known to be wrong; its client admitted; not read-only (those are
 * answered at once, read-only.ts); verified, and signed where the mode or a mark on the client asks for it; not executed (a repeat gets its stored reply) and able to be executed or
 * refused in order; not under way with the next one of its session behind it; not a second one of its client that no state to come can execute; room.
 */
function onRequest(
  core: Core,
  from: ClientId | ReplicaId,
  { request, verified }: ReceivedRequest,
): WaitingRequest | undefined {
  const refuse = (code: CoreRefusalCode): undefined => {
    core.refuse('requests', from, code);
    return undefined;
  };
  const { client, session, timestamp, flags } = request.request;
  if (core.diverged) return refuse('diverged');
  if (!isAdmitted(core, client)) return refuse('client-not-listed');
  if ((flags & REQUEST_READ_ONLY) !== 0) return onRead(core, from, { request, verified });
  if (!isSufficient(core, client, verified)) return refuse('signature-required');
  if (replicaOfClient(client) !== undefined) return onRecover(core, from, { request, verified });
  const isLast = core.clientTable.lastTimestamp(client, session) === timestamp;
  const stored = isLast ? core.clientTable.storedReply(client, session, timestamp, request.digest) : undefined;
  if (stored !== undefined) {
    replyFromTable(core, request.request, request.digest, stored);
    return undefined;
  }
  if (core.clientTable.isOld(request.request)) return refuse('old-request');
  const isLost = core.clientTable.isLost(request.request, core.agreedTime);
  if (isLost && core.queue.holdsLost(client, request.digest)) return refuse('queue-full');
  if (!core.isPrimary) core.queue.evictIdle(request);
  const isSignedElsewhere = typeof from !== 'string' && verified === 'signature';
  const isPassedOn = core.isPrimary && isSignedElsewhere && isTimed(core, request.request);
  if (isPassedOn && isOvertaken(core, request)) return refuse('duplicate');
  const waiting = core.queue.add(request, verified, core.now.monotonic, isPassedOn);
  if (typeof waiting === 'string') return refuse(waiting);
  if (isLost) core.queue.markLost(waiting);
  core.emit(new RequestReceived(request));
  return waiting;
}

/**
 * A backup's copy of what is under way here, and the next request of its session has come already: its client had its answer from quicker replicas. The
 * copy must not take the place of that next one, as it would of what was shown to this primary alone.
 */
function isOvertaken(core: Core, request: AuthenticatedRequest): boolean {
  return core.queue.holdsOther(request) && isInFlight(core, request.digest);
}

/** A read-only request: answered at once, or not at all. */
function onRead(core: Core, from: ClientId | ReplicaId, { request, verified }: ReceivedRequest): undefined {
  const isMac = core.config.cluster.authentication === 'mac' && verified === 'mac';
  const code = verified === 'signature' || isMac ? refuseRead(core, from) : 'signature-required';
  if (code === undefined) answerRead(core, request);
  else if (code !== 'state-behind' || !parkRead(core, request)) core.refuse('requests', from, code);
  return undefined;
}

/**
 * A replica's RECOVER: signed, it would be accepted were it ordered now, and one of each replica at a time. A backup keeps and times it like a
 * client's request.
 */
function onRecover(
  core: Core,
  from: ClientId | ReplicaId,
  { request, verified }: { readonly request: AuthenticatedRequest; readonly verified: 'mac' | 'signature' },
): WaitingRequest | undefined {
  const { client } = request.request;
  const refuse = (code: CoreRefusalCode): undefined => {
    core.refuse('requests', from, code);
    return undefined;
  };
  if (verified !== 'signature') return refuse('signature-required');
  if (!wouldRecover(core, request.request)) return refuse('old-request');
  const before = core.queue.lostOf(client);
  if (before !== undefined && before.request.digest !== request.digest) {
    if (wouldRecover(core, before.request.request)) return refuse('queue-full');
    core.queue.drop(before);
  }
  if (!core.isPrimary) core.queue.evictIdle(request);
  const waiting = core.queue.add(request, verified, core.now.monotonic);
  if (typeof waiting === 'string') return refuse(waiting);
  core.queue.markLost(waiting);
  core.emit(new RequestReceived(request));
  return waiting;
}

function isSufficient(core: Core, client: ClientId, verified: RequestVerification): verified is 'mac' | 'signature' {
  if (verified === 'signature') return true;
  return (
    verified === 'mac' && core.config.cluster.authentication === 'mac' && !(core.isPrimary && mustSign(core, client))
  );
}
