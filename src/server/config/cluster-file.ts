/** `cluster.json`: what is public of a cluster, for those who only want to reach it. No secret is in it; hand it to anybody. */
import { readFileSync } from 'node:fs';
import { asDigest } from '../../base/ids.ts';
import type { Digest } from '../../base/ids.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import type { ClusterDescription } from '../../client/cluster-description.ts';
import { LIMITS } from '../../messages/limits.ts';
import { DEFAULT_CLUSTER, MAC_PRIMITIVES, slotDigestLimit } from '../../protocol/config.ts';
import type { AuthenticationMode, MacPrimitive } from '../../protocol/config.ts';
import type { QuorumRule } from '../../protocol/quorum.ts';
import { Checklist } from './checklist.ts';
import { describeProblem } from './load.ts';
import type { ReplicaEntry } from './node-config.ts';
import { readReplicas } from './validate-members.ts';

const FIELDS = [
  'format',
  'cluster_id',
  'quorum_rule',
  'authentication',
  'mac',
  'checkpoint_interval',
  'read_only_requests',
  'tentative_execution',
  'overlapped_sync',
  'replicas',
] as const;

export interface ClusterFile {
  readonly clusterId: Digest;
  readonly quorumRule: QuorumRule;
  readonly authentication: AuthenticationMode;
  readonly mac: MacPrimitive;
  /** K; undefined in a file of an older version. */
  readonly checkpointInterval: number | undefined;
  readonly readOnlyRequests: boolean;
  readonly tentativeExecution: boolean;
  readonly overlappedSync: boolean;
  readonly replicas: readonly ReplicaEntry[];
}

/** `absent`: there is no such file; `unusable`: it is there and cannot be used, `reason` says why. */
export type ClusterFileFault =
  | { readonly code: 'absent'; readonly file: string }
  | { readonly code: 'unusable'; readonly file: string; readonly reason: string };

/** The content of `file`, checked. Never throws. */
export function readClusterFile(file: string): Result<ClusterFile, ClusterFileFault> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code));
    if (missing) return fail({ code: 'absent', file });
    return fail({ code: 'unusable', file, reason: error instanceof Error ? error.message : String(error) });
  }
  const list = new Checklist();
  const fields = list.fields('', value, FIELDS);
  if (fields !== undefined) {
    if (fields['format'] !== 1) list.note('format', fields['format'], '1, the only format there is');
    const isHex = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);
    const clusterId = list.text('cluster_id', fields['cluster_id'], '64 lowercase hexadecimal digits', isHex);
    const quorumRule = list.choice('quorum_rule', fields['quorum_rule'], ['intersecting', '2f+1'] as const);
    const authentication = list.choice('authentication', fields['authentication'], ['mac', 'signature'] as const);
    const givenMac = fields['mac'];
    const mac =
      givenMac === undefined
        ? DEFAULT_CLUSTER.mac
        : (list.choice('mac', givenMac, MAC_PRIMITIVES) ?? DEFAULT_CLUSTER.mac);
    const replicas = readReplicas(list, fields['replicas']);
    const checkpointInterval = readInterval(list, fields['checkpoint_interval'], replicas?.length ?? 1);
    // Files that were made before there were these have them off.
    const isOn = (name: string): boolean => fields[name] !== undefined && (list.boolean(name, fields[name]) ?? false);
    const readOnlyRequests = isOn('read_only_requests');
    const tentativeExecution = isOn('tentative_execution');
    const overlappedSync = isOn('overlapped_sync');
    const complete = clusterId !== undefined && quorumRule !== undefined && authentication !== undefined;
    if (complete && replicas !== undefined && list.problems.length === 0) {
      const switches = { readOnlyRequests, tentativeExecution, overlappedSync };
      const common = { quorumRule, authentication, mac, checkpointInterval, ...switches };
      return ok({ clusterId: asDigest(clusterId), ...common, replicas });
    }
  }
  return fail({ code: 'unusable', file, reason: list.problems.map(describeProblem).join('; ') });
}

/** Undefined when it is left out, or a problem was noted. */
function readInterval(list: Checklist, value: unknown, replicaCount: number): number | undefined {
  if (value === undefined) return undefined;
  const path = 'checkpoint_interval';
  const interval = list.integer(path, value, { min: 1, max: LIMITS.windowSlots / 2 });
  if (interval === undefined) return undefined;
  const limit = slotDigestLimit({ replicaCount, checkpointInterval: interval, digestsPerSlot: 1 });
  return limit >= 1
    ? interval
    : list.note(path, value, `less, so that a NEW-VIEW of ${replicaCount} replicas fits into a frame`);
}

/** What stands in the file: snake_case, as in every file of this project. */
export function clusterFileJson(cluster: ClusterFile): object {
  return {
    format: 1,
    cluster_id: cluster.clusterId,
    quorum_rule: cluster.quorumRule,
    authentication: cluster.authentication,
    mac: cluster.mac,
    ...(cluster.checkpointInterval === undefined ? {} : { checkpoint_interval: cluster.checkpointInterval }),
    ...(cluster.readOnlyRequests ? { read_only_requests: true } : {}),
    ...(cluster.tentativeExecution ? { tentative_execution: true } : {}),
    ...(cluster.overlappedSync ? { overlapped_sync: true } : {}),
    replicas: cluster.replicas.map(replicaJson),
  };
}

/** One entry of `replicas`, in both files. */
export function replicaJson(replica: ReplicaEntry): object {
  const { id, host, peerPort, httpUrl, identity } = replica;
  const { signing, agreement } = identity;
  return { node_id: `node${id + 1}`, host, peer_port: peerPort, http_url: httpUrl, signing, agreement };
}

/** What the client library needs of it. The horizon is not in the file: a client only judges by it how old a refusal may be. */
export function describeCluster(cluster: ClusterFile): ClusterDescription {
  const { clusterId, quorumRule, authentication, mac, readOnlyRequests, tentativeExecution } = cluster;
  const { sessionHorizonUs } = DEFAULT_CLUSTER;
  const replicas = cluster.replicas.map(({ id, host, peerPort, identity }) => ({ id, host, port: peerPort, identity }));
  const common = { quorumRule, authentication, mac, readOnlyRequests, tentativeExecution };
  return { clusterId, ...common, sessionHorizonUs, replicas };
}
