/** A node's configuration: its file, its validation, and what the rest of the system needs of it. */
export type { FileProblem } from './checklist.ts';
export { CLUSTER_FILE, generateCluster, writeJson } from './generate.ts';
export type { ClusterPlan, GenerateFault, NodePlan } from './generate.ts';
export { isStopped, lockDirectory, lockHolder } from './directory-lock.ts';
export type { DirectoryLock, LockFault } from './directory-lock.ts';
export { FIRST_HTTP_PORT, FIRST_PEER_PORT, LOCAL_NODE_COUNT, NEW_CLUSTER_MAC } from './defaults.ts';
export { describeCluster, readClusterFile } from './cluster-file.ts';
export type { ClusterFile, ClusterFileFault } from './cluster-file.ts';
export { configWarnings, toClusterConfig, toClusterDescription, toReplicaConfig } from './convert.ts';
export { describeConfigFault, describeProblem, loadNodeConfig, NODE_FILES, readNodeConfig } from './load.ts';
export type { ConfigFault } from './load.ts';
export { hasLostLog } from './lost-log.ts';
export { nearestName } from './nearest-name.ts';
export type {
  ApplicationChoice,
  ClientEntry,
  Durability,
  HttpConfig,
  NodeConfig,
  ReplicaEntry,
} from './node-config.ts';
export { validateNodeConfig } from './validate.ts';
export { isHost, isLoopback } from './validate-members.ts';
