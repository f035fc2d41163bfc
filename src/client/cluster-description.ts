/** What a client must know of a cluster: public, the same for every client, safe to hand out. */
import type { Digest, ReplicaId } from '../base/ids.ts';
import type { PublicIdentity } from '../node/identity.ts';
import type { AuthenticationMode } from '../protocol/config.ts';
import type { QuorumRule } from '../protocol/quorum.ts';

/** Where a replica is reached by peers and clients, and the keys it must show there. */
export interface ReplicaAddress {
  readonly id: ReplicaId;
  readonly host: string;
  /** TCP port of the peer and client links. */
  readonly port: number;
  readonly identity: PublicIdentity;
}

/** One cluster as its clients see it. `replicas` are in order of their ids, none left out. */
export interface ClusterDescription {
  readonly clusterId: Digest;
  readonly quorumRule: QuorumRule;
  readonly authentication: AuthenticationMode;
  readonly replicas: readonly ReplicaAddress[];
}
