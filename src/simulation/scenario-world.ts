/** A small world without chance in it, with all checkers: for scenarios and tests. Every link takes 1 ms, every sync 0.1 ms, unless told. */
import { applicationNamed, TOTAL_SUPPLY, totalBalance } from '../apps/index.ts';
import type { BehaviourName } from '../byzantine/index.ts';
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { asClientId, asDigest, asReplicaId } from '../base/ids.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { ReadVerdict } from '../protocol/client-read.ts';
import type { ClientOutcome } from '../protocol/client-session.ts';
import type { QuorumRule } from '../protocol/quorum.ts';
import { DEFAULT_CLUSTER, DEFAULT_TUNING, windowSize } from '../protocol/config.ts';
import type { AuthenticationMode, TuningConfig } from '../protocol/config.ts';
import { AccuracyChecker } from './checkers/accuracy.ts';
import { AgreementChecker } from './checkers/agreement.ts';
import { LinearizabilityChecker } from './checkers/client-history.ts';
import { AuthenticityChecker } from './checkers/authenticity.ts';
import { DurabilityChecker } from './checkers/durability.ts';
import { ExecutionChecker } from './checkers/execution.ts';
import { LostVotesChecker } from './checkers/lost-votes.ts';
import { MarksChecker } from './checkers/marks.ts';
import { ProposalsChecker } from './checkers/proposals.ts';
import { RepliesChecker } from './checkers/replies.ts';
import { RootsChecker } from './checkers/roots.ts';
import { observedApplication } from './checkers/observed-application.ts';
import { CorrectClient } from './correct-client.ts';
import { Coverage } from './coverage.ts';
import { CoverageObserver } from './coverage-observer.ts';
import { IdealAuthority, portableSha256 } from './ideal-authenticator.ts';
import { drain } from './drain.ts';
import { misbehave } from './misbehave.ts';
import { Network, PERFECT_LINK } from './network.ts';
import type { Address, LinkQuality } from './network.ts';
import type { NodeParts, SimulatedNode } from './node.ts';
import { Random } from './random.ts';
import type { SimulationModules } from './simulate.ts';
import type { TwinSplit } from './twins.ts';
import { World } from './world.ts';

export interface ScenarioOptions {
  readonly replicaCount: number;
  readonly checkpointInterval: number;
  readonly authentication: AuthenticationMode;
  readonly tuning: Partial<TuningConfig>;
  readonly clientCount: number;
  /** The cluster answers read-only requests. */
  readonly readOnlyRequests: boolean;
  /** Clients are told what a batch comes to before it is committed. */
  readonly tentativeExecution: boolean;
  /** A primary proposes before its vote is on disk. */
  readonly overlappedSync: boolean;
  /** Of a client's requests so large a share is signed and shown to all, and so long, µs, it waits at most before each. */
  readonly shownShare: number;
  readonly thinkUs: number;
  readonly quorumRule: QuorumRule;
  readonly network: LinkQuality;
  /** What is left to chance, such as delays and keys, is drawn from it. */
  readonly seed: number;
}

export type ScenarioModules = Omit<SimulationModules, 'overrides'>;

/** Every link takes so long, in µs, unless told. */
export const LINK_US = 1000;
/** And every sync, in µs. */
export const SYNC_US = 100;

/** Nothing is left to chance but what has to be drawn all the same, keys for one. */
export const SCENARIO_DEFAULTS: ScenarioOptions = {
  replicaCount: 4,
  checkpointInterval: 8,
  authentication: 'mac',
  tuning: {},
  clientCount: 2,
  readOnlyRequests: false,
  tentativeExecution: false,
  overlappedSync: false,
  shownShare: 0,
  thinkUs: 0,
  quorumRule: 'intersecting',
  network: { ...PERFECT_LINK, minDelayUs: LINK_US, maxDelayUs: LINK_US },
  seed: 1,
};

/** Restarted peers have greeted each other after so long, in µs. */
const GREETINGS_US = 10_000;

/** What a client is to ask for. */
interface Asked {
  readonly operation: Bytes;
  readonly isRead: boolean;
}

interface ScenarioClient {
  readonly party: CorrectClient;
  readonly asked: Asked[];
}

/** Owns a world whose nodes are up and whose clients do what they are told. */
export class ScenarioWorld {
  readonly world: World;
  readonly options: ScenarioOptions;
  readonly agreement = new AgreementChecker();
  readonly execution: ExecutionChecker;
  readonly linearizability: LinearizabilityChecker;
  readonly coverage = new Coverage();
  /** What clients came to know of ordered requests, in order: `client1: executed …`. */
  readonly answers: { readonly client: number; readonly kind: string; readonly outcome: ClientOutcome }[] = [];
  /** How read-only requests ended, in order. Those that are undecided are ordered next. */
  readonly reads: { readonly client: number; readonly verdict: ReadVerdict }[] = [];
  readonly #clients: ScenarioClient[] = [];
  readonly #parts: NodeParts[] = [];
  /** Requests of a load that nobody was asked for yet. */
  #toCome = 0;
  /** T of its nodes, µs. */
  readonly requestTimeoutUs: number;

  constructor(options: Partial<ScenarioOptions> = {}, modules: ScenarioModules = {}) {
    this.options = { ...SCENARIO_DEFAULTS, ...options };
    const { replicaCount, checkpointInterval, authentication, tuning, clientCount } = this.options;
    const { readOnlyRequests, tentativeExecution, overlappedSync, quorumRule, network, seed } = this.options;
    const clientIds = Array.from({ length: clientCount }, (_, index) => asClientId(`c${index + 1}`.padEnd(64, '0')));
    const cluster = {
      ...DEFAULT_CLUSTER,
      clusterId: asDigest('5c'.repeat(32)),
      replicaCount,
      quorumRule,
      checkpointInterval,
      authentication,
      readOnlyRequests,
      tentativeExecution,
      overlappedSync,
      clients: clientIds,
    };
    const { sha256 = portableSha256, makeAuthority } = modules;
    const random = new Random(seed, 'scenario');
    this.world = new World({
      cluster,
      authority: makeAuthority?.(cluster, seed) ?? new IdealAuthority(sha256),
      network: new Network(random.fork('network'), network),
      disk: { minSyncUs: SYNC_US, maxSyncUs: SYNC_US },
      random: random.fork('world'),
      sha256,
      onTrace: modules.onTrace,
      onViolation: modules.onViolation,
    });
    modules.onWorld?.(this.world);
    const application = applicationNamed('ledger');
    assert(application !== undefined, 'the ledger comes with the project');
    this.execution = new ExecutionChecker(application, cluster.idempotencyKeys, (content) => {
      const total = totalBalance(content);
      return total === TOTAL_SUPPLY ? undefined : `all accounts hold ${total}`;
    });
    this.linearizability = new LinearizabilityChecker({
      application: observedApplication('ledger'),
      idempotencyKeys: cluster.idempotencyKeys,
      coverage: this.coverage,
      now: () => this.world.time,
    });
    const pipeline = Math.min(DEFAULT_TUNING.pipeline, windowSize(cluster));
    const ownTuning = { ...DEFAULT_TUNING, pipeline, ...tuning };
    this.requestTimeoutUs = ownTuning.requestTimeoutUs;
    for (let index = 0; index < replicaCount; index += 1) {
      const self = asReplicaId(index);
      const authenticator = this.world.authority.authenticator({ kind: 'replica', replica: self });
      const config = { self, cluster, tuning: ownTuning };
      const parts = { config, authenticator, application, sha256, behaviour: undefined, isCorrect: true };
      this.#parts.push(parts);
      this.world.addNode(parts);
    }
    this.#addCheckers(ownTuning);
    for (const [index, id] of clientIds.entries()) this.#addClient(index, id);
    for (const node of this.world.nodes) this.world.restart(node);
    this.run(GREETINGS_US);
  }

  #addCheckers(tuning: TuningConfig): void {
    const { world } = this;
    world.addObserver(this.agreement);
    world.addObserver(new RootsChecker());
    world.addObserver(this.execution);
    world.addObserver(this.linearizability);
    world.addObserver(new AuthenticityChecker());
    world.addObserver(new MarksChecker({ self: asReplicaId(0), cluster: world.cluster, tuning }));
    world.addObserver(new DurabilityChecker());
    world.addObserver(new RepliesChecker());
    world.addObserver(new ProposalsChecker(world.cluster.replicaCount, () => true));
    world.addObserver(new LostVotesChecker());
    world.addObserver(new AccuracyChecker((id) => world.node(id).isCorrect));
    world.addObserver(new CoverageObserver(this.coverage));
  }

  #addClient(index: number, id: ClientId): void {
    const asked: Asked[] = [];
    const party = new CorrectClient(this.world, id, {
      requests: 0,
      sessions: 1,
      requestsPerSession: 1_000_000,
      thinkUs: this.options.thinkUs,
      idempotentShare: 0,
      receiptShare: 0,
      askedShare: 0,
      shownShare: this.options.shownShare,
      compoundShare: 0,
      drawRead: () => (asked[0]?.isRead === true ? asked.shift()?.operation : undefined),
      requestTimeoutUs: DEFAULT_TUNING.requestTimeoutUs,
      callTimeoutUs: 3_600_000_000,
      makeOperation: () => asked.shift()?.operation ?? new Uint8Array(0),
      random: new Random(this.options.seed, `client ${index}`),
      onWrongReply: ({ replica, view, sequence }, summary) => {
        // Client 1 is the gateway of node1, client 2 of node2, and so on.
        const gateway = this.world.nodes[index % this.world.nodes.length];
        if (gateway?.isUp === true && gateway.id !== replica)
          this.world.inject(gateway, { kind: 'wrong-reply', replica, view, sequence, summary, frames: [] });
      },
      onOutcome: (kind, outcome) => {
        this.answers.push({ client: index + 1, kind, outcome });
      },
      onRead: (verdict) => {
        this.reads.push({ client: index + 1, verdict });
      },
    });
    this.#clients.push({ party, asked });
    this.world.addClient(party, `client${index + 1}`);
  }

  /** The node of this name, `node1 …`. */
  node(index: number): SimulatedNode {
    return this.world.node(asReplicaId(index - 1));
  }

  /** Client `client1 …` asks for a JSON operation, after those it asked for before. */
  request(client: number, operation: object): void {
    this.#ask(client, operation, false);
  }

  /** The same as a read-only request; one that is undecided is ordered. Requires: `readOnlyRequests`. */
  read(client: number, operation: object): void {
    assert(this.options.readOnlyRequests, 'the cluster answers read-only requests');
    this.#ask(client, operation, true);
  }

  /** Each client asks for a transfer so many times, the first one now. */
  load(times: number, everyUs: number): void {
    this.#toCome += times;
    for (let index = 0; index < times; index += 1) {
      this.world.after(index * everyUs, 'the clients ask', () => {
        this.#toCome -= 1;
        for (let client = 1; client <= this.#clients.length; client += 1)
          this.request(client, { operation: 'transfer', to: `account-${client}`, amount: index + 1 });
      });
    }
  }

  #ask(client: number, operation: object, isRead: boolean): void {
    const asking = this.#clients[client - 1];
    const bytes = encodeUtf8(JSON.stringify(operation));
    assert(asking !== undefined && bytes !== undefined, 'a client of this world, an operation with a text');
    asking.asked.push({ operation: bytes, isRead });
    asking.party.ask(1);
  }

  /** Lets `us` µs pass. */
  run(us: number): void {
    drain(this.walk(us));
  }

  /** The same one entry of the world's queue at a time. */
  *walk(us: number): Generator<void> {
    yield* this.world.walk(() => false, this.world.time + us);
  }

  /** Runs until it holds, at most for `limitUs` µs of virtual time. */
  runUntil(holds: () => boolean, limitUs?: number): boolean {
    return drain(this.walkUntil(holds, limitUs));
  }

  *walkUntil(holds: () => boolean, limitUs = 30_000_000): Generator<void, boolean> {
    return yield* this.world.walk(holds, this.world.time + limitUs);
  }

  /** Runs until every request was answered, at most for `limitUs`. */
  runUntilAnswered(limitUs?: number): boolean {
    return drain(this.walkUntilAnswered(limitUs));
  }

  *walkUntilAnswered(limitUs?: number): Generator<void, boolean> {
    const isAnswered = yield* this.walkUntil(() => this.#areAnswered(), limitUs);
    this.world.audience.tell(this.linearizability, (checker) => checker.check());
    return isAnswered;
  }

  #areAnswered(): boolean {
    return this.#toCome === 0 && this.#clients.every(({ party }) => party.isDone);
  }

  /**
   * From now on, and for the checkers for ever, each of `twins` is two instances with one identity. Who is in `first` talks to the first ones alone, who
   * is in `second` to the second ones, twins to their like, all others to both. Requires: none of `twins` is one already.
   */
  split(twins: readonly number[], first: readonly Address[], second: readonly Address[]): void {
    const names = new Set(twins.map((index) => this.node(index).name));
    const sideOf: TwinSplit = (party) => {
      const address = this.world.addressOf(party);
      if (names.has(address)) return 'same';
      return first.includes(address) ? 'first' : second.includes(address) ? 'second' : 'both';
    };
    const added = twins.map((index) => {
      const parts = this.#parts[index - 1];
      assert(parts !== undefined, 'a node of this world');
      this.node(index).isCorrect = false;
      return this.world.addTwin({ ...parts, isCorrect: false }, sideOf);
    });
    for (const twin of added) this.world.restart(twin);
  }

  /** From now on, and for the checkers for ever, the node may lie; undefined: it stops doing so. */
  behave(index: number, behaviour: BehaviourName | undefined, variant = 0): void {
    misbehave(this.world, this.node(index), { behaviour, variant, requestTimeoutUs: this.requestTimeoutUs });
  }

  /** Two instances have this identity. */
  isTwin(index: number): boolean {
    return this.world.twinOf(asReplicaId(index - 1)) !== undefined;
  }

  /** Correct nodes that are up. */
  correctNodes(): readonly SimulatedNode[] {
    return this.world.nodes.filter((node) => node.isCorrect && node.isUp);
  }

  /** What the correct nodes say against others, without repetitions: one entry per accuser, suspect and kind. */
  suspicions(): readonly {
    readonly by: ReplicaId;
    readonly node: ReplicaId;
    readonly kind: string;
    readonly certainty: string;
    readonly view: number;
    readonly sequence: number;
  }[] {
    return this.correctNodes().flatMap((accuser) =>
      accuser.status.suspicions.map(({ node, kind, certainty, view, sequence }) => ({
        by: accuser.id,
        node,
        kind,
        certainty,
        view,
        sequence,
      })),
    );
  }

  /** All correct nodes that are up have executed the same, and their content is the model's. */
  isConverged(): boolean {
    const nodes = this.correctNodes();
    for (const node of nodes) this.execution.compareContent(node);
    this.linearizability.check();
    return new Set(nodes.map((node) => node.status.lastExecuted)).size === 1;
  }
}
