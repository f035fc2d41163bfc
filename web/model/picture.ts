/**
 * The picture: everything that the components draw, made of stream events alone, from however many nodes, in whatever order they come in. The
 * same for dashboard and lab. It knows no clock and no browser; everything in it is bounded, the oldest goes first.
 */
import { Arrows, fateOf } from './arrows.ts';
import type { Arrow, Fate } from './arrows.ts';
import { Figures } from './figures.ts';
import { Suspicions, ViewChanges } from './history.ts';
import type { SuspicionSummary } from './history.ts';
import { Marks } from './marks.ts';
import { applyToNode, newNode } from './nodes.ts';
import type { NodePicture } from './nodes.ts';
import { Slots } from './slots.ts';
import type { QuorumSizes, RequestPicture } from './slots.ts';
import type { StreamEvent } from './stream-event.ts';

/** Who takes part: known before any event comes. */
export interface Members {
  /** `node1 …`, in order. */
  readonly nodes: readonly string[];
  readonly faultLimit: number;
  readonly quorum: number;
  /** PREPAREs in a prepared certificate. */
  readonly prepares: number;
}

/** The part of `GET /pbft/status` that says how a node stands. */
export interface NodeStanding {
  readonly view: number;
  readonly in_view_change: boolean;
  readonly last_executed: number;
  readonly sequence: number;
  readonly low_water_mark: number;
  readonly suspicions: readonly SuspicionSummary[];
}

/** So long a request may be open before it is asked whether the rest of its way was told at all, in µs. */
const OPEN_US = 5_000_000;
/** Executed requests whose latency is to be counted with the next sample. */
const MAX_UNCOUNTED = 4000;

/** Client lanes that are kept; who was silent longest goes. */
export const MAX_CLIENTS = 8;

export class Picture {
  readonly members: Members;
  readonly arrows = new Arrows();
  readonly marks = new Marks();
  readonly viewChanges = new ViewChanges();
  readonly suspicions = new Suspicions();
  readonly figures = new Figures();
  readonly nodes: ReadonlyMap<string, NodePicture>;
  readonly #slots = new Slots();
  readonly #clients: string[] = [];
  /** When each was last heard of, in events. */
  readonly #heard = new Map<string, number>();
  /** Digests of what was executed since the last sample, and since the one before: by then all nodes have told when they had it. */
  #uncounted: readonly [newer: string[], older: string[]] = [[], []];
  #version = 0;
  #nowUs = 0;

  constructor(members: Members) {
    this.members = members;
    this.nodes = new Map(members.nodes.map((name) => [name, newNode(name)]));
  }

  /** Grows with every event: what was drawn of a lower one is old. */
  get version(): number {
    return this.#version;
  }

  /** The newest time of any node, in µs. */
  get nowUs(): number {
    return this.#nowUs;
  }

  get slots(): Slots['slots'] {
    return this.#slots.slots;
  }

  get requests(): Slots['requests'] {
    return this.#slots.requests;
  }

  /** Clients that were heard of, in the order in which they came. */
  get clients(): readonly string[] {
    return this.#clients;
  }

  get quorums(): QuorumSizes {
    return { quorum: this.members.quorum, prepares: this.members.prepares, weak: this.members.faultLimit + 1 };
  }

  /** The view that most nodes are in; one that a single node has left for is none yet. */
  get view(): number {
    const counts = new Map<number, number>();
    for (const { view, inViewChange } of this.nodes.values())
      if (!inViewChange) counts.set(view, (counts.get(view) ?? 0) + 1);
    const [best] = [...counts].toSorted(([leftView, left], [rightView, right]) => right - left || rightView - leftView);
    return best?.[0] ?? Math.max(0, ...[...this.nodes.values()].map(({ view }) => view));
  }

  /** Whether everything that a node did at that time was told: what it did not tell may have happened all the same. */
  isWholeAt(party: string, us: number): boolean {
    const node = this.nodes.get(party);
    if (node === undefined) return true;
    return us >= node.wholeSinceUs && (node.sampled === undefined || us > node.sampled.atUs);
  }

  /** How an arrow ends. `isSeen`: whether the events of a party come in. */
  fateOf(arrow: Arrow, isSeen: (party: string) => boolean): Fate {
    const atUs = arrow.sentUs ?? arrow.receivedUs ?? 0;
    return fateOf(arrow, this.#nowUs, (party) => isSeen(party) && this.isWholeAt(party, atUs));
  }

  /** Takes one event in. Requires: it was not applied before. Events of others than members are left out, but messages of clients. */
  apply(event: StreamEvent): void {
    const node = this.nodes.get(event.node);
    if (node === undefined) {
      this.#applyClient(event);
      return;
    }
    this.#version += 1;
    this.#nowUs = Math.max(this.#nowUs, event.at_us);
    applyToNode(node, event);
    this.marks.apply(event);
    this.#remember(event);
  }

  /** In the lab clients tell as well what they send and receive. */
  #applyClient(event: StreamEvent): void {
    if (!event.node.startsWith('client:')) return;
    if (event.kind !== 'message-sent' && event.kind !== 'message-received') return;
    this.#version += 1;
    this.#nowUs = Math.max(this.#nowUs, event.at_us);
    this.#onMessage(event);
  }

  /**
   * What a node says of itself when asked: how it stood before its first event, and what it has held against others since. Events are newer than any
   * answer, so numbers only grow by it.
   */
  applyStatus(name: string, status: NodeStanding): void {
    const node = this.nodes.get(name);
    if (node === undefined) return;
    this.#version += 1;
    if (status.view > node.view) {
      node.view = status.view;
      node.inViewChange = status.in_view_change;
    }
    node.lastExecuted = Math.max(node.lastExecuted, status.last_executed);
    node.highestAccepted = Math.max(node.highestAccepted, status.sequence);
    node.stable = Math.max(node.stable, status.low_water_mark);
    this.figures.onStable(status.low_water_mark);
    this.figures.onAccepted(status.sequence);
    for (const suspicion of status.suspicions) this.suspicions.apply(name, suspicion);
  }

  /** Whether a request still waits, as far as can be known: one of which too little was told is not waited for. */
  isOpen({ executedUs, sequence, receivedUs }: RequestPicture): boolean {
    if (executedUs !== undefined) return false;
    const isOld = sequence === undefined && this.#nowUs - receivedUs > OPEN_US;
    return !isOld || [...this.nodes.keys()].every((name) => this.isWholeAt(name, receivedUs));
  }

  /** Closes a sample of the figures; the last one was `seconds` ago. */
  closeSample(atS: number, seconds: number): void {
    const [newer, older] = this.#uncounted;
    for (const digest of older) {
      const request = this.requests.get(digest);
      if (request?.executedUs !== undefined && request.isReceived)
        this.figures.onLatency((request.executedUs - request.receivedUs) / 1000);
    }
    this.#uncounted = [[], newer];
    this.figures.close(atS, seconds);
  }

  /** In the lab: a message was taken out of the network. */
  dropMessage(id: string, from: string, to: string): void {
    this.#version += 1;
    this.arrows.drop(id, from, to);
  }

  #remember(event: StreamEvent): void {
    switch (event.kind) {
      case 'message-sent':
      case 'message-received':
        this.#onMessage(event);
        break;
      case 'request-received':
        this.#onClient(event.client);
        this.#slots.onRequest(event);
        break;
      case 'pre-prepared':
        this.figures.onAccepted(event.sequence);
        this.#slots.onSlot(event);
        break;
      case 'prepared':
      case 'committed':
        this.#slots.onSlot(event);
        break;
      case 'executed':
        this.#slots.onSlot(event);
        this.#onExecuted(event);
        break;
      case 'checkpoint-stable':
        this.figures.onStable(event.sequence);
        break;
      case 'view-change-started':
      case 'new-view-made':
      case 'view-entered':
        this.viewChanges.apply(event);
        break;
      case 'suspicion':
        this.suspicions.apply(event.node, event.suspicion);
        break;
      case 'refused': {
        const arrow = this.arrows.lastReceived(event.node, event.from, event.type);
        if (arrow !== undefined) arrow.refused = event.code;
        break;
      }
      default:
    }
  }

  #onMessage(event: Extract<StreamEvent, { kind: 'message-sent' | 'message-received' }>): void {
    const arrow = this.arrows.apply(event);
    this.#onClient(arrow.from);
    this.#onClient(arrow.to);
    const { type, view, sequence, digest } = event.message;
    if ((type === 'prepare' || type === 'commit') && view !== null && sequence !== null && digest !== null)
      this.#slots.onVote(type, arrow.from, { view, sequence, digest });
  }

  #onExecuted(event: Extract<StreamEvent, { kind: 'executed' }>): void {
    if (!this.figures.onExecuted(event.sequence, event.request_count)) return;
    const [newer] = this.#uncounted;
    if (newer.length < MAX_UNCOUNTED) newer.push(...(this.slots.get(event.sequence)?.requests ?? []));
  }

  #onClient(party: string): void {
    if (!party.startsWith('client:')) return;
    this.#heard.set(party, this.#version);
    if (this.#clients.includes(party)) return;
    this.#clients.push(party);
    if (this.#clients.length <= MAX_CLIENTS) return;
    const silent = this.#clients.reduce((least, name) =>
      (this.#heard.get(name) ?? 0) < (this.#heard.get(least) ?? 0) ? name : least,
    );
    this.#clients.splice(this.#clients.indexOf(silent), 1);
    this.#heard.delete(silent);
  }
}
