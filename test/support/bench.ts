/**
 * A few replicas on a bench: frames lie in the open until the test delivers, drops, repeats or reorders them; time passes when it says so;
 * a replica can be switched off after any single output and started again from what was on its disk. Nothing is random.
 */
import { encodeRecord, decodeRecord } from '../../src/protocol/record-codec.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import type { ClientId, Digest, ReplicaId, Sequence } from '../../src/base/ids.ts';
import { encodeFrame, encodeMessage, NO_PROOF } from '../../src/messages/index.ts';
import type { AuthenticatedRequest, Message, Reply } from '../../src/messages/index.ts';
import type { Input, Now } from '../../src/protocol/input.ts';
import { Intake } from '../../src/protocol/intake.ts';
import type { Event } from '../../src/protocol/event.ts';
import { spelledOut } from '../../src/protocol/output.ts';
import type { Output } from '../../src/protocol/output.ts';
import type { Party, StateMachine } from '../../src/protocol/ports.ts';
import type { Record } from '../../src/protocol/record.ts';
import type { Refusal } from '../../src/protocol/refusal.ts';
import { makeQuorums } from '../../src/protocol/quorum.ts';
import { Replica } from '../../src/protocol/replica.ts';
import { applicationReader } from '../../src/protocol/state-layout.ts';
import { Sealer } from '../../src/protocol/seal.ts';
import { describeWait } from '../../src/protocol/wait-text.ts';
import { ALICE, CoreKit, START_US, WALL_MS, bytes, countingApp, replica, text } from './core-kit.ts';
import type { KitOptions } from './core-kit.ts';
import { DamageableState } from './damageable-state.ts';
import type { Durable } from './damageable-state.ts';
import { must } from './must.ts';
import { suspicionLine } from './transcript.ts';

export interface Packet {
  readonly from: ReplicaId | ClientId;
  readonly to: ReplicaId;
  readonly frame: Bytes;
  readonly message: Message;
}

export interface SeenReply {
  readonly from: ReplicaId;
  readonly reply: Reply;
}

/** True for the packets that are meant. */
export type Which = (packet: Packet) => boolean;

const ALL: Which = () => true;
/** How long a frame is under way when `run` delivers it, µs. */
const DELAY_US = 50;

export class BenchNode {
  readonly id: ReplicaId;
  readonly #bench: Bench;
  readonly #sealer: Sealer;
  readonly intake: Intake;
  #replica: Replica | undefined;
  /** The disk: what survives, as bytes, and beside it the state with its durable versions. */
  disk: Bytes[] = [];
  state: DamageableState;
  readonly events: Event[] = [];
  readonly executions: Map<Sequence, Digest> = new Map();
  /** Outputs so far, in all lives, and after how many of them the power goes. */
  outputs = 0;
  cutAfter: number | undefined;
  /** Rewrites what leaves it: for a Byzantine node. */
  rewrite: ((outputs: readonly Output[]) => readonly Output[]) | undefined;

  constructor(bench: Bench, id: ReplicaId) {
    this.#bench = bench;
    this.id = id;
    const authenticator = bench.kit.of(id);
    this.#sealer = new Sealer(bench.kit.cluster, authenticator);
    this.intake = new Intake(bench.kit.cluster, id, authenticator);
    this.state = new DamageableState('when-settled');
  }

  get isUp(): boolean {
    return this.#replica !== undefined;
  }

  get replica(): Replica {
    if (this.#replica === undefined) throw new Error(`node${this.id + 1} is switched off`);
    return this.#replica;
  }

  get status(): ReturnType<Replica['status']> {
    return this.replica.status();
  }

  /** `certain wrong-checkpoint node3 v0 n4`, one line per suspicion. */
  get suspicions(): readonly string[] {
    return this.status.suspicions.map(suspicionLine);
  }

  /** How often an operation of the counting application was executed here. */
  count(operation: string): number {
    return Number(text(applicationReader(this.replica.reader).get(bytes(`count ${operation}`))));
  }

  start(): void {
    const { kit } = this.#bench;
    const records = this.disk.map((stored): Record => must(decodeRecord(stored, kit.codec)));
    this.state = this.state.reopened();
    this.#replica = new Replica(
      { self: this.id, cluster: kit.cluster, tuning: kit.tuning },
      { authenticator: kit.of(this.id), state: this.state, application: this.#bench.application },
      records,
    );
    this.#dispatch(spelledOut(this.#replica.start(this.#bench.now)));
  }

  crash(): void {
    this.#replica = undefined;
    this.cutAfter = undefined;
  }

  /** What was sealed or installed first becomes durable, and the replica is told. */
  settle(): void {
    this.state.settle();
    this.step({ kind: 'sealed' });
  }

  step(input: Input): void {
    this.#dispatch(spelledOut(this.replica.step(this.#bench.now, input)));
  }

  /** A frame from the authenticated link of `from`. */
  onFrame(frame: Bytes, from: ReplicaId | ClientId): void {
    const link: Party =
      typeof from === 'number' ? { kind: 'replica', replica: from } : { kind: 'client', client: from };
    const opened = this.intake.open(frame, link);
    if (!opened.ok) {
      this.#bench.refusals.push(opened.error);
      if (typeof from === 'number') this.step({ kind: 'refused', link: from, refusal: opened.error });
    } else if (opened.value.kind !== 'lab') {
      this.step(opened.value);
    }
  }

  /** What has left, and what was so allowed to become durable. */
  #dispatch(outputs: readonly Output[]): void {
    this.#leave(outputs);
    if (this.#bench.durable === 'at-once' && this.isUp && this.state.unsettled().length > 0) this.settle();
  }

  #leave(outputs: readonly Output[]): void {
    for (const output of this.rewrite?.(outputs) ?? outputs) {
      if (!this.isUp) return;
      if (output.kind === 'event') {
        this.events.push(output.event);
        if (output.event.kind === 'executed') this.#bench.onExecuted(this, output.event);
        continue;
      }
      this.#release(output);
      this.outputs += 1;
      if (this.cutAfter !== undefined && this.outputs >= this.cutAfter) this.crash();
    }
  }

  #release(output: Exclude<Output, { kind: 'event' }>): void {
    const bench = this.#bench;
    switch (output.kind) {
      case 'persist':
        this.disk.push(encodeRecord(output.record));
        return;
      case 'truncate':
        this.disk = output.records.map(encodeRecord);
        return;
      case 'store':
        this.state.store(output.sequence);
        return;
      case 'collect':
        this.state.collect(output.sequence);
        return;
      case 'reply':
        bench.replies.push({ from: this.id, reply: output.reply });
        return;
      case 'send': {
        const to = output.to.map((receiver): Party => ({ kind: 'replica', replica: receiver }));
        const frames = this.#sealer.seal(output.message, to, output.signature);
        output.to.forEach((receiver, index) => {
          const frame = frames[index];
          if (frame !== undefined) bench.transmit({ from: this.id, to: receiver, frame, message: output.message });
        });
      }
    }
  }
}

export class Bench {
  readonly kit: CoreKit;
  readonly application: StateMachine;
  /** Whether a sealed state is durable as soon as it may be, or when the test settles it. */
  readonly durable: Durable;
  readonly nodes: readonly BenchNode[];
  /** Frames under way, in the order they were sent. */
  packets: Packet[] = [];
  /** Every frame that was ever sent, lost ones too. */
  readonly history: Packet[] = [];
  readonly replies: SeenReply[] = [];
  readonly refusals: Refusal[] = [];
  monotonic = START_US;
  /** What the network loses as it is sent. */
  lose: Which = () => false;
  readonly #agreed = new Map<Sequence, Digest>();

  constructor(options: KitOptions & { readonly application?: StateMachine; readonly durable?: Durable } = {}) {
    this.kit = new CoreKit(options);
    this.durable = options.durable ?? 'at-once';
    this.application = options.application ?? countingApp;
    this.nodes = Array.from(
      { length: this.kit.cluster.replicaCount },
      (_, index) => new BenchNode(this, replica(index)),
    );
    for (const node of this.nodes) node.start();
    this.run();
  }

  get now(): Now {
    return { monotonic: this.monotonic, wall: WALL_MS + Math.floor((this.monotonic - START_US) / 1000) };
  }

  node(index: number): BenchNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`there is no node ${index}`);
    return node;
  }

  get up(): readonly BenchNode[] {
    return this.nodes.filter((node) => node.isUp);
  }

  transmit(packet: Packet): void {
    this.history.push(packet);
    if (!this.lose(packet)) this.packets.push(packet);
  }

  /** Invariants 1 and 3 at every execution: one batch a number on all nodes, no request executed twice by one of them. */
  onExecuted(node: BenchNode, { sequence, digest }: Extract<Event, { kind: 'executed' }>): void {
    const agreed = this.#agreed.get(sequence) ?? digest;
    this.#agreed.set(sequence, agreed);
    if (agreed !== digest) throw new Error(`node${node.id + 1} executes another batch at ${sequence} than the others`);
    node.executions.set(sequence, digest);
  }

  /** Delivers what lies there and is meant, in order, and what comes of it, until none is left. */
  run(which: Which = ALL): void {
    for (;;) {
      const at = this.packets.findIndex(which);
      const [packet] = at < 0 ? [] : this.packets.splice(at, 1);
      if (packet === undefined) return;
      this.monotonic += DELAY_US;
      this.deliver(packet);
    }
  }

  /** One packet, in flight or not, to a node that is up. */
  deliver({ from, to, frame }: Packet): void {
    const node = this.node(to);
    if (node.isUp) node.onFrame(frame, from);
  }

  /** Takes the meant packets off the bench and returns them. */
  take(which: Which): readonly Packet[] {
    const taken = this.packets.filter(which);
    this.packets = this.packets.filter((packet) => !which(packet));
    return taken;
  }

  /** Time passes: nodes are woken when they asked for it, frames arrive at once. */
  pass(us: number): void {
    const end = this.monotonic + us;
    for (;;) {
      this.run();
      let next: number | undefined;
      for (const node of this.up) {
        const at = node.replica.nextTimeout();
        if (at !== undefined && (next === undefined || at < next)) next = at;
      }
      if (next === undefined || next > end) break;
      this.monotonic = Math.max(this.monotonic, next);
      for (const node of this.up) {
        const at = node.replica.nextTimeout();
        if (at !== undefined && at <= this.monotonic) node.step({ kind: 'timeout' });
      }
    }
    this.monotonic = Math.max(this.monotonic, end);
    this.run();
  }

  /** Lets time pass until `isOver`, at most `us`. Throws with where everybody stands. */
  until(isOver: () => boolean, what: string, us = 20_000_000): void {
    const end = this.monotonic + us;
    this.run();
    while (!isOver()) {
      if (this.monotonic > end) throw new Error(`not within ${us / 1e6} s: ${what}\n${this.describe()}`);
      this.pass(10_000);
    }
  }

  /** A frame with requests from the link of a client. */
  send(
    requests: readonly AuthenticatedRequest[],
    to: readonly number[] = [0],
    from: ClientId | ReplicaId = ALICE,
  ): void {
    const message: Message = { type: 'requests', requests };
    const frame = encodeFrame(encodeMessage(message), NO_PROOF);
    for (const index of to) this.transmit({ from, to: replica(index), frame, message });
  }

  /** Any message, sealed by a node's own key (a Byzantine one's), to these nodes. */
  forge(from: number, message: Message, to: readonly number[], signature?: Bytes): void {
    const sealer = new Sealer(this.kit.cluster, this.kit.of(from));
    const parties = to.map((index): Party => ({ kind: 'replica', replica: replica(index) }));
    const frames = sealer.seal(message, parties, signature);
    to.forEach((index, at) => {
      const frame = frames[at];
      if (frame !== undefined) this.transmit({ from: replica(from), to: replica(index), frame, message });
    });
  }

  /** The replicas whose replies to `digest` agree, at most one set as large as any. */
  repliers(digest: Digest): readonly ReplicaId[] {
    const byResult = new Map<Digest, Set<ReplicaId>>();
    for (const { from, reply } of this.replies) {
      if (reply.requestDigest !== digest || reply.outcome === 'table-error') continue;
      const same = byResult.get(reply.resultDigest) ?? new Set<ReplicaId>();
      byResult.set(reply.resultDigest, same.add(from));
    }
    return (
      [...byResult.values()].map((same) => [...same]).toSorted((left, right) => right.length - left.length)[0] ?? []
    );
  }

  isAnswered(digest: Digest): boolean {
    return this.repliers(digest).length >= makeQuorums(this.kit.cluster.replicaCount).weak;
  }

  /** Sends it as a correct client does: to the primary, then signed to all, again and again; until f+1 replies agree. */
  execute(request: AuthenticatedRequest, us = 20_000_000): void {
    const { client } = request.request;
    this.send([request], [0], client);
    const end = this.monotonic + us;
    this.run();
    while (!this.isAnswered(request.digest)) {
      if (this.monotonic > end) throw new Error(`request not answered within ${us / 1e6} s\n${this.describe()}`);
      this.pass(250_000);
      this.send([this.kit.signAgain(request)], [...this.nodes.keys()], client);
    }
  }

  /** Everybody up has executed the same, and nothing is open. */
  isConverged(): boolean {
    const statuses = this.up.map((node) => node.status);
    const last = Math.max(...statuses.map((status) => status.lastExecuted));
    return statuses.every((status) => status.lastExecuted === last && status.queuedRequests === 0);
  }

  describe(): string {
    return this.nodes
      .map((node) => {
        if (!node.isUp) return `node${node.id + 1}: off`;
        const { lastExecuted, lowWaterMark, highestAccepted, queuedRequests } = node.status;
        const open = node.replica
          .slots(lastExecuted, highestAccepted)
          .map(
            (slot) =>
              `${slot.sequence} ${slot.phase} ${slot.waitingFor === undefined ? '' : describeWait(slot.waitingFor)}`,
          );
        return `node${node.id + 1}: executed ${lastExecuted}, h ${lowWaterMark}, queue ${queuedRequests}; ${open.join('; ')}`;
      })
      .join('\n');
  }
}
