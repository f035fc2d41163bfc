/** A readonly view of a replica for people, checkers and the HTTP API. Cheap enough to make at every step in the simulator. */
import type { ClientId, Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import type { Quorums } from './quorum.ts';
import type { Suspicion } from './suspicion.ts';

export type Phase = 'none' | 'pre-prepared' | 'prepared' | 'committed' | 'executed';

/** One slot of the log, between the water marks. */
export interface SlotStatus {
  readonly sequence: Sequence;
  readonly view: View;
  /** Accepted in the present view, or executed; undefined when only votes are known. */
  readonly digest: Digest | undefined;
  readonly phase: Phase;
  readonly bodyHeld: boolean;
  /** The requests in it, when its body is held. */
  readonly requests: readonly Digest[];
  /** Who voted for `digest`. */
  readonly prepares: readonly ReplicaId[];
  readonly commits: readonly ReplicaId[];
  /** What holds it up, for `explain`; undefined when nothing does. */
  readonly waitingFor: string | undefined;
}

export interface ReplicaStatus {
  readonly self: ReplicaId;
  readonly quorums: Quorums;
  readonly view: View;
  readonly primary: ReplicaId;
  readonly inViewChange: boolean;
  /** Highest sequence number accepted here, 0 at genesis. */
  readonly highestAccepted: Sequence;
  readonly lastExecuted: Sequence;
  readonly lowWaterMark: Sequence;
  readonly highWaterMark: Sequence;
  /** The last checkpoint taken here. */
  readonly stateRoot: Digest;
  readonly stateRootSequence: Sequence;
  /** µs since 1970. */
  readonly agreedTime: number;
  readonly suspicions: readonly Suspicion[];
  readonly diverged: boolean;
  readonly queuedRequests: number;
  readonly queuedBytes: number;
  readonly markedClients: readonly ClientId[];
  readonly openSlots: number;
}
