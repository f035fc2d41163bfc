/** The numbers of a link, with their reasons, and the names of all that can end or refuse one. */
import { LIMITS } from '../../messages/limits.ts';

const MIB = 1024 * 1024;

/** Sizes in bytes, times in ms of the monotonic clock. */
export interface LinkSettings {
  /** The longest message; a longer one ends the link. */
  readonly frameBytes: number;
  /** From accepting (or dialling) a connection to its authentication. */
  readonly handshakeTimeoutMs: number;
  /** Connections that have not proven who they are, at most. When more come, the address with most of them loses its oldest. */
  readonly unauthenticatedLinks: number;
  /** Links of clients that are not listed, at most; full, the address with most of them gives way, or the newcomer is refused. */
  readonly openClientLinks: number;
  /** What waits for one replica, at most; when full, new frames are dropped and counted. */
  readonly queueBytes: number;
  /** The same for one client. */
  readonly clientQueueBytes: number;
  /** What waits for all clients that are not listed together; above it the one with most loses its link. */
  readonly openClientOutgoingBytes: number;
  /** Half-received frames of all clients that are not listed together; above it the one with most loses its link. */
  readonly openClientIncomingBytes: number;
  /** Frames a second that nobody could use, and so many at once: beyond it a link to here is read more slowly. */
  readonly uselessFrames: { readonly perSecond: number; readonly atOnce: number };
  /** The dialling side asks so often whether the other is there. */
  readonly pingIntervalMs: number;
  /** A link on which nothing came for so long is dead: its peer pings or answers pings. */
  readonly idleTimeoutMs: number;
  /** A peer that takes nothing of what waits for it for so long, or does not finish a frame in that time, loses its link. */
  readonly stallTimeoutMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** A link that stood for so long starts over with the shortest back-off. */
  readonly steadyAfterMs: number;
  /** A refused connection may read the reason for so long. */
  readonly lingerMs: number;
}

export const DEFAULT_LINK_SETTINGS: LinkSettings = {
  frameBytes: LIMITS.frameBytes,
  handshakeTimeoutMs: 3_000,
  unauthenticatedLinks: 128,
  openClientLinks: 1_024,
  // A few of the largest frames; STATUS repairs what does not fit.
  queueBytes: 16 * MIB,
  clientQueueBytes: 2 * LIMITS.frameBytes,
  openClientOutgoingBytes: 128 * MIB,
  openClientIncomingBytes: 128 * MIB,
  // A correct peer brings few: at a view change, what a client convinced it of and not others. Each costs some ten µs: all that one peer may take is a hundredth of a core.
  uselessFrames: { perSecond: 1_000, atOnce: 1_000 },
  pingIntervalMs: 2_000,
  idleTimeoutMs: 10_000,
  stallTimeoutMs: 20_000,
  backoffMinMs: 50,
  backoffMaxMs: 2_000,
  steadyAfterMs: 5_000,
  lingerMs: 500,
};

/** Before a link is authenticated, and for everything that is not a message: the longest frame. */
export const CONTROL_FRAME_BYTES = 1024;

export type LinkRefusalCode =
  /** Not this protocol, or not as it says. */
  | 'malformed'
  /** A frame above the limit. */
  | 'oversized'
  /** Another major version of the link protocol. */
  | 'version-mismatch'
  | 'wrong-cluster'
  /** The other side makes its MACs by another primitive. */
  | 'mac-mismatch'
  /** Another replica listens there than the one dialled, or this one was not the one meant. */
  | 'wrong-replica'
  /** No such replica in the configuration. */
  | 'unknown-node'
  /** The replica is known, by another key. */
  | 'wrong-key'
  | 'bad-signature'
  | 'client-not-admitted'
  | 'too-many-clients'
  | 'handshake-timeout'
  /** Gave way to others: too many unauthenticated connections, or the memory for open clients is used up. */
  | 'overloaded'
  /** A kind of frame that has no place there. */
  | 'unexpected-frame'
  /** Nothing heard for too long. */
  | 'idle'
  | 'slow-reader'
  /** The peer opened a newer link. */
  | 'replaced'
  /** What took the frame here threw; the frame is lost and the link starts again. */
  | 'handler-failed'
  /** The other side ended the link and said why (in the reason). */
  | 'refused-by-peer'
  | 'shutting-down'
  /** The connection could not be made or broke. */
  | 'disconnected';

/** Why a link was refused or ended; `reason` is one line for people. */
export interface LinkRefusal {
  readonly code: LinkRefusalCode;
  readonly reason: string;
}
