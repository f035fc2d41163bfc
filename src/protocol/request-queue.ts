/**
 * Requests that a replica knows and that have not been executed: one per session, bounded per client and in all [PROTOCOL: bounds]. The
 * primary proposes from here in order of arrival; a backup keeps them for its timer and for the next primary.
 */
import { assert } from '../base/assert.ts';
import { ChurningMap, ChurningSet } from '../base/churning.ts';
import type { ClientId, Digest } from '../base/ids.ts';
import { askedBy, isSameRequest, operationCount, unionOf } from '../messages/index.ts';
import type { AuthenticatedRequest, Bundle, ReplicaSet } from '../messages/index.ts';
import type { RequestVerification } from './input.ts';
import { bundleMemory } from './memory.ts';

export interface WaitingRequest {
  request: AuthenticatedRequest;
  verified: Exclude<RequestVerification, 'unverified'>;
  /** Who is to reply, by any verified copy of it that came: who was asked stays asked. */
  asked: ReplicaSet;
  /** At a primary: a backup passed it on, and may time it. */
  isPassedOn: boolean;
  /** Its client was told here what it comes to, if its batch is committed, and has not asked again since. */
  isTold: boolean;
  /** Order of arrival here. */
  readonly arrival: number;
  /** Monotonic µs. */
  readonly receivedAt: number;
  readonly sizeBytes: number;
  readonly operations: number;
}

/** What one client has here. */
interface Share {
  readonly client: ClientId;
  /** Of its requests and their bundles. */
  bytes: number;
  /** Of its requests: a compound one has several. */
  operations: number;
  /** By session, in order of arrival. */
  readonly requests: ChurningMap<number, WaitingRequest>;
}

/** A bundle that so many waiting requests hold: it counts once for its client. */
interface Held {
  readonly bundle: Bundle;
  holders: number;
}

export type QueueRefusal = 'queue-full' | 'session-busy';

/** A waiting request besides its operation and bundle, roughly. It also keeps the smallest requests of one client from filling the queue. */
const OVERHEAD_BYTES = 1024;
/** Of all clients together: open ones are not bounded in number. */
const QUEUE_BYTES = 256 * 1024 * 1024;

export class RequestQueue {
  readonly #limits: { readonly clientQueueBytes: number; readonly queueRequests: number };
  readonly #onDropped: (request: AuthenticatedRequest) => void;
  readonly #all = new ChurningSet<WaitingRequest>();
  /** Of each client that has something here. */
  readonly #shares = new ChurningMap<ClientId, Share>();
  readonly #bundles = new ChurningMap<Bundle, Held>();
  /** What was looked up last: requests come, and go, a bundle of one client after the other. */
  #recentShare: Share | undefined;
  #recentBundle: Held | undefined;
  /** Not yet in a batch accepted or proposed here, in order of arrival. */
  readonly #unproposed = new ChurningSet<WaitingRequest>();
  /** Those for which a backup's timer runs. */
  readonly #timed = new ChurningSet<WaitingRequest>();
  /** Per client one request that can only be refused in order: whoever sends old ones again has them ordered one at a time. Also each replica's RECOVER. */
  readonly #lost = new Map<ClientId, WaitingRequest>();
  /** Of the timed ones the first to arrive; undefined when it has to be looked for. */
  #oldestTimed: WaitingRequest | undefined;
  #bytes = 0;
  #operations = 0;
  #arrivals = 0;

  /** `onDropped`: told of each request that is here no more, whyever. */
  constructor(
    limits: { readonly clientQueueBytes: number; readonly queueRequests: number },
    onDropped: (request: AuthenticatedRequest) => void = () => undefined,
  ) {
    this.#limits = limits;
    this.#onDropped = onDropped;
  }

  get size(): number {
    return this.#all.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The copy of this request that waits here. */
  find(request: AuthenticatedRequest): WaitingRequest | undefined {
    if (this.size === 0) return undefined;
    const known = this.#find(request.request.client, request.request.session);
    return known !== undefined && isSameRequest(known.request, request) ? known : undefined;
  }

  /** Does a request with this digest wait here? Looks through all of them. */
  holds(digest: Digest): boolean {
    for (const waiting of this.#all) if (waiting.request.digest === digest) return true;
    return false;
  }

  /**
   * Adds a verified request. The same request again keeps its place and takes over a signature; a session's higher timestamp replaces its
   * lower one (a correct client has one outstanding request, so the lower one is answered elsewhere); anything else of that session is refused.
   * One that a backup passed on to this primary and waits for (`isPassedOn`) does not give way to what the client shows the primary alone; what that
   * was shown alone gives way to it, in its session and, where the client has no more room, in others of the same client.
   */
  add(
    request: AuthenticatedRequest,
    verified: Exclude<RequestVerification, 'unverified'>,
    now: number,
    isPassedOn = false,
  ): WaitingRequest | QueueRefusal {
    const { client, session } = request.request;
    const known = this.#find(client, session);
    if (known !== undefined) {
      if (isSameRequest(known.request, request)) {
        known.isPassedOn ||= isPassedOn;
        return this.#strengthen(known, request, verified);
      }
      if (!this.#givesWay(known, request, isPassedOn)) return 'session-busy';
      this.drop(known);
    }
    if (isPassedOn) this.#makeOwnRoom(request);
    if (this.#isShareFullFor(request)) return 'queue-full';
    if (this.#isFullFor(request) && !this.#makeRoom(request)) return 'queue-full';
    if (this.#isFullFor(request)) return 'queue-full';
    const sizeBytes = request.request.operation.length + OVERHEAD_BYTES;
    this.#arrivals += 1;
    const asked = askedBy(request.proof);
    const arrival = this.#arrivals;
    const waiting: WaitingRequest = {
      request,
      verified,
      asked,
      isPassedOn,
      isTold: false,
      arrival,
      receivedAt: now,
      sizeBytes,
      operations: operationCount(request.request),
    };
    const share = this.#makeShare(client);
    this.#unproposed.add(waiting);
    share.requests.set(session, waiting);
    this.#all.add(waiting);
    this.#count(share, sizeBytes);
    this.#countOperations(share, waiting.operations);
    this.#hold(share, request);
    return waiting;
  }

  /** Does `known` give way to another request of its session? */
  #givesWay(known: WaitingRequest, request: AuthenticatedRequest, isPassedOn: boolean): boolean {
    const isOpen = this.#unproposed.has(known);
    if (isPassedOn && isOpen && this.#isDispensable(known)) return true;
    if (!isPassedOn && isOpen && known.isPassedOn) return false;
    return known.request.request.timestamp < request.request.timestamp;
  }

  #find(client: ClientId, session: number): WaitingRequest | undefined {
    return this.#shareOf(client)?.requests.get(session);
  }

  #shareOf(client: ClientId): Share | undefined {
    if (this.#recentShare?.client !== client) this.#recentShare = this.#shares.get(client);
    return this.#recentShare;
  }

  /** Another request of its session waits here. */
  holdsOther(request: AuthenticatedRequest): boolean {
    const known = this.#find(request.request.client, request.request.session);
    return known !== undefined && !isSameRequest(known.request, request);
  }

  #makeShare(client: ClientId): Share {
    const known = this.#shareOf(client);
    if (known !== undefined) return known;
    const share: Share = { client, bytes: 0, operations: 0, requests: new ChurningMap() };
    this.#shares.set(client, share);
    this.#recentShare = share;
    return share;
  }

  /**
   * The queue is full: clients that hold more than an equal share of it, by operations, give their latest requests that nobody proposed for one of a client
   * that stays within its share, or has nothing here. So no client keeps others out, whatever it sends. False, and nothing is dropped, when they do not suffice.
   */
  #makeRoom(request: AuthenticatedRequest): boolean {
    const { client } = request.request;
    const own = this.#shareOf(client);
    const held = own?.operations ?? 0;
    const wanted = operationCount(request.request);
    const share = this.#limits.queueRequests / (this.#shares.size + (own === undefined ? 1 : 0));
    if (share < 1 || (held > 0 && held + wanted > Math.floor(share))) return false;
    let operations = this.#operations + wanted - this.#limits.queueRequests;
    let bytes = this.#bytes + this.#bytesOf(request) - QUEUE_BYTES;
    const victims: WaitingRequest[] = [];
    for (const other of this.#shares.values()) {
      if (other === own || other.operations <= share) continue;
      let left = other.operations;
      for (const victim of this.#latest(other)) {
        if (left <= share || (operations <= 0 && bytes <= 0)) break;
        left -= victim.operations;
        operations -= victim.operations;
        bytes -= victim.sizeBytes;
        victims.push(victim);
      }
      if (operations <= 0 && bytes <= 0) break;
    }
    if (operations > 0 || bytes > 0) return false;
    for (const victim of victims) this.drop(victim);
    return true;
  }

  /** A client's requests that nobody proposed, the latest first; what backups wait for last: a primary that forgets it looks as if it left it out. */
  #latest({ requests }: Share): readonly WaitingRequest[] {
    const unproposed = [...requests.values()].filter((waiting) => this.#unproposed.has(waiting)).toReversed();
    const isAwaited = (waiting: WaitingRequest): boolean => !this.#isDispensable(waiting);
    return [...unproposed.filter((waiting) => !isAwaited(waiting)), ...unproposed.filter(isAwaited)];
  }

  /**
   * The client has used up what it may hold: its latest requests that nobody proposed, passed on or timed give way. So no client makes a correct
   * primary refuse what backups wait for by requests that it gave to the primary alone.
   */
  #makeOwnRoom(request: AuthenticatedRequest): void {
    const own = this.#shareOf(request.request.client);
    if (own === undefined) return;
    const isInNeed = (): boolean =>
      this.#isShareFullFor(request) ||
      (this.#isFullFor(request) && own.operations + operationCount(request.request) > this.#fairShare());
    if (!isInNeed()) return;
    for (const waiting of [...own.requests.values()].toReversed()) {
      if (!this.#unproposed.has(waiting) || !this.#isDispensable(waiting)) continue;
      this.drop(waiting);
      if (!isInNeed()) return;
    }
  }

  /** Nobody else waits for it, as far as is known here. */
  #isDispensable(waiting: WaitingRequest): boolean {
    return !waiting.isPassedOn && !this.#timed.has(waiting);
  }

  /** An equal share of the queue for each client that has something in it. */
  #fairShare(): number {
    return Math.floor(this.#limits.queueRequests / this.#shares.size);
  }

  #bytesOf(request: AuthenticatedRequest): number {
    return request.request.operation.length + OVERHEAD_BYTES + this.#bytesOfNew(request);
  }

  #isFullFor(request: AuthenticatedRequest): boolean {
    const operations = this.#operations + operationCount(request.request);
    return operations > this.#limits.queueRequests || this.#bytes + this.#bytesOf(request) > QUEUE_BYTES;
  }

  #isShareFullFor(request: AuthenticatedRequest): boolean {
    const ofClient = this.#shareOf(request.request.client)?.bytes ?? 0;
    return ofClient + this.#bytesOf(request) > this.#limits.clientQueueBytes;
  }

  #countOperations(share: Share, operations: number): void {
    this.#operations += operations;
    share.operations += operations;
  }

  #count(share: Share, bytes: number): void {
    this.#bytes += bytes;
    share.bytes += bytes;
  }

  /** Bytes that a request's bundle adds: none where another waiting request holds it. */
  #bytesOfNew({ proof }: AuthenticatedRequest): number {
    return proof.kind === 'signature' || this.#heldOf(proof.bundle) !== undefined ? 0 : bundleMemory(proof.bundle);
  }

  #heldOf(bundle: Bundle): Held | undefined {
    if (this.#recentBundle?.bundle !== bundle) this.#recentBundle = this.#bundles.get(bundle);
    return this.#recentBundle;
  }

  #hold(share: Share, { proof }: AuthenticatedRequest): void {
    if (proof.kind === 'signature') return;
    const { bundle } = proof;
    const known = this.#heldOf(bundle);
    if (known !== undefined) {
      known.holders += 1;
      return;
    }
    this.#recentBundle = { bundle, holders: 1 };
    this.#bundles.set(bundle, this.#recentBundle);
    this.#count(share, bundleMemory(bundle));
  }

  #release(share: Share, { proof }: AuthenticatedRequest): void {
    if (proof.kind === 'signature') return;
    const held = this.#heldOf(proof.bundle);
    assert(held !== undefined, 'what waits holds its bundle');
    held.holders -= 1;
    if (held.holders > 0) return;
    this.#bundles.delete(proof.bundle);
    this.#recentBundle = undefined;
    this.#count(share, -bundleMemory(proof.bundle));
  }

  /** A signature convinces everyone, a MAC only its receiver: keep the stronger proof, and the replier the client asked for last. */
  #strengthen(
    known: WaitingRequest,
    request: AuthenticatedRequest,
    verified: Exclude<RequestVerification, 'unverified'>,
  ): WaitingRequest {
    known.asked = unionOf(known.asked, askedBy(request.proof));
    known.isTold = false;
    if (verified === 'signature') {
      const share = this.#shareOf(known.request.request.client);
      if (share !== undefined) this.#release(share, known.request);
      known.request = request;
      known.verified = verified;
    } else if (known.verified === 'mac') {
      const { digest, proof } = known.request;
      known.request = { request: request.request, digest, proof };
    }
    return known;
  }

  /**
   * Makes room for `request` at a backup, where the queue or its client's share is full: the oldest (of that client) that it does not time go, as many operations as come. It was accepted nowhere and its client has not asked for
   * help with a signature; without this, requests that were given up would fill a backup for ever, and a primary-to-be would refuse everyone.
   */
  evictIdle(request: AuthenticatedRequest): void {
    const isFull = this.#isFullFor(request);
    if (!isFull && !this.#isShareFullFor(request)) return;
    const { client } = request.request;
    let operations = operationCount(request.request);
    for (const waiting of this.#unproposed) {
      if (this.#timed.has(waiting) || (!isFull && waiting.request.request.client !== client)) continue;
      operations -= waiting.operations;
      this.drop(waiting);
      if (operations <= 0) return;
    }
  }

  /** What may be proposed, in order of arrival; dropping or proposing the current one while iterating is allowed. */
  unproposed(): IterableIterator<WaitingRequest> {
    return this.#unproposed.values();
  }

  get unproposedCount(): number {
    return this.#unproposed.size;
  }

  /** All of them, in no particular order. */
  all(): IterableIterator<WaitingRequest> {
    return this.#all.values();
  }

  /** A new view: what was proposed in the last one may have to be proposed again, in order of arrival. What backups wait for they pass on anew. */
  proposeAnew(): void {
    const waiting = [...this.all()].toSorted((left, right) => left.arrival - right.arrival);
    this.#unproposed.clear();
    for (const each of waiting) {
      each.isPassedOn = false;
      this.#unproposed.add(each);
    }
  }

  /** It stands in a batch that was proposed or accepted here. */
  markProposed(waiting: WaitingRequest): void {
    this.#unproposed.delete(waiting);
  }

  /** Its client has been told tentatively. */
  noteTold(request: AuthenticatedRequest): void {
    const waiting = this.find(request);
    if (waiting !== undefined) waiting.isTold = true;
  }

  /** The timer of a backup runs for it from now on. */
  startTimer(waiting: WaitingRequest): void {
    const oldest = this.oldestTimed();
    this.#timed.add(waiting);
    this.#oldestTimed = oldest !== undefined && oldest.arrival < waiting.arrival ? oldest : waiting;
  }

  /** True if another request of `client` that can only be refused waits here. */
  holdsLost(client: ClientId, digest: Digest): boolean {
    const lost = this.#lost.get(client);
    return lost !== undefined && lost.request.digest !== digest;
  }

  /** That request; undefined while there is none. */
  lostOf(client: ClientId): WaitingRequest | undefined {
    return this.#lost.get(client);
  }

  markLost(waiting: WaitingRequest): void {
    this.#lost.set(waiting.request.request.client, waiting);
  }

  hasTimer(waiting: WaitingRequest): boolean {
    return this.#timed.has(waiting);
  }

  /** The timed request that arrived first. */
  oldestTimed(): WaitingRequest | undefined {
    if (this.#oldestTimed !== undefined) return this.#oldestTimed;
    for (const waiting of this.#timed) {
      if (this.#oldestTimed === undefined || waiting.arrival < this.#oldestTimed.arrival) this.#oldestTimed = waiting;
    }
    return this.#oldestTimed;
  }

  /** Forgets what of this session is at or below `timestamp`: it was executed or can no longer be. */
  settle(client: ClientId, session: number, timestamp: number): WaitingRequest | undefined {
    if (this.size === 0) return undefined;
    const known = this.#find(client, session);
    if (known === undefined || known.request.request.timestamp > timestamp) return undefined;
    this.drop(known);
    return known;
  }

  /** Forgets what `lastTimestamp` says was executed: after a state transfer. */
  prune(lastTimestamp: (client: ClientId, session: number) => number | undefined): void {
    for (const waiting of this.all()) {
      const { client, session, timestamp } = waiting.request.request;
      if ((lastTimestamp(client, session) ?? 0) >= timestamp) this.drop(waiting);
    }
  }

  drop(waiting: WaitingRequest): void {
    const { client, session } = waiting.request.request;
    this.#all.delete(waiting);
    this.#unproposed.delete(waiting);
    this.#timed.delete(waiting);
    if (this.#lost.get(client) === waiting) this.#lost.delete(client);
    if (this.#oldestTimed === waiting) this.#oldestTimed = undefined;
    const share = this.#shareOf(client);
    assert(share !== undefined, 'what waits is counted for its client');
    share.requests.delete(session);
    this.#count(share, -waiting.sizeBytes);
    this.#countOperations(share, -waiting.operations);
    this.#release(share, waiting.request);
    if (share.requests.size === 0) {
      this.#shares.delete(client);
      this.#recentShare = undefined;
    }
    this.#onDropped(waiting.request);
  }
}
