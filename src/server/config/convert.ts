/** From the configuration of a node to what the core, the client library and people need of it. Owns nothing. */
import { asClientId } from '../../base/ids.ts';
import type { ClusterDescription } from '../../client/cluster-description.ts';
import { DEFAULT_CLUSTER } from '../../protocol/config.ts';
import type { ClusterConfig, ReplicaConfig } from '../../protocol/config.ts';
import { makeQuorums, quorumsIntersect } from '../../protocol/quorum.ts';
import type { NodeConfig } from './node-config.ts';

/** What all replicas of the cluster must share. */
export function toClusterConfig(config: NodeConfig): ClusterConfig {
  return {
    clusterId: config.clusterId,
    replicaCount: config.replicas.length,
    quorumRule: config.quorumRule,
    authentication: config.authentication,
    mac: config.mac,
    checkpointInterval: config.checkpointInterval,
    clients: config.clients.map(({ identity }) => asClientId(identity.signing)),
    openClients: config.openClients,
    sessionsPerClient: config.sessionsPerClient,
    openClientLimit: config.openClientLimit,
    sessionHorizonUs: config.sessionHorizonMs * 1000,
    storedReplyBytes: config.storedReplyBytes,
    idempotencyKeys: config.idempotencyKeys,
    readOnlyRequests: config.readOnlyRequests,
    tentativeExecution: config.tentativeExecution,
    overlappedSync: config.overlappedSync,
    digestsPerSlot: DEFAULT_CLUSTER.digestsPerSlot,
  };
}

/** What this node's replica is made from. */
export function toReplicaConfig(config: NodeConfig): ReplicaConfig {
  return { self: config.self, cluster: toClusterConfig(config), tuning: config.tuning };
}

/** What a client of the cluster needs to know; public. */
export function toClusterDescription(config: NodeConfig): ClusterDescription {
  const { clusterId, quorumRule, authentication, mac, readOnlyRequests, tentativeExecution } = config;
  const replicas = config.replicas.map(({ id, host, peerPort, identity }) => ({ id, host, port: peerPort, identity }));
  const sessionHorizonUs = config.sessionHorizonMs * 1000;
  const common = { quorumRule, authentication, mac, readOnlyRequests, tentativeExecution };
  return { clusterId, ...common, sessionHorizonUs, replicas };
}

/** What is allowed and still worth a warning at every start and in the status; one sentence each, empty for a sound configuration. */
export function configWarnings(config: NodeConfig): readonly string[] {
  const quorums = makeQuorums(config.replicas.length, config.quorumRule);
  const { replicaCount: n, faultLimit: f, quorum: q } = quorums;
  const warnings: string[] = [];
  if (!quorumsIntersect(quorums)) {
    const safe = makeQuorums(n).quorum;
    warnings.push(
      `quorum_rule "2f+1" is unsafe with ${n} nodes: two quorums of ${q} need not meet, so a slow network alone can split the log. ` +
        `For demonstration only; "intersecting" takes ${safe}.`,
    );
  } else if (config.quorumRule === '2f+1' && n !== 3 * f + 1) {
    warnings.push(`quorum_rule "2f+1" is meant for 3f+1 nodes and there are ${n}: for demonstration only.`);
  }
  if (config.durability === 'async') {
    warnings.push(
      'durability "async": what was written last may be gone when the machine stops (power cut, crash of its kernel); ' +
        'count every such restart as one of the f faults.',
    );
  } else if (config.durability === 'memory') {
    warnings.push('durability "memory": nothing is kept; count every restart of this node as one of the f faults.');
  }
  if (config.http.insecureNoCredentials) {
    warnings.push(
      `insecure_no_credentials: whoever reaches ${config.http.host}:${config.http.port} may do everything.`,
    );
  }
  return warnings;
}
