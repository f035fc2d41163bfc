/**
 * One seed from its options to its verdict: load with faults, then healing, then a quiet end. Throws nothing: a violation is the report's.
 */
import { isBehaviourName, makeBehaviour } from '../byzantine/index.ts';
import type { Behaviour } from '../byzantine/index.ts';
import { asClientId, asDigest, asReplicaId } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import { applicationNamed, TOTAL_SUPPLY, totalBalance } from '../apps/index.ts';
import type { ClusterConfig } from '../protocol/config.ts';
import { DEFAULT_CLUSTER } from '../protocol/config.ts';
import type { StateMachine } from '../protocol/ports.ts';
import { makeAlterAsked } from './alter-asked.ts';
import { brokenBy } from './broken-invariant.ts';
import type { BrokenInvariant } from './broken-invariant.ts';
import { AccuracyChecker } from './checkers/accuracy.ts';
import { AgreementChecker } from './checkers/agreement.ts';
import { AuthenticityChecker } from './checkers/authenticity.ts';
import { LinearizabilityChecker } from './checkers/client-history.ts';
import { DurabilityChecker } from './checkers/durability.ts';
import { ExecutionChecker } from './checkers/execution.ts';
import { areTogether, checkQuietEnd, checkTogether } from './checkers/liveness.ts';
import { LostVotesChecker } from './checkers/lost-votes.ts';
import { MarksChecker } from './checkers/marks.ts';
import { ProposalsChecker } from './checkers/proposals.ts';
import { RepliesChecker } from './checkers/replies.ts';
import { RootsChecker } from './checkers/roots.ts';
import { observedApplication } from './checkers/observed-application.ts';
import { CorrectClient } from './correct-client.ts';
import { Coverage } from './coverage.ts';
import type { CoverageCounts } from './coverage.ts';
import { CoverageObserver } from './coverage-observer.ts';
import { drain } from './drain.ts';
import { FaultDirector, FAULTY_CLIENTS } from './fault-director.ts';
import type { MakeAuthority } from './authority.ts';
import { IdealAuthority, portableSha256 } from './ideal-authenticator.ts';
import type { Sha256 } from './ideal-authenticator.ts';
import { makeMutate } from './mutate.ts';
import { addSimulatedLiar } from './simulated-liars.ts';
import { Network } from './network.ts';
import type { NodeParts } from './node.ts';
import { counterOperation, counterRead, ledgerOperation, ledgerRead } from './operations.ts';
import { makeOptions } from './options.ts';
import type { Liar, SwarmOptions, SwarmOverrides } from './options.ts';
import { Random } from './random.ts';
import type { Violation } from './observer.ts';
import { World } from './world.ts';

export interface SeedReport {
  readonly seed: number;
  readonly violation: BrokenInvariant | undefined;
  /** What happened last; empty when nothing is wrong. */
  readonly tail: readonly string[];
  /** Virtual µs, things that happened, requests answered, batches executed. */
  readonly virtualUs: number;
  readonly steps: number;
  readonly answered: number;
  readonly batches: number;
  readonly traceHash: string;
  readonly coverage: CoverageCounts;
}

export interface SimulationModules {
  readonly sha256?: Sha256;
  /** Whose signatures and MACs; left out: ideal ones. */
  readonly makeAuthority?: MakeAuthority;
  readonly onTrace?: (line: string) => void;
  readonly overrides?: SwarmOverrides;
  /** Told of the world before anything is in it: the first to observe it. */
  readonly onWorld?: (world: World) => void;
  /** Given: a broken invariant that a checker sees as it happens is told here, and the run goes on. */
  readonly onViolation?: (violation: Violation) => void;
}

/** µs of virtual time: load at most, healing at most, quiet. */
const LOAD_US = 20_000_000;
const HEAL_US = 60_000_000;
const QUIET_US = 4_000_000;
/** What faulty clients left behind may take so long: held back by the spacing of flagged batches, one at a time. */
const LAST_US = 600_000_000;
/** All correct replicas are in one view after so long: beside liars some wait for one that may be another for 11 minutes (stray.ts). */
const TOGETHER_US = 1_500_000_000;

/** Their ids differ in one digit. */
export const MAX_CLIENTS = 10;

/** Runs one seed. */
export function simulateSeed(seed: number, modules: SimulationModules = {}): SeedReport {
  return simulateOptions(makeOptions(seed, modules.overrides), modules);
}

/** Runs what the options say, `modules.overrides` or not. */
export function simulateOptions(options: SwarmOptions, modules: Omit<SimulationModules, 'overrides'> = {}): SeedReport {
  return new Simulation(options, modules).run();
}

/** One run: owns its world, its checkers and its clients. */
export class Simulation {
  readonly options: SwarmOptions;
  readonly world: World;
  readonly coverage = new Coverage();
  readonly clients: CorrectClient[] = [];
  readonly agreement = new AgreementChecker();
  readonly authenticity = new AuthenticityChecker();
  readonly lostVotes = new LostVotesChecker();
  readonly execution: ExecutionChecker;
  readonly linearizability: LinearizabilityChecker;
  readonly director: FaultDirector;
  readonly #application: StateMachine;
  readonly #sha256: Sha256;
  #nextFault = 0;
  #judgedAtEnd: readonly string[] = [];

  constructor(options: SwarmOptions, modules: SimulationModules) {
    this.options = options;
    this.#sha256 = modules.sha256 ?? portableSha256;
    const random = new Random(options.seed, 'world');
    const cluster = clusterOf(options);
    this.world = new World({
      cluster,
      authority: modules.makeAuthority?.(cluster, options.seed) ?? new IdealAuthority(this.#sha256),
      network: new Network(random.fork('network'), options.network),
      disk: options.disk,
      random: random.fork('world'),
      sha256: this.#sha256,
      onTrace: modules.onTrace,
      onViolation: modules.onViolation,
    });
    modules.onWorld?.(this.world);
    const application = applicationNamed(options.application);
    if (application === undefined) throw new RangeError(`no application "${options.application}"`);
    this.#application = application;
    const isLedger = options.application === 'ledger';
    this.execution = new ExecutionChecker(application, options.idempotencyKeys, (content) => {
      if (!isLedger) return undefined;
      const total = totalBalance(content);
      return total === TOTAL_SUPPLY ? undefined : `all accounts hold ${total}`;
    });
    this.linearizability = new LinearizabilityChecker({
      application: observedApplication(options.application),
      idempotencyKeys: options.idempotencyKeys,
      coverage: this.coverage,
      now: () => this.world.time,
    });
    const operations = random.fork('operations');
    const makeOperation = (): Uint8Array => (isLedger ? ledgerOperation(operations) : counterOperation(operations));
    this.director = new FaultDirector(this.world, options, {
      coverage: this.coverage,
      random: random.fork('faults'),
      makeOperation,
    });
    this.#addNodes(random);
    this.#addCheckers();
    this.#addClients(random, makeOperation);
  }

  /** The invariants of a quiet end that were judged; empty before it. */
  get judgedAtEnd(): readonly string[] {
    return this.#judgedAtEnd;
  }

  /** The whole run with its verdict: throws nothing. */
  run(): SeedReport {
    return drain(this.playToReport());
  }

  /** The same one entry of the world's queue at a time: stops before each. */
  *playToReport(): Generator<void, SeedReport> {
    try {
      yield* this.#play();
      return this.#report(undefined);
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return this.#report(brokenBy(error) ?? { invariant: 'exception', message });
    }
  }

  /** Throws what breaks. */
  *#play(): Generator<void> {
    const { world, options } = this;
    for (const node of world.nodes) world.restart(node);
    for (const client of this.clients) world.armClient(client);
    const total = options.clientCount * options.requestsPerClient;
    yield* world.walk(() => {
      this.#beginFaults(total);
      return this.#areClientsDone() && this.#nextFault === options.faults.length;
    }, LOAD_US);
    this.director.heal();
    yield* world.walk(() => this.#areClientsDone(), world.time + HEAL_US);
    yield* this.#playUntilQuiet();
    // First: what nobody was waiting for any more must not have needed the view changes that follow.
    const judged = checkQuietEnd(this);
    const isTogether = areTogether(this.world);
    this.coverage.count('end', isTogether ? 'all in one view' : 'somebody alone in a higher view');
    if (!isTogether) yield* this.#playUntilTogether();
    this.linearizability.check();
    this.execution.end();
    this.#judgedAtEnd = [...judged, 'one view'];
  }

  /** Until nothing was executed for {@link QUIET_US}: what faulty clients left behind comes to its end as well. */
  *#playUntilQuiet(): Generator<void> {
    const { world, execution } = this;
    const latest = world.time + LAST_US;
    let sequence: number;
    do {
      ({ sequence } = execution);
      yield* world.walk(() => false, world.time + QUIET_US);
    } while (execution.sequence !== sequence && world.time < latest);
  }

  /** Until all correct replicas are in one view, are so still when it is quiet again, and all else holds there as well. */
  *#playUntilTogether(): Generator<void> {
    const { world } = this;
    const latest = world.time + TOGETHER_US;
    do {
      yield* world.walk(() => areTogether(world), latest);
      yield* this.#playUntilQuiet();
    } while (!areTogether(world) && world.time < latest);
    checkTogether(world);
    checkQuietEnd(this);
  }

  /** The i-th fault begins when its share of the requests is answered, or its share of the time is over. */
  #beginFaults(total: number): void {
    const fault = this.options.faults[this.#nextFault];
    if (fault === undefined) return;
    const share = (this.#nextFault + 0.5) / (this.options.faults.length + 1);
    const answered = this.clients.reduce((sum, client) => sum + client.answered, 0);
    if (answered < share * total && this.world.time < share * LOAD_US) return;
    this.#nextFault += 1;
    this.director.begin(fault);
  }

  #areClientsDone(): boolean {
    return this.clients.every((client) => client.isDone);
  }

  #addNodes(random: Random): void {
    const { options, world } = this;
    for (let index = 0; index < options.replicaCount; index += 1) {
      const self = asReplicaId(index);
      const liar = options.liars.find((one) => one.replica === self);
      const parts: NodeParts = {
        config: { self, cluster: world.cluster, tuning: options.tuning },
        authenticator: world.authority.authenticator({ kind: 'replica', replica: self }),
        application: this.#application,
        sha256: this.#sha256,
        behaviour: liar === undefined ? undefined : this.#makeBehaviour(liar, random),
        isCorrect: liar === undefined,
      };
      world.addNode(parts).wallOffsetMs = options.wallOffsetsMs[index] ?? 0;
      if (liar !== undefined) {
        addSimulatedLiar(world, liar, {
          parts,
          random: random.fork(`liar ${self}`),
          coverage: this.coverage,
          onForged: (frame) => this.authenticity.forged(frame),
        });
      }
    }
  }

  /** Undefined for liars that are no behaviours. */
  #makeBehaviour(liar: Liar, random: Random): Behaviour | undefined {
    const { cluster, codec, authority } = this.world;
    const authenticator = authority.authenticator({ kind: 'replica', replica: liar.replica });
    const { requestTimeoutUs } = this.options.tuning;
    const context = { self: liar.replica, cluster, requestTimeoutUs, codec, authenticator, variant: liar.variant };
    this.coverage.count('behaviour', `${liar.behaviour} as ${liar.replica === 0 ? 'primary' : 'backup'}`);
    if (liar.behaviour === 'mutate') return makeMutate(context, random.fork(`mutate ${liar.replica}`));
    if (liar.behaviour === 'alter-asked')
      return makeAlterAsked(context, random.fork(`alter-asked ${liar.replica}`), this.coverage);
    return isBehaviourName(liar.behaviour) ? makeBehaviour(liar.behaviour, context) : undefined;
  }

  #addCheckers(): void {
    const { world, options } = this;
    const isCorrect = (id: ReplicaId): boolean => world.node(id).isCorrect;
    world.addObserver(this.agreement);
    world.addObserver(new RootsChecker());
    world.addObserver(this.execution);
    world.addObserver(this.linearizability);
    world.addObserver(this.authenticity);
    world.addObserver(this.lostVotes);
    world.addObserver(new MarksChecker({ self: asReplicaId(0), cluster: world.cluster, tuning: options.tuning }));
    world.addObserver(new DurabilityChecker());
    world.addObserver(new RepliesChecker());
    const correct = new Set(correctClients(options));
    world.addObserver(new ProposalsChecker(world.cluster.replicaCount, (client) => correct.has(client)));
    world.addObserver(new AccuracyChecker(isCorrect));
    world.addObserver(new CoverageObserver(this.coverage));
  }

  #addClients(random: Random, makeOperation: () => Uint8Array): void {
    const { options, world } = this;
    const isLedger = options.application === 'ledger';
    const reads = random.fork('reads');
    for (const [index, id] of correctClients(options).entries()) {
      const gateway = world.node(asReplicaId(index % options.replicaCount));
      const own = random.fork(`client ${index}`);
      const client = new CorrectClient(world, id, {
        requests: options.requestsPerClient,
        sessions: options.sessionsAtOnce,
        thinkUs: options.thinkUs,
        idempotentShare: options.idempotentShare,
        receiptShare: options.receiptShare,
        askedShare: options.askedShare,
        shownShare: options.shownShare,
        compoundShare: options.compoundShare,
        requestsPerSession: options.requestsPerSession,
        requestTimeoutUs: options.tuning.requestTimeoutUs,
        callTimeoutUs: options.callTimeoutUs,
        makeOperation,
        drawRead: () => {
          if (options.readShare === 0 || !own.chance(options.readShare)) return undefined;
          return isLedger ? ledgerRead(reads) : counterRead();
        },
        random: own,
        onWrongReply: ({ replica, view, sequence }, summary) => {
          if (gateway.isUp && replica !== gateway.id)
            world.inject(gateway, { kind: 'wrong-reply', replica, view, sequence, summary, frames: [] });
        },
        onOutcome: (kind) => this.coverage.count('client outcome', kind),
        onRead: (verdict) =>
          this.coverage.count('client outcome', verdict.kind === 'read' ? 'read' : `read undecided: ${verdict.why}`),
      });
      this.clients.push(client);
      world.addClient(client, `client${index + 1}`);
    }
  }

  #report(violation: BrokenInvariant | undefined): SeedReport {
    const { world } = this;
    return {
      seed: this.options.seed,
      violation,
      tail: violation === undefined ? [] : world.trace.tail(),
      virtualUs: world.time,
      steps: world.trace.count,
      answered: this.clients.reduce((sum, client) => sum + client.answered, 0),
      batches: this.execution.sequence,
      traceHash: world.trace.hash,
      coverage: this.coverage.counts(),
    };
  }
}

function correctClients(options: SwarmOptions): readonly ReturnType<typeof asClientId>[] {
  return Array.from({ length: options.clientCount }, (_, index) => asClientId(`c${index}`.padEnd(64, '0')));
}

/** What all nodes of the run share. */
export function clusterOf(options: SwarmOptions): ClusterConfig {
  return {
    ...DEFAULT_CLUSTER,
    clusterId: asDigest('5e'.repeat(32)),
    replicaCount: options.replicaCount,
    authentication: options.authentication,
    checkpointInterval: options.checkpointInterval,
    clients: [...correctClients(options), ...FAULTY_CLIENTS],
    openClients: options.openClients,
    openClientLimit: options.openClientLimit,
    sessionsPerClient: options.sessionsPerClient,
    idempotencyKeys: options.idempotencyKeys,
    digestsPerSlot: options.digestsPerSlot,
    readOnlyRequests: options.readOnlyRequests,
    tentativeExecution: options.tentativeExecution,
    overlappedSync: options.overlappedSync,
  };
}
