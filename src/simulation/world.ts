/**
 * A deterministic world: virtual time, nodes, disks, a network and clients. Whatever happens is an entry of one queue; the same seed and the
 * same calls give the same run, on every machine. Checkers see everything as it happens.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { asDigest, asReplicaId, replicaName } from '../base/ids.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import type { Version } from '../base/key-value.ts';
import { CodecContext, decodeFrame } from '../messages/index.ts';
import type { ClusterConfig } from '../protocol/config.ts';
import type { AuthenticatedRequest } from '../messages/index.ts';
import type { ClientOutcome } from '../protocol/client-session.ts';
import type { Output } from '../protocol/output.ts';
import type { Input } from '../protocol/input.ts';
import type { Party } from '../protocol/ports.ts';
import { makeQuorums } from '../protocol/quorum.ts';
import type { Quorums } from '../protocol/quorum.ts';
import type { Record } from '../protocol/record.ts';
import type { Refusal } from '../protocol/refusal.ts';
import { Audience } from './audience.ts';
import type { Authority } from './authority.ts';
import { Backlog } from './backlog.ts';
import type { ClientParty } from './client-party.ts';
import { describeEvent, describeInput, describeMessage } from './describe.ts';
import { EventQueue } from './event-queue.ts';
import type { Sha256 } from './ideal-authenticator.ts';
import type { Address, Network } from './network.ts';
import { FramesInFlight } from './frames-in-flight.ts';
import type { SentFrame } from './frames-in-flight.ts';
import type { LinkFilter } from './link-faults.ts';
import { SimulatedNode } from './node.ts';
import type { NodeHost, NodeParts } from './node.ts';
import { Violation } from './observer.ts';
import type { Acknowledgement, FrameLoss, NodeView, Observer } from './observer.ts';
import type { DiskQuality } from './options.ts';
import type { Random } from './random.ts';
import { checksum, Trace } from './trace.ts';
import type { TwinSplit } from './twins.ts';

type WorldEvent =
  | SentFrame
  | { readonly kind: 'wake'; readonly node: SimulatedNode; readonly incarnation: number }
  | { readonly kind: 'settled'; readonly node: SimulatedNode; readonly incarnation: number }
  | { readonly kind: 'synced'; readonly node: SimulatedNode; readonly incarnation: number; readonly position: number }
  | { readonly kind: 'input'; readonly node: SimulatedNode; readonly incarnation: number; readonly input: Input }
  | { readonly kind: 'client-wake'; readonly client: ClientParty }
  | { readonly kind: 'do'; readonly what: string; readonly action: () => void };

export interface WorldParts {
  readonly cluster: ClusterConfig;
  readonly authority: Authority;
  readonly network: Network;
  readonly disk: DiskQuality;
  readonly random: Random;
  readonly sha256: Sha256;
  readonly onTrace: ((line: string) => void) | undefined;
  /** Given: a broken invariant is told here, and the run goes on; else the violation ends it. */
  readonly onViolation?: ((violation: Violation) => void) | undefined;
}

interface Clog {
  readonly covers: LinkFilter;
  readonly backlog: Backlog<SentFrame>;
}

/** Two instances with one identity: `node` besides the one in `nodes`. */
interface Twin {
  readonly node: SimulatedNode;
  readonly split: TwinSplit;
}

/** How long after a crash a node starts again; undefined: not before somebody calls `restart`. */
export type RestartPolicy = (node: SimulatedNode) => number | undefined;

/** So much may happen at one moment; a timer that is always due again would let time stand still for ever. */
const EVENTS_AT_ONCE = 1_000_000;
/** A state is written with so many syncs at most. */
const SYNCS_PER_VERSION = 4;

export class World implements NodeHost {
  readonly cluster: ClusterConfig;
  readonly codec: CodecContext;
  readonly authority: Authority;
  readonly network: Network;
  readonly trace: Trace;
  readonly nodes: SimulatedNode[] = [];
  readonly clients: ClientParty[] = [];
  readonly observer: Required<Observer>;
  restartPolicy: RestartPolicy = () => undefined;

  readonly #queue = new EventQueue<WorldEvent>();
  /** What is under way, for somebody who interferes. */
  readonly frames = new FramesInFlight(this, this.#queue);
  /** Who observes it, and what they judge. */
  readonly audience: Audience;
  readonly #random: Random;
  readonly #clientIndex = new Map<ClientId, ClientParty>();
  readonly #clientWakes = new Map<ClientParty, number>();
  readonly #addresses = new Map<ReplicaId | ClientId, Address>();
  #disk: DiskQuality;
  readonly #slowDisks = new Map<SimulatedNode, number>();
  readonly #clogs: Clog[] = [];
  readonly #paused = new Map<SimulatedNode, Backlog<WorldEvent>>();
  readonly #twins = new Map<ReplicaId, Twin>();
  #time = 0;
  /** What has been taken from the queue at this time, so far. */
  #atThisTime = 0;

  constructor(parts: WorldParts) {
    this.cluster = parts.cluster;
    this.codec = new CodecContext(parts.cluster.clusterId, parts.sha256);
    this.authority = parts.authority;
    this.network = parts.network;
    this.trace = new Trace(parts.onTrace);
    this.#random = parts.random;
    this.#disk = parts.disk;
    this.audience = new Audience(parts.onViolation);
    this.observer = this.#broadcast();
  }

  /** Virtual time, in µs. */
  get time(): number {
    return this.#time;
  }

  get quorums(): Quorums {
    return makeQuorums(this.cluster.replicaCount, this.cluster.quorumRule, this.cluster.overlappedSync);
  }

  addObserver(observer: Observer): void {
    this.audience.add(observer);
  }

  /** A node that is down until `restart`. */
  addNode(parts: NodeParts): SimulatedNode {
    const node = new SimulatedNode(this, parts);
    this.nodes[node.id] = node;
    this.#addresses.set(node.id, node.name);
    return node;
  }

  /** A second instance of a node that there is already, for `restart` of that node to start as well. `split` says who talks to which. */
  addTwin(parts: NodeParts, split: TwinSplit): SimulatedNode {
    const node = new SimulatedNode(this, parts);
    this.#twins.set(node.id, { node, split });
    return node;
  }

  /** The second instance of a twin; undefined for all others. */
  twinOf(id: ReplicaId): SimulatedNode | undefined {
    return this.#twins.get(id)?.node;
  }

  node(id: ReplicaId): SimulatedNode {
    const node = this.nodes[id];
    assert(node !== undefined, 'the node is one of this world');
    return node;
  }

  /** `address` is its name in the network: `client1`. */
  addClient(party: ClientParty, address: Address): void {
    this.authority.admitClient(party.client);
    this.clients.push(party);
    this.#clientIndex.set(party.client, party);
    this.#addresses.set(party.client, address);
  }

  addressOf(party: Party): Address {
    return this.#addresses.get(party.kind === 'replica' ? party.replica : party.client) ?? 'nobody';
  }

  /** Runs `action` after `delayUs`, a whole number. */
  after(delayUs: number, what: string, action: () => void): void {
    assert(Number.isInteger(delayUs), 'virtual time goes in whole µs');
    this.#queue.push(this.#time + delayUs, { kind: 'do', what, action });
  }

  /** Starts a node that is down, from its disk; its peers and it notice the links. */
  restart(node: SimulatedNode): void {
    this.trace.add(this.#time, [node.id, 1], () => `${node.name} starts`);
    node.boot(this.#random.between(0, this.#time));
    for (const peer of this.#instances()) {
      if (peer.id === node.id || !peer.isUp) continue;
      this.#greet(node, peer);
      this.#greet(peer, node);
    }
    const twin = this.#twins.get(node.id);
    if (twin !== undefined && !twin.node.isUp) this.restart(twin.node);
  }

  /** All nodes, and their twins. */
  #instances(): readonly SimulatedNode[] {
    return this.#twins.size === 0 ? this.nodes : [...this.nodes, ...[...this.#twins.values()].map(({ node }) => node)];
  }

  #greet(node: SimulatedNode, peer: SimulatedNode): void {
    const input: Input = { kind: 'connected', peer: peer.id };
    this.#queue.push(this.#time + this.#random.between(100, 2000), {
      kind: 'input',
      node,
      incarnation: node.incarnation,
      input,
    });
  }

  /** An input that comes from the node's own process: its gateway, say. */
  inject(node: SimulatedNode, input: Input): void {
    this.#queue.push(this.#time, { kind: 'input', node, incarnation: node.incarnation, input });
  }

  setDisk(quality: DiskQuality): void {
    this.#disk = quality;
    this.#slowDisks.clear();
  }

  /** Every sync of this node takes so long; undefined: as all others. */
  setSyncUs(node: SimulatedNode, syncUs: number | undefined): void {
    if (syncUs === undefined) this.#slowDisks.delete(node);
    else this.#slowDisks.set(node, syncUs);
  }

  /** Looks at the client's next deadline again. */
  armClient(client: ClientParty): void {
    const deadline = client.nextTimeout();
    if (deadline === undefined) return;
    const at = Math.max(deadline, this.#time);
    const armed = this.#clientWakes.get(client);
    if (armed !== undefined && armed <= at && armed >= this.#time) return;
    this.#clientWakes.set(client, at);
    this.#queue.push(at, { kind: 'client-wake', client });
  }

  /** Runs until `isOver` holds, at most until virtual time `deadline`. True when it came to hold. */
  run(isOver: () => boolean, deadline: number): boolean {
    while (!isOver()) if (!this.#advance(deadline)) return isOver();
    return true;
  }

  /** The same one entry of the queue at a time: stops before each. */
  *walk(isOver: () => boolean, deadline: number): Generator<void, boolean> {
    while (!isOver()) {
      if ((this.#queue.nextTime ?? Infinity) <= deadline) yield;
      // Somebody may have interfered meanwhile.
      if (!this.#advance(deadline)) return isOver();
    }
    return true;
  }

  /** Takes one entry of the queue; false when there is none up to `deadline`, which it then is. */
  #advance(deadline: number): boolean {
    const next = this.#queue.nextTime;
    if (next === undefined || next > deadline) {
      this.#time = deadline;
      return false;
    }
    const { time, item } = this.#queue.pop();
    this.#atThisTime = time === this.#time ? this.#atThisTime + 1 : 0;
    assert(this.#atThisTime < EVENTS_AT_ONCE, 'time goes on: no timer is always due again');
    this.#time = time;
    this.#take(item);
    return true;
  }

  send(from: SimulatedNode, to: Party, frame: Bytes): void {
    const twin = this.#twins.get(from.id);
    if (twin?.split(to) === (twin?.node === from ? 'first' : 'second')) return;
    const side = twin === undefined ? undefined : twin.node === from ? 'second' : 'first';
    this.#transmit({ kind: 'replica', replica: from.id }, to, { frame, side });
  }

  transmit(from: Party, to: Party, frame: Bytes): void {
    this.#transmit(from, to, { frame, side: undefined });
  }

  #transmit(from: Party, to: Party, { frame, side }: Pick<SentFrame, 'frame' | 'side'>): void {
    const sent: SentFrame = { kind: 'frame', from, to, frame, sentAt: this.#time, side };
    this.observer.sent(from, to, frame);
    if (this.#isClogged(sent)) return;
    const arrivals = this.network.arrivals(this.#time, this.addressOf(from), this.addressOf(to), frame);
    for (const at of arrivals) this.#queue.push(at, sent);
    if (arrivals.length === 0) this.observer.lost(from, to, frame, 'link');
  }

  /** Whatever goes over these links waits, per link at most so many bytes. Returns what lets all of it go at once, in order. */
  clog(covers: LinkFilter, bytesPerLink: number): () => void {
    const clog: Clog = { covers, backlog: new Backlog(bytesPerLink) };
    this.#clogs.push(clog);
    return () => {
      this.#unclog(clog);
    };
  }

  /** Lets go whatever clogged links hold back. */
  unclogAll(): void {
    for (const clog of this.#clogs.splice(0)) this.#unclog(clog);
  }

  #unclog(clog: Clog): void {
    const at = this.#clogs.indexOf(clog);
    if (at >= 0) this.#clogs.splice(at, 1);
    for (const sent of clog.backlog.drain()) {
      if (this.#isClogged(sent)) continue;
      const [from, to] = [this.addressOf(sent.from), this.addressOf(sent.to)];
      const arrival = this.network.burstArrival(this.#time, from, to, sent.frame);
      if (arrival === undefined) this.observer.lost(sent.from, sent.to, sent.frame, 'link');
      else this.#queue.push(arrival, sent);
    }
  }

  /** True when a clogged link keeps it, or loses it for want of room. */
  #isClogged(sent: SentFrame): boolean {
    if (this.#clogs.length === 0) return false;
    const [from, to] = [this.addressOf(sent.from), this.addressOf(sent.to)];
    const clog = this.#clogs.find(({ covers }) => covers(from, to));
    if (clog === undefined) return false;
    const hasRoom = clog.backlog.add(sent, `${from}>${to}`, sent.frame.length);
    this.observer.held('clog', hasRoom);
    if (!hasRoom) this.observer.lost(sent.from, sent.to, sent.frame, 'room');
    return true;
  }

  /** The process stops, as by SIGSTOP, and keeps its memory. What comes meanwhile waits, per link at most so many bytes of frames. */
  pause(node: SimulatedNode, bytesPerLink: number): void {
    if (!node.isUp || this.#paused.has(node)) return;
    this.trace.add(this.#time, [node.id, 6], () => `${node.name} stands still`);
    this.#paused.set(node, new Backlog(bytesPerLink));
    this.observer.paused(node.id, true);
  }

  /** A process that stands still goes on: its timers first, then everything that waited, in order. */
  resume(node: SimulatedNode): void {
    const backlog = this.#paused.get(node);
    if (backlog === undefined) return;
    this.trace.add(this.#time, [node.id, 7], () => `${node.name} goes on`);
    this.#paused.delete(node);
    this.observer.paused(node.id, false);
    const waiting = backlog.drain();
    for (const event of waiting) if (event.kind === 'wake') this.#queue.push(this.#time, event);
    for (const event of waiting) if (event.kind !== 'wake') this.#queue.push(this.#time, event);
  }

  isPaused(node: SimulatedNode): boolean {
    return this.#paused.has(node);
  }

  /** When the next thing happens, in µs of virtual time; undefined: nothing ever will. */
  get nextTime(): number | undefined {
    return this.#queue.nextTime;
  }

  wake(node: SimulatedNode, at: number): void {
    this.#queue.push(at, { kind: 'wake', node, incarnation: node.incarnation });
  }

  sync(node: SimulatedNode, position: number): void {
    const { minSyncUs, maxSyncUs } = this.#disk;
    const duration = this.#slowDisks.get(node) ?? this.#random.between(minSyncUs, maxSyncUs);
    this.#queue.push(this.#time + duration, { kind: 'synced', node, incarnation: node.incarnation, position });
  }

  /** Some syncs' time. */
  settle(node: SimulatedNode): void {
    const { minSyncUs, maxSyncUs } = this.#disk;
    const duration = this.#slowDisks.get(node) ?? this.#random.between(minSyncUs, SYNCS_PER_VERSION * maxSyncUs);
    this.#queue.push(this.#time + duration, { kind: 'settled', node, incarnation: node.incarnation });
  }

  /** The node loses its power and its disk, or all of it but the state. */
  loseDisk(node: SimulatedNode, keepsState = false): void {
    const words = Array.from({ length: 8 }, () => this.#random.next().toString(16).padStart(8, '0'));
    node.loseDisk(asDigest(words.join('')), keepsState);
  }

  onCrash(node: SimulatedNode): void {
    this.#paused.delete(node);
    const delayUs = this.restartPolicy(node);
    if (delayUs === undefined) return;
    this.after(delayUs, `${node.name} has power again`, () => {
      if (!node.isUp) this.restart(node);
    });
  }

  #take(event: WorldEvent): void {
    switch (event.kind) {
      case 'frame':
        this.#deliver(event);
        return;
      case 'wake':
      case 'synced':
      case 'settled':
      case 'input':
        this.#takeOwn(event);
        return;
      case 'client-wake':
        this.#clientWakes.delete(event.client);
        event.client.onWake(this.#time);
        this.armClient(event.client);
        return;
      case 'do':
        this.trace.add(this.#time, [2], () => event.what);
        event.action();
    }
  }

  /** What comes from within a node: void in its next life. */
  #takeOwn(event: Extract<WorldEvent, { kind: 'wake' | 'synced' | 'settled' | 'input' }>): void {
    const { node } = event;
    if (!node.isUp || node.incarnation !== event.incarnation) return;
    const backlog = this.#paused.get(node);
    if (backlog !== undefined) backlog.add(event, '', 0);
    else if (event.kind === 'wake') node.onWake();
    else if (event.kind === 'synced') node.onSynced(event.position);
    else if (event.kind === 'settled') node.onSettled();
    else node.step(event.input);
  }

  #deliver(sent: SentFrame): void {
    const { from, to, frame } = sent;
    if (to.kind === 'replica') {
      const twin = this.#twins.get(to.replica);
      const split = twin?.split(from);
      const side = split === 'same' ? sent.side : split;
      if (side !== 'second') this.#hand(this.node(to.replica), sent);
      if (twin !== undefined && side !== 'first') this.#hand(twin.node, sent);
      return;
    }
    const client = this.#clientIndex.get(to.client);
    if (client === undefined || from.kind !== 'replica') return;
    this.observer.delivered(from, to, frame);
    client.onFrame(this.#time, from.replica, frame);
    this.armClient(client);
  }

  #hand(node: SimulatedNode, sent: SentFrame): void {
    const { from, to, frame } = sent;
    // A link into a dead process.
    if (!node.isUp) {
      this.observer.lost(from, to, frame, 'down');
      return;
    }
    const backlog = this.#paused.get(node);
    if (backlog !== undefined) {
      const hasRoom = backlog.add(sent, this.addressOf(from), frame.length);
      this.observer.held('pause', hasRoom);
      if (!hasRoom) this.observer.lost(from, to, frame, 'room');
      return;
    }
    this.observer.delivered(from, to, frame);
    node.onFrame(frame, from);
  }

  #broadcast(): Required<Observer> {
    const each = (tell: (observer: Observer) => void): void => this.audience.tellAll(tell);
    return {
      booted: (node: NodeView, records: readonly Record[]) => each((observer) => observer.booted?.(node, records)),
      stepped: (node: NodeView, input: Input | undefined, outputs: readonly Output[]) => {
        this.#traceStep(node, input, outputs);
        each((observer) => observer.stepped?.(node, input, outputs));
      },
      durable: (node: NodeView, records: readonly Record[]) => each((observer) => observer.durable?.(node, records)),
      sealed: (node: NodeView, version: Version) => each((observer) => observer.sealed?.(node, version)),
      released: (node: NodeView, output: Output) => each((observer) => observer.released?.(node, output)),
      held: (by, hasRoom) => each((observer) => observer.held?.(by, hasRoom)),
      diskLost: (node: ReplicaId) => {
        this.trace.add(this.#time, [node, 8], () => `${replicaName(node)} loses its disk`);
        each((observer) => observer.diskLost?.(node));
      },
      crashed: (node: ReplicaId, point: string) => {
        this.trace.add(this.#time, [node, 3], () => `${replicaName(node)} loses its power (${point})`);
        each((observer) => observer.crashed?.(node, point));
      },
      paused: (node: ReplicaId, isPaused: boolean) => each((observer) => observer.paused?.(node, isPaused)),
      misbehaves: (node: ReplicaId, behaviour: string | undefined) =>
        each((observer) => observer.misbehaves?.(node, behaviour)),
      refused: (node: NodeView, link: Party, refusal: Refusal) =>
        each((observer) => observer.refused?.(node, link, refusal)),
      sent: (from: Party, to: Party, frame: Bytes) => each((observer) => observer.sent?.(from, to, frame)),
      lost: (from: Party, to: Party, frame: Bytes, why: FrameLoss) =>
        each((observer) => observer.lost?.(from, to, frame, why)),
      delivered: (from: Party, to: Party, frame: Bytes) => {
        this.#traceFrame(from, to, frame);
        each((observer) => observer.delivered?.(from, to, frame));
      },
      issued: (request: AuthenticatedRequest) => each((observer) => observer.issued?.(request)),
      acknowledged: (acknowledgement: Acknowledgement) => each((observer) => observer.acknowledged?.(acknowledgement)),
      concluded: (request: AuthenticatedRequest, outcome: ClientOutcome) =>
        each((observer) => observer.concluded?.(request, outcome)),
      readAnswered: (request: AuthenticatedRequest, result: Bytes) =>
        each((observer) => observer.readAnswered?.(request, result)),
    };
  }

  #traceFrame(from: Party, to: Party, frame: Bytes): void {
    this.trace.add(this.#time, [checksum(frame), frame.length], () => {
      const decoded = decodeFrame(frame, this.codec);
      const text = decoded.ok
        ? describeMessage(decoded.value.message)
        : `${frame.length} bytes (${decoded.error.code})`;
      return `${this.addressOf(from)} → ${this.addressOf(to)}  ${text}`;
    });
  }

  #traceStep(node: NodeView, input: Input | undefined, outputs: readonly Output[]): void {
    if (outputs.length === 0) return;
    const name = replicaName(node.id);
    this.trace.add(this.#time, [node.id, outputs.length], () => {
      const told = outputs.flatMap((output) => {
        if (output.kind === 'event') return [describeEvent(output.event)];
        return output.kind === 'persist' ? [`[${output.record.kind}]`] : [];
      });
      return `    ${name} on ${describeInput(input)}: ${told.join('; ')}`;
    });
  }
}

/** A party for every replica of the cluster, in order. */
export function replicaParties(cluster: ClusterConfig): readonly Party[] {
  return Array.from({ length: cluster.replicaCount }, (_, index) => ({ kind: 'replica', replica: asReplicaId(index) }));
}

export { Violation };
