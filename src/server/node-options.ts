/** What a node is started with. */
import type { Logger } from '../node/index.ts';
import type { CodecContext } from '../messages/index.ts';
import type { DurableLog, LinkSettings, NodeAuthenticator } from '../node/index.ts';
import type { Record } from '../protocol/record.ts';
import type { LostLog } from '../protocol/replica.ts';
import type { HttpLimits } from './http/server.ts';

export interface NodeOptions {
  /** `<data>/nodeN`: configuration, keys, log. */
  readonly directory: string;
  /** The log of this node is lost: it comes back as one that recovers. Refused where there is a log. */
  readonly lost?: LostLog;
  /** JSON lines on standard output unless given. */
  readonly logger?: Logger;
  readonly httpLimits?: Partial<HttpLimits>;
  readonly linkSettings?: Partial<LinkSettings>;
  /** HTTP requests waiting for the cluster at once. */
  readonly pendingRequests?: number;
}

/** The keys of this node at work. */
export interface Cryptography {
  readonly authenticator: NodeAuthenticator;
  readonly codec: CodecContext;
}

/** The log with what was in it. */
export interface StoredReplica extends Cryptography {
  readonly log: DurableLog;
  readonly records: readonly Record[];
}
