/**
 * The configuration of one node as the server uses it: checked, every field filled in. Made only by {@link validateNodeConfig}; the file it
 * comes from, `<data>/nodeN/config.json`, is described in docs/configuration.md. It holds no secret: keys are files beside it.
 */
import type { Digest, ReplicaId } from '../../base/ids.ts';
import type { PublicIdentity } from '../../node/identity.ts';
import type { AuthenticationMode, MacPrimitive, TuningConfig } from '../../protocol/config.ts';
import type { QuorumRule } from '../../protocol/quorum.ts';

/** One replica as all nodes know it. */
export interface ReplicaEntry {
  readonly id: ReplicaId;
  /** Name or address under which peers and clients reach it. */
  readonly host: string;
  /** TCP port of its links. */
  readonly peerPort: number;
  /** Origin of its HTTP API, without a slash at the end: `http://127.0.0.1:8001`. */
  readonly httpUrl: string;
  readonly identity: PublicIdentity;
}

/** A client that may always speak; every node's gateway is one. */
export interface ClientEntry {
  /** For people and logs; `node1-gateway` and so on for gateways. */
  readonly name: string;
  readonly identity: PublicIdentity;
}

/** Where the HTTP API listens and whom it lets in. */
export interface HttpConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Names besides loopback and the own URL that a `Host` header may carry, lowercase, without a port. */
  readonly allowedHosts: readonly string[];
  /** Absolute path of the file with bearer tokens, one `name:token` a line. */
  readonly tokensFile: string | undefined;
  /** Listen beyond loopback although nobody has to show a token. */
  readonly insecureNoCredentials: boolean;
}

/** Which state machine runs: one that is built in, or the absolute path of a module. */
export type ApplicationChoice =
  | { readonly kind: 'builtin'; readonly name: 'ledger' | 'counter' }
  | { readonly kind: 'module'; readonly path: string };

/**
 * When a record counts as durable: `sync` when it is on disk, `async` when the operating system has it, `memory` at once, and then nothing is
 * kept at all.
 */
export const DURABILITIES = ['sync', 'async', 'memory'] as const;
export type Durability = (typeof DURABILITIES)[number];

export interface NodeConfig {
  readonly format: 1;
  readonly clusterId: Digest;
  readonly self: ReplicaId;
  /** In order of their ids: index i is node i+1. */
  readonly replicas: readonly ReplicaEntry[];
  readonly clients: readonly ClientEntry[];
  readonly http: HttpConfig;
  /** Where this node's own links listen; the own entry's host and port unless the file says otherwise. */
  readonly peer: { readonly host: string; readonly port: number };
  readonly application: ApplicationChoice;
  readonly authentication: AuthenticationMode;
  readonly mac: MacPrimitive;
  readonly quorumRule: QuorumRule;
  /** K. */
  readonly checkpointInterval: number;
  readonly openClients: boolean;
  readonly readOnlyRequests: boolean;
  readonly tentativeExecution: boolean;
  readonly overlappedSync: boolean;
  readonly sessionsPerClient: number;
  readonly openClientLimit: number;
  readonly sessionHorizonMs: number;
  readonly storedReplyBytes: number;
  readonly idempotencyKeys: number;
  readonly durability: Durability;
  /** So many hours after one scrub of the state the next begins; 0: none. */
  readonly scrubHours: number;
  /** How much of the state is kept in memory, in bytes. */
  readonly stateCacheBytes: number;
  /** Lab mode: nodes can be told to misbehave, messages are recorded. Never where real value is at stake. */
  readonly lab: boolean;
  readonly tuning: TuningConfig;
}
