/** Slots and requests: how far each has come, phase by phase, as the events of all nodes tell it. */
import { trimMap } from './bounded.ts';
import type { StreamEvent } from './stream-event.ts';

export const MAX_SLOTS = 512;
export const MAX_REQUESTS = 512;

/** What a phase takes: votes and how many are here. */
export interface Progress {
  readonly done: boolean;
  readonly votes: number;
  readonly needed: number;
  /** Who has voted. */
  readonly nodes: readonly string[];
}

export interface Slot {
  readonly sequence: number;
  /** The highest view in which it was proposed. */
  view: number;
  /** Of the batch that was agreed on, or that was proposed first. */
  digest: string | undefined;
  requests: readonly string[];
  requestCount: number;
  /** µs; of the first event of it. */
  readonly firstUs: number;
  lastUs: number;
  /** Nodes that accepted a proposal, with its digest: more than one digest means that the primary told different things. */
  readonly proposed: Map<string, string>;
  readonly prepared: Set<string>;
  readonly committed: Set<string>;
  readonly executed: Set<string>;
  /** `digest` → who sent such a vote. */
  readonly prepares: Map<string, Set<string>>;
  readonly commits: Map<string, Set<string>>;
}

export interface RequestPicture {
  readonly digest: string;
  client: string | undefined;
  /** Some node told when it had it from its client. */
  isReceived: boolean;
  /** When a node first had it, and when the first had executed it, in µs. */
  receivedUs: number;
  executedUs: number | undefined;
  sequence: number | undefined;
  outcome: string | undefined;
  readonly executedBy: Set<string>;
}

/** Sizes of certificates. */
export interface QuorumSizes {
  readonly quorum: number;
  /** Of PREPAREs. */
  readonly prepares: number;
  /** f+1 */
  readonly weak: number;
}

/** The four phases of a slot that follow on the request. */
export interface SlotProgress {
  readonly prePrepare: Progress;
  readonly prepare: Progress;
  readonly commit: Progress;
  readonly reply: Progress;
}

/** `slot`: undefined while the request has no number. The primary's proposal mostly stands for its PREPARE, so that a certificate takes quorum − 1 of them. */
export function progressOf(slot: Slot | undefined, { quorum, prepares, weak }: QuorumSizes): SlotProgress {
  if (slot === undefined) {
    return { prePrepare: none(1), prepare: none(prepares), commit: none(quorum), reply: none(weak) };
  }
  const isExecuted = slot.executed.size > 0;
  const isCommitted = isExecuted || slot.committed.size > 0;
  const proposed = [...slot.proposed.keys()];
  return {
    prePrepare: { done: true, votes: 1, needed: 1, nodes: proposed },
    prepare: progress(votersOf(slot.prepares, slot.digest), prepares, isCommitted || slot.prepared.size > 0),
    commit: progress(votersOf(slot.commits, slot.digest), quorum, isCommitted),
    reply: progress([...slot.executed], weak, false),
  };
}

function none(needed: number): Progress {
  return { done: false, votes: 0, needed, nodes: [] };
}

function progress(nodes: readonly string[], needed: number, isDone: boolean): Progress {
  const done = isDone || nodes.length >= needed;
  // A certificate proves its votes, seen or not.
  return { done, votes: done ? Math.max(nodes.length, needed) : nodes.length, needed, nodes };
}

function votersOf(votes: Slot['prepares'], digest: string | undefined): readonly string[] {
  return digest === undefined ? [] : [...(votes.get(digest) ?? [])].toSorted();
}

type SlotEvent = Extract<StreamEvent, { kind: 'pre-prepared' | 'prepared' | 'committed' | 'executed' }>;

/** All slots and requests that are kept: the oldest requests and the lowest slots go. */
export class Slots {
  readonly slots = new Map<number, Slot>();
  readonly requests = new Map<string, RequestPicture>();
  /** Slots up to here are no longer kept: who comes late with one does not bring it back as the newest. */
  #forgottenUpTo = 0;

  onRequest({ client, request_digest, at_us }: Extract<StreamEvent, { kind: 'request-received' }>): void {
    const known = this.#request(request_digest, at_us);
    known.client ??= client;
    known.isReceived = true;
    known.receivedUs = Math.min(known.receivedUs, at_us);
  }

  onSlot(event: SlotEvent): void {
    if (event.sequence <= this.#forgottenUpTo) return;
    const slot = this.#slot(event.sequence, event.view, event.at_us);
    slot.lastUs = Math.max(slot.lastUs, event.at_us);
    if (event.kind === 'executed') {
      this.#execute(slot, event);
      return;
    }
    if (event.view < slot.view) return;
    if (event.view > slot.view) startView(slot, event.view);
    if (event.kind === 'pre-prepared') {
      slot.proposed.set(event.node, event.digest);
      slot.digest ??= event.digest;
      if (slot.digest === event.digest) this.#place(slot, event);
      return;
    }
    // A certificate decides which of several proposals this slot is about.
    slot.digest = event.digest;
    (event.kind === 'prepared' ? slot.prepared : slot.committed).add(event.node);
  }

  /** A vote that was seen on its way. */
  onVote(type: 'prepare' | 'commit', voter: string, vote: { view: number; sequence: number; digest: string }): void {
    const slot = this.slots.get(vote.sequence);
    if (slot === undefined || slot.view !== vote.view) return;
    const votes = type === 'prepare' ? slot.prepares : slot.commits;
    const voters = votes.get(vote.digest);
    if (voters === undefined) votes.set(vote.digest, new Set([voter]));
    else voters.add(voter);
    // One digest a voter is the rule; a liar may make more, and what it can make us keep stays small.
    trimMap(votes, 16);
  }

  #place(slot: Slot, { requests, request_count, at_us }: Extract<StreamEvent, { kind: 'pre-prepared' }>): void {
    slot.requests = requests;
    slot.requestCount = request_count;
    for (const digest of requests) this.#request(digest, at_us).sequence = slot.sequence;
  }

  /** Its view is the one that the node is in by then, which says nothing of the slot. */
  #execute(slot: Slot, event: Extract<StreamEvent, { kind: 'executed' }>): void {
    slot.digest = event.digest;
    slot.requestCount = event.request_count;
    const isLate = slot.executed.size > 0;
    slot.executed.add(event.node);
    if (slot.requests.length === 0) slot.requests = event.requests.map(({ request_digest }) => request_digest);
    for (const { request_digest, client, outcome } of event.requests) {
      // Where another node has executed it before, a request that is not here was forgotten.
      if (isLate && !this.requests.has(request_digest)) continue;
      const request = this.#request(request_digest, event.at_us);
      request.client ??= client;
      request.sequence = slot.sequence;
      request.outcome ??= outcome;
      onExecuted(request, event);
    }
    // Above a rate the list is left out; which requests the slot holds its proposal has said.
    if (event.requests.length > 0) return;
    for (const digest of slot.requests) {
      const request = this.requests.get(digest);
      if (request !== undefined) onExecuted(request, event);
    }
  }

  #slot(sequence: number, view: number, atUs: number): Slot {
    const known = this.slots.get(sequence);
    if (known !== undefined) return known;
    const slot: Slot = {
      sequence,
      view,
      digest: undefined,
      requests: [],
      requestCount: 0,
      firstUs: atUs,
      lastUs: atUs,
      proposed: new Map(),
      prepared: new Set(),
      committed: new Set(),
      executed: new Set(),
      prepares: new Map(),
      commits: new Map(),
    };
    this.slots.set(sequence, slot);
    this.#forget();
    return slot;
  }

  #forget(): void {
    if (this.slots.size <= MAX_SLOTS) return;
    const lowest = Math.min(...this.slots.keys());
    this.slots.delete(lowest);
    this.#forgottenUpTo = Math.max(this.#forgottenUpTo, lowest);
  }

  #request(digest: string, atUs: number): RequestPicture {
    const known = this.requests.get(digest);
    if (known !== undefined) return known;
    const request: RequestPicture = {
      digest,
      client: undefined,
      isReceived: false,
      receivedUs: atUs,
      executedUs: undefined,
      sequence: undefined,
      outcome: undefined,
      executedBy: new Set(),
    };
    this.requests.set(digest, request);
    trimMap(this.requests, MAX_REQUESTS);
    return request;
  }
}

/** In a new view a slot is agreed on anew; what was executed stays so. */
function startView(slot: Slot, view: number): void {
  slot.view = view;
  for (const votes of [slot.proposed, slot.prepared, slot.committed, slot.prepares, slot.commits]) votes.clear();
  if (slot.executed.size === 0) slot.digest = undefined;
}

function onExecuted(request: RequestPicture, { node, at_us }: Extract<StreamEvent, { kind: 'executed' }>): void {
  request.executedUs = Math.min(request.executedUs ?? at_us, at_us);
  request.executedBy.add(node);
}
