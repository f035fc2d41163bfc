/** How a call ends, and what may be asked for with it. Every call ends in one of the three, at the latest at its deadline [G25]. */
import type { Bytes } from '../base/bytes.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';

export type Outcome =
  /** Ordered and executed: f+1 distinct replicas gave this result, so at least one correct one did. */
  | {
      readonly kind: 'executed';
      readonly result: Bytes;
      /** As the matching replies report it: the view they were in, the number and digest of the batch. */
      readonly view: View;
      readonly sequence: Sequence;
      readonly digest: Digest;
      readonly requestDigest: Digest;
      /** The replicas whose replies match. */
      readonly replies: readonly ReplicaId[];
      /** True: this is the first outcome of its idempotency key, and nothing was executed now. */
      readonly replayed: boolean;
    }
  /** Surely not executed. `requestDigest`: undefined when nothing was sent. */
  | {
      readonly kind: 'rejected';
      /** `not_submitted`, or what the replicated client table said. */
      readonly code: string;
      readonly message: string;
      readonly requestDigest: Digest | undefined;
    }
  /** Sent, and no answer that proves anything: it may have been executed, may yet be, or never. */
  | { readonly kind: 'unknown'; readonly requestDigest: Digest; readonly reason: UnknownReason };

/** `deadline`: its time was over; `aborted`: the caller's signal; `closed`: the client; `session-expired`: the cluster has forgotten the session. */
export type UnknownReason = 'deadline' | 'aborted' | 'closed' | 'session-expired';

/** What a call may ask for. */
export interface SubmitOptions {
  /** Replicated for the whole cluster: a later request of the same scope and key gives this one's outcome. */
  readonly idempotency?: { readonly scope: string; readonly key: string } | undefined;
  /** How long to wait for the outcome, in ms; 10,000 when left out. */
  readonly timeoutMs?: number | undefined;
  /** Ends the call: `rejected` while nothing was sent, `unknown` afterwards. */
  readonly signal?: AbortSignal | undefined;
  /** Called at most once, before the request is sent for the first time. */
  readonly onIssued?: ((requestDigest: Digest) => void) | undefined;
  /** Called for each authentic reply that counts for this request. */
  readonly onReply?: ((progress: ReplyProgress) => void) | undefined;
}

/** How far the gathering of replies has come. */
export interface ReplyProgress {
  readonly requestDigest: Digest;
  readonly replica: ReplicaId;
  /** Distinct replicas that agree with this reply, this one included, and how many it takes. */
  readonly matching: number;
  readonly needed: number;
}

/** A reply that claims another result of an executed request than the accepted one: its replica lies (PROTOCOL: detection). */
export interface WrongReply {
  readonly replica: ReplicaId;
  readonly requestDigest: Digest;
  /** One sentence for people. */
  readonly summary: string;
  /** The frames that carry it: proof for third parties where the reply is signed. */
  readonly frames: readonly Bytes[];
}
