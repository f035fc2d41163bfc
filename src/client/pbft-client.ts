/**
 * The client library for Node: any number of calls at once over one link to each replica. It owns the links, a pool of sessions (each has one
 * request under way, client-session.ts) and a bounded queue before them. Every call ends [G25]. A request whose outcome is unknown is never
 * sent again under another session: whoever repeats it decides so, best with an idempotency key.
 */
import { ChurningMap, ChurningSet } from '../base/churning.ts';
import { asClientId } from '../base/ids.ts';
import type { ClientId, ReplicaId, Sequence, View } from '../base/ids.ts';
import type { Bytes } from '../base/bytes.ts';
import { CodecContext, LIMITS, receiptStatement } from '../messages/index.ts';
import type { ReplicaSet, Reply } from '../messages/index.ts';
import { ClientLinks, NodeAuthenticator } from '../node/index.ts';
import type { Identity, LinkSettings } from '../node/index.ts';
import { ClientSession, DEFAULT_CLIENT_TIMING } from '../protocol/client-session.ts';
import type { ClientOutput, ClientTiming } from '../protocol/client-session.ts';
import type { Authenticator } from '../protocol/ports.ts';
import { makeQuorums } from '../protocol/quorum.ts';
import { ReceiptVerifier } from '../protocol/receipts.ts';
import { repliesNeeded } from '../protocol/reply-certificate.ts';
import { Sealer } from '../protocol/seal.ts';
import { ViewEstimate } from '../protocol/view-estimate.ts';
import { Alarm } from './alarm.ts';
import { Call } from './call.ts';
import type { ClusterDescription } from './cluster-description.ts';
import { notSubmitted } from './outcome.ts';
import type { Outcome, ReadOutcome, SubmitOptions } from './outcome.ts';
import { Outbox } from './outbox.ts';
import { Reads } from './reads.ts';
import { ReplyChoice } from './reply-choice.ts';
import type { Asked } from './reply-choice.ts';
import { ReplyIntake } from './reply-intake.ts';
import type { ReplyRefusal } from './reply-intake.ts';
import { SessionNumbers } from './session-numbers.ts';
import { Showing } from './showing.ts';

export const CLIENT_LIMITS = {
  /** Requests under way at once. A quarter of what the cluster keeps per client, so that sessions given up do not push out live ones. */
  sessions: 256,
  /** Calls that wait for a session; beyond it a call is rejected at once. */
  queued: 16_384,
  timeoutMs: 10_000,
} as const;

/** What a reply may take beside a multiple of what others take, as a share of T, before other replicas are asked for theirs. */
const REPLY_PATIENCE = 0.1;
/** With fewer requests under way everybody is asked. */
const ASKS_ALL_BELOW = { enough: 0, 'enough-when-busy': 8, all: Infinity } as const;
/** What an answer to a read may take, as a share of T. */
const READ_PATIENCE = 0.5;

/** A reply that claims another execution than the accepted one: given at most f faulty replicas, its replica lies. */
export interface WrongReply {
  readonly replica: ReplicaId;
  /** Where it says that the request was executed. */
  readonly view: View;
  readonly sequence: Sequence;
  /** One sentence for people. */
  readonly summary: string;
  /** The signed reply and those that were accepted, as statements, which prove it to third parties; empty where one is not signed. */
  readonly frames: readonly Bytes[];
}

export interface PbftClientOptions {
  readonly cluster: ClusterDescription;
  readonly identity: Identity;
  /** Requests under way at once, 256 when left out. */
  readonly sessions?: number;
  /** Calls waiting for a session, 16,384 when left out. */
  readonly queued?: number;
  readonly timing?: ClientTiming;
  /** Who is asked to reply at first: as many replicas as have to agree (when left out), all of them, or all while few requests are under way. */
  readonly replies?: 'enough' | 'all' | 'enough-when-busy';
  readonly links?: Partial<LinkSettings>;
  readonly onWrongReply?: (wrong: WrongReply) => void;
  /** A frame of a replica that was dropped, or a link that was refused: for logs and counters. */
  readonly onRefused?: (replica: ReplicaId, code: ReplyRefusal | (string & {}), reason: string) => void;
}

/** How many of what there are now. */
export interface ClientStats {
  readonly connected: readonly ReplicaId[];
  readonly underWay: number;
  readonly queued: number;
  readonly idleSessions: number;
  /** Reads so far that a quorum answered, and those that were ordered after all. */
  readonly reads: { readonly answered: number; readonly ordered: number };
}

interface PooledSession {
  readonly session: ClientSession;
  /** When it last ended a call, µs monotonic. */
  idleSince: number;
}

export class PbftClient {
  readonly id: ClientId;
  readonly #options: PbftClientOptions;
  readonly #authenticator: Authenticator;
  readonly #codec: CodecContext;
  readonly #receipts: ReceiptVerifier;
  readonly #intake: ReplyIntake;
  readonly #outbox: Outbox;
  readonly #links: ClientLinks;
  readonly #views: ViewEstimate;
  readonly #numbers = new SessionNumbers();
  readonly #choice: ReplyChoice;
  readonly #showing = new Showing();
  /** Whom all requests of this turn ask, so that they can go out under one authenticator. */
  #asked: Asked | undefined;
  /** Of whom the last request of this turn lets an answer be expected. */
  #turnAsks: ReplicaSet | undefined;
  /** Replicas whose link stands, in ascending order. */
  #connected: readonly ReplicaId[] = [];
  /** Every session of this client by its number, idle or not: replies find theirs here. */
  readonly #sessions = new Map<number, ClientSession>();
  /** The one used last is used next, so that the others can grow old and go. */
  readonly #idle: PooledSession[] = [];
  /** By the number of their session. */
  readonly #underWay = new ChurningMap<number, Call>();
  readonly #queue = new ChurningSet<Call>();
  readonly #alarm = new Alarm(nowUs, () => this.#onTime());
  readonly #reads: Reads;
  readonly #readCounts = { answered: 0, ordered: 0 };
  #closed: Promise<void> | undefined;

  /** Begins to dial all replicas at once. */
  constructor(options: PbftClientOptions) {
    const { cluster, identity } = options;
    const { clusterId, authentication, mac, quorumRule, replicas } = cluster;
    this.id = asClientId(identity.public.signing);
    this.#options = options;
    this.#authenticator = new NodeAuthenticator({
      identity,
      self: { kind: 'client', client: this.id },
      clusterId,
      mac,
      replicas: replicas.map((replica) => replica.identity),
      clients: [],
    });
    this.#codec = new CodecContext(clusterId, (bytes) => this.#authenticator.sha256(bytes));
    const modules = { authenticator: this.#authenticator, codec: this.#codec };
    this.#receipts = new ReceiptVerifier(this.#codec, this.#authenticator);
    this.#intake = new ReplyIntake(authentication, this.id, { ...modules, receipts: this.#receipts });
    const quorums = makeQuorums(replicas.length, quorumRule);
    this.#views = new ViewEstimate(quorums);
    this.#choice = new ReplyChoice({
      replicaCount: replicas.length,
      needed: repliesNeeded(quorums, cluster),
      weak: quorums.weak,
      quorum: quorums.quorum,
      patienceUs: (options.timing ?? DEFAULT_CLIENT_TIMING).requestTimeoutUs * REPLY_PATIENCE,
      asksAllBelow: ASKS_ALL_BELOW[options.replies ?? 'enough'],
    });
    this.#outbox = new Outbox({
      ...modules,
      sealer: new Sealer({ clusterId, authentication }, this.#authenticator),
      replicaCount: replicas.length,
      send: (replica, frame) => this.#links.send(replica, frame),
      onTurn: () => {
        this.#asked = undefined;
        this.#turnAsks = undefined;
      },
    });
    this.#reads = new Reads({
      cluster: { replicaCount: replicas.length, quorumRule, authentication },
      client: this.id,
      codec: this.#codec,
      patienceUs: (options.timing ?? DEFAULT_CLIENT_TIMING).requestTimeoutUs * READ_PATIENCE,
      send: (dispatch) => this.#outbox.put(dispatch),
      nowUs,
    });
    this.#links = new ClientLinks(
      { clusterId, mac, identity, replicas, ...(options.links === undefined ? {} : { limits: options.links }) },
      {
        onFrame: (replica, frame) => this.#onFrame(replica, frame),
        onConnected: (replica) => this.#onConnected(replica),
        onDisconnected: (replica) => {
          this.#connected = this.#connected.filter((other) => other !== replica);
          this.#choice.onLink(replica);
          this.#askOthers([replica]);
        },
        onRefused: (replica, code, reason) => options.onRefused?.(replica, code, reason),
      },
    );
    this.#links.connect();
  }

  get stats(): ClientStats {
    return {
      connected: this.#connected,
      underWay: this.#underWay.size,
      queued: this.#queue.size,
      idleSessions: this.#idle.length,
      reads: { ...this.#readCounts },
    };
  }

  /**
   * Has the operation ordered and executed. Never rejects; ends as `executed`, `rejected` or `unknown`, at the latest after its timeout. When
   * all sessions are busy it waits for one; when too many wait already, it is rejected at once.
   */
  async submit(operation: Bytes, options: SubmitOptions = {}): Promise<Outcome> {
    if (this.#closed !== undefined) return notSubmitted('this client is closed');
    if (options.signal?.aborted === true) return notSubmitted('given up by its caller before it was sent');
    const limit = this.#options.queued ?? CLIENT_LIMITS.queued;
    if (this.#queue.size >= limit) return notSubmitted(`${limit} requests wait already: send it again later`);
    const call = new Call(operation, options, nowUs(), options.timeoutMs ?? CLIENT_LIMITS.timeoutMs);
    if (options.signal !== undefined) call.listen(() => this.#giveUp(call));
    this.#enqueue(call);
    return call.outcome;
  }

  /**
   * Has a read-only operation answered by a quorum, without ordering it; where the cluster does not do that, or the answers do not agree (somebody
   * writes what is read), has it ordered like any other. Never rejects. The result was true at a moment between call and answer, either way.
   * `options`: of use are `timeoutMs` and `signal`.
   */
  async read(operation: Bytes, options: Pick<SubmitOptions, 'timeoutMs' | 'signal'> = {}): Promise<ReadOutcome> {
    const isTried =
      this.#options.cluster.readOnlyRequests &&
      this.#closed === undefined &&
      !this.#reads.isFull &&
      operation.length <= LIMITS.operationBytes &&
      options.signal?.aborted !== true;
    if (!isTried) return this.submit(operation, options);
    const timeoutUs = (options.timeoutMs ?? CLIENT_LIMITS.timeoutMs) * 1000;
    const deadline = nowUs() + timeoutUs;
    const limits = { timeoutUs, signal: options.signal };
    const verdict = await this.#reads.read(operation, this.#ask(nowUs())?.replier, limits);
    if (verdict.kind === 'read') {
      this.#readCounts.answered += 1;
      return verdict;
    }
    const timeoutMs = (deadline - nowUs()) / 1000;
    // Timers may be early by less than this.
    if (timeoutMs < 1)
      return notSubmitted('no quorum answered this read within its timeout: ask again, or allow more time');
    this.#readCounts.ordered += 1;
    return this.submit(operation, { ...options, timeoutMs });
  }

  /** Ends every call (those under way as `unknown`) and all links; harmless when repeated. */
  async close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    for (const call of this.#queue) call.end(notSubmitted('this client is closed'));
    this.#queue.clear();
    for (const call of this.#underWay.values()) this.#giveUp(call);
    this.#alarm.stop();
    this.#reads.close();
    this.#outbox.close();
    await this.#links.close();
  }

  #enqueue(call: Call): void {
    this.#alarm.setNoLaterThan(call.deadline);
    const session = this.#queue.size === 0 ? this.#takeSession() : undefined;
    if (session !== undefined) {
      this.#issue(call, session);
      return;
    }
    this.#queue.add(call);
    this.#serveQueue();
  }

  #serveQueue(): void {
    for (const call of this.#queue) {
      // A caller who hears of one that is issued may submit the next, which serves the queue.
      if (!this.#queue.has(call)) continue;
      const session = this.#takeSession();
      if (session === undefined) return;
      this.#queue.delete(call);
      this.#issue(call, session);
    }
  }

  #takeSession(): ClientSession | undefined {
    const now = nowUs();
    const { cluster, timing, sessions } = this.#options;
    // A session idle for longer may have made room for another in the cluster's table; its next request would end as unknown.
    for (let pooled = this.#idle.pop(); pooled !== undefined; pooled = this.#idle.pop()) {
      if (now - pooled.idleSince < cluster.sessionHorizonUs) return pooled.session;
      this.#sessions.delete(pooled.session.session);
    }
    if (this.#underWay.size >= (sessions ?? CLIENT_LIMITS.sessions)) return undefined;
    const { authentication, quorumRule, sessionHorizonUs, replicas } = cluster;
    const { readOnlyRequests, tentativeExecution } = cluster;
    const session = new ClientSession(
      {
        cluster: {
          replicaCount: replicas.length,
          quorumRule,
          authentication,
          sessionHorizonUs,
          readOnlyRequests,
          tentativeExecution,
        },
        client: this.id,
        session: this.#numbers.next(Date.now() * 1000),
        timing: timing ?? DEFAULT_CLIENT_TIMING,
      },
      { context: this.#codec, receipts: this.#receipts, views: this.#views },
    );
    this.#sessions.set(session.session, session);
    return session;
  }

  #issue(call: Call, session: ClientSession): void {
    const now = nowUs();
    const { idempotency, receipt } = call.options;
    const submitted = session.submit(now, call.operation, {
      timeoutUs: Math.max(1, call.deadline - now),
      idempotency,
      receipt: receipt === true,
      ...this.#ask(now),
      isShown: this.#showing.isDue(now, this.#underWay.size + 1),
    });
    if (!submitted.ok) {
      this.#putBack(session);
      const { code, message } = submitted.error;
      const isOwnFault = code === 'operation_too_large' || code === 'bad_idempotency_key';
      call.end(notSubmitted(message, isOwnFault ? code : 'not_submitted'));
      return;
    }
    // First: its caller hears of it, and may give it up at once.
    this.#underWay.set(session.session, call);
    call.issued(session);
    if (this.#underWay.get(session.session) !== call) return;
    this.#take(session, submitted.value);
    this.#watch(session);
  }

  /** Whom the requests of this turn ask. */
  #ask(now: number): Asked | undefined {
    if (this.#asked !== undefined) return this.#asked;
    this.#asked = this.#choice.next(this.#connected, this.#views.primary, {
      now,
      underWay: this.#underWay.size + this.#queue.size + 1,
    });
    return this.#asked;
  }

  /** It goes out with this turn. */
  #onAsked(asked: ReplicaSet): void {
    this.#choice.onAsked(asked, this.#connected, nowUs());
    const late = this.#choice.nextTimeout();
    if (late !== undefined) this.#alarm.setNoLaterThan(late);
  }

  /** These may not answer in time: the calls that count on one of them ask the others. */
  #askOthers(late: readonly ReplicaId[]): void {
    if (late.length === 0) return;
    for (const { session } of this.#underWay.values()) {
      if (session?.unanswered().some((replica) => late.includes(replica)) === true)
        this.#take(session, session.askOthers());
    }
  }

  /** Idle again, or of no more use. */
  #putBack(session: ClientSession): void {
    if (session.state === 'idle') this.#idle.push({ session, idleSince: nowUs() });
    else this.#sessions.delete(session.session);
  }

  #watch(session: ClientSession): void {
    const next = session.nextTimeout();
    if (next !== undefined) this.#alarm.setNoLaterThan(next);
  }

  /** Some call may be due: to be given up where it still waits for a session, else as its session says. */
  #onTime(): void {
    const now = nowUs();
    for (const call of this.#queue) if (call.deadline <= now) this.#giveUp(call);
    this.#askOthers(this.#choice.late(now));
    const missed = new Set<ReplicaId>();
    for (const { session } of this.#underWay.values()) {
      const next = session?.nextTimeout();
      if (session === undefined || next === undefined || next > now) continue;
      // They may have been heard, and left out this request.
      for (const replica of session.missing(now)) missed.add(replica);
      this.#take(session, session.onTimeout(now));
    }
    for (const replica of missed) this.#choice.onMissed(replica, now);
    this.#askOthers([...missed]);
    for (const call of this.#queue) this.#alarm.setNoLaterThan(call.deadline);
    const late = this.#choice.nextTimeout();
    if (late !== undefined) this.#alarm.setNoLaterThan(late);
    for (const { session } of this.#underWay.values()) if (session !== undefined) this.#watch(session);
  }

  #onFrame(replica: ReplicaId, frame: Bytes): void {
    const opened = this.#intake.open(replica, frame);
    if (!opened.ok) {
      this.#options.onRefused?.(
        replica,
        opened.error,
        'a frame that is no authentic REPLIES for this client was dropped',
      );
      return;
    }
    const now = nowUs();
    let isAnswer = false;
    for (const reply of opened.value) {
      if (reply.outcome === 'read') {
        this.#reads.onReply(reply, replica);
        continue;
      }
      const session = this.#sessions.get(reply.session);
      if (session === undefined) continue;
      const call = this.#underWay.get(reply.session);
      isAnswer = true;
      const deadline = session.nextTimeout();
      const outputs = session.onReply(now, reply, replica);
      const onProgress = call?.session === session ? call.options.onProgress : undefined;
      if (onProgress !== undefined && session.progress !== undefined) onProgress(session.progress);
      this.#take(session, outputs);
      // Enough replicas agree, and one of them is to be asked for the result sooner than a repeat was due.
      if (session.nextTimeout() !== deadline) this.#watch(session);
    }
    if (isAnswer) this.#choice.onHeard(replica, now);
  }

  /** What a link did not take while it was down goes out now, not only at the next repeat. */
  #onConnected(replica: ReplicaId): void {
    this.#connected = [...this.#connected.filter((other) => other !== replica), replica].toSorted(
      (left, right) => left - right,
    );
    this.#choice.onLink(replica);
    for (const call of this.#underWay.values()) {
      const missed = call.missedBy(replica);
      if (missed !== undefined) this.#outbox.put(missed);
    }
  }

  #take(session: ClientSession, outputs: readonly ClientOutput[]): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'send': {
          const call = this.#underWay.get(session.session);
          if (call !== undefined) this.#outbox.put(call.dispatch(output));
          if (this.#turnAsks !== output.expected) this.#onAsked(output.expected);
          this.#turnAsks = output.expected;
          break;
        }
        case 'outcome':
          if (output.outcome.kind === 'executed') this.#choice.onAnswered(output.outcome.isTentative);
          this.#settle(session, output.outcome);
          break;
        case 'late-outcome':
          break;
        case 'wrong-reply': {
          const { replica, summary, reply, accepted } = output;
          this.#choice.onWrong(replica, nowUs());
          this.#askOthers([replica]);
          const { view, sequence } = reply;
          const frames = this.#proof(reply, accepted);
          this.#options.onWrongReply?.({ replica, view, sequence, summary, frames });
        }
      }
    }
  }

  /** The liar's statement, then those of the accepted replies; nothing where one of them is not signed. */
  #proof(wrong: Reply, accepted: readonly Reply[] | undefined): readonly Bytes[] {
    if (accepted === undefined || !this.#receipts.isValid(wrong)) return [];
    return [wrong, ...accepted].flatMap((reply) =>
      reply.receipt === undefined ? [] : [receiptStatement(this.#codec, reply, reply.receipt)],
    );
  }

  #settle(session: ClientSession, outcome: Exclude<Outcome, { requestDigest: undefined }>): void {
    const call = this.#underWay.get(session.session);
    this.#underWay.delete(session.session);
    if (session.state === 'unresolved') session.abandon();
    this.#putBack(session);
    if (call === undefined) return;
    if (outcome.kind !== 'executed' && outcome.bounds !== undefined) {
      const { sessionFloor, agreedTime } = outcome.bounds;
      this.#numbers.passOver(Math.max(sessionFloor, outcome.kind === 'rejected' ? agreedTime : 0));
    }
    if (call.mayBeIssuedAgain(outcome)) {
      this.#enqueue(call);
      return;
    }
    call.end(call.wasSent || outcome.kind !== 'unknown' ? outcome : notSubmitted('no replica could be reached'));
    this.#serveQueue();
  }

  /** Its caller gave up, its time is over, or the client is closed. */
  #giveUp(call: Call): void {
    if (this.#queue.delete(call)) {
      call.end(notSubmitted('no session became free in time: too many requests are under way'));
      return;
    }
    const { session } = call;
    if (session !== undefined && this.#underWay.get(session.session) === call) this.#take(session, session.abandon());
  }
}

/** µs of a clock that no wall-clock jump moves. */
function nowUs(): number {
  return Math.floor(performance.now() * 1000);
}
