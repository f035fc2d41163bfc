/**
 * A correct client: the real ClientSession, several of them, one outstanding request each. It bundles what it has ready at one time, retries
 * what ended as unknown, and opens a new session when an old one is closed.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { asReplicaId } from '../base/ids.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import { EVERYBODY, decodeFrame, encodeOperations, replicaSetOf } from '../messages/index.ts';
import type { AuthenticatedRequest, DecodedFrame, Reply } from '../messages/index.ts';
import type { UnprovenRequest } from '../protocol/client-authentication.ts';
import { ClientRead } from '../protocol/client-read.ts';
import type { ReadVerdict } from '../protocol/client-read.ts';
import { ClientSession } from '../protocol/client-session.ts';
import type { ClientOutcome, ClientOutput, SubmitOptions } from '../protocol/client-session.ts';
import type { Party } from '../protocol/ports.ts';
import { ReceiptVerifier } from '../protocol/receipts.ts';
import { repliesNeeded } from '../protocol/reply-certificate.ts';
import { ViewEstimate } from '../protocol/view-estimate.ts';
import { makeQuorums } from '../protocol/quorum.ts';
import type { ClientParty } from './client-party.ts';
import { WALL_START_MS } from './clock.ts';
import type { Random } from './random.ts';
import { RequestMaker } from './request-maker.ts';
import type { World } from './world.ts';

/** What one client does in a run. Times in µs. */
export interface ClientPlan {
  readonly requests: number;
  /** Sessions at the same time. */
  readonly sessions: number;
  /** A session makes room for a new one after so many requests. */
  readonly requestsPerSession: number;
  readonly thinkUs: number;
  readonly idempotentShare: number;
  readonly receiptShare: number;
  /** Of so many requests only some replicas are asked to reply: as many as have to agree. */
  readonly askedShare: number;
  /** So many requests are signed and sent to all at once. */
  readonly shownShare: number;
  /** So many requests without an idempotency key are compound ones. */
  readonly compoundShare: number;
  readonly requestTimeoutUs: number;
  /** A call ends as unknown after so long, and is tried again. */
  readonly callTimeoutUs: number;
  readonly makeOperation: () => Bytes;
  /** What the next operation asks for if it is a read-only request; undefined if it is to be ordered. */
  readonly drawRead: () => Bytes | undefined;
  readonly random: Random;
  readonly onWrongReply: (reply: Reply, summary: string) => void;
  /** Of what was ordered: `executed`, `replayed`, `rejected: <code>`, `unknown: <code>` or `late`. */
  readonly onOutcome: (kind: string, outcome: ClientOutcome) => void;
  /** A read-only request has ended; one that is undecided is ordered next. */
  readonly onRead: (verdict: ReadVerdict) => void;
}

interface Lane {
  session: ClientSession;
  used: number;
  /** When it asks for the next thing; undefined while it waits for an answer. */
  nextAt: number | undefined;
  /** A read under way; the session is idle meanwhile. */
  read: ClientRead | undefined;
}

/** A body that was sent under an idempotency key. */
interface Keyed {
  readonly key: string;
  readonly operation: Bytes;
}

const KEPT_KEYS = 3;
/** Operations of a compound request besides the first. */
const MOST_JOINED = 4;
/** Two of them tell a read from all others. */
const MAX_NONCE = 2 ** 31;

export class CorrectClient implements ClientParty {
  readonly client: ClientId;
  readonly #world: World;
  readonly #plan: ClientPlan;
  readonly #maker: RequestMaker;
  readonly #receipts: ReceiptVerifier;
  readonly #views: ViewEstimate;
  readonly #lanes: Lane[];
  readonly #requests = new Map<string, AuthenticatedRequest>();
  readonly #keys: Keyed[] = [];
  #left: number;
  #answered = 0;
  #lastSession = 0;

  constructor(world: World, client: ClientId, plan: ClientPlan) {
    this.client = client;
    this.#world = world;
    this.#plan = plan;
    this.#maker = new RequestMaker(world, client);
    this.#receipts = new ReceiptVerifier(world.codec, this.#maker.authenticator);
    this.#views = new ViewEstimate(makeQuorums(world.cluster.replicaCount, world.cluster.quorumRule));
    this.#left = plan.requests;
    this.#lanes = Array.from({ length: plan.sessions }, () => ({
      session: this.#openSession(),
      used: 0,
      nextAt: world.time + plan.random.between(0, plan.thinkUs),
      read: undefined,
    }));
  }

  /** So many requests more, from now on. */
  ask(count: number): void {
    this.#left += count;
    this.#world.armClient(this);
  }

  /** Requests that came to an end. */
  get answered(): number {
    return this.#answered;
  }

  get isDone(): boolean {
    return (
      this.#left === 0 && this.#lanes.every(({ session, read }) => session.state !== 'waiting' && read === undefined)
    );
  }

  /** Digests of the requests without an answer. */
  get waiting(): readonly string[] {
    return this.#lanes.flatMap((lane) =>
      lane.session.state === 'waiting' ? [lane.session.progress?.requestDigest ?? ''] : [],
    );
  }

  nextTimeout(): number | undefined {
    const times = this.#lanes.flatMap(({ session, nextAt, read }) => {
      const at = nextAt !== undefined && this.#left > 0 ? nextAt : (read?.deadline ?? session.nextTimeout());
      return at === undefined ? [] : [at];
    });
    return times.length === 0 ? undefined : Math.min(...times);
  }

  onWake(time: number): void {
    const outputs: [Lane, ClientOutput][] = [];
    for (const lane of this.#lanes) {
      const verdict = lane.read?.onTimeout(time);
      if (verdict !== undefined) for (const output of this.#endRead(lane, verdict)) outputs.push([lane, output]);
      const due = lane.nextAt !== undefined && lane.nextAt <= time && this.#left > 0;
      const more = due ? this.#begin(lane, time) : lane.session.onTimeout(time);
      for (const output of more) outputs.push([lane, output]);
    }
    this.#carryOut(outputs);
  }

  onFrame(time: number, from: ReplicaId, frame: Bytes): void {
    const decoded = decodeFrame(frame, this.#world.codec);
    if (!decoded.ok) return;
    for (const reply of this.#authenticReplies(decoded.value, from)) {
      this.#onReadReply(reply, from);
      const outputs = this.#lanes.flatMap((lane) =>
        lane.session.onReply(time, reply, from).map((output): [Lane, ClientOutput] => [lane, output]),
      );
      this.#carryOut(outputs);
    }
  }

  #openSession(): ClientSession {
    this.#lastSession = Math.max(this.#lastSession + 1, WALL_START_MS * 1000 + this.#world.time);
    const { cluster, codec } = this.#world;
    const timing = { requestTimeoutUs: this.#plan.requestTimeoutUs, retryCapUs: 4_000_000 };
    const modules = { context: codec, receipts: this.#receipts, views: this.#views };
    return new ClientSession({ cluster, client: this.client, session: this.#lastSession, timing }, modules);
  }

  #begin(lane: Lane, time: number): readonly ClientOutput[] {
    lane.nextAt = undefined;
    this.#left -= 1;
    const { random, drawRead, idempotentShare } = this.#plan;
    const read = drawRead();
    if (read !== undefined) {
      this.#beginRead(lane, time, read);
      return [];
    }
    const keyed = random.chance(idempotentShare) ? this.#drawKey() : undefined;
    return this.#submit(lane, time, keyed ?? this.#drawOperation());
  }

  /** One operation, or several in one. */
  #drawOperation(): { readonly operation: Bytes; readonly isCompound: boolean } {
    const { random, compoundShare, makeOperation } = this.#plan;
    const operation = makeOperation();
    const isCompound = compoundShare > 0 && random.chance(compoundShare);
    if (!isCompound) return { operation, isCompound };
    const others = Array.from({ length: random.between(0, MOST_JOINED) }, makeOperation);
    return { operation: encodeOperations([operation, ...others]), isCompound };
  }

  #submit(
    lane: Lane,
    time: number,
    { operation, key, isCompound }: { readonly operation: Bytes; readonly key?: string; readonly isCompound?: boolean },
  ): readonly ClientOutput[] {
    if (lane.session.state === 'closed' || lane.used >= this.#plan.requestsPerSession) {
      lane.session = this.#openSession();
      lane.used = 0;
    }
    lane.used += 1;
    const { random, callTimeoutUs, receiptShare, askedShare, shownShare } = this.#plan;
    const asked = random.chance(askedShare) ? this.#drawAsked() : undefined;
    const submitted = lane.session.submit(time, operation, {
      timeoutUs: callTimeoutUs,
      receipt: random.chance(receiptShare),
      ...asked,
      isCompound,
      isShown: random.chance(shownShare),
      idempotency: key === undefined ? undefined : { scope: this.client.slice(0, 4), key },
    });
    assert(submitted.ok, 'an idle session takes a request');
    return submitted.value;
  }

  /** As many as have to agree, one of them to return the result. */
  #drawAsked(): Pick<SubmitOptions, 'asked' | 'replier'> {
    const { cluster } = this.#world;
    const quorums = makeQuorums(cluster.replicaCount, cluster.quorumRule);
    const needed = cluster.tentativeExecution ? quorums.quorum : repliesNeeded(quorums, cluster);
    const all = Array.from({ length: cluster.replicaCount }, (_, index) => asReplicaId(index));
    const some = this.#plan.random.shuffle(all).slice(0, needed);
    return { asked: replicaSetOf(some), replier: some[0] };
  }

  #beginRead(lane: Lane, time: number, operation: Bytes): void {
    const { random, requestTimeoutUs } = this.#plan;
    const nonce = { session: random.between(1, MAX_NONCE), timestamp: random.between(1, MAX_NONCE) };
    const patienceUs = Math.floor(requestTimeoutUs / 2);
    const config = { cluster: this.#world.cluster, client: this.client, nonce, patienceUs };
    const read = new ClientRead(config, this.#world.codec, { now: time, operation });
    lane.read = read;
    const { request, digest, to, isSigned } = read;
    const unproven = { request, digest, asked: EVERYBODY };
    const [proven] = isSigned ? [this.#maker.sign(unproven)] : this.#maker.authenticate([unproven]);
    assert(proven !== undefined, 'one request gives one authenticated request');
    this.#requests.set(digest, proven);
    for (const replica of to) this.#maker.send(replica, [proven]);
  }

  #onReadReply(reply: Reply, from: ReplicaId): void {
    for (const lane of this.#lanes) {
      const verdict = lane.read?.onReply(reply, from);
      if (verdict !== undefined) this.#carryOut(this.#endRead(lane, verdict).map((output) => [lane, output] as const));
    }
  }

  /** Answered, or the operation has to be ordered like any other. */
  #endRead(lane: Lane, verdict: ReadVerdict): readonly ClientOutput[] {
    const { read } = lane;
    assert(read !== undefined, 'a read ends once');
    lane.read = undefined;
    this.#plan.onRead(verdict);
    if (verdict.kind === 'read') {
      this.#answered += 1;
      lane.nextAt = this.#world.time + this.#plan.random.between(0, this.#plan.thinkUs);
      const request = this.#requests.get(read.digest);
      if (request !== undefined) this.#world.observer.readAnswered(request, verdict.result);
      return [];
    }
    return this.#submit(lane, this.#world.time, { operation: read.request.operation });
  }

  /** A new key, or one that was used before; then mostly with the body it was used with. */
  #drawKey(): Keyed {
    const { random, makeOperation } = this.#plan;
    const known = this.#keys.length > 0 && random.chance(0.5) ? random.pick(this.#keys) : undefined;
    if (known !== undefined) return random.chance(0.8) ? known : { ...known, operation: makeOperation() };
    const fresh = { key: `key ${this.client.slice(0, 2)} ${this.#left}`, operation: makeOperation() };
    this.#keys.push(fresh);
    if (this.#keys.length > KEPT_KEYS) this.#keys.shift();
    return fresh;
  }

  #authenticReplies({ message, proof, authenticated }: DecodedFrame, from: ReplicaId): readonly Reply[] {
    if (message.type !== 'replies' || message.replica !== from) return [];
    const party: Party = { kind: 'replica', replica: from };
    const { authenticator } = this.#maker;
    if (this.#world.cluster.authentication === 'mac') {
      return proof.kind === 'mac' && authenticator.verifyMac(party, authenticated, proof.mac) ? message.replies : [];
    }
    return proof.kind === 'tree' ? (this.#receipts.open(message.replies, proof.tree) ?? []) : [];
  }

  /** Unsigned requests for one receiver that ask the same replicas go out as one bundle. */
  #carryOut(outputs: readonly (readonly [Lane, ClientOutput])[]): void {
    const bundles = new Map<string, { readonly to: ReplicaId; readonly unproven: UnprovenRequest[] }>();
    for (const [lane, output] of outputs) {
      switch (output.kind) {
        case 'send':
          if (output.signed) this.#sendSigned(output);
          else for (const to of output.to) gather(bundles, to, output);
          break;
        case 'outcome':
          this.#onOutcome(lane, output.outcome);
          break;
        case 'late-outcome':
          this.#plan.onOutcome('late', output.outcome);
          this.#conclude(output.outcome);
          break;
        case 'wrong-reply':
          this.#plan.onWrongReply(output.reply, output.summary);
          break;
      }
    }
    for (const { to, unproven } of bundles.values()) {
      const proven = this.#maker.authenticate(unproven);
      for (const request of proven) this.#requests.set(request.digest, request);
      this.#maker.send(to, proven);
    }
  }

  #sendSigned({ request, digest, asked, to }: Extract<ClientOutput, { kind: 'send' }>): void {
    const signed = this.#maker.sign({ request, digest, asked });
    this.#requests.set(digest, signed);
    for (const replica of to) this.#maker.send(replica, [signed]);
  }

  #onOutcome(lane: Lane, outcome: ClientOutcome): void {
    this.#plan.onOutcome(
      outcome.kind === 'executed' ? (outcome.replayed ? 'replayed' : 'executed') : `${outcome.kind}: ${outcome.code}`,
      outcome,
    );
    if (lane.session.state === 'unresolved') {
      const { time } = this.#world;
      this.#carryOut(
        lane.session.retry(time, this.#plan.callTimeoutUs).map((output): [Lane, ClientOutput] => [lane, output]),
      );
      return;
    }
    this.#answered += 1;
    lane.nextAt = this.#world.time + this.#plan.random.between(0, this.#plan.thinkUs);
    this.#conclude(outcome);
  }

  #conclude(outcome: ClientOutcome): void {
    const request = this.#requests.get(outcome.requestDigest);
    if (request === undefined) return;
    this.#world.observer.concluded(request, outcome);
    if (outcome.kind !== 'executed') return;
    const { sequence, digest, result, replies: replicas, replayed, isTentative } = outcome;
    this.#world.observer.acknowledged({ request, sequence, digest, result, replayed, isTentative, replicas });
  }
}

function gather(
  bundles: Map<string, { readonly to: ReplicaId; readonly unproven: UnprovenRequest[] }>,
  to: ReplicaId,
  request: UnprovenRequest,
): void {
  const name = `${to} ${request.asked}`;
  const bundle = bundles.get(name);
  if (bundle === undefined) bundles.set(name, { to, unproven: [request] });
  else bundle.unproven.push(request);
}
