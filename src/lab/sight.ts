/**
 * What can be seen of a run at the step it stands at, as plain data that a Worker can send: every replica's inside, what is under way, which invariants
 * hold. Changes nothing. Times are virtual µs, but those that a replica measures (`sinceUs`, timers), which are on its own monotonic clock.
 */
import type { MessageSummary } from '../api/events.ts';
import { replicaName } from '../base/ids.ts';
import { asSequence } from '../base/ids.ts';
import type { SimulatedNode } from '../simulation/node.ts';
import type { World } from '../simulation/world.ts';
import { INVARIANTS } from './invariant-names.ts';
import type { InvariantEntry } from './invariant-names.ts';
import type { BrokenAt, LabRun, RunEnd } from './lab-run.ts';
import { nameOf } from './recorder.ts';

export interface SlotSight {
  readonly sequence: number;
  readonly view: number;
  readonly digest: string | undefined;
  readonly phase: string;
  readonly bodyHeld: boolean;
  readonly requests: number;
  readonly prepares: readonly string[];
  readonly commits: readonly string[];
  /** In words; undefined: it waits for nothing. */
  readonly waitsFor: string | undefined;
  /** P and Q. */
  readonly prepared: { readonly view: number; readonly digest: string } | undefined;
  readonly prePrepared: readonly { readonly view: number; readonly digest: string }[];
}

/** What a replica that is up holds. */
export interface ReplicaSight {
  readonly view: number;
  readonly primary: string;
  readonly isPrimary: boolean;
  readonly inViewChange: boolean;
  readonly lastExecuted: number;
  readonly highestAccepted: number;
  readonly lowWaterMark: number;
  readonly highWaterMark: number;
  readonly stateRoot: string;
  readonly stateRootSequence: number;
  readonly diverged: boolean;
  readonly queuedRequests: number;
  readonly clientSessions: number;
  readonly idempotencyKeys: number;
  readonly suspicions: readonly {
    readonly node: string;
    readonly kind: string;
    readonly certain: boolean;
    readonly evidence: string;
  }[];
  readonly viewChangesFrom: readonly string[];
  readonly recovering: boolean;
  readonly slots: readonly SlotSight[];
  readonly checkpoints: readonly { readonly sequence: number; readonly nodes: readonly string[] }[];
  readonly stableSigners: readonly string[];
  readonly timers: readonly { readonly name: string; readonly inUs: number }[];
  readonly timeoutUs: number;
}

export interface NodeSight {
  readonly node: string;
  /** `second`: the other instance of a twin. */
  readonly instance: 'only' | 'first' | 'second';
  readonly isUp: boolean;
  readonly isPaused: boolean;
  /** It may not lie, in all of this run. */
  readonly isCorrect: boolean;
  readonly behaviour: string | undefined;
  /** Undefined while it is down. */
  readonly replica: ReplicaSight | undefined;
}

export interface FlightSight {
  /** For interventions. */
  readonly number: number;
  readonly from: string;
  readonly to: string;
  readonly sentAtUs: number;
  readonly arrivesAtUs: number;
  /** Undefined for bytes that are no message. */
  readonly message: MessageSummary | undefined;
}

/** An invariant that is neither broken nor `unjudged` holds. */
export interface InvariantSight extends InvariantEntry {
  readonly broken: { readonly step: number; readonly message: string } | undefined;
  /** Why nobody can say here whether it holds. */
  readonly unjudged: string | undefined;
}

export interface ClusterSight {
  readonly replicaCount: number;
  readonly faultLimit: number;
  readonly quorum: number;
  /** PREPAREs in a prepared certificate. */
  readonly prepares: number;
  readonly rule: string;
  readonly authentication: string;
  readonly checkpointInterval: number;
}

export interface RunSight {
  readonly step: number;
  readonly timeUs: number;
  /** When the next thing happens; undefined: nothing will. */
  readonly nextAtUs: number | undefined;
  readonly line: number | undefined;
  readonly isScriptOver: boolean;
  readonly end: RunEnd | undefined;
  readonly traceHash: string;
  readonly cluster: ClusterSight | undefined;
  readonly nodes: readonly NodeSight[];
  /** `client1` …, and what it is called on the wire. */
  readonly clients: readonly { readonly name: string; readonly party: string; readonly isDone: boolean }[];
  readonly cuts: readonly (readonly [string, string])[];
  readonly inFlight: readonly FlightSight[];
  readonly invariants: readonly InvariantSight[];
  /** Interventions that could not be done, in words. */
  readonly undone: readonly string[];
}

/** What is under way at most, and slots of one replica at most, that are shown. */
const MOST_FLIGHTS = 500;
const MOST_SLOTS = 64;

export function sightOf(run: LabRun): RunSight {
  const { step, timeUs, line, isScriptOver, end, traceHash, world } = run;
  return {
    step,
    timeUs,
    nextAtUs: world?.nextTime,
    line,
    isScriptOver,
    end,
    traceHash,
    cluster: world === undefined ? undefined : clusterSight(world),
    nodes: world === undefined ? [] : world.nodes.flatMap((node) => nodeSights(world, node)),
    clients: (world?.clients ?? []).map(({ client, isDone }) => {
      const party = { kind: 'client', client } as const;
      return { name: world?.addressOf(party) ?? '', party: nameOf(party), isDone };
    }),
    cuts: world?.network.cuts() ?? [],
    inFlight: flightSights(run),
    invariants: invariantSights(run),
    undone: run.undone.map(({ intervention, problem }) => `at step ${intervention.at}: ${problem.message}`),
  };
}

function invariantSights(run: LabRun): readonly InvariantSight[] {
  const { judged } = run;
  return INVARIANTS.map((entry) => {
    const broken = brokenOf(run.broken, entry.name);
    const isOpen = broken === undefined && !judged.has(entry.name);
    return { ...entry, broken, unjudged: isOpen ? whyUnjudged(run, entry) : undefined };
  });
}

function whyUnjudged({ world, isSeed, end }: LabRun, { name, atEnd }: InvariantEntry): string {
  const lostBy = world?.audience.lost.get(name);
  if (lostBy !== undefined) return `its checker knows too little since "${lostBy}" is broken`;
  if (!atEnd) return 'the run has no world yet';
  if (!isSeed)
    return name === 'linearizability'
      ? 'judged when “run until answered” is over, until clients ask again'
      : 'judged at the end of a seed, and this is none';
  if (end === undefined) return 'judged at the end of the run';
  if (end.kind !== 'done') return 'the run did not come to the end where it is judged';
  return name === 'linearizability'
    ? 'there are more orders than can be tried'
    : 'not demanded of an end like this one, without a correct primary';
}

function brokenOf(broken: readonly BrokenAt[], name: string): InvariantSight['broken'] {
  const found = broken.find(({ invariant }) => invariant === name);
  return found === undefined ? undefined : { step: found.step, message: found.message };
}

function clusterSight(world: World): ClusterSight | undefined {
  const { authentication, checkpointInterval, quorumRule } = world.cluster;
  const quorums = world.quorums;
  const { replicaCount, faultLimit, quorum, prepares } = quorums;
  return { replicaCount, faultLimit, quorum, prepares, rule: quorumRule, authentication, checkpointInterval };
}

/** What is under way, in the order in which it arrives; at most {@link MOST_FLIGHTS}. */
export function flightSights({ world, recorder }: LabRun): readonly FlightSight[] {
  const flights = world?.frames.list().slice(0, MOST_FLIGHTS) ?? [];
  return flights.map(({ number, from, to, frame, sentAt, arrivesAt }) => ({
    number,
    from: nameOf(from),
    to: nameOf(to),
    sentAtUs: sentAt,
    arrivesAtUs: arrivesAt,
    message: recorder?.summaryOf(frame),
  }));
}

function nodeSights(world: World, node: SimulatedNode): readonly NodeSight[] {
  const twin = world.twinOf(node.id);
  if (twin === undefined) return [nodeSight(world, node, 'only')];
  return [nodeSight(world, node, 'first'), nodeSight(world, twin, 'second')];
}

function nodeSight(world: World, node: SimulatedNode, instance: NodeSight['instance']): NodeSight {
  return {
    node: node.name,
    instance,
    isUp: node.isUp,
    isPaused: world.isPaused(node),
    isCorrect: node.isCorrect,
    behaviour: node.behaviour?.name,
    replica: node.isUp ? replicaSight(node) : undefined,
  };
}

function replicaSight(node: SimulatedNode): ReplicaSight {
  const { status } = node;
  const inside = node.replica.inside();
  return {
    view: status.view,
    primary: replicaName(status.primary),
    isPrimary: status.primary === node.id,
    inViewChange: status.inViewChange,
    lastExecuted: status.lastExecuted,
    highestAccepted: status.highestAccepted,
    lowWaterMark: status.lowWaterMark,
    highWaterMark: status.highWaterMark,
    stateRoot: status.stateRoot,
    stateRootSequence: status.stateRootSequence,
    diverged: status.diverged,
    queuedRequests: status.queuedRequests,
    clientSessions: inside.clientSessions,
    idempotencyKeys: inside.idempotencyKeys,
    suspicions: status.suspicions.map(({ node: suspect, kind, certainty, evidence }) => ({
      node: replicaName(suspect),
      kind,
      certain: certainty === 'certain',
      evidence: evidence.summary,
    })),
    viewChangesFrom: status.viewChange?.viewChangesFrom.map(replicaName) ?? [],
    recovering: status.recovery !== undefined,
    slots: slotSights(node),
    checkpoints: inside.checkpoints.map(({ sequence, votes }) => ({
      sequence,
      nodes: votes.map(({ replica }) => replicaName(replica)),
    })),
    stableSigners: inside.stableSigners.map(replicaName),
    timers: inside.timers.map(({ name, atUs }) => ({ name, inUs: atUs - inside.nowUs })),
    timeoutUs: inside.timeoutUs,
  };
}

/** The highest ones. */
function slotSights({ replica, status }: SimulatedNode): readonly SlotSight[] {
  const claims = new Map(replica.inside().claims.map((claim) => [claim.sequence, claim]));
  const slots = replica.slots(asSequence(status.lowWaterMark + 1), asSequence(status.highWaterMark));
  return slots.slice(-MOST_SLOTS).map((slot) => ({
    sequence: slot.sequence,
    view: slot.view,
    digest: slot.digest,
    phase: slot.phase,
    bodyHeld: slot.bodyHeld,
    requests: slot.requests.length,
    prepares: slot.prepares.map(replicaName),
    commits: slot.commits.map(replicaName),
    waitsFor: slot.waitingFor?.what,
    prepared: claims.get(slot.sequence)?.prepared,
    prePrepared: claims.get(slot.sequence)?.prePrepared ?? [],
  }));
}
