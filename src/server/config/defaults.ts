/** What a configuration file may leave out, in one place. The reason stands beside each value. */
import { DEFAULT_CLUSTER, DEFAULT_TUNING } from '../../protocol/config.ts';
import type { MacPrimitive, TuningConfig } from '../../protocol/config.ts';

/** The port of node1's HTTP API in a local cluster; node2 has the next one, and so on. */
export const FIRST_HTTP_PORT = 8001;
/** The port of node1's links in a local cluster: 1000 below its HTTP port, so that the two are easy to pair by eye. */
export const FIRST_PEER_PORT = 7001;
/** n = 4 is the smallest cluster that survives a lying node (f = 1). */
export const LOCAL_NODE_COUNT = 4;

/** What `pbft init` and `pbft up` write into the files of a new cluster: half the time of HMAC for what is mostly MAC'd [docs/adr/0025-mac-by-blake2b.md]. */
export const NEW_CLUSTER_MAC: MacPrimitive = 'blake2b-256';

export const NODE_DEFAULTS = {
  /** Loopback: nobody but this machine, until somebody decides otherwise. */
  httpHost: '127.0.0.1',
  allowedHosts: [],
  insecureNoCredentials: false,
  /** Works out of the box with the operations that the README shows. */
  application: { kind: 'builtin', name: 'ledger' },
  /** MACs, as in the paper: a vote costs microseconds, not a signature. */
  authentication: DEFAULT_CLUSTER.authentication,
  /** What all clusters have whose files do not say, since they were made before there was a choice. A new one says: `NEW_CLUSTER_MAC`. */
  mac: DEFAULT_CLUSTER.mac,
  /** The rule under which any two quorums share a correct node, for every n. */
  quorumRule: DEFAULT_CLUSTER.quorumRule,
  checkpointInterval: DEFAULT_CLUSTER.checkpointInterval,
  /** Only listed keys, until somebody decides otherwise. */
  openClients: DEFAULT_CLUSTER.openClients,
  /** A result takes one reply more with it, which only those should pay who read much. */
  readOnlyRequests: DEFAULT_CLUSTER.readOnlyRequests,
  /** Worth it where few requests are under way, and one more thing to understand. */
  tentativeExecution: DEFAULT_CLUSTER.tentativeExecution,
  /** A primary that starts again costs a view change with it. */
  overlappedSync: DEFAULT_CLUSTER.overlappedSync,
  sessionsPerClient: DEFAULT_CLUSTER.sessionsPerClient,
  openClientLimit: DEFAULT_CLUSTER.openClientLimit,
  sessionHorizonMs: DEFAULT_CLUSTER.sessionHorizonUs / 1000,
  storedReplyBytes: DEFAULT_CLUSTER.storedReplyBytes,
  idempotencyKeys: DEFAULT_CLUSTER.idempotencyKeys,
  /** Whatever else is slower, a vote that was given stays given. */
  durability: 'sync',
  /** Silent damage of a disk is found within a day. */
  scrubHours: 24,
  /** The upper part of the tree of some ten million keys, and what is read most. */
  stateCacheBytes: 80 * 2 ** 20,
  /** Making nodes misbehave on request has no place where value is at stake. */
  lab: false,
  tuning: DEFAULT_TUNING,
} as const;

/** One field of `tuning` in the file. `perUnit`: how many of the core's units (µs, bytes, pieces) one unit of the file is. */
export interface TuningField {
  readonly name: string;
  readonly key: keyof TuningConfig;
  readonly perUnit: number;
  readonly max: number;
}

const HOUR_MS = 3_600_000;
const GIBIBYTE = 2 ** 30;

/** The file speaks of milliseconds; the core counts microseconds where time is a timer. */
export const TUNING_FIELDS: readonly TuningField[] = [
  { name: 'pipeline', key: 'pipeline', perUnit: 1, max: 65_536 },
  { name: 'batch_requests', key: 'batchRequests', perUnit: 1, max: 65_536 },
  { name: 'batch_bytes', key: 'batchBytes', perUnit: 1, max: GIBIBYTE },
  { name: 'request_timeout_ms', key: 'requestTimeoutUs', perUnit: 1000, max: HOUR_MS },
  { name: 'max_timeout_ms', key: 'maxTimeoutUs', perUnit: 1000, max: HOUR_MS },
  { name: 'slow_primary_ms', key: 'slowPrimaryUs', perUnit: 1000, max: HOUR_MS },
  { name: 'status_interval_ms', key: 'statusIntervalUs', perUnit: 1000, max: HOUR_MS },
  { name: 'idle_status_interval_ms', key: 'idleStatusIntervalUs', perUnit: 1000, max: HOUR_MS },
  { name: 'idle_checkpoint_ms', key: 'idleCheckpointUs', perUnit: 1000, max: HOUR_MS },
  { name: 'flagged_batch_spacing_ms', key: 'flaggedBatchSpacingUs', perUnit: 1000, max: HOUR_MS },
  { name: 'clock_skew_ms', key: 'clockSkewMs', perUnit: 1, max: HOUR_MS },
  { name: 'client_queue_bytes', key: 'clientQueueBytes', perUnit: 1, max: GIBIBYTE },
  { name: 'queue_requests', key: 'queueRequests', perUnit: 1, max: 1_048_576 },
  { name: 'full_result_bytes', key: 'fullResultBytes', perUnit: 1, max: GIBIBYTE },
  { name: 'suspicion_expiry_ms', key: 'suspicionExpiryUs', perUnit: 1000, max: 24 * HOUR_MS },
];
