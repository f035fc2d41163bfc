/** Makes the faults of a run happen, one after another as requests are answered, and takes all of them back when the world heals. */
import { asClientId } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Coverage } from './coverage.ts';
import { FaultyClient } from './faulty-client.ts';
import type { Fault } from './faults.ts';
import type { LinkQuality } from './network.ts';
import { PERFECT_LINK } from './network.ts';
import type { SimulatedNode } from './node.ts';
import type { SwarmOptions } from './options.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** A trap that does not spring within this time becomes a plain crash. */
const TRAP_PATIENCE_US = 2_000_000;
const DEFAULT_DOWN_US = 20_000;

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
      case 'crash':
        return this.#crash(fault);
      case 'crash-all':
        for (const node of this.#world.nodes) {
          this.#downUs.set(node.id, fault.downUs + this.#random.between(0, 2000));
          if (node.isUp && node.isCorrect) node.crash('all at once', fault.survivors);
        }
        return;
      case 'isolate': {
        const address = this.#world.node(fault.replica).name;
        this.#world.network.setPartyQuality(address, worse(this.#options.network, fault.loss, fault.delayUs));
        return this.#over(fault.forUs, () => this.#world.network.setPartyQuality(address, undefined));
      }
      case 'storm':
        this.#world.network.setQuality(worse(this.#options.network, fault.loss, 0));
        return this.#over(fault.forUs, () => this.#world.network.setQuality(this.#options.network));
      case 'slow-disk': {
        const node = this.#world.node(fault.replica);
        this.#world.setSyncUs(node, fault.syncUs);
        return this.#over(fault.forUs, () => this.#world.setSyncUs(node, undefined));
      }
      case 'clock-jump': {
        const node = this.#world.node(fault.replica);
        node.wallOffsetMs += fault.byMs;
        return this.#over(fault.forUs, () => {
          node.wallOffsetMs -= fault.byMs;
        });
      }
      case 'faulty-client':
        return this.#addFaultyClient(fault);
    }
  }

  #over(afterUs: number, undo: () => void): void {
    this.#world.after(afterUs, 'a fault is over', () => {
      if (!this.#isHealed) undo();
    });
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

  /** Everything is well from now on, except for liars: links, disks, clocks; whoever is down is started. */
  heal(): void {
    this.#isHealed = true;
    this.#world.trace.add(this.#world.time, [5], () => 'the world heals');
    this.#world.network.heal({ ...PERFECT_LINK, maxDelayUs: 1000 });
    this.#world.setDisk({ minSyncUs: 100, maxSyncUs: 300 });
    for (const node of this.#world.nodes) {
      node.setTrap(undefined);
      node.wallOffsetMs = this.#options.wallOffsetsMs[node.id] ?? 0;
      if (!node.isUp) this.#start(node);
    }
  }

  #start(node: SimulatedNode): void {
    this.#world.restart(node);
  }
}

function worse(quality: LinkQuality, loss: number, delayUs: number): LinkQuality {
  return { ...quality, loss: Math.max(loss, quality.loss), maxDelayUs: quality.maxDelayUs + delayUs };
}
