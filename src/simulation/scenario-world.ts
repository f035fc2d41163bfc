/** A small world without chance in it, with all checkers: for scenarios and tests. Every link takes 1 ms, every sync 0.1 ms, unless told. */
import { applicationNamed, TOTAL_SUPPLY, totalBalance } from '../apps/index.ts';
import { makeBehaviour } from '../byzantine/index.ts';
import type { BehaviourName } from '../byzantine/index.ts';
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { asClientId, asDigest, asReplicaId } from '../base/ids.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { ReadVerdict } from '../protocol/client-read.ts';
import type { ClientOutcome } from '../protocol/client-session.ts';
import { DEFAULT_CLUSTER, DEFAULT_TUNING, windowSize } from '../protocol/config.ts';
import type { AuthenticationMode, TuningConfig } from '../protocol/config.ts';
import { AccuracyChecker } from './checkers/accuracy.ts';
import { AgreementChecker } from './checkers/agreement.ts';
import { LinearizabilityChecker } from './checkers/client-history.ts';
import { DurabilityChecker } from './checkers/durability.ts';
import { ExecutionChecker } from './checkers/execution.ts';
import { LostVotesChecker } from './checkers/lost-votes.ts';
import { MarksChecker } from './checkers/marks.ts';
import { observedApplication } from './checkers/observed-application.ts';
import { CorrectClient } from './correct-client.ts';
import { Coverage } from './coverage.ts';
import { CoverageObserver } from './coverage-observer.ts';
import { IdealAuthority, portableSha256 } from './ideal-authenticator.ts';
import { Network, PERFECT_LINK } from './network.ts';
import type { SimulatedNode } from './node.ts';
import { Random } from './random.ts';
import type { SimulationModules } from './simulate.ts';
import { World } from './world.ts';

export interface ScenarioOptions {
  readonly replicaCount: number;
  readonly checkpointInterval: number;
  readonly authentication: AuthenticationMode;
  readonly tuning: Partial<TuningConfig>;
  readonly clientCount: number;
  /** The cluster answers read-only requests. */
  readonly readOnlyRequests: boolean;
}

export type ScenarioModules = Omit<SimulationModules, 'overrides'>;

export const SCENARIO_DEFAULTS: ScenarioOptions = {
  replicaCount: 4,
  checkpointInterval: 8,
  authentication: 'mac',
  tuning: {},
  clientCount: 2,
  readOnlyRequests: false,
};

/** Nothing is left to chance; what has to be drawn all the same, keys for one, is the same in every scenario. */
const SEED = 1;
/** Every link takes so long, in µs. */
export const LINK_US = 1000;
/** And every sync, in µs. */
export const SYNC_US = 100;
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
  readonly #requestTimeoutUs: number;

  constructor(options: Partial<ScenarioOptions> = {}, modules: ScenarioModules = {}) {
    this.options = { ...SCENARIO_DEFAULTS, ...options };
    const { replicaCount, checkpointInterval, authentication, tuning, clientCount, readOnlyRequests } = this.options;
    const clientIds = Array.from({ length: clientCount }, (_, index) => asClientId(`c${index + 1}`.padEnd(64, '0')));
    const cluster = {
      ...DEFAULT_CLUSTER,
      clusterId: asDigest('5c'.repeat(32)),
      replicaCount,
      checkpointInterval,
      authentication,
      readOnlyRequests,
      clients: clientIds,
    };
    const { sha256 = portableSha256, makeAuthority } = modules;
    const random = new Random(SEED, 'scenario');
    this.world = new World({
      cluster,
      authority: makeAuthority?.(cluster, SEED) ?? new IdealAuthority(sha256),
      network: new Network(random.fork('network'), { ...PERFECT_LINK, minDelayUs: LINK_US, maxDelayUs: LINK_US }),
      disk: { minSyncUs: SYNC_US, maxSyncUs: SYNC_US },
      random: random.fork('world'),
      sha256,
      onTrace: modules.onTrace,
    });
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
    this.#requestTimeoutUs = ownTuning.requestTimeoutUs;
    for (let index = 0; index < replicaCount; index += 1) {
      const self = asReplicaId(index);
      const authenticator = this.world.authority.authenticator({ kind: 'replica', replica: self });
      const config = { self, cluster, tuning: ownTuning };
      this.world.addNode({
        config,
        authenticator,
        application,
        sha256: sha256,
        behaviour: undefined,
        isCorrect: true,
      });
    }
    this.#addCheckers(ownTuning);
    for (const [index, id] of clientIds.entries()) this.#addClient(index, id);
    for (const node of this.world.nodes) this.world.restart(node);
    this.run(GREETINGS_US);
  }

  #addCheckers(tuning: TuningConfig): void {
    const { world } = this;
    world.addObserver(this.agreement);
    world.addObserver(this.execution);
    world.addObserver(this.linearizability);
    world.addObserver(new MarksChecker({ self: asReplicaId(0), cluster: world.cluster, tuning }));
    world.addObserver(new DurabilityChecker());
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
      thinkUs: 0,
      idempotentShare: 0,
      receiptShare: 0,
      drawRead: () => (asked[0]?.isRead === true ? asked.shift()?.operation : undefined),
      requestTimeoutUs: DEFAULT_TUNING.requestTimeoutUs,
      callTimeoutUs: 3_600_000_000,
      makeOperation: () => asked.shift()?.operation ?? new Uint8Array(0),
      random: new Random(SEED, `client ${index}`),
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

  #ask(client: number, operation: object, isRead: boolean): void {
    const asking = this.#clients[client - 1];
    const bytes = encodeUtf8(JSON.stringify(operation));
    assert(asking !== undefined && bytes !== undefined, 'a client of this world, an operation with a text');
    asking.asked.push({ operation: bytes, isRead });
    asking.party.ask(1);
  }

  /** Lets `us` µs pass. */
  run(us: number): void {
    this.world.run(() => false, this.world.time + us);
  }

  /** Runs until it holds, at most for `limitUs` µs of virtual time. */
  runUntil(holds: () => boolean, limitUs = 30_000_000): boolean {
    return this.world.run(holds, this.world.time + limitUs);
  }

  /** Runs until every request was answered, at most for `limitUs`. */
  runUntilAnswered(limitUs = 30_000_000): boolean {
    const isAnswered = this.runUntil(() => this.#clients.every(({ party }) => party.isDone), limitUs);
    this.linearizability.check();
    return isAnswered;
  }

  /** From now on, and for the checkers for ever, the node may lie; undefined: it stops doing so. */
  behave(index: number, behaviour: BehaviourName | undefined, variant = 0): void {
    const node = this.node(index);
    node.isCorrect = false;
    const { cluster, codec, authority } = this.world;
    const authenticator = authority.authenticator({ kind: 'replica', replica: node.id });
    node.behaviour =
      behaviour === undefined
        ? undefined
        : makeBehaviour(behaviour, {
            self: node.id,
            cluster,
            requestTimeoutUs: this.#requestTimeoutUs,
            codec,
            authenticator,
            variant,
          });
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
