/** The configuration of one replica's core: every field explicit, validated once. Defaults in one place, each with its reason. */
import type { ClientId, Digest, ReplicaId } from '../base/ids.ts';
import { LIMITS } from '../messages/limits.ts';
import { MAX_REPLICAS } from './quorum.ts';
import type { QuorumRule } from './quorum.ts';

export type AuthenticationMode = 'mac' | 'signature';

/** How MACs are made. */
export const MAC_PRIMITIVES = ['blake2b-256', 'hmac-sha256'] as const;
export type MacPrimitive = (typeof MAC_PRIMITIVES)[number];

/** What all replicas of a cluster must share: part of the replicated state's root. */
export interface ClusterConfig {
  /** Random at `init`; in every signed and MAC'd byte string. */
  readonly clusterId: Digest;
  readonly replicaCount: number;
  readonly quorumRule: QuorumRule;
  readonly authentication: AuthenticationMode;
  readonly mac: MacPrimitive;
  /** K: a checkpoint every so many sequence numbers. */
  readonly checkpointInterval: number;
  /** Listed clients; the replicas' own gateway identities among them. */
  readonly clients: readonly ClientId[];
  /** Admit any key, in a bounded part of the client table of its own. */
  readonly openClients: boolean;
  readonly sessionsPerClient: number;
  readonly openClientLimit: number;
  /** How far a new session number may lie from agreed time, in µs. */
  readonly sessionHorizonUs: number;
  /** Longest stored result, in bytes; what yields a longer one is undone and answered with `result_too_large`. */
  readonly storedReplyBytes: number;
  readonly idempotencyKeys: number;
  /** Read-only requests are answered without being ordered; then every result, of whatever request, takes a quorum of matching replies (read-only.ts). */
  readonly readOnlyRequests: boolean;
  /** Clients are told what a batch comes to when it is prepared, and believe a quorum of such replies (tentative.ts). */
  readonly tentativeExecution: boolean;
  /** A primary sends PRE-PREPARE before its vote is on disk, and PREPARE when it is (proposing.ts). */
  readonly overlappedSync: boolean;
  /** How many different batches a replica votes for at one sequence number before it takes no fresh one there: see {@link slotDigestLimit}. */
  readonly digestsPerSlot: number;
}

/** What each replica may choose for itself. Times in µs of the monotonic clock unless their name says otherwise. */
export interface TuningConfig {
  /** Batches proposed and not yet executed, at most. */
  readonly pipeline: number;
  readonly batchRequests: number;
  readonly batchBytes: number;
  /** T: how long a backup waits for a request it knows to execute. Doubles with each view change, up to `maxTimeoutUs`; halves with each checkpoint. */
  readonly requestTimeoutUs: number;
  readonly maxTimeoutUs: number;
  /** A primary may take so long to order a request that it is given while it has nothing else to do; more where a batch takes long. */
  readonly slowPrimaryUs: number;
  /** How often STATUS goes out while something is open, and while nothing is. */
  readonly statusIntervalUs: number;
  readonly idleStatusIntervalUs: number;
  /** A checkpoint is ordered after so long without execution. */
  readonly idleCheckpointUs: number;
  /** Backups hold a flagged batch back until so long after the last one of the view. */
  readonly flaggedBatchSpacingUs: number;
  /** How far a batch timestamp may lie ahead of the own wall clock, in ms. */
  readonly clockSkewMs: number;
  /** Waiting requests of one client, in bytes. */
  readonly clientQueueBytes: number;
  /** Requests waiting in all. */
  readonly queueRequests: number;
  /** A result of so many bytes or fewer is returned in full by every replica, not only by the one that the request names. */
  readonly fullResultBytes: number;
  /** Uncertain suspicions are forgotten after so long without being seen again. */
  readonly suspicionExpiryUs: number;
}

export interface ReplicaConfig {
  readonly self: ReplicaId;
  readonly cluster: ClusterConfig;
  readonly tuning: TuningConfig;
}

export const DEFAULT_CLUSTER = {
  quorumRule: 'intersecting',
  authentication: 'mac',
  // What clusters have that were made before there was a choice; new ones are made with another (server/config/defaults.ts).
  mac: 'hmac-sha256',
  checkpointInterval: 128,
  openClients: false,
  sessionsPerClient: 1024,
  openClientLimit: 1024,
  sessionHorizonUs: 600_000_000,
  storedReplyBytes: LIMITS.resultBytes,
  idempotencyKeys: 65_536,
  readOnlyRequests: false,
  tentativeExecution: false,
  overlappedSync: false,
  digestsPerSlot: 64,
} as const satisfies Partial<ClusterConfig>;

export const DEFAULT_TUNING: TuningConfig = {
  pipeline: 8,
  batchRequests: 256,
  batchBytes: 512 * 1024,
  requestTimeoutUs: 500_000,
  // Long enough for a large state to come over a slow link, short enough that nobody waits for hours after a night of cuts.
  maxTimeoutUs: 32_000_000,
  // Far above what ordering takes on a local network, far below what a user would call slow.
  slowPrimaryUs: 8_000,
  statusIntervalUs: 100_000,
  idleStatusIntervalUs: 1_000_000,
  idleCheckpointUs: 2_000_000,
  flaggedBatchSpacingUs: 1_000_000,
  clockSkewMs: 10_000,
  clientQueueBytes: 4 * 1024 * 1024,
  queueRequests: 16_384,
  // Two digests: what a digest reply would save of it is less than what waiting for one certain replica costs.
  fullResultBytes: 64,
  suspicionExpiryUs: 60_000_000,
};

/** L = 2K: the window between the low and the high water mark [OSDI'99 §4.3]. */
export function windowSize(cluster: Pick<ClusterConfig, 'checkpointInterval'>): number {
  return 2 * cluster.checkpointInterval;
}

/** Bytes of one entry of P or Q, of one entry of C, and of everything else in a signed VIEW-CHANGE of 31 replicas, at most. */
const CLAIM_BYTES = 48;
const CHECKPOINT_CLAIM_BYTES = 40;
const VIEW_CHANGE_BYTES = 8 * 1024;

/**
 * How many digests per sequence number a correct replica lists in Q before it takes no fresh one there: what the configuration says, or less,
 * so that the VIEW-CHANGEs of all replicas, each with twice as many, fit into one NEW-VIEW. Below 2 the window is too wide for so many replicas.
 */
export function slotDigestLimit({
  replicaCount,
  checkpointInterval,
  digestsPerSlot,
}: Pick<ClusterConfig, 'replicaCount' | 'checkpointInterval' | 'digestsPerSlot'>): number {
  const window = 2 * checkpointInterval;
  const room = LIMITS.viewChangesBytes / replicaCount - VIEW_CHANGE_BYTES;
  const perSlot = room / window - CLAIM_BYTES - CHECKPOINT_CLAIM_BYTES;
  // Twice so many, and the null batch.
  return Math.min(digestsPerSlot, Math.floor((perSlot / CLAIM_BYTES - 1) / 2));
}

/** The bounds of a valid VIEW-CHANGE, the same at every receiver. */
export function claimLimits(cluster: Parameters<typeof slotDigestLimit>[0]): {
  readonly window: number;
  readonly digestsPerSlot: number;
} {
  return { window: windowSize(cluster), digestsPerSlot: slotDigestLimit(cluster) };
}

/** The widest bounds that any cluster has: what is invalid under these is so in all. */
export const WIDEST_CLAIM_LIMITS = {
  window: LIMITS.windowSlots,
  digestsPerSlot: DEFAULT_CLUSTER.digestsPerSlot,
} as const;

export interface ConfigProblem {
  readonly path: string;
  readonly value: unknown;
  readonly allowed: string;
}

const POSITIVE = 'an integer from 1';

/** All that is wrong with `config`, not only the first; empty when it is usable. */
export function validateReplicaConfig(config: ReplicaConfig): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const check = (path: string, value: unknown, holds: boolean, allowed: string): void => {
    if (!holds) problems.push({ path, value, allowed });
  };
  const { cluster, tuning, self } = config;
  const n = cluster.replicaCount;
  check(
    'cluster.replicaCount',
    n,
    Number.isInteger(n) && n >= 1 && n <= MAX_REPLICAS,
    `an integer from 1 to ${MAX_REPLICAS}`,
  );
  check('self', self, self >= 0 && self < n, 'a replica of the cluster');
  const k = cluster.checkpointInterval;
  check(
    'cluster.checkpointInterval',
    k,
    Number.isInteger(k) && k >= 1 && k <= LIMITS.windowSlots / 2,
    `an integer from 1 to ${LIMITS.windowSlots / 2}`,
  );
  check(
    'cluster.checkpointInterval',
    k,
    !(k >= 1 && k <= LIMITS.windowSlots / 2 && n >= 1) || slotDigestLimit({ ...cluster, digestsPerSlot: 2 }) >= 2,
    `smaller: a NEW-VIEW of ${n} replicas must fit into a frame`,
  );
  check(
    'tuning.maxTimeoutUs',
    tuning.maxTimeoutUs,
    tuning.maxTimeoutUs >= tuning.requestTimeoutUs,
    'at least the request timeout',
  );
  for (const [name, value] of Object.entries({ ...tuning, ...positiveNumbers(cluster) })) {
    check(name, value, Number.isInteger(value) && value >= 1, POSITIVE);
  }
  check(
    'tuning.batchRequests',
    tuning.batchRequests,
    tuning.batchRequests <= LIMITS.requestsPerBatch,
    `at most ${LIMITS.requestsPerBatch}`,
  );
  check(
    'storedReplyBytes',
    cluster.storedReplyBytes,
    cluster.storedReplyBytes <= LIMITS.resultBytes,
    `at most ${LIMITS.resultBytes}, what a REPLY can carry`,
  );
  const batchRoom = LIMITS.batchBytes - LIMITS.operationBytes - 16 * 1024;
  check(
    'tuning.batchBytes',
    tuning.batchBytes,
    tuning.batchBytes <= batchRoom,
    `at most ${batchRoom}, so that one request more still fits into a frame`,
  );
  check(
    'tuning.pipeline',
    tuning.pipeline,
    tuning.pipeline <= windowSize(cluster),
    'at most the window, 2 × checkpointInterval',
  );
  return problems;
}

function positiveNumbers(cluster: ClusterConfig): Record<string, number> {
  const { sessionsPerClient, openClientLimit, sessionHorizonUs, storedReplyBytes, idempotencyKeys } = cluster;
  const { digestsPerSlot } = cluster;
  return { sessionsPerClient, openClientLimit, sessionHorizonUs, storedReplyBytes, idempotencyKeys, digestsPerSlot };
}
