/** One replica on its own: exact inputs, exact outputs. What comes in counts as verified, as after the intake. */
import type { Bytes } from '../../src/base/bytes.ts';
import type { ClientId, Digest, ReplicaId } from '../../src/base/ids.ts';
import type { AuthenticatedRequest, Batch } from '../../src/messages/index.ts';
import type { Input, Now, ReplicaMessage, RequestVerification } from '../../src/protocol/input.ts';
import { spelledOut } from '../../src/protocol/output.ts';
import type { Output, StepOutput } from '../../src/protocol/output.ts';
import type { StateMachine } from '../../src/protocol/ports.ts';
import type { Record } from '../../src/protocol/record.ts';
import { Replica } from '../../src/protocol/replica.ts';
import type { LostLog } from '../../src/protocol/replica.ts';
import { ALICE, CoreKit, START_US, WALL_MS, countingApp, replica } from './core-kit.ts';
import type { KitOptions } from './core-kit.ts';
import { DamageableState } from './damageable-state.ts';
import { recordsOf } from './transcript.ts';

export interface RigOptions extends KitOptions {
  /** Index of the replica; 1, a backup of view 0, by default. */
  readonly self?: number;
  readonly records?: readonly Record[];
  readonly application?: StateMachine;
  /** An empty one, whose checkpoints are durable at once, by default. */
  readonly state?: DamageableState;
  /** Its log is lost. */
  readonly lost?: LostLog;
}

export interface Received {
  readonly signature?: Bytes | undefined;
  readonly verified?: readonly RequestVerification[];
}

export class Rig {
  readonly kit: CoreKit;
  readonly replica: Replica;
  readonly state: DamageableState;
  /** What `start` gave. */
  readonly started: readonly Output[];
  /** Everything the replica ever wrote down, in order. */
  readonly records: Record[];
  /** What came of all steps, as it came out. */
  readonly gathered: StepOutput[] = [];
  monotonic = START_US;
  wall = WALL_MS;

  constructor(
    {
      self = 1,
      records = [],
      application = countingApp,
      state = new DamageableState(),
      lost,
      ...options
    }: RigOptions = {},
    kit = new CoreKit(options),
  ) {
    this.kit = kit;
    const { cluster, tuning } = kit;
    this.records = [...records];
    this.state = state;
    this.replica = new Replica(
      { self: replica(self), cluster, tuning },
      { authenticator: kit.of(self), state, application },
      records,
      lost,
    );
    this.started = spelledOut(this.replica.start(this.now));
    this.#write(this.started);
  }

  /** The disk is never slow here: what was sealed may become durable at once. */
  #write(outputs: readonly Output[]): void {
    this.records.push(...recordsOf(outputs));
    for (const output of outputs) {
      if (output.kind === 'store') this.state.store(output.sequence);
      else if (output.kind === 'collect') this.state.collect(output.sequence);
    }
  }

  get now(): Now {
    return { monotonic: this.monotonic, wall: this.wall };
  }

  get status(): ReturnType<Replica['status']> {
    return this.replica.status();
  }

  step(input: Input): readonly Output[] {
    const gathered = this.replica.step(this.now, input);
    this.gathered.push(...gathered);
    const outputs = spelledOut(gathered);
    this.#write(outputs);
    return outputs;
  }

  /** A message of another replica; a PRE-PREPARE's requests count as verified by signature unless said otherwise. */
  receive(message: ReplicaMessage, { signature, verified }: Received = {}): readonly Output[] {
    const author =
      message.type === 'pre-prepare' || message.type === 'new-view'
        ? replica(message.view % this.kit.cluster.replicaCount)
        : message.replica;
    const batch: Batch | undefined = message.type === 'pre-prepare' ? message.batch : undefined;
    const requests = verified ?? batch?.requests.map(() => 'signature' as const) ?? [];
    return this.step({ kind: 'message', message, author, signature, requests });
  }

  /** What was sealed or installed first becomes durable, and the replica is told. */
  settle(): readonly Output[] {
    this.state.settle();
    return this.step({ kind: 'sealed' });
  }

  /** The numbers of the checkpoints that are kept, and the roots of their states. */
  get checkpoints(): ReadonlyMap<number, Digest> {
    return new Map(this.state.versions().map(({ sequence, root }) => [sequence, root]));
  }

  receiveAll(messages: readonly ReplicaMessage[]): readonly Output[] {
    return messages.flatMap((message) => this.receive(message));
  }

  /** Requests from the link of `from`, all verified alike. */
  requests(
    requests: readonly AuthenticatedRequest[],
    from: ClientId | ReplicaId = ALICE,
    verified: RequestVerification = 'signature',
  ): readonly Output[] {
    return this.step({ kind: 'requests', from, requests: requests.map((request) => ({ request, verified })) });
  }

  /** Time passes on both clocks; the replica is woken whenever it asked for it. */
  pass(us: number): readonly Output[] {
    const end = this.monotonic + us;
    const outputs: Output[] = [];
    for (;;) {
      const at = this.replica.nextTimeout();
      if (at === undefined || at > end) break;
      this.#moveTo(Math.max(at, this.monotonic));
      outputs.push(...this.step({ kind: 'timeout' }));
    }
    this.#moveTo(end);
    return outputs;
  }

  #moveTo(monotonic: number): void {
    this.wall += Math.floor(monotonic / 1000) - Math.floor(this.monotonic / 1000);
    this.monotonic = monotonic;
  }

  /** Everything for one batch from the other replicas (`from` besides the primary): pre-prepare, prepares, commits. */
  decide(sequence: number, batch: Batch | undefined, from: readonly number[] = [2, 3]): readonly Output[] {
    const { kit } = this;
    const digest: Digest = kit.digestOfBatch(batch);
    const prePrepare = kit.prePrepare(sequence, batch);
    return this.receiveAll([
      prePrepare,
      ...from.map((sender) => kit.prepare(sender, sequence, digest)),
      ...[0, ...from].map((sender) => kit.commit(sender, sequence, digest)),
    ]);
  }

  /** The same replica after a restart with these records and this state (its own, by default). */
  restarted(records: readonly Record[] = this.records, options: Pick<RigOptions, 'application' | 'state'> = {}): Rig {
    const { state = this.state.reopened(), ...others } = options;
    return new Rig({ self: this.status.self, records, state, ...others }, this.kit);
  }
}
