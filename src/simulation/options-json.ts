/**
 * The options of a run as JSON, for files: written as what differs from {@link PLAIN_OPTIONS}, and checked when read. The guards are held to the
 * types by the compiler: a new option or kind of fault does not compile until it is readable.
 */
import { asReplicaId } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { DEFAULT_TUNING, validateReplicaConfig } from '../protocol/config.ts';
import type { TuningConfig } from '../protocol/config.ts';
import { makeQuorums, MAX_REPLICAS } from '../protocol/quorum.ts';
import { CRASH_PHASES, DISK_EFFECTS, RELEASES, VERSION_PHASES } from './crash-trap.ts';
import type { CrashTrap } from './crash-trap.ts';
import { CLIENT_FAULTS, TAKEN_TYPES } from './faults.ts';
import type { Fault, Links } from './faults.ts';
import { byKind, flag, fraction, integer, isFields, list, oneOf, optional, shape } from './guard.ts';
import type { DataProblem, FieldGuards, Guard, Place } from './guard.ts';
import { PERFECT_LINK } from './network.ts';
import type { LinkQuality } from './network.ts';
import { LIAR_NAMES } from './options.ts';
import type { DiskQuality, Liar, SwarmOptions } from './options.ts';
import { clusterOf, MAX_CLIENTS } from './simulate.ts';

/** The simplest run: what a file does not say, and what shrinking strives for. Nothing goes wrong in it, and one client asks once. */
export const PLAIN_OPTIONS: SwarmOptions = {
  seed: 0,
  replicaCount: 4,
  authentication: 'mac',
  checkpointInterval: 8,
  sessionsPerClient: 16,
  openClients: false,
  openClientLimit: 8,
  idempotencyKeys: 64,
  digestsPerSlot: 64,
  tuning: {
    ...DEFAULT_TUNING,
    batchRequests: 8,
    idleStatusIntervalUs: 300_000,
    idleCheckpointUs: 1_000_000,
    flaggedBatchSpacingUs: 150_000,
    queueRequests: 64,
    fullResultBytes: 1,
    suspicionExpiryUs: 1_000_000,
  },
  application: 'ledger',
  network: PERFECT_LINK,
  disk: { minSyncUs: 0, maxSyncUs: 0 },
  wallOffsetsMs: [],
  liars: [],
  faults: [],
  clientCount: 1,
  requestsPerClient: 1,
  sessionsAtOnce: 1,
  requestsPerSession: 1000,
  callTimeoutUs: 3_600_000_000,
  thinkUs: 0,
  idempotentShare: 0,
  receiptShare: 0,
  askedShare: 0,
  shownShare: 0,
  compoundShare: 0,
  readOnlyRequests: false,
  readShare: 0,
  tentativeExecution: false,
  overlappedSync: false,
};

/** An hour, in µs: nothing in a run takes longer. */
const HOUR_US = 3_600_000_000;
const DAY_MS = 86_400_000;
const LONGEST_LIST = 1000;

const duration = integer(0, HOUR_US);
const positive = integer(1);
const wallMs = integer(-DAY_MS, DAY_MS);
const replica: Guard<ReplicaId> = (value, place): value is ReplicaId => integer(0, MAX_REPLICAS - 1)(value, place);

const TRAP = byKind<CrashTrap>({
  record: shape({
    kind: oneOf(['record']),
    record: oneOf(DISK_EFFECTS),
    phase: oneOf(CRASH_PHASES),
    survivors: integer(0),
  }),
  version: shape({ kind: oneOf(['version']), phase: oneOf(VERSION_PHASES), survivors: integer(0) }),
  output: shape({
    kind: oneOf(['output']),
    of: optional(oneOf(RELEASES)),
    count: positive,
    receivers: optional(integer(0)),
    survivors: integer(0),
  }),
});

const LINKS = byKind<Links>({
  in: shape({ kind: oneOf(['in']), replica }),
  out: shape({ kind: oneOf(['out']), replica }),
  both: shape({ kind: oneOf(['both']), replica }),
  one: shape({ kind: oneOf(['one']), replica, peer: replica }),
});

const replicas = list(replica, MAX_REPLICAS);
const groups = list(replicas, MAX_REPLICAS);

const FAULT = byKind<Fault>({
  crash: shape({ kind: oneOf(['crash']), replica, trap: optional(TRAP), downUs: duration }),
  'crash-all': shape({ kind: oneOf(['crash-all']), downUs: duration, survivors: integer(0) }),
  isolate: shape({ kind: oneOf(['isolate']), replica, loss: fraction, delayUs: duration, forUs: duration }),
  partition: shape({ kind: oneOf(['partition']), groups, withClients: flag, forUs: duration }),
  flapping: shape({
    kind: oneOf(['flapping']),
    groups,
    withClients: flag,
    periodUs: integer(1, HOUR_US),
    forUs: duration,
  }),
  'one-way': shape({ kind: oneOf(['one-way']), links: LINKS, forUs: duration }),
  clog: shape({ kind: oneOf(['clog']), links: LINKS, bufferBytes: integer(0), forUs: duration }),
  'drop-type': shape({
    kind: oneOf(['drop-type']),
    types: list(oneOf(TAKEN_TYPES), TAKEN_TYPES.length),
    receivers: replicas,
    forUs: duration,
  }),
  pause: shape({ kind: oneOf(['pause']), replicas, bufferBytes: integer(0), forUs: duration }),
  storm: shape({ kind: oneOf(['storm']), loss: fraction, forUs: duration }),
  'full-disk': shape({ kind: oneOf(['full-disk']), replica, forUs: duration }),
  'bit-flip': shape({
    kind: oneOf(['bit-flip']),
    replica,
    prefix: oneOf([...'0123456789abcdef']),
    scrubbed: flag,
  }),
  'slow-disk': shape({ kind: oneOf(['slow-disk']), replica, syncUs: duration, forUs: duration }),
  'clock-jump': shape({ kind: oneOf(['clock-jump']), replica, byMs: wallMs, forUs: duration }),
  'clock-drift': shape({ kind: oneOf(['clock-drift']), replica, permille: integer(100, 10_000), forUs: duration }),
  'lose-disk': shape({ kind: oneOf(['lose-disk']), replica, trap: optional(TRAP), downUs: duration }),
  'faulty-client': shape({ kind: oneOf(['faulty-client']), fault: oneOf(CLIENT_FAULTS) }),
});

const TUNING = shape<TuningConfig>({
  pipeline: positive,
  batchRequests: positive,
  batchBytes: positive,
  requestTimeoutUs: positive,
  maxTimeoutUs: positive,
  slowPrimaryUs: positive,
  statusIntervalUs: positive,
  idleStatusIntervalUs: positive,
  idleCheckpointUs: positive,
  flaggedBatchSpacingUs: positive,
  clockSkewMs: positive,
  clientQueueBytes: positive,
  queueRequests: positive,
  fullResultBytes: positive,
  suspicionExpiryUs: positive,
});

const NETWORK = shape<LinkQuality>({
  minDelayUs: duration,
  maxDelayUs: duration,
  loss: fraction,
  duplication: fraction,
  reordering: fraction,
  reorderUs: duration,
});

const FIELDS: FieldGuards<SwarmOptions> = {
  seed: integer(0),
  replicaCount: integer(1, MAX_REPLICAS),
  authentication: oneOf(['mac', 'signature']),
  checkpointInterval: positive,
  sessionsPerClient: positive,
  openClients: flag,
  openClientLimit: positive,
  idempotencyKeys: positive,
  digestsPerSlot: positive,
  tuning: TUNING,
  application: oneOf(['ledger', 'counter']),
  network: NETWORK,
  disk: shape<DiskQuality>({ minSyncUs: duration, maxSyncUs: duration }),
  wallOffsetsMs: list(wallMs, MAX_REPLICAS),
  liars: list(shape<Liar>({ replica, behaviour: oneOf(LIAR_NAMES), variant: integer(0) }), MAX_REPLICAS),
  faults: list(FAULT, LONGEST_LIST),
  clientCount: integer(1, MAX_CLIENTS),
  requestsPerClient: positive,
  sessionsAtOnce: positive,
  requestsPerSession: positive,
  callTimeoutUs: integer(1, HOUR_US),
  thinkUs: duration,
  idempotentShare: fraction,
  receiptShare: fraction,
  askedShare: fraction,
  shownShare: fraction,
  compoundShare: fraction,
  readOnlyRequests: flag,
  readShare: fraction,
  tentativeExecution: flag,
  overlappedSync: flag,
};
const OPTIONS = shape<SwarmOptions>(FIELDS);

/** Reads options; what is left out, also within `tuning`, `network` and `disk`, is as in {@link PLAIN_OPTIONS}. Fails with all that is wrong. */
export function readOptions(value: unknown): Result<SwarmOptions, readonly DataProblem[]> {
  const place: Place = { path: '', problems: [] };
  const whole = completed(PLAIN_OPTIONS, value);
  if (!OPTIONS(whole, place)) return fail(place.problems);
  const problems = contradictions(whole);
  return problems.length > 0 ? fail(problems) : ok(whole);
}

/** Options as one line of JSON that {@link readOptions} reads: the seed, and what differs from {@link PLAIN_OPTIONS}. */
export function writeOptions(options: SwarmOptions): string {
  return JSON.stringify({ seed: options.seed, ...difference(PLAIN_OPTIONS, options, () => true) });
}

/** In what options differ from {@link PLAIN_OPTIONS}: `seed`, `tuning.pipeline`, … */
export function differingPaths(options: SwarmOptions): readonly string[] {
  const paths: string[] = [];
  difference(PLAIN_OPTIONS, options, (path) => {
    paths.push(path);
    return true;
  });
  return paths;
}

/** The options, but plain wherever they differ and `isKept` does not want it; undefined if that makes no good options. */
export function plainer(options: SwarmOptions, isKept: (path: string) => boolean): SwarmOptions | undefined {
  const read = readOptions(difference(PLAIN_OPTIONS, options, isKept));
  return read.ok ? read.value : undefined;
}

/** `value` with the fields it lacks, at every depth at which both are objects. */
function completed(plain: object, value: unknown): unknown {
  if (!isFields(value)) return value;
  const whole = new Map<string, unknown>(Object.entries(plain));
  for (const [name, given] of Object.entries(value)) {
    const usual = whole.get(name);
    whole.set(name, isFields(usual) ? completed(usual, given) : given);
  }
  return Object.fromEntries(whole);
}

/** The fields of `value` that are not as in `plain`, at every depth at which both are objects, as far as `isKept` wants their paths. */
function difference(plain: object, value: object, isKept: (path: string) => boolean, above = ''): object {
  const usual = new Map<string, unknown>(Object.entries(plain));
  const fields = Object.entries(value).flatMap(
    ([name, own]: [string, unknown]): readonly (readonly [string, unknown])[] => {
      const path = `${above}${name}`;
      const other = usual.get(name);
      if (JSON.stringify(other) === JSON.stringify(own)) return [];
      if (isFields(other) && isFields(own)) return [[name, difference(other, own, isKept, `${path}.`)]];
      return isKept(path) ? [[name, own]] : [];
    },
  );
  return Object.fromEntries(new Map(fields));
}

/** Every replica that a fault names, with the field that does. */
function replicasOf(fault: Fault): readonly (readonly [string, ReplicaId])[] {
  switch (fault.kind) {
    case 'partition':
    case 'flapping':
      return fault.groups.flat().map((id) => ['groups', id]);
    case 'one-way':
    case 'clog': {
      const { links } = fault;
      const first: readonly (readonly [string, ReplicaId])[] = [['links.replica', links.replica]];
      return links.kind === 'one' ? [...first, ['links.peer', links.peer]] : first;
    }
    case 'drop-type':
      return fault.receivers.map((id) => ['receivers', id]);
    case 'pause':
      return fault.replicas.map((id) => ['replicas', id]);
    default:
      return 'replica' in fault ? [['replica', fault.replica]] : [];
  }
}

/** What is wrong between fields that are good by themselves. */
function contradictions(options: SwarmOptions): readonly DataProblem[] {
  const { replicaCount, liars, faults, network, disk, sessionsAtOnce, sessionsPerClient, tuning } = options;
  const config = { self: asReplicaId(0), cluster: clusterOf(options), tuning };
  const problems: DataProblem[] = [...validateReplicaConfig(config)];
  const demand = (holds: boolean, path: string, value: unknown, allowed: string): void => {
    if (!holds) problems.push({ path, value, allowed });
  };
  const { faultLimit } = makeQuorums(replicaCount);
  const isMember = (index: number): boolean => index < replicaCount;
  const member = `a replica from 0 to ${replicaCount - 1}`;
  demand(liars.length <= faultLimit, 'liars', liars.length, `at most ${faultLimit} of ${replicaCount} nodes`);
  for (const [index, liar] of liars.entries()) {
    demand(isMember(liar.replica), `liars[${index}].replica`, liar.replica, member);
    const isFirst = liars.findIndex((other) => other.replica === liar.replica) === index;
    demand(isFirst, `liars[${index}].replica`, liar.replica, 'each replica once');
  }
  for (const [index, fault] of faults.entries()) {
    for (const [field, at] of replicasOf(fault)) demand(isMember(at), `faults[${index}].${field}`, at, member);
  }
  const losing = faults.findIndex(({ kind }) => kind === 'lose-disk');
  const room = `fewer than the ${faultLimit} that may be faulty: a lost disk is one of them`;
  demand(losing < 0 || liars.length < faultLimit, `faults[${losing}]`, `a lost disk and ${liars.length} liars`, room);
  demand(network.minDelayUs <= network.maxDelayUs, 'network.maxDelayUs', network.maxDelayUs, 'at least minDelayUs');
  demand(disk.minSyncUs <= disk.maxSyncUs, 'disk.maxSyncUs', disk.maxSyncUs, 'at least minSyncUs');
  demand(sessionsAtOnce <= sessionsPerClient, 'sessionsAtOnce', sessionsAtOnce, 'at most sessionsPerClient');
  return problems;
}
