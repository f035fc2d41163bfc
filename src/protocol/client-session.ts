/**
 * One session of a client, without I/O: one request at a time, numbered 1, 2, 3 …, each ending in an outcome [OSDI'99 §4.1, PROTOCOL: sessions].
 * Owns the call under way and what it needs to recognise liars later. Holds no clock and no keys: time comes in, what is to be sent goes
 * out, and the driver authenticates. Must never use a timestamp for two requests, nor count a replica twice, nor combine fields of different
 * replies.
 *
 * The driver sends what `send` outputs say, hands in every authenticated reply, and calls `onTimeout` when `nextTimeout()` has come.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { asReplicaId, replicaName } from '../base/ids.ts';
import type { ClientId, Digest, ReplicaId } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import {
  EVERYBODY,
  LIMITS,
  REQUEST_COMPOUND,
  REQUEST_RECEIPT,
  SessionDigests,
  isInSet,
  replicaSetOf,
  resultDigest,
} from '../messages/index.ts';
import type { CodecContext, ReplicaSet, Reply, Request } from '../messages/index.ts';
import { Slab } from '../messages/schema/slab.ts';
import { abandonedEnding, deadlineEnding, errorEnding, executedEnding } from './client-outcome.ts';
import type { ClientOutcome, Ending, SessionState } from './client-outcome.ts';
import type { ClusterConfig } from './config.ts';
import type { IdempotencyKey } from './idempotency.ts';
import { makeQuorums } from './quorum.ts';
import type { Quorums } from './quorum.ts';
import { ReplyCollection, matches, repliesNeeded } from './reply-certificate.ts';
import type { ReplyCertificate, ReplyClaim } from './reply-certificate.ts';
import type { ReceiptVerifier } from './receipts.ts';
import { ViewEstimate } from './view-estimate.ts';

export type { ClientOutcome, SessionState } from './client-outcome.ts';

export interface ClientTiming {
  /** T, µs: a request without outcome after half of it is signed and sent to all. */
  readonly requestTimeoutUs: number;
  /** µs: the pause between two sendings doubles from T/2 up to this. */
  readonly retryCapUs: number;
}

export const DEFAULT_CLIENT_TIMING: ClientTiming = { requestTimeoutUs: 500_000, retryCapUs: 8_000_000 };

export interface ClientSessionConfig {
  readonly cluster: Pick<
    ClusterConfig,
    'replicaCount' | 'quorumRule' | 'authentication' | 'sessionHorizonUs' | 'readOnlyRequests' | 'tentativeExecution'
  >;
  readonly client: ClientId;
  /** The client's clock in µs since 1970 when it opens the session; above every number it used before. */
  readonly session: number;
  readonly timing: ClientTiming;
}

export interface ClientSessionModules {
  readonly context: CodecContext;
  readonly receipts: Pick<ReceiptVerifier, 'isValid'>;
  /** Shared by the sessions of a client, so that all learn from each; a new one otherwise. */
  readonly views?: ViewEstimate;
}

export interface SubmitOptions {
  /** µs until the call ends at the latest. */
  readonly timeoutUs: number;
  readonly idempotency?: IdempotencyKey | undefined;
  /** Have every reply signed, and keep those that match. */
  readonly receipt?: boolean;
  /** Who is asked for the full result first, where the caller knows of replicas that are better not asked; else they take turns. */
  readonly replier?: ReplicaId | undefined;
  /** Who is asked to reply at first, everybody when left out. Requires: `replier` is one of them, and they are as many as have to agree. */
  readonly asked?: ReplicaSet | undefined;
  /** The operation is a list of operations. */
  readonly isCompound?: boolean | undefined;
  /** Signed and sent to all at once: then backups know how long the primary takes for it. */
  readonly isShown?: boolean | undefined;
}

/** Why nothing was submitted. */
export interface SubmitRefusal {
  readonly code:
    | 'session_busy'
    | 'session_unresolved'
    | 'session_closed'
    | 'operation_too_large'
    | 'bad_idempotency_key';
  readonly message: string;
}

export type ClientOutput =
  /** To be authenticated (signed by the client if `signed`, else with one MAC per replica) and sent. */
  | {
      readonly kind: 'send';
      readonly to: readonly ReplicaId[];
      readonly request: Request;
      readonly digest: Digest;
      readonly asked: ReplicaSet;
      /** Of whom this sending lets an answer be expected: not of those who have had their time, where the others are asked. */
      readonly expected: ReplicaSet;
      readonly signed: boolean;
    }
  /** The call has ended. Once per `submit` and `retry`. */
  | { readonly kind: 'outcome'; readonly outcome: ClientOutcome }
  /** A call that had ended as unknown turned out executed or rejected after all; the session is usable again or closed. */
  | { readonly kind: 'late-outcome'; readonly outcome: ClientOutcome }
  /** `replica` claimed another execution of a request than the one accepted: it lies, given at most f faults. Once per request and replica. */
  | {
      readonly kind: 'wrong-reply';
      readonly replica: ReplicaId;
      readonly reply: Reply;
      /** The matching replies that were accepted; empty where `reply` is wrong by itself, undefined where they are not signed. */
      readonly accepted: readonly Reply[] | undefined;
      readonly summary: string;
    };

type SendOutput = Extract<ClientOutput, { kind: 'send' }>;

/** Where the call under way stands, for people. */
export interface CallProgress {
  readonly requestDigest: Digest;
  /** Sendings so far. */
  readonly attempts: number;
  /** Whose replies match, the largest such set. */
  readonly matching: readonly ReplicaId[];
  /** How many must. */
  readonly needed: number;
}

interface Call {
  request: Request;
  /** Who has been asked to reply. */
  asked: ReplicaSet;
  readonly digest: Digest;
  readonly firstSentAt: number;
  readonly replies: ReplyCollection;
  /** Whom a wrong reply to it was reported of. */
  reported: readonly ReplicaId[];
  /** Where an error was accepted that a retry is to overcome: its late copies, and errors before it, say nothing new. */
  refusedAt: number;
  attempts: number;
  /** When the others are asked, since some have answered and not all of those asked; Infinity while nobody has. */
  askAt: number;
  retryAt: number;
  deadline: number;
}

/** An execution that was accepted: against it later replies are held. */
interface Settled extends ReplyClaim {
  readonly timestamp: number;
  readonly requestDigest: Digest;
  reported: readonly ReplicaId[];
  /** So many matching replies were enough. */
  readonly needed: number;
  /** Those that were accepted, without their results; undefined where they are not signed, and prove nothing to others. */
  readonly replies: readonly Reply[] | undefined;
}

/** So long, as a share of T, the named replier may take after others have agreed without it, and those asked after one of them has answered. */
const RESULT_PATIENCE = 0.1;
/** The accepted executions of so many latest requests are remembered: little, since what is kept for a moment only costs most to collect. */
const SETTLED_LIMIT = 8;
const NOTHING: readonly ClientOutput[] = [];
const NOBODY: readonly ReplicaId[] = [];
/** Kept for as long as requests are under way. */
const operations = new Slab();
const PRINTABLE = /^[ -~]*$/;

export class ClientSession {
  readonly views: ViewEstimate;
  readonly #config: ClientSessionConfig;
  readonly #modules: ClientSessionModules;
  readonly #quorums: Quorums;
  /** Matching replies that make a result. */
  readonly #needed: number;
  readonly #all: readonly ReplicaId[];
  /** The same, by name. */
  readonly #allNamed: ReplicaSet;
  readonly #digests: SessionDigests;
  readonly #firstPauseUs: number;
  /** By timestamp, modulo how many they are. */
  readonly #settled: (Settled | undefined)[] = Array.from({ length: SETTLED_LIMIT }, () => undefined);
  #state: SessionState = 'idle';
  /** Timestamp of the last request submitted. */
  #timestamp = 0;
  /** Of that request, until another is submitted. */
  #call: Call | undefined;

  constructor(config: ClientSessionConfig, modules: ClientSessionModules) {
    const { replicaCount, quorumRule } = config.cluster;
    assert(Number.isSafeInteger(config.session) && config.session >= 1, 'a session number is an integer from 1');
    this.#config = config;
    this.#modules = modules;
    this.#quorums = makeQuorums(replicaCount, quorumRule);
    this.#needed = repliesNeeded(this.#quorums, config.cluster);
    this.#all = Array.from({ length: replicaCount }, (_, index) => asReplicaId(index));
    this.#allNamed = replicaSetOf(this.#all);
    this.#digests = new SessionDigests(modules.context, config.client, config.session);
    this.#firstPauseUs = this.#pauseAfter(1);
    this.views = modules.views ?? new ViewEstimate(this.#quorums);
  }

  get session(): number {
    return this.#config.session;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Of the request under way or last submitted; undefined before the first. */
  get progress(): CallProgress | undefined {
    if (this.#call === undefined) return undefined;
    const { digest, attempts, replies } = this.#call;
    const matching = replies.leading().map((reply) => reply.replica);
    return { requestDigest: digest, attempts, matching, needed: replies.needed };
  }

  /** µs of the clock that `now` is of; undefined while nothing is waited for. */
  nextTimeout(): number | undefined {
    return this.#state === 'waiting' && this.#call !== undefined
      ? Math.min(this.#call.askAt, this.#call.retryAt, this.#call.deadline)
      : undefined;
  }

  /** Starts a call: the request goes to the primary, or to all. Refused, changing nothing, unless the session is idle and the request within its limits. */
  submit(now: number, operation: Bytes, options: SubmitOptions): Result<readonly ClientOutput[], SubmitRefusal> {
    const refusal = this.#refuse(operation, options.idempotency);
    if (refusal !== undefined) return fail(refusal);
    assert(Number.isFinite(options.timeoutUs), 'every call has a deadline');
    this.#timestamp += 1;
    const request: Request = {
      type: 'request',
      client: this.#config.client,
      session: this.#config.session,
      timestamp: this.#timestamp,
      flags: (options.receipt === true ? REQUEST_RECEIPT : 0) | (options.isCompound === true ? REQUEST_COMPOUND : 0),
      idempotency: options.idempotency && { scope: options.idempotency.scope, key: options.idempotency.key },
      operation: ownCopy(operation),
      replier: options.replier ?? asReplicaId((this.#config.session + this.#timestamp) % this.#quorums.replicaCount),
    };
    const digest = this.#digests.digestOf(request);
    this.#state = 'waiting';
    this.#call = {
      request,
      asked: this.#whom(options.asked ?? EVERYBODY),
      digest,
      firstSentAt: now,
      replies: new ReplyCollection(this.#needed, this.#quorums.quorum),
      reported: NOBODY,
      refusedAt: 0,
      attempts: 1,
      askAt: Infinity,
      retryAt: now + this.#firstPauseUs,
      deadline: now + options.timeoutUs,
    };
    const isShown = options.isShown === true;
    const isSigned = isShown || this.#config.cluster.authentication === 'signature';
    return ok([this.#send(this.#call, isShown ? this.#all : this.views.toPrimary, isSigned)]);
  }

  /** The unresolved request once more, the very same, signed and to all. Requires: state `unresolved`. */
  retry(now: number, timeoutUs: number): readonly ClientOutput[] {
    const call = this.#call;
    assert(this.#state === 'unresolved' && call !== undefined, 'only an unresolved request is tried again');
    assert(Number.isFinite(timeoutUs), 'every call has a deadline');
    this.#state = 'waiting';
    call.deadline = now + timeoutUs;
    call.attempts = 0;
    return [this.#sendAgain(now, call)];
  }

  /** Of those some who are asked to reply to the request under way, whoever has not; nobody once all are asked. */
  unanswered(): readonly ReplicaId[] {
    const call = this.#call;
    if (this.#state !== 'waiting' || call === undefined || call.asked === EVERYBODY) return [];
    return this.#all.filter((replica) => isUnanswered(call, replica));
  }

  /** Is one of these among {@link unanswered}? */
  awaits(replicas: readonly ReplicaId[]): boolean {
    const call = this.#call;
    if (this.#state !== 'waiting' || call === undefined || call.asked === EVERYBODY) return false;
    for (const replica of replicas) if (isUnanswered(call, replica)) return true;
    return false;
  }

  /** Those of {@link unanswered} that have had their time, and not only the call. */
  missing(now: number): readonly ReplicaId[] {
    const call = this.#call;
    if (call === undefined || now >= call.deadline || now < Math.min(call.askAt, call.retryAt)) return [];
    return this.unanswered();
  }

  /** Some of those asked may not answer in time: everybody else is asked as well, once. Harmless at any other time. */
  askOthers(): readonly ClientOutput[] {
    const call = this.#call;
    if (this.#state !== 'waiting' || call === undefined || call.asked === EVERYBODY) return [];
    const others = this.#all.filter((replica) => !isInSet(call.asked, replica));
    call.asked = EVERYBODY;
    call.askAt = Infinity;
    const sending = this.#send(call, others, this.#config.cluster.authentication === 'signature');
    return [{ ...sending, expected: replicaSetOf(others) }];
  }

  /** Gives the session up; a call under way ends as unknown. The session is closed. */
  abandon(): readonly ClientOutput[] {
    const wasWaiting = this.#state === 'waiting';
    this.#state = 'closed';
    return wasWaiting && this.#call !== undefined
      ? [{ kind: 'outcome', outcome: abandonedEnding(this.#call.digest).outcome }]
      : [];
  }

  /** The time of `nextTimeout` has come: the call ends, or its request goes out again. Harmless at any other time. */
  onTimeout(now: number): readonly ClientOutput[] {
    const call = this.#call;
    if (this.#state !== 'waiting' || call === undefined) return [];
    if (now >= call.deadline) return [this.#end(deadlineEnding(call.digest, call.replies))];
    if (now >= call.retryAt) return [this.#sendAgain(now, call)];
    return now >= call.askAt ? this.askOthers() : [];
  }

  /**
   * A reply whose MAC or signature was verified to be `from`'s. Conditions in the order checked: from the replica it names, one of the cluster;
   * to this session; tentative only where the cluster is so; its request is one of this session's, remembered; its result, if there in full, hashes to its digest; its receipt
   * valid where a receipt is wanted. All else is ignored.
   */
  onReply(now: number, reply: Reply, from: ReplicaId): readonly ClientOutput[] {
    const { client, session } = this.#config;
    if (reply.replica !== from || from >= this.#quorums.replicaCount) return NOTHING;
    if (reply.client !== client || reply.session !== session || reply.outcome === 'read') return NOTHING;
    if (reply.outcome === 'tentative' && !this.#config.cluster.tentativeExecution) return NOTHING;
    this.views.observe(from, reply.view);
    const call = this.#call;
    const isOpen = this.#state === 'waiting' || this.#state === 'unresolved';
    if (isOpen && call !== undefined && isFor(reply, call.request.timestamp, call.digest))
      return this.#collect(now, call, reply);
    const settled = this.#settledFor(reply);
    return settled === undefined ? NOTHING : this.#hold(settled, reply);
  }

  /** All of them by name are everybody: then there are no others whom one could wait to ask. */
  #whom(asked: ReplicaSet): ReplicaSet {
    return (asked & this.#allNamed) === this.#allNamed ? EVERYBODY : asked;
  }

  #settledFor(reply: Reply): Settled | undefined {
    const known = this.#settled[reply.timestamp % SETTLED_LIMIT];
    return known !== undefined && isFor(reply, known.timestamp, known.requestDigest) ? known : undefined;
  }

  #refuse(operation: Bytes, idempotency: IdempotencyKey | undefined): SubmitRefusal | undefined {
    switch (this.#state) {
      case 'waiting':
        return { code: 'session_busy', message: 'a request is under way; use another session' };
      case 'unresolved':
        return {
          code: 'session_unresolved',
          message: 'the outcome of the last request is unknown: retry it or abandon the session',
        };
      case 'closed':
        return { code: 'session_closed', message: 'the session is closed; open another' };
      case 'idle':
    }
    if (operation.length > LIMITS.operationBytes) {
      const message = `an operation has at most ${LIMITS.operationBytes} bytes, this one has ${operation.length}`;
      return { code: 'operation_too_large', message };
    }
    if (idempotency === undefined || isKey(idempotency)) return undefined;
    const message = `an idempotency key has 1 to ${LIMITS.idempotencyKeyLength} printable ASCII characters, its scope at most ${LIMITS.idempotencyScopeLength}`;
    return { code: 'bad_idempotency_key', message };
  }

  #collect(now: number, call: Call, reply: Reply): readonly ClientOutput[] {
    if (call.replies.holds(reply)) return NOTHING;
    if (reply.outcome === 'table-error' && reply.sequence <= call.refusedAt) return NOTHING;
    const { context } = this.#modules;
    const isKnown = reply.result !== undefined && call.replies.knowsResult(reply.resultDigest, reply.result);
    if (reply.result !== undefined && !isKnown && resultDigest(context, reply.result) !== reply.resultDigest) {
      return report(
        call,
        reply,
        [],
        `${replicaName(reply.replica)} sent a result that does not hash to the digest beside it`,
      );
    }
    const checked = this.#checkReceipt(call, reply);
    const certificate = checked === undefined ? undefined : call.replies.add(checked);
    if (certificate === undefined) {
      this.#hasten(now, call);
      if (call.asked === EVERYBODY) return NOTHING;
      call.askAt = Math.min(call.askAt, now + this.#patienceUs);
      for (const replica of this.#all) if (isUnanswered(call, replica)) return NOTHING;
      // They have all answered and do not agree: one of them lies, or was behind.
      return this.askOthers();
    }
    return this.#conclude(call, certificate, this.#endingOf(now, call, certificate));
  }

  get #patienceUs(): number {
    return this.#config.timing.requestTimeoutUs * RESULT_PATIENCE;
  }

  /** Enough agree, and who was to return the result has not: after a moment one of those who agree is asked for it. */
  #hasten(now: number, call: Call): void {
    if (!call.replies.isAgreed) return;
    call.retryAt = Math.min(call.retryAt, now + this.#patienceUs);
  }

  #conclude(call: Call, certificate: ReplyCertificate, ending: Ending): readonly ClientOutput[] {
    const isLate = this.#state === 'unresolved';
    if (certificate.outcome === 'table-error') call.refusedAt = certificate.sequence;
    if (isLate && ending.outcome.kind === 'unknown') return [];
    const ended = this.#end(ending);
    const output: ClientOutput = isLate ? { kind: 'late-outcome', outcome: ending.outcome } : ended;
    if (certificate.outcome === 'table-error') return [output];
    const wrong = this.#settle(call, certificate);
    return wrong.length === 0 ? [output] : [output, ...wrong];
  }

  /** The reply as it may be counted: without a receipt that nobody asked for; undefined if one was asked for and is missing or wrong. */
  #checkReceipt(call: Call, reply: Reply): Reply | undefined {
    const isWanted = (call.request.flags & REQUEST_RECEIPT) !== 0;
    if (!isWanted && reply.receipt === undefined) return reply;
    const isKept = isWanted || this.#config.cluster.authentication === 'signature';
    if (isKept && this.#modules.receipts.isValid(reply)) return reply;
    return isWanted ? undefined : { ...reply, receipt: undefined };
  }

  /** Remembers the accepted execution, and holds the replies already here against it. */
  #settle(call: Call, certificate: ReplyCertificate): readonly ClientOutput[] {
    const { outcome, sequence, digest, resultDigest: result, replies } = certificate;
    const { timestamp } = call.request;
    const settled: Settled = {
      outcome,
      sequence,
      digest,
      resultDigest: result,
      timestamp,
      requestDigest: call.digest,
      reported: call.reported,
      needed: certificate.isTentative ? this.#quorums.quorum : this.#needed,
      // As evidence: their results are not covered by the receipts. What is tentative proves nothing to others.
      replies: replies.every(({ receipt, outcome: said }) => receipt !== undefined && said !== 'tentative')
        ? replies.map((reply) => ({ ...reply, result: undefined }))
        : undefined,
    };
    this.#settled[timestamp % SETTLED_LIMIT] = settled;
    let outputs = NOTHING;
    for (const reply of call.replies.all()) {
      const wrong = this.#hold(settled, reply);
      if (wrong.length > 0) outputs = [...outputs, ...wrong];
    }
    return outputs;
  }

  /** A reply to a request whose execution was accepted. Table errors may be true beside it; another execution cannot, nor another result of the same batch that is only tentative. */
  #hold(settled: Settled, reply: Reply): readonly ClientOutput[] {
    if (reply.outcome === 'table-error' || matches(settled, reply)) return NOTHING;
    // What a batch comes to is the same everywhere; that it came to be nothing at all is no lie.
    const isTentative = reply.outcome === 'tentative';
    if (isTentative && (reply.sequence !== settled.sequence || reply.digest !== settled.digest)) return NOTHING;
    const accepted = `${settled.needed} matching replies say ${tellClaim(settled)}`;
    const claimed = `${replicaName(reply.replica)} claims request ${reply.requestDigest.slice(0, 12)}… ${tellClaim(reply)}`;
    return report(settled, reply, isTentative ? undefined : settled.replies, `${claimed}; ${accepted}`);
  }

  #end(ending: Ending): ClientOutput {
    this.#state = ending.state;
    return { kind: 'outcome', outcome: ending.outcome };
  }

  /** Signed, to all, with another replica to return the full result: one that vouches for it, if any does. */
  #sendAgain(now: number, call: Call): ClientOutput {
    const vouching = call.replies.leading().map((reply) => reply.replica);
    call.request = {
      ...call.request,
      replier: nextOf(vouching.length > 0 ? vouching : this.#all, call.request.replier),
    };
    call.asked = EVERYBODY;
    call.askAt = Infinity;
    call.attempts += 1;
    call.retryAt = now + this.#pauseAfter(call.attempts);
    return this.#send(call, this.#all, true);
  }

  #send({ request, digest, asked }: Call, to: readonly ReplicaId[], signed: boolean): SendOutput {
    return { kind: 'send', to, request, digest, asked, expected: asked, signed };
  }

  #pauseAfter(attempts: number): number {
    const { requestTimeoutUs, retryCapUs } = this.#config.timing;
    return Math.min(retryCapUs, (requestTimeoutUs / 2) * 2 ** Math.min(attempts - 1, 32));
  }

  #endingOf(now: number, { digest, firstSentAt }: Call, certificate: ReplyCertificate): Ending {
    const { weak } = this.#quorums;
    if (certificate.outcome !== 'table-error') return executedEnding(certificate, digest, weak);
    const { session, cluster } = this.#config;
    const { sessionHorizonUs } = cluster;
    return errorEnding(certificate.result, {
      requestDigest: digest,
      session,
      ageUs: now - firstSentAt,
      sessionHorizonUs,
    });
  }
}

/** It is one of some who are asked, and has not replied. */
function isUnanswered({ asked, replies }: Call, replica: ReplicaId): boolean {
  return isInSet(asked, replica) && !replies.hasHeard(replica);
}

/** Once per request and replica. */
function report(
  of: Call | Settled,
  reply: Reply,
  accepted: readonly Reply[] | undefined,
  summary: string,
): readonly ClientOutput[] {
  const { replica } = reply;
  if (of.reported.includes(replica)) return [];
  of.reported = [...of.reported, replica];
  return [{ kind: 'wrong-reply', replica, reply, accepted, summary }];
}

/** The operation as the session's own: its caller may use the bytes again. They may be a Node Buffer, whose `slice` copies nothing. */
function ownCopy(operation: Bytes): Bytes {
  const isPlain = Object.getPrototypeOf(operation) === Uint8Array.prototype;
  return isPlain ? operations.copyOf(operation, 0, operation.length) : new Uint8Array(operation);
}

function isFor(reply: Reply, timestamp: number, digest: Digest): boolean {
  return reply.timestamp === timestamp && reply.requestDigest === digest;
}

function isKey({ scope, key }: IdempotencyKey): boolean {
  return (
    key.length >= 1 &&
    key.length <= LIMITS.idempotencyKeyLength &&
    scope.length <= LIMITS.idempotencyScopeLength &&
    PRINTABLE.test(key) &&
    PRINTABLE.test(scope)
  );
}

function tellClaim({ outcome, sequence, digest, resultDigest: result }: ReplyClaim): string {
  return `${outcome} at ${sequence} in batch ${digest.slice(0, 12)}… with result ${result.slice(0, 12)}…`;
}

/** The first of `candidates` above `previous`, or the lowest. Requires: in ascending order, at least one. */
function nextOf(candidates: readonly ReplicaId[], previous: ReplicaId): ReplicaId {
  const next = candidates.find((replica) => replica > previous) ?? candidates[0];
  assert(next !== undefined, 'there is a replica to ask');
  return next;
}
