/**
 * Makes the files of a new cluster: one directory per node with its configuration and its own two keys (node and gateway), and
 * `cluster.json` beside them. No directory holds another node's secret, and no key has a default: all are drawn here [G27].
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { asReplicaId, digestOf, replicaName } from '../../base/ids.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { Identity } from '../../node/identity.ts';
import type { AuthenticationMode, MacPrimitive } from '../../protocol/config.ts';
import type { QuorumRule } from '../../protocol/quorum.ts';
import { clusterFileJson, replicaJson } from './cluster-file.ts';
import type { ClusterFile } from './cluster-file.ts';
import { NEW_CLUSTER_MAC, NODE_DEFAULTS } from './defaults.ts';
import { NODE_FILES } from './load.ts';

/** Where one node of a new cluster lives. */
export interface NodePlan {
  /** Name or address under which the others reach it. */
  readonly host: string;
  readonly peerPort: number;
  readonly httpPort: number;
  /** Address that its HTTP API listens on; loopback when left out. */
  readonly httpHost?: string;
  /** Address that its links listen on; `host` when left out. */
  readonly peerHost?: string;
}

/** What all nodes of a new cluster have in common; what is left out has its default (docs/configuration.md). */
export interface ClusterPlan {
  readonly nodes: readonly NodePlan[];
  readonly application?: string;
  readonly authentication?: AuthenticationMode;
  readonly mac?: MacPrimitive;
  readonly quorumRule?: QuorumRule;
  readonly checkpointInterval?: number;
  readonly openClients?: boolean;
  readonly readOnlyRequests?: boolean;
  readonly tentativeExecution?: boolean;
  readonly overlappedSync?: boolean;
  readonly lab?: boolean;
  readonly insecureNoCredentials?: boolean;
  /** As in the file: `{ request_timeout_ms: 250 }`. */
  readonly tuning?: Readonly<Record<string, number>>;
}

/** `exists`: something is there already, and keys are never overwritten. */
export type GenerateFault =
  | { readonly code: 'exists'; readonly directory: string }
  | { readonly code: 'unwritable'; readonly directory: string; readonly reason: string };

export const CLUSTER_FILE = 'cluster.json';

const NEW_MARK =
  'This node has never been started. Its first start removes this file; never make it again: without it, a node whose log is lost\n' +
  'refuses to start and forget what it told others (pbft recover brings it back).\n';

/**
 * Requires: 1 to 31 nodes. Effects: `directory` exists with all files, or nothing of it does: it is filled elsewhere and moved into place.
 */
export function generateCluster(directory: string, plan: ClusterPlan): Result<ClusterFile, GenerateFault> {
  const target = resolve(directory);
  const staging = join(dirname(target), `.pbft-init-${randomBytes(6).toString('hex')}`);
  try {
    if (existsSync(target) && readdirSync(target).length > 0) return fail({ code: 'exists', directory: target });
    mkdirSync(staging, { recursive: true, mode: 0o700 });
    const cluster = fill(staging, plan);
    if (existsSync(target)) rmdirSync(target);
    renameSync(staging, target);
    return ok(cluster);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message : String(error);
    return fail({ code: 'unwritable', directory: target, reason });
  }
}

function fill(directory: string, plan: ClusterPlan): ClusterFile {
  const nodes = plan.nodes.map((node, index) => ({ id: asReplicaId(index), plan: node, ...drawKeys() }));
  const cluster: ClusterFile = {
    clusterId: digestOf(randomBytes(32)),
    quorumRule: plan.quorumRule ?? 'intersecting',
    authentication: plan.authentication ?? 'mac',
    mac: plan.mac ?? NEW_CLUSTER_MAC,
    checkpointInterval: plan.checkpointInterval ?? NODE_DEFAULTS.checkpointInterval,
    readOnlyRequests: plan.readOnlyRequests ?? NODE_DEFAULTS.readOnlyRequests,
    tentativeExecution: plan.tentativeExecution ?? NODE_DEFAULTS.tentativeExecution,
    overlappedSync: plan.overlappedSync ?? NODE_DEFAULTS.overlappedSync,
    replicas: nodes.map(({ id, plan: { host, peerPort, httpPort }, node }) => {
      const authority = host.includes(':') ? `[${host}]` : host;
      return { id, host, peerPort, httpUrl: `http://${authority}:${httpPort}`, identity: node.public };
    }),
  };
  const gateways = nodes.map(({ id, gateway }) => ({ name: `${replicaName(id)}-gateway`, ...gateway.public }));
  for (const { id, plan: node, node: nodeKey, gateway } of nodes) {
    const folder = join(directory, replicaName(id));
    mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 });
    saveKey(nodeKey, join(folder, NODE_FILES.nodeKey));
    saveKey(gateway, join(folder, NODE_FILES.gatewayKey));
    writeFileSync(join(folder, NODE_FILES.newMark), NEW_MARK, { mode: 0o644 });
    const config = { format: 1, cluster_id: cluster.clusterId, node_id: replicaName(id), ...commonJson(plan, cluster) };
    writeJson(join(folder, NODE_FILES.config), {
      ...config,
      http: httpJson(plan, node),
      ...(node.peerHost === undefined ? {} : { peer: { host: node.peerHost } }),
      replicas: cluster.replicas.map(replicaJson),
      clients: gateways,
    });
  }
  writeJson(join(directory, CLUSTER_FILE), clusterFileJson(cluster));
  return cluster;
}

function saveKey(identity: Identity, file: string): void {
  const saved = identity.save(file);
  if (!saved.ok) throw new Error(saved.error.reason);
}

function drawKeys(): { readonly node: Identity; readonly gateway: Identity } {
  return { node: Identity.generate(), gateway: Identity.generate() };
}

function commonJson(plan: ClusterPlan, cluster: ClusterFile): object {
  const { checkpointInterval, tuning } = plan;
  return {
    application: plan.application ?? 'ledger',
    authentication: cluster.authentication,
    mac: cluster.mac,
    quorum_rule: cluster.quorumRule,
    open_clients: plan.openClients ?? false,
    lab: plan.lab ?? false,
    ...(cluster.readOnlyRequests ? { read_only_requests: true } : {}),
    ...(cluster.tentativeExecution ? { tentative_execution: true } : {}),
    ...(cluster.overlappedSync ? { overlapped_sync: true } : {}),
    ...(checkpointInterval === undefined ? {} : { checkpoint_interval: checkpointInterval }),
    ...(tuning === undefined ? {} : { tuning }),
  };
}

function httpJson(plan: ClusterPlan, node: NodePlan): object {
  return {
    host: node.httpHost ?? '127.0.0.1',
    port: node.httpPort,
    ...(plan.insecureNoCredentials === true ? { insecure_no_credentials: true } : {}),
  };
}

/** Writes `value` in full or not at all. */
export function writeJson(file: string, value: object): void {
  const staging = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  writeFileSync(staging, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o644 });
  renameSync(staging, file);
}
