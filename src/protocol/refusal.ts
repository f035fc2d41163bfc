/** Why something that came in was not acted on: one closed list for logs, metrics, status and HTTP. A refusal is counted and never throws. */
import type { DecodeRefusal } from '../messages/index.ts';

/** By the intake, before the core: nothing is known of the author yet, so it counts against the link. */
export type IntakeRefusalCode =
  | 'malformed'
  | 'oversized'
  | 'not-authentic'
  | 'not-allowed-here'
  | 'unknown-author'
  | 'wrong-proof';

/** By the core: authentic, and not for now. */
export type CoreRefusalCode =
  | 'not-from-primary'
  | 'other-view'
  | 'in-view-change'
  | 'old-view'
  | 'unproven'
  | 'invalid-view-change'
  | 'wrong-new-view'
  | 'too-many-digests'
  | 'below-window'
  | 'above-window'
  | 'other-digest-accepted'
  | 'other-digest-executed'
  | 'read-only-in-batch'
  | 'too-many-operations'
  | 'empty-batch'
  | 'flagged-batch-not-empty'
  | 'timestamp-too-old'
  | 'duplicate'
  | 'contradicts-earlier-vote'
  | 'not-asked-for'
  | 'queue-full'
  | 'session-busy'
  | 'old-request'
  | 'client-not-listed'
  | 'signature-required'
  | 'read-only-disabled'
  | 'state-behind'
  | 'budget-exhausted'
  | 'diverged'
  | 'recovering';

export interface Refusal {
  readonly code: IntakeRefusalCode;
  /** One line for people: what was wrong, with the field where it is known. */
  readonly reason: string;
  /** What decoding said, when it was decoding that refused. */
  readonly decode: DecodeRefusal | undefined;
}
