/**
 * What one seed decides before the run: size, mode, limits, network, disks, clients, liars and faults. Small limits on purpose, so that what is
 * rare in life is common here.
 */
import type { BehaviourName } from '../byzantine/index.ts';
import { BEHAVIOUR_NAMES } from '../byzantine/index.ts';
import { asReplicaId } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import { DEFAULT_TUNING } from '../protocol/config.ts';
import type { AuthenticationMode, TuningConfig } from '../protocol/config.ts';
import { makeFaults, trippedAtProposing } from './faults.ts';
import type { Fault } from './faults.ts';
import type { LinkQuality } from './network.ts';
import { Random } from './random.ts';

/**
 * Liars that exist in the simulator only: any field of any message, at random; what was said before, said again with one field changed; two
 * instances with one identity; who is asked to reply, in requests that are passed on.
 */
const SIMULATED_LIARS = ['mutate', 'replay-mutated', 'twins', 'alter-asked'] as const;

/** A liar of this run. */
export type LiarName = BehaviourName | (typeof SIMULATED_LIARS)[number];

/** Every liar that a run may have. */
export const LIAR_NAMES: readonly LiarName[] = [...BEHAVIOUR_NAMES, ...SIMULATED_LIARS];

/** Drawn by a stream of its own, in the place of others, so that the others are drawn as they always were. */
const LATE_LIAR: LiarName = 'alter-asked';
const EARLY_LIARS: readonly LiarName[] = LIAR_NAMES.filter((name) => name !== LATE_LIAR);

export interface Liar {
  readonly replica: ReplicaId;
  readonly behaviour: LiarName;
  readonly variant: number;
}

export interface DiskQuality {
  readonly minSyncUs: number;
  readonly maxSyncUs: number;
}

export interface SwarmOptions {
  readonly seed: number;
  readonly replicaCount: number;
  readonly authentication: AuthenticationMode;
  readonly checkpointInterval: number;
  readonly sessionsPerClient: number;
  readonly openClients: boolean;
  readonly openClientLimit: number;
  readonly idempotencyKeys: number;
  readonly digestsPerSlot: number;
  readonly tuning: TuningConfig;
  readonly application: 'ledger' | 'counter';
  readonly network: LinkQuality;
  readonly disk: DiskQuality;
  readonly wallOffsetsMs: readonly number[];
  readonly liars: readonly Liar[];
  readonly faults: readonly Fault[];
  readonly clientCount: number;
  readonly requestsPerClient: number;
  /** Sessions that one client uses at the same time. */
  readonly sessionsAtOnce: number;
  readonly requestsPerSession: number;
  /** After so long, in µs, a call is given up as unknown, and tried again. */
  readonly callTimeoutUs: number;
  /** Pause between an answer and the next request, at most, in µs. */
  readonly thinkUs: number;
  /** Share of requests that carry an idempotency key, and of those the share that repeat one. */
  readonly idempotentShare: number;
  readonly receiptShare: number;
  /** Of so many requests only as many replicas are asked to reply as have to agree. */
  readonly askedShare: number;
  /** So many requests are signed and sent to all at once. */
  readonly shownShare: number;
  /** So many requests without an idempotency key are compound ones. */
  readonly compoundShare: number;
  /** Read-only requests are answered without being ordered, and clients ask for so large a share of their operations in this way. */
  readonly readOnlyRequests: boolean;
  readonly readShare: number;
  /** Clients are told what a batch comes to before it is committed. */
  readonly tentativeExecution: boolean;
  /** A primary proposes before its vote is on disk. */
  readonly overlappedSync: boolean;
}

/** How many replicas, and how likely that is. */
const REPLICA_COUNTS: readonly (readonly [number, number])[] = [
  [4, 60],
  [7, 14],
  [5, 6],
  [6, 6],
  [10, 4],
  [3, 5],
  [2, 2],
  [1, 3],
];
/** How likely clients are told before what they ask for is committed. */
const TENTATIVE_SHARE = 0.35;
/** How likely primaries propose before their votes are on disk. */
const OVERLAP_SHARE = 0.25;
/** How likely clients send several operations as one request, and of so many of their requests. */
const COMPOUND_RUNS = 0.2;
const COMPOUND_SHARE = 0.5;
/** How likely disks are lost in a run that could bear it; each is one of the f. */
const DISK_LOSS_SHARE = 0.15;
/** The work of a request grows with the square of the number of replicas: there are fewer of them. */
const MANY_REPLICAS = 5;

/** What the caller decides instead of the seed. */
export interface SwarmOverrides {
  /** One liar, this one, in every seed. */
  readonly liar?: { readonly behaviour: LiarName; readonly isPrimary: boolean };
  /** So many nodes in every seed; with a liar or lost disks at least 4, with both at least 7. */
  readonly replicaCount?: number;
  /** Disks are lost in every seed. */
  readonly lostDisks?: boolean;
  /** Clients read without having it ordered in every seed, much. */
  readonly reads?: boolean;
  /** Clients are told what a batch comes to before it is committed, in every seed. */
  readonly tentative?: boolean;
  /** Primaries propose before their votes are on disk, in every seed. */
  readonly overlap?: boolean;
  /** Half of all requests carry several operations, in every seed. */
  readonly compound?: boolean;
}

/** A liar by its name and role, `equivocate:primary`; undefined for a text that names none. */
export function parseLiar(text: string): SwarmOverrides['liar'] {
  const [name, role] = text.split(':');
  const behaviour = LIAR_NAMES.find((known) => known === name);
  if (behaviour === undefined || (role !== 'primary' && role !== 'backup')) return undefined;
  return { behaviour, isPrimary: role === 'primary' };
}

/** How few nodes bear what the caller decides. */
export function leastReplicas({ liar, lostDisks }: SwarmOverrides): number {
  const faulty = (liar === undefined ? 0 : 1) + (lostDisks === true ? 1 : 0);
  return 3 * faulty + 1;
}

/** The same seed and overrides give the same options, on every machine. */
export function makeOptions(seed: number, overrides: SwarmOverrides = {}): SwarmOptions {
  const { liar } = overrides;
  const random = new Random(seed, 'options');
  const drawnCount = random.pick(
    REPLICA_COUNTS.flatMap(([size, weight]) => Array.from({ length: weight }, () => size)),
  );
  const fewest = leastReplicas(overrides);
  const replicaCount = overrides.replicaCount ?? Math.max(fewest, drawnCount);
  const faultLimit = Math.floor((replicaCount - 1) / 3);
  const drawnLiars = makeLiars(random, replicaCount);
  // Every disk that is lost takes the place of a liar.
  const losesDisks = overrides.lostDisks ?? (random.chance(DISK_LOSS_SHARE) && liar === undefined && faultLimit > 0);
  const places = losesDisks ? faultLimit - 1 : faultLimit;
  const liars = liar === undefined ? drawnLiars.slice(0, places) : [forcedLiar(random, replicaCount, liar)];
  const checkpointInterval = random.pick([2, 4, 4, 8, 8, 16]);
  const replicas = Array.from({ length: replicaCount }, (_, index) => asReplicaId(index));
  const correct = replicas.filter((id) => !liars.some(({ replica }) => replica === id));
  const faults = makeFaults(random, { replicaCount, correct, losesDisks });
  // Room for every session of the correct clients: a request that the primary has no room for looks left out to a backup.
  const queueRequests = random.pick([16, 64]);
  const sessionsPerClient = random.pick([2, 4, 16]);
  const sessionsAtOnce = Math.min(sessionsPerClient, random.pick([1, 1, 2, 4]));
  const drawn: SwarmOptions = {
    seed,
    replicaCount,
    authentication: random.chance(0.3) ? 'signature' : 'mac',
    checkpointInterval,
    sessionsPerClient,
    openClients: random.chance(0.3),
    openClientLimit: random.pick([1, 2, 8]),
    idempotencyKeys: random.pick([4, 64]),
    digestsPerSlot: random.pick([2, 64]),
    tuning: { ...makeTuning(random, checkpointInterval), queueRequests },
    application: random.chance(0.1) ? 'counter' : 'ledger',
    network: makeQuality(random),
    disk: random.pick<DiskQuality>([
      { minSyncUs: 0, maxSyncUs: 0 },
      { minSyncUs: 100, maxSyncUs: 400 },
      { minSyncUs: 100, maxSyncUs: 8000 },
    ]),
    wallOffsetsMs: Array.from({ length: replicaCount }, () => random.between(-2000, 2000)),
    liars,
    faults,
    clientCount: 4,
    requestsPerClient: replicaCount < MANY_REPLICAS ? random.between(50, 60) : random.between(25, 35),
    // The least recently used session makes room for a new one: with one at a time it is never the one in use.
    sessionsAtOnce,
    requestsPerSession: sessionsAtOnce === 1 ? random.pick([5, 20, 1000]) : 1000,
    callTimeoutUs: random.pick([300_000, 2_000_000, 3_600_000_000]),
    thinkUs: random.pick([0, 2000, 20_000]),
    idempotentShare: random.pick([0, 0.2]),
    receiptShare: random.pick([0, 0.1]),
    askedShare: 0,
    shownShare: 0,
    compoundShare: 0,
    // Last, so that what came before is drawn as it always was.
    ...makeReads(random, overrides.reads),
    tentativeExecution: false,
    overlappedSync: false,
  };
  // Results of one byte or none in full from all, or most.
  const tuning = { ...drawn.tuning, fullResultBytes: random.pick([1, 64]) };
  const shares = { askedShare: random.pick([0, 0.5, 1]), shownShare: random.pick([0, 0.2]) };
  const tentativeExecution = random.chance(TENTATIVE_SHARE) || overrides.tentative === true;
  const overlappedSync = random.chance(OVERLAP_SHARE) || overrides.overlap === true;
  const isCompound = new Random(seed, 'compound').chance(COMPOUND_RUNS) || overrides.compound === true;
  const compoundShare = isCompound ? COMPOUND_SHARE : 0;
  const asDrawn = { ...drawn, tuning, ...shares, compoundShare, tentativeExecution, overlappedSync };
  return overlappedSync ? { ...asDrawn, faults: trippedAtProposing(random, faults) } : asDrawn;
}

function makeReads(random: Random, forced?: boolean): Pick<SwarmOptions, 'readOnlyRequests' | 'readShare'> {
  const readOnlyRequests = random.chance(0.4) || forced === true;
  return { readOnlyRequests, readShare: readOnlyRequests ? random.pick([0.1, 0.4, 0.8]) : 0 };
}

function makeTuning(random: Random, checkpointInterval: number): TuningConfig {
  return {
    ...DEFAULT_TUNING,
    pipeline: Math.min(random.pick([1, 2, 4, 8]), 2 * checkpointInterval),
    batchRequests: random.pick([1, 2, 8]),
    maxTimeoutUs: random.pick([2_000_000, 8_000_000]),
    statusIntervalUs: random.pick([30_000, 100_000]),
    idleStatusIntervalUs: 300_000,
    idleCheckpointUs: random.pick([300_000, 1_000_000]),
    flaggedBatchSpacingUs: random.pick([150_000, 1_500_000]),
    suspicionExpiryUs: 1_000_000,
  };
}

function makeQuality(random: Random): LinkQuality {
  const minDelayUs = random.pick([50, 200, 2000]);
  return {
    minDelayUs,
    maxDelayUs: minDelayUs * random.pick([1, 4, 20]),
    loss: random.pick([0, 0, 0.01, 0.05, 0.15]),
    duplication: random.pick([0, 0.02, 0.2]),
    reordering: random.pick([0, 0.05, 0.5]),
    reorderUs: random.pick([1000, 20_000]),
  };
}

/** Up to f liars, the primary of view 0 among them in every other run. */
function makeLiars(random: Random, replicaCount: number): readonly Liar[] {
  const faultLimit = Math.floor((replicaCount - 1) / 3);
  const count = random.chance(0.75) ? random.between(Math.min(1, faultLimit), faultLimit) : 0;
  const backups = Array.from({ length: replicaCount - 1 }, (_, index) => asReplicaId(index + 1));
  const ids = random.shuffle(backups).slice(0, count);
  if (count > 0 && random.chance(0.5)) ids[0] = asReplicaId(0);
  const late = random.fork('late liar');
  return ids.map((replica) => {
    const early = random.pick(EARLY_LIARS);
    const behaviour = late.chance(1 / LIAR_NAMES.length) ? LATE_LIAR : early;
    return { replica, behaviour, variant: random.between(0, 11) };
  });
}

function forcedLiar(
  random: Random,
  replicaCount: number,
  { behaviour, isPrimary }: NonNullable<SwarmOverrides['liar']>,
): Liar {
  const replica = asReplicaId(isPrimary ? 0 : random.between(1, replicaCount - 1));
  return { replica, behaviour, variant: random.between(0, 11) };
}
