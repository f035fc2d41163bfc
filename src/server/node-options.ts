/** What a node is started with. */
import type { Logger } from '../node/index.ts';
import type { CodecContext } from '../messages/index.ts';
import type { LinkSettings, NodeAuthenticator } from '../node/index.ts';
import type { LostLog } from '../protocol/replica.ts';
import type { EventHubLimits } from './events/event-hub.ts';
import type { HttpLimits } from './http/server.ts';
import type { GateLog } from './output-gate.ts';
import type { StoredLog } from './stored-replica.ts';
import type { StoredState } from './stored-state.ts';
import type { Supervision } from './supervision.ts';

export interface NodeOptions {
  /** `<data>/nodeN`: configuration, keys, log. */
  readonly directory: string;
  /** The log of this node is lost: it comes back as one that recovers. Refused where there is a log. */
  readonly lost?: LostLog;
  /** JSON lines on standard output unless given. */
  readonly logger?: Logger;
  readonly httpLimits?: Partial<HttpLimits>;
  readonly linkSettings?: Partial<LinkSettings>;
  /** Whoever started this process, for orders in lab mode; undefined: nobody does. */
  readonly supervision?: Supervision;
  readonly eventLimits?: Partial<EventHubLimits>;
  /** HTTP requests waiting for the cluster at once. */
  readonly pendingRequests?: number;
}

/** The keys of this node at work. */
export interface Cryptography {
  readonly authenticator: NodeAuthenticator;
  readonly codec: CodecContext;
}

/** A log that can be closed. */
export interface NodeLog extends GateLog {
  /** Writes what is pending first. Never rejects. */
  close(): Promise<void>;
}

/** The keys at work, the log with what was in it, and the state. */
export interface StoredReplica extends Cryptography {
  readonly stored: StoredLog;
  readonly state: StoredState;
}
