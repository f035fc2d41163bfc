/** What a client must know of a cluster: public, the same for every client, safe to hand out. */
import type { Digest } from '../base/ids.ts';
import type { ReplicaAddress } from '../node/index.ts';
import type { AuthenticationMode, MacPrimitive } from '../protocol/config.ts';
import type { QuorumRule } from '../protocol/quorum.ts';

/** One cluster as its clients see it. `replicas`: host and port of the links, and the keys they must show; in order of their ids, none left out. */
export interface ClusterDescription {
  readonly clusterId: Digest;
  readonly quorumRule: QuorumRule;
  readonly authentication: AuthenticationMode;
  readonly mac: MacPrimitive;
  /** Reads are answered without being ordered, and every result takes a quorum of replies. */
  readonly readOnlyRequests: boolean;
  /** Replicas say what a request comes to before it is committed, and a quorum that does is believed. */
  readonly tentativeExecution: boolean;
  /** How far a new session number may lie from the cluster's agreed time, in µs. */
  readonly sessionHorizonUs: number;
  readonly replicas: readonly ReplicaAddress[];
}
