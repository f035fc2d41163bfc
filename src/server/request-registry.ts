/**
 * Where each request stands at this node: open ones as the replica's events tell, finished ones for the last 10,000. Owns only memory; what
 * it says is for people, nothing is decided by it. Batches are kept as they come, and looked through when somebody asks: most requests nobody asks
 * for. Only those that this node submitted itself, or that somebody listens for, are followed one by one.
 */
import { ChurningMap } from '../base/churning.ts';
import { Arrivals } from '../base/arrivals.ts';
import type { PhaseProgress, RequestStatusBody } from '../api/index.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import { replicaName } from '../base/ids.ts';
import type { DigestList } from '../messages/index.ts';
import type { Event, ExecutedEvent, Outcome } from '../protocol/event.ts';
import type { Quorums } from '../protocol/quorum.ts';
import type { SlotStatus } from '../protocol/status.ts';

export interface RegistryOptions {
  readonly quorums: Quorums;
  /** The slot as it stands now; undefined outside the water marks. */
  readonly slot: (sequence: Sequence) => SlotStatus | undefined;
  /** Does the request wait here, in no batch yet or in one that is not executed? */
  readonly isQueued: (digest: Digest) => boolean;
  /** Finished requests that are remembered; beyond it the oldest batches are forgotten. */
  readonly finished: number;
  /** Requests in batches that are not executed; beyond it the oldest batches are forgotten. */
  readonly open: number;
  /** Requests that this node submitted itself; beyond it the oldest are forgotten. */
  readonly followed: number;
  /** Results that are remembered, in characters of JSON; beyond it the oldest results are forgotten, their requests are not. */
  readonly resultCharacters: number;
}

export const DEFAULT_REGISTRY_LIMITS = {
  finished: 10_000,
  open: 100_000,
  followed: 20_000,
  resultCharacters: 8 * 1024 * 1024,
} as const;

/** A place in the order: the slot and the batch there. */
export interface Placed {
  readonly view: View;
  readonly sequence: Sequence;
  readonly digest: Digest;
}

/** What the node's own client accepted. */
export interface Accepted {
  readonly placed: Placed;
  readonly replies: readonly ReplicaId[];
  /** It was known before the batch was committed, by a quorum. */
  readonly isTentative: boolean;
  readonly resultJson: string;
}

/** One batch, shared by its requests. */
interface BatchEntry {
  readonly placed: Placed;
  /** Voters as they were when it executed, for when the slot is gone. */
  readonly final: Pick<SlotStatus, 'prepares' | 'commits' | 'phase'> | undefined;
}

interface OpenBatch extends BatchEntry {
  readonly requests: DigestList;
}

/** Kept long and looked at seldom: packed, so that what happened does not weigh on the collector. */
interface ExecutedBatch extends BatchEntry {
  readonly requests: DigestList;
  readonly count: number;
  /** Of each request in order, or of all. */
  readonly outcomes: Outcome | readonly Outcome[];
}

/** Where a request has its place, and what came of it there. */
interface Standing {
  readonly batch: BatchEntry | undefined;
  readonly outcome: Outcome | undefined;
}

interface FollowedRequest {
  batch: BatchEntry | undefined;
  outcome: Outcome | undefined;
  accepted: Accepted | undefined;
  /** The same submission under another session, since this one surely came to nothing. */
  reissuedAs: Digest | undefined;
}

type Listener = (placed: Placed) => void;

export class RequestRegistry {
  readonly #options: RegistryOptions;
  /** By number, in the order in which they came. */
  readonly #open = new ChurningMap<Sequence, OpenBatch>();
  #openRequests = 0;
  /** In order of execution, after those that are forgotten. */
  #finished: ExecutedBatch[] = [];
  /** Index of the oldest that is kept: a shift of the whole list for each batch would cost too much. */
  #oldestFinished = 0;
  #finishedRequests = 0;
  readonly #followed = new ChurningMap<Digest, FollowedRequest>();
  /** Of the same. */
  readonly #followedSince = new Arrivals<Digest>();
  readonly #results = new ChurningMap<Digest, number>();
  #resultCharacters = 0;
  readonly #listeners = new ChurningMap<Digest, Listener>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** In batches that are not executed, or submitted here and in no batch. */
  get openCount(): number {
    let submitted = 0;
    for (const { batch, outcome } of this.#followed.values())
      if (batch === undefined && outcome === undefined) submitted += 1;
    return this.#openRequests + submitted;
  }

  get finishedCount(): number {
    return this.#finishedRequests;
  }

  /** Takes note of what happened in the replica. */
  onEvent(event: Event): void {
    if (event.kind === 'pre-prepared') this.#onPrePrepared(event);
    else if (event.kind === 'executed') this.#onExecuted(event);
  }

  /** A request that this node is about to submit. */
  submitted(digest: Digest): void {
    this.#follow(digest);
  }

  /** The submission behind `digest` goes on under `successor`: whoever asks for the one is told of the other. */
  reissued(digest: Digest, successor: Digest): void {
    this.#follow(successor);
    this.#follow(digest).reissuedAs = successor;
  }

  /** What the node's own client accepted for it. */
  accepted(digest: Digest, accepted: Accepted): void {
    this.#follow(digest).accepted = accepted;
    this.#rememberResult(digest, accepted.resultJson.length);
    this.#tell(digest, accepted.placed);
  }

  /** Calls `listener` once, as soon as the request has a place in the order here, at once if it has. The return value takes it back. */
  whenPlaced(digest: Digest, listener: Listener): () => void {
    const known = this.#followed.get(digest);
    const placed = (known ?? this.#search(digest))?.batch?.placed ?? known?.accepted?.placed;
    if (placed !== undefined) {
      listener(placed);
      return () => undefined;
    }
    this.#listeners.set(digest, listener);
    return () => void this.#listeners.delete(digest);
  }

  /** Where the request stands; undefined when it is unknown or forgotten. */
  find(
    digest: Digest,
  ): { readonly body: Omit<RequestStatusBody, 'result'>; readonly resultJson: string | undefined } | undefined {
    const followed = this.#followed.get(digest);
    if (followed?.reissuedAs !== undefined) return this.find(followed.reissuedAs);
    const standing = followed?.outcome === undefined ? (this.#search(digest) ?? followed) : followed;
    if (standing === undefined && !this.#options.isQueued(digest)) return undefined;
    return {
      body: this.#describe(digest, standing ?? { batch: undefined, outcome: undefined }, followed?.accepted),
      resultJson: followed?.accepted?.resultJson,
    };
  }

  #follow(digest: Digest): FollowedRequest {
    const known = this.#followed.get(digest);
    if (known !== undefined) return known;
    const entry: FollowedRequest = {
      batch: undefined,
      outcome: undefined,
      accepted: undefined,
      reissuedAs: undefined,
    };
    this.#followed.set(digest, entry);
    this.#followedSince.push(digest);
    if (this.#followedSince.size <= this.#options.followed) return entry;
    const oldest = this.#followedSince.shift();
    if (oldest === undefined) return entry;
    this.#followed.delete(oldest);
    this.#forgetResult(oldest);
    return entry;
  }

  /** Where it was executed first; else the batch that holds it. */
  #search(digest: Digest): Standing | undefined {
    for (let at = this.#oldestFinished; at < this.#finished.length; at += 1) {
      const batch = this.#finished[at] as ExecutedBatch;
      const index = batch.requests.indexOf(digest);
      if (index < 0) continue;
      return { batch, outcome: typeof batch.outcomes === 'string' ? batch.outcomes : batch.outcomes[index] };
    }
    const open = [...this.#open.values()].findLast(({ requests }) => requests.indexOf(digest) >= 0);
    return open === undefined ? undefined : { batch: open, outcome: undefined };
  }

  #onPrePrepared({ view, sequence, digest, requests }: Extract<Event, { kind: 'pre-prepared' }>): void {
    const batch: OpenBatch = { placed: { view, sequence, digest }, final: undefined, requests };
    this.#close(sequence);
    this.#open.set(sequence, batch);
    this.#openRequests += requests.length;
    for (const oldest of this.#open.keys()) {
      if (this.#openRequests <= this.#options.open) break;
      this.#close(oldest);
    }
    if (this.#isNobodyWaiting) return;
    for (const request of requests.toArray()) {
      const followed = this.#followed.get(request);
      // A request that has executed stays where it did.
      if (followed?.outcome !== undefined) continue;
      if (followed !== undefined) followed.batch = batch;
      this.#tell(request, batch.placed);
    }
  }

  #close(sequence: Sequence): void {
    this.#openRequests -= this.#open.get(sequence)?.requests.length ?? 0;
    this.#open.delete(sequence);
  }

  #onExecuted(event: ExecutedEvent): void {
    const { view, sequence, digest, count, outcomes, digests } = event;
    // Those below as well: what a transferred state holds is executed nowhere here.
    for (const open of this.#open.keys()) if (open <= sequence) this.#close(open);
    if (count === 0) return;
    const batch: ExecutedBatch = {
      placed: { view, sequence, digest },
      final: votesOf(this.#options.slot(sequence)),
      requests: digests,
      count,
      outcomes,
    };
    this.#finished.push(batch);
    this.#finishedRequests += count;
    this.#forgetFinished();
    if (this.#isNobodyWaiting) return;
    for (const { requestDigest, outcome } of event.requests) {
      const followed = this.#followed.get(requestDigest);
      // Only the first execution counts; what came again changed nothing.
      if (followed?.outcome !== undefined) continue;
      if (followed !== undefined) {
        followed.batch = batch;
        followed.outcome = outcome;
      }
      this.#tell(requestDigest, batch.placed);
    }
  }

  #forgetFinished(): void {
    while (this.#finishedRequests > this.#options.finished) {
      this.#finishedRequests -= this.#finished[this.#oldestFinished]?.count ?? 0;
      this.#oldestFinished += 1;
    }
    if (this.#oldestFinished * 2 <= this.#finished.length) return;
    this.#finished = this.#finished.slice(this.#oldestFinished);
    this.#oldestFinished = 0;
  }

  get #isNobodyWaiting(): boolean {
    return this.#followed.size === 0 && this.#listeners.size === 0;
  }

  #tell(digest: Digest, placed: Placed): void {
    const listener = this.#listeners.get(digest);
    if (listener === undefined) return;
    this.#listeners.delete(digest);
    listener(placed);
  }

  #rememberResult(digest: Digest, characters: number): void {
    this.#forgetResult(digest);
    this.#results.set(digest, characters);
    this.#resultCharacters += characters;
    while (this.#resultCharacters > this.#options.resultCharacters) {
      const [oldest] = this.#results.keys();
      if (oldest === undefined) return;
      const entry = this.#followed.get(oldest);
      if (entry !== undefined) entry.accepted = undefined;
      this.#forgetResult(oldest);
    }
  }

  #forgetResult(digest: Digest): void {
    this.#resultCharacters -= this.#results.get(digest) ?? 0;
    this.#results.delete(digest);
  }

  #describe(
    digest: Digest,
    { batch, outcome }: Standing,
    accepted: Accepted | undefined,
  ): Omit<RequestStatusBody, 'result'> {
    const { quorum, weak, prepares } = this.#options.quorums;
    const placed = batch?.placed ?? accepted?.placed;
    const live = placed === undefined ? undefined : this.#options.slot(placed.sequence);
    const slot = live?.digest === placed?.digest ? (live ?? batch?.final) : batch?.final;
    const executed = outcome !== undefined;
    return {
      request_id: digest,
      request_digest: digest,
      status: stageOf(outcome, slot, placed !== undefined),
      view: placed?.view ?? null,
      sequence: placed?.sequence ?? null,
      digest: placed?.digest ?? null,
      phases: {
        pre_prepare: {
          done: placed !== undefined,
          votes: placed === undefined ? 0 : 1,
          needed: 1,
          nodes: this.#primaryOf(placed),
        },
        prepare: progress(slot?.prepares, prepares, executed || slot?.phase === 'prepared'),
        commit: progress(slot?.commits, quorum, executed || slot?.phase === 'committed'),
        reply: progress(accepted?.replies, accepted?.isTentative === true ? quorum : weak, accepted !== undefined),
      },
      outcome: outcome ?? null,
    };
  }

  #primaryOf(placed: Placed | undefined): string[] {
    if (placed === undefined) return [];
    return [`node${(placed.view % this.#options.quorums.replicaCount) + 1}`];
  }
}

function votesOf(slot: SlotStatus | undefined): BatchEntry['final'] {
  return slot && { prepares: slot.prepares, commits: slot.commits, phase: slot.phase };
}

function stageOf(
  outcome: Outcome | undefined,
  slot: Pick<SlotStatus, 'phase'> | undefined,
  isPlaced: boolean,
): RequestStatusBody['status'] {
  if (outcome === 'table-error' || outcome === 'ignored') return 'refused';
  if (outcome !== undefined) return 'executed';
  if (slot?.phase === 'prepared' || slot?.phase === 'committed') return slot.phase;
  return isPlaced ? 'pre-prepared' : 'received';
}

function progress(nodes: readonly ReplicaId[] | undefined, needed: number, done: boolean): PhaseProgress {
  const voters = nodes ?? [];
  return { done: done || voters.length >= needed, votes: voters.length, needed, nodes: voters.map(replicaName) };
}
