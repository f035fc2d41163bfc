/** Makes the faults of a run happen, one after another as requests are answered, and takes all of them back when the world heals. */
import { asClientId } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { Bytes } from '../base/bytes.ts';
import { TRUE_RATE } from './clock.ts';
import type { Coverage } from './coverage.ts';
import { FaultyClient } from './faulty-client.ts';
import type { Fault, FaultKind } from './faults.ts';
import { coversLink, crosses, typeOfFrame } from './link-faults.ts';
import type { FrameFilter } from './link-faults.ts';
import type { LinkQuality } from './network.ts';
import { PERFECT_LINK } from './network.ts';
import { makeQuorums } from '../protocol/quorum.ts';
import type { SimulatedNode } from './node.ts';
import type { SwarmOptions } from './options.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** A trap that does not spring within this time becomes a plain crash. */
const TRAP_PATIENCE_US = 2_000_000;
const DEFAULT_DOWN_US = 20_000;
/** How often the log alone is lost, and the state not. */
const LOG_ALONE = 0.3;
/** A disk that cannot be lost yet, f being what it is, is so later. */
const DISK_LOSS_PAUSE_US = 50_000;

/** Ids of faulty clients: listed ones, and one that is not. */
export const FAULTY_CLIENTS = Array.from({ length: 5 }, (_, index) => asClientId(`fa${index}`.padEnd(64, '0')));
export const UNLISTED_CLIENT = asClientId('0ff'.padEnd(64, '0'));

export class FaultDirector {
  readonly #world: World;
  readonly #options: SwarmOptions;
  readonly #coverage: Coverage;
  readonly #random: Random;
  readonly #makeOperation: () => Bytes;
  readonly #downUs = new Map<ReplicaId, number>();
  #isHealed = false;
  /** Whose disk was lost once. */
  readonly #losers = new Set<SimulatedNode>();
  #faultyClients = 0;

  constructor(
    world: World,
    options: SwarmOptions,
    parts: { readonly coverage: Coverage; readonly random: Random; readonly makeOperation: () => Bytes },
  ) {
    this.#world = world;
    this.#options = options;
    this.#coverage = parts.coverage;
    this.#random = parts.random;
    this.#makeOperation = parts.makeOperation;
    world.restartPolicy = (node) => this.#downUs.get(node.id) ?? DEFAULT_DOWN_US;
  }

  begin(fault: Fault): void {
    this.#coverage.count('fault', fault.kind);
    const { trace, time } = this.#world;
    trace.add(time, [4], () => `fault: ${JSON.stringify(fault)}`);
    switch (fault.kind) {
      case 'isolate': {
        const address = this.#world.node(fault.replica).name;
        this.#world.network.setPartyQuality(address, worse(this.#options.network, fault.loss, fault.delayUs));
        return this.#over(fault.forUs, () => this.#world.network.setPartyQuality(address, undefined));
      }
      case 'storm':
        this.#world.network.setQuality(worse(this.#options.network, fault.loss, 0));
        return this.#over(fault.forUs, () => this.#world.network.setQuality(this.#options.network));
      case 'clog':
        this.#coverage.count('fault shape', `${fault.kind}: ${fault.links.kind}`);
        return this.#over(fault.forUs, this.#world.clog(coversLink(fault.links), fault.bufferBytes));
      case 'partition':
      case 'flapping':
      case 'one-way':
      case 'drop-type':
        return this.#lose(fault);
      case 'faulty-client':
        return this.#addFaultyClient(fault);
      default:
        this.#troubleNodes(fault);
    }
  }

  #troubleNodes(fault: Exclude<Fault, LosingFault | { kind: 'isolate' | 'storm' | 'clog' | 'faulty-client' }>): void {
    switch (fault.kind) {
      case 'crash':
        return this.#crash(fault);
      case 'lose-disk':
        return this.#loseDisk(fault);
      case 'crash-all':
        for (const node of this.#world.nodes) {
          this.#downUs.set(node.id, fault.downUs + this.#random.between(0, 2000));
          if (node.isUp && node.isCorrect) node.crash('all at once', fault.survivors);
        }
        return;
      case 'pause': {
        const nodes = fault.replicas.map((id) => this.#world.node(id));
        for (const node of nodes) this.#world.pause(node, fault.bufferBytes);
        return this.#over(fault.forUs, () => {
          for (const node of nodes) this.#world.resume(node);
        });
      }
      case 'slow-disk': {
        const node = this.#world.node(fault.replica);
        this.#world.setSyncUs(node, fault.syncUs);
        return this.#over(fault.forUs, () => this.#world.setSyncUs(node, undefined));
      }
      case 'full-disk': {
        const node = this.#world.node(fault.replica);
        node.fillDisk();
        return this.#over(fault.forUs, () => node.freeDisk());
      }
      case 'bit-flip':
        return this.#world.node(fault.replica).damageState(fault.prefix, fault.scrubbed);
      case 'clock-jump': {
        const node = this.#world.node(fault.replica);
        node.wallOffsetMs += fault.byMs;
        return this.#over(fault.forUs, () => {
          node.wallOffsetMs -= fault.byMs;
        });
      }
      case 'clock-drift': {
        const node = this.#world.node(fault.replica);
        node.setClockRate(fault.permille);
        return this.#over(fault.forUs, () => {
          node.setClockRate(TRUE_RATE);
        });
      }
    }
  }

  #over(afterUs: number, undo: () => void): void {
    this.#world.after(afterUs, 'a fault is over', () => {
      if (!this.#isHealed) undo();
    });
  }

  /** Frames are lost for as long as the fault lasts. */
  #lose(fault: LosingFault): void {
    const isLost = this.#lostBy(fault);
    const end = this.#world.network.addRule((from, to, frame) => {
      if (!isLost(from, to, frame)) return undefined;
      this.#coverage.count('fault effect', `${fault.kind}: lost`);
      return 'drop';
    });
    this.#over(fault.forUs, end);
  }

  #lostBy(fault: LosingFault): FrameFilter {
    switch (fault.kind) {
      case 'partition':
        this.#coverage.count('fault shape', `${fault.kind}: ${shapeOf(fault.groups)}`);
        return crosses(fault, this.#clientAddresses);
      case 'flapping': {
        const isAcross = crosses(fault, this.#clientAddresses);
        const start = this.#world.time;
        return (from, to) => Math.floor((this.#world.time - start) / fault.periodUs) % 2 === 0 && isAcross(from, to);
      }
      case 'one-way':
        this.#coverage.count('fault shape', `${fault.kind}: ${fault.links.kind}`);
        return coversLink(fault.links);
      case 'drop-type': {
        const types = new Set(fault.types);
        const receivers = new Set(fault.receivers.map((id) => this.#world.node(id).name));
        return (_from, to, frame) => {
          const type = receivers.has(to) ? typeOfFrame(frame) : undefined;
          if (type === undefined || !types.has(type)) return false;
          this.#coverage.count('dropped type', type);
          return true;
        };
      }
    }
  }

  get #clientAddresses(): readonly string[] {
    return this.#world.clients.map(({ client }) => this.#world.addressOf({ kind: 'client', client }));
  }

  #crash({ replica, trap, downUs }: Extract<Fault, { kind: 'crash' }>): void {
    const node = this.#world.node(replica);
    this.#downUs.set(replica, downUs);
    if (!node.isUp) return;
    if (trap === undefined) return node.crash('at rest', this.#random.between(0, 3));
    node.setTrap(trap);
    const { incarnation } = node;
    this.#over(TRAP_PATIENCE_US, () => {
      if (node.isUp && node.incarnation === incarnation && node.isTrapped) node.crash('at rest', trap.survivors);
    });
  }

  /** As soon as no more than f are faulty with it: liars, and those that recover. Each node once: a second recovery would have to wait ten minutes. */
  #loseDisk(fault: Extract<Fault, { kind: 'lose-disk' }>): void {
    const node = this.#world.node(fault.replica);
    if (this.#isHealed || this.#losers.has(node)) return;
    const { faultLimit } = makeQuorums(this.#options.replicaCount);
    const recovering = this.#world.nodes.filter(({ isRecovering }) => isRecovering).length;
    const liars = this.#options.liars.length;
    if (!node.isUp || liars + recovering >= faultLimit) {
      this.#world.after(DISK_LOSS_PAUSE_US, 'a disk might be lost now', () => this.#loseDisk(fault));
      return;
    }
    this.#coverage.count('fault effect', 'lose-disk: lost');
    if (recovering > 0) this.#coverage.count('fault effect', 'lose-disk: while another one recovers');
    if (this.#losers.size > recovering) this.#coverage.count('fault effect', 'lose-disk: after another one recovered');
    if (liars > 0) this.#coverage.count('fault effect', 'lose-disk: besides a liar');
    this.#losers.add(node);
    this.#downUs.set(node.id, fault.downUs);
    this.#world.loseDisk(node, this.#random.chance(LOG_ALONE));
    node.setTrap(fault.trap);
  }

  #addFaultyClient({ fault }: Extract<Fault, { kind: 'faulty-client' }>): void {
    this.#coverage.count('client fault', fault);
    const client = fault === 'unlisted' ? UNLISTED_CLIENT : FAULTY_CLIENTS[this.#faultyClients];
    if (client === undefined || this.#world.clients.some((party) => party.client === client)) return;
    this.#faultyClients += 1;
    const random = this.#random.fork(`faulty ${client}`);
    const party = new FaultyClient(this.#world, client, { fault, random, makeOperation: this.#makeOperation });
    this.#world.addClient(party, `faulty${this.#faultyClients}`);
    this.#world.armClient(party);
  }

  /** Everything is well from now on, except for liars: links, disks, clocks; whoever is down is started, whoever stands still goes on. */
  heal(): void {
    this.#isHealed = true;
    this.#world.trace.add(this.#world.time, [5], () => 'the world heals');
    this.#world.network.heal({ ...PERFECT_LINK, maxDelayUs: 1000 });
    this.#world.unclogAll();
    this.#world.setDisk({ minSyncUs: 100, maxSyncUs: 300 });
    for (const node of this.#world.nodes) this.#healNode(node);
  }

  #healNode(node: SimulatedNode): void {
    node.setTrap(undefined);
    node.freeDisk();
    node.wallOffsetMs = this.#options.wallOffsetsMs[node.id] ?? 0;
    node.setClockRate(TRUE_RATE);
    node.synchroniseClock();
    this.#world.resume(node);
    if (!node.isUp) this.#world.restart(node);
  }
}

/** Those that frames are lost by, all of them on some links or of some types. */
type LosingFault = Extract<Fault, { kind: 'partition' | 'flapping' | 'one-way' | 'drop-type' }>;

/** The shapes that a fault of such a kind can have, as they are counted. */
export const FAULT_SHAPES: readonly string[] = [
  'partition: one alone',
  'partition: two sides',
  'partition: three sides',
  'partition: everybody alone',
  ...shapesOf('one-way', ['in', 'out', 'one']),
  ...shapesOf('clog', ['in', 'out', 'both', 'one']),
];

function shapesOf(kind: FaultKind, shapes: readonly string[]): readonly string[] {
  return shapes.map((shape) => `${kind}: ${shape}`);
}

function shapeOf(groups: readonly (readonly ReplicaId[])[]): string {
  const isAlone = (group: readonly ReplicaId[]): boolean => group.length === 1;
  if (groups.length > 2) return groups.every(isAlone) ? 'everybody alone' : 'three sides';
  return groups.some(isAlone) ? 'one alone' : 'two sides';
}

function worse(quality: LinkQuality, loss: number, delayUs: number): LinkQuality {
  return { ...quality, loss: Math.max(loss, quality.loss), maxDelayUs: quality.maxDelayUs + delayUs };
}
