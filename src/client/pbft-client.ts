/**
 * The client library for Node: any number of calls at once over one link to each replica. It owns the links, a pool of sessions (each has one
 * request under way, client-session.ts) and a bounded queue before them. Every call ends [G25]. A request whose outcome is unknown is never
 * sent again under another session: whoever repeats it decides so, best with an idempotency key.
 */
import { ChurningSet } from '../base/churning.ts';
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
import { CompoundCall } from './compound-call.ts';
import { Gathering } from './gathering.ts';
import type { ClusterDescription } from './cluster-description.ts';
import { notSubmitted } from './outcome.ts';
import type { NotSubmitted, Outcome, ReadOutcome, SubmitOptions } from './outcome.ts';
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
const NO_OPTIONS: SubmitOptions = {};
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
  /** Calls that are ready in one turn and ask for nothing but their result go out as one request; true when left out. */
  readonly compound?: boolean;
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

/** A session and the call under way in it. */
interface Lane {
  readonly session: ClientSession;
  call: Call | undefined;
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
  /** By the number of its session, idle or not: replies find theirs here. */
  readonly #lanes = new Map<number, Lane>();
  /** The one used last is used next, so that the others can grow old and go. */
  readonly #idle: Lane[] = [];
  /** How many calls are under way in lanes. */
  #underWay = 0;
  readonly #gathering = new Gathering();
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
        this.#issueGathered();
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
      underWay: this.#underWay + this.#gathering.size,
      queued: this.#queue.size,
      idleSessions: this.#idle.length,
      reads: { ...this.#readCounts },
    };
  }

  /**
   * Has the operation ordered and executed. Never rejects; ends as `executed`, `rejected` or `unknown`, at the latest after its timeout. When
   * all sessions are busy it waits for one; when too many wait already, it is rejected at once.
   */
  submit(operation: Bytes, options: SubmitOptions = NO_OPTIONS): Promise<Outcome> {
    const refusal = this.#refuse(options);
    if (refusal !== undefined) return Promise.resolve(refusal);
    const now = nowUs();
    const call = new Call(operation, options, now, options.timeoutMs ?? CLIENT_LIMITS.timeoutMs);
    if (options.signal !== undefined) call.listen(() => this.#giveUp(call));
    this.#enqueue(call, now);
    // The call's own: an async function would make each of its callers a second one.
    return call.outcome;
  }

  #refuse({ signal }: SubmitOptions): NotSubmitted | undefined {
    if (this.#closed !== undefined) return notSubmitted('this client is closed');
    if (signal?.aborted === true) return notSubmitted('given up by its caller before it was sent');
    const limit = this.#options.queued ?? CLIENT_LIMITS.queued;
    return this.#queue.size >= limit ? notSubmitted(`${limit} requests wait already: send it again later`) : undefined;
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
    for (const { calls } of this.#gathering.drain())
      for (const call of calls) call.end(notSubmitted('this client is closed'));
    for (const { call } of this.#lanes.values()) if (call !== undefined) this.#giveUp(call);
    this.#alarm.stop();
    this.#reads.close();
    this.#outbox.close();
    await this.#links.close();
  }

  #enqueue(call: Call, now: number): void {
    this.#alarm.setNoLaterThan(call.deadline);
    if (this.#queue.size === 0 && this.#hasRoom) {
      this.#begin(call, now);
      return;
    }
    this.#queue.add(call);
    this.#serveQueue();
  }

  /** May one more call be under way? */
  get #hasRoom(): boolean {
    return this.#underWay + this.#gathering.size < (this.#options.sessions ?? CLIENT_LIMITS.sessions);
  }

  /** With the others of this turn, or in a session of its own. */
  #begin(call: Call, now: number): void {
    if (this.#options.compound === false || !call.isJoinable) {
      this.#issue(call, this.#takeLane(now), now);
      return;
    }
    this.#gathering.add(call);
    this.#outbox.plan();
  }

  /** What was gathered in this turn: several calls as one, a single one as it is. */
  #issueGathered(): void {
    if (this.#gathering.size === 0) return;
    const now = nowUs();
    const modules = { codec: this.#codec, onAlone: (call: Call) => this.#enqueue(call, nowUs()) };
    for (const gathered of this.#gathering.drain()) {
      const [only, next] = gathered.calls;
      // Its own copy: whoever submitted it may use the buffer again.
      if (next === undefined) only?.standAlone(gathered.operation);
      const call = next === undefined ? only : new CompoundCall(gathered, now, modules);
      if (call !== undefined) this.#issue(call, this.#takeLane(now), now);
    }
  }

  #serveQueue(): void {
    for (const call of this.#queue) {
      // A caller who hears of one that is issued may submit the next, which serves the queue.
      if (!this.#queue.has(call)) continue;
      if (!this.#hasRoom) return;
      this.#queue.delete(call);
      this.#begin(call, nowUs());
    }
  }

  #takeLane(now: number): Lane {
    const { cluster, timing } = this.#options;
    // A session idle for longer may have made room for another in the cluster's table; its next request would end as unknown.
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (now - idle.idleSince < cluster.sessionHorizonUs) return idle;
      this.#lanes.delete(idle.session.session);
    }
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
    const lane: Lane = { session, call: undefined, idleSince: now };
    this.#lanes.set(session.session, lane);
    return lane;
  }

  #issue(call: Call, lane: Lane, now: number): void {
    const { idempotency, receipt } = call.options;
    const whom = this.#ask(now);
    const submitted = lane.session.submit(now, call.operation, {
      timeoutUs: Math.max(1, call.deadline - now),
      idempotency,
      receipt: receipt === true,
      replier: whom?.replier,
      asked: whom?.asked,
      isCompound: call.isCompound,
      isShown: this.#showing.isDue(now, this.#underWay + call.size),
    });
    if (!submitted.ok) {
      this.#putBack(lane, now);
      const { code, message } = submitted.error;
      const isOwnFault = code === 'operation_too_large' || code === 'bad_idempotency_key';
      call.end(notSubmitted(message, isOwnFault ? code : 'not_submitted'));
      return;
    }
    // First: its caller hears of it, and may give it up at once.
    lane.call = call;
    this.#underWay += call.size;
    call.issued(lane.session);
    if (lane.call !== call) return;
    this.#take(lane, submitted.value, now);
    this.#watch(lane.session);
  }

  /** Whom the requests of this turn ask. */
  #ask(now: number): Asked | undefined {
    if (this.#asked !== undefined) return this.#asked;
    this.#asked = this.#choice.next(this.#connected, this.#views.primary, {
      now,
      underWay: this.#underWay + this.#queue.size + 1,
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
    for (const lane of this.#lanes.values()) {
      if (lane.session.awaits(late)) this.#take(lane, lane.session.askOthers(), nowUs());
    }
  }

  /** Idle again, or of no more use. */
  #putBack(lane: Lane, now: number): void {
    lane.idleSince = now;
    if (lane.session.state === 'idle') this.#idle.push(lane);
    else this.#lanes.delete(lane.session.session);
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
    for (const lane of this.#lanes.values()) {
      const { session } = lane;
      const next = session.nextTimeout();
      if (next === undefined || next > now) continue;
      // They may have been heard, and left out this request.
      for (const replica of session.missing(now)) missed.add(replica);
      this.#take(lane, session.onTimeout(now), now);
    }
    for (const replica of missed) this.#choice.onMissed(replica, now);
    this.#askOthers([...missed]);
    for (const call of this.#queue) this.#alarm.setNoLaterThan(call.deadline);
    const late = this.#choice.nextTimeout();
    if (late !== undefined) this.#alarm.setNoLaterThan(late);
    for (const { session } of this.#lanes.values()) this.#watch(session);
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
      const lane = this.#lanes.get(reply.session);
      if (lane === undefined) continue;
      isAnswer = true;
      const { session, call } = lane;
      const due = session.nextTimeout();
      const outputs = session.onReply(now, reply, replica);
      const onProgress = call?.options.onProgress;
      if (onProgress !== undefined && session.progress !== undefined) onProgress(session.progress);
      this.#take(lane, outputs, now);
      // Enough replicas agree, and one of them is to be asked for the result sooner than a repeat was due.
      const next = session.nextTimeout();
      if (next !== undefined && next !== due) this.#alarm.setNoLaterThan(next);
    }
    if (isAnswer) this.#choice.onHeard(replica, now);
  }

  /** What a link did not take while it was down goes out now, not only at the next repeat. */
  #onConnected(replica: ReplicaId): void {
    this.#connected = [...this.#connected.filter((other) => other !== replica), replica].toSorted(
      (left, right) => left - right,
    );
    this.#choice.onLink(replica);
    for (const { call } of this.#lanes.values()) {
      const missed = call?.missedBy(replica);
      if (missed !== undefined) this.#outbox.put(missed);
    }
  }

  #take(lane: Lane, outputs: readonly ClientOutput[], now: number): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'send': {
          if (lane.call !== undefined) this.#outbox.put(lane.call.dispatch(output));
          if (this.#turnAsks !== output.expected) this.#onAsked(output.expected);
          this.#turnAsks = output.expected;
          break;
        }
        case 'outcome':
          if (output.outcome.kind === 'executed') this.#choice.onAnswered(output.outcome.isTentative);
          this.#settle(lane, output.outcome, now);
          break;
        case 'late-outcome':
          break;
        case 'wrong-reply': {
          const { replica, summary, reply, accepted } = output;
          this.#choice.onWrong(replica, now);
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

  #settle(lane: Lane, outcome: Exclude<Outcome, { requestDigest: undefined }>, now: number): void {
    const { session, call } = lane;
    if (session.state === 'unresolved') session.abandon();
    this.#putBack(lane, now);
    if (call === undefined) return;
    lane.call = undefined;
    this.#underWay -= call.size;
    if (outcome.kind !== 'executed' && outcome.bounds !== undefined) {
      const { sessionFloor, agreedTime } = outcome.bounds;
      this.#numbers.passOver(Math.max(sessionFloor, outcome.kind === 'rejected' ? agreedTime : 0));
    }
    if (call.mayBeIssuedAgain(outcome)) {
      this.#enqueue(call, now);
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
    const lane = call.session && this.#lanes.get(call.session.session);
    if (lane?.call === call) this.#take(lane, lane.session.abandon(), nowUs());
  }
}

/** µs of a clock that no wall-clock jump moves. */
function nowUs(): number {
  return Math.floor(performance.now() * 1000);
}
