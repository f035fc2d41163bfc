/** How a call ends, and what may be asked for with it. Every call ends in one of the three, at the latest at its deadline [G25]. */
import type { ReadVerdict } from '../protocol/client-read.ts';
import type { Digest } from '../base/ids.ts';
import type { ClientOutcome } from '../protocol/client-outcome.ts';
import type { CallProgress } from '../protocol/client-session.ts';
import type { IdempotencyKey } from '../protocol/idempotency.ts';

/** Nothing was sent to anybody, so nothing can have been executed. */
export interface NotSubmitted {
  readonly kind: 'rejected';
  /** `not_submitted`: no room, no link, no time, or its caller gave up before; the others: the call itself is not allowed. */
  readonly code: 'not_submitted' | 'operation_too_large' | 'bad_idempotency_key';
  /** For people: why, and what to do. */
  readonly message: string;
  readonly requestDigest: undefined;
}

/**
 * `executed`: f+1 distinct replicas gave this result, so at least one correct one did. `rejected`: not executed and never will be.
 * `unknown`: sent, and no answer that proves anything; it may have been executed, may yet be, or never.
 */
export type Outcome = ClientOutcome | NotSubmitted;

/** How a read ends: answered by a quorum without being ordered, or, where that gave nothing, as any other call. */
export type ReadOutcome = Extract<ReadVerdict, { kind: 'read' }> | Outcome;

/** What a call may ask for. */
export interface SubmitOptions {
  /** Replicated for the whole cluster: a later request of the same scope and key gives this one's outcome. */
  readonly idempotency?: IdempotencyKey | undefined;
  /** How long to wait for the outcome, in ms; 10,000 when left out. */
  readonly timeoutMs?: number | undefined;
  /** Have every replica sign its reply; the matching ones are the outcome's `receipt`. */
  readonly receipt?: boolean | undefined;
  /** Ends the call: `rejected` while nothing was sent, `unknown` afterwards. */
  readonly signal?: AbortSignal | undefined;
  /** Called before the request is sent, and again in the rare case that it surely failed and is issued anew: then the last digest counts. */
  readonly onIssued?: ((requestDigest: Digest) => void) | undefined;
  /** Called for each authentic reply to this request. */
  readonly onProgress?: ((progress: CallProgress) => void) | undefined;
}

export function notSubmitted(message: string, code: NotSubmitted['code'] = 'not_submitted'): NotSubmitted {
  return { kind: 'rejected', code, message, requestDigest: undefined };
}
