/**
 * Where each request stands at this node: open ones as the replica's events tell, finished ones for the last 10,000. Owns only memory; what
 * it says is for people, nothing is decided by it.
 */
import type { PhaseProgress, RequestStatusBody } from '../api/index.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import { asSequence, replicaName } from '../base/ids.ts';
import type { Event, ExecutedRequest } from '../protocol/event.ts';
import type { Quorums } from '../protocol/quorum.ts';
import type { SlotStatus } from '../protocol/status.ts';

export interface RegistryOptions {
  readonly quorums: Quorums;
  /** The slot as it stands now; undefined outside the water marks. */
  readonly slot: (sequence: Sequence) => SlotStatus | undefined;
  /** Finished requests that are remembered; beyond it the oldest are forgotten. */
  readonly finished: number;
  /** Requests that are known and not finished; beyond it the oldest are forgotten. */
  readonly open: number;
  /** Results that are remembered, in characters of JSON; beyond it the oldest results are forgotten, their requests are not. */
  readonly resultCharacters: number;
}

export const DEFAULT_REGISTRY_LIMITS = { finished: 10_000, open: 100_000, resultCharacters: 8 * 1024 * 1024 } as const;

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
  readonly resultJson: string;
}

/** One batch, shared by its requests. */
interface BatchEntry {
  readonly placed: Placed;
  /** Voters as they were when it executed, for when the slot is gone. */
  final: Pick<SlotStatus, 'prepares' | 'commits' | 'phase'> | undefined;
}

interface RequestEntry {
  batch: BatchEntry | undefined;
  outcome: ExecutedRequest['outcome'] | undefined;
  accepted: Accepted | undefined;
  /** The same submission under another session, since this one surely came to nothing. */
  reissuedAs: Digest | undefined;
}

type Listener = (placed: Placed) => void;

export class RequestRegistry {
  readonly #options: RegistryOptions;
  /** Insertion order = age. */
  readonly #open = new Map<Digest, RequestEntry>();
  readonly #finished = new Map<Digest, RequestEntry>();
  readonly #results = new Map<Digest, number>();
  #resultCharacters = 0;
  readonly #listeners = new Map<Digest, Listener>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  get openCount(): number {
    return this.#open.size;
  }

  get finishedCount(): number {
    return this.#finished.size;
  }

  /** Takes note of what happened in the replica. */
  onEvent(event: Event): void {
    switch (event.kind) {
      case 'request-received':
        if (event.queued) this.#know(event.requestDigest);
        return;
      case 'pre-prepared':
        this.#onPrePrepared(event);
        return;
      case 'executed':
        this.#onExecuted(event);
        return;
      default:
    }
  }

  /** A request that this node is about to submit. */
  submitted(digest: Digest): void {
    this.#know(digest);
  }

  /** The submission behind `digest` goes on under `successor`: whoever asks for the one is told of the other. */
  reissued(digest: Digest, successor: Digest): void {
    this.#know(successor);
    const entry = this.#finished.get(digest) ?? this.#know(digest);
    entry.reissuedAs = successor;
  }

  /** What the node's own client accepted for it. */
  accepted(digest: Digest, accepted: Accepted): void {
    const entry = this.#finished.get(digest) ?? this.#know(digest);
    entry.accepted = accepted;
    this.#rememberResult(digest, accepted.resultJson.length);
    this.#tell(digest, accepted.placed);
  }

  /** Calls `listener` once, as soon as the request has a place in the order here, at once if it has. The return value takes it back. */
  whenPlaced(digest: Digest, listener: Listener): () => void {
    const entry = this.#open.get(digest) ?? this.#finished.get(digest);
    const placed = entry?.batch?.placed ?? entry?.accepted?.placed;
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
    const entry = this.#open.get(digest) ?? this.#finished.get(digest);
    if (entry === undefined) return undefined;
    if (entry.reissuedAs !== undefined) return this.find(entry.reissuedAs);
    return { body: this.#describe(digest, entry), resultJson: entry.accepted?.resultJson };
  }

  #know(digest: Digest): RequestEntry {
    const known = this.#open.get(digest);
    if (known !== undefined) return known;
    const entry: RequestEntry = { batch: undefined, outcome: undefined, accepted: undefined, reissuedAs: undefined };
    this.#open.set(digest, entry);
    dropOldest(this.#open, this.#options.open);
    return entry;
  }

  #onPrePrepared({ view, sequence, digest, requests }: Extract<Event, { kind: 'pre-prepared' }>): void {
    const batch: BatchEntry = { placed: { view, sequence, digest }, final: undefined };
    for (const request of requests) {
      // A request that has executed stays where it did.
      if (this.#finished.has(request)) continue;
      this.#know(request).batch = batch;
      this.#tell(request, batch.placed);
    }
  }

  #onExecuted({ view, sequence, digest, requests }: Extract<Event, { kind: 'executed' }>): void {
    if (requests.length === 0) return;
    const batch: BatchEntry = { placed: { view, sequence, digest }, final: this.#options.slot(sequence) };
    for (const { requestDigest, outcome } of requests) {
      // Only the first execution counts; what came again changed nothing.
      if (this.#finished.has(requestDigest)) continue;
      const entry = this.#know(requestDigest);
      entry.batch = batch;
      entry.outcome = outcome;
      this.#open.delete(requestDigest);
      this.#finished.set(requestDigest, entry);
      this.#tell(requestDigest, batch.placed);
    }
    for (const forgotten of dropOldest(this.#finished, this.#options.finished)) this.#forgetResult(forgotten);
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
    for (const oldest of this.#results.keys()) {
      if (this.#resultCharacters <= this.#options.resultCharacters) return;
      const entry = this.#finished.get(oldest) ?? this.#open.get(oldest);
      if (entry !== undefined) entry.accepted = undefined;
      this.#forgetResult(oldest);
    }
  }

  #forgetResult(digest: Digest): void {
    this.#resultCharacters -= this.#results.get(digest) ?? 0;
    this.#results.delete(digest);
  }

  #describe(digest: Digest, { batch, outcome, accepted }: RequestEntry): Omit<RequestStatusBody, 'result'> {
    const { quorum, weak } = this.#options.quorums;
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
        prepare: progress(slot?.prepares, quorum - 1, executed || slot?.phase === 'prepared'),
        commit: progress(slot?.commits, quorum, executed || slot?.phase === 'committed'),
        reply: progress(accepted?.replies, weak, accepted !== undefined),
      },
      outcome: outcome ?? null,
    };
  }

  #primaryOf(placed: Placed | undefined): string[] {
    if (placed === undefined) return [];
    return [`node${(placed.view % this.#options.quorums.replicaCount) + 1}`];
  }
}

function stageOf(
  outcome: ExecutedRequest['outcome'] | undefined,
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

/** Forgets what is oldest until at most `limit` entries are left; returns what went. */
function dropOldest(map: Map<Digest, unknown>, limit: number): readonly Digest[] {
  const dropped: Digest[] = [];
  for (const oldest of map.keys()) {
    if (map.size <= limit) break;
    map.delete(oldest);
    dropped.push(oldest);
  }
  return dropped;
}

/** The slot with exactly this number, from a replica's `slots`. */
export function slotAt(
  replica: { slots(from: Sequence, to: Sequence): readonly SlotStatus[] },
  sequence: number,
): SlotStatus | undefined {
  return replica.slots(asSequence(sequence), asSequence(sequence))[0];
}
