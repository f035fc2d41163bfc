/** What the catalogue of behaviours is made of. */
import type { Certainty, SuspicionKind } from '../protocol/suspicion.ts';
import type { BehaviourName } from './behaviour.ts';

/** What the liar is at the time: proposing, voting, or answering a caller of its own HTTP interface. */
export type BehaviourRole = 'primary' | 'backup' | 'gateway';

/** Who comes to say what. `by` is a phrase for people. */
export interface ExpectedSuspicion {
  readonly kind: SuspicionKind;
  readonly certainty: Certainty;
  readonly by: string;
  /** Only then; undefined: whenever a request is ordered. */
  readonly when?: string;
}

export interface BehaviourEntry {
  readonly behaviour: BehaviourName;
  readonly role: BehaviourRole;
  /** What leaves the node that a correct one would not send. */
  readonly changes: string;
  /** What the other nodes and the clients notice, and whether requests still execute. */
  readonly othersSee: string;
  /** Empty where nobody can tell. */
  readonly suspicions: readonly ExpectedSuspicion[];
}

/** For every behaviour that leaves the HTTP interface of its node alone. */
export const UNCHANGED_GATEWAY =
  'Nothing of its own: what it tells its caller is what it accepted as a client of the others. A caller who does not trust it asks for a receipt.';
