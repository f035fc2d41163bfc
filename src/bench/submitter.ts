/** Who submits the operations of a load: a client of the cluster, or a program that talks to a node's HTTP API. Owns nothing. */
import type { Bytes } from '../base/bytes.ts';
import type { View } from '../base/ids.ts';

/** As far as the load looks at it. */
export type Answer =
  | { readonly kind: 'executed'; readonly view: View; readonly result: Bytes }
  | { readonly kind: 'rejected' | 'unknown'; readonly code: string; readonly message: string };

/** `read`: a quorum answered, and nothing was ordered. */
export type ReadAnswer = Answer | { readonly kind: 'read'; readonly result: Bytes };

export interface Submitter {
  /** Has the operation ordered and executed, or says why not. */
  submit(operation: Bytes, limits: { readonly timeoutMs: number }): Promise<Answer>;
  /** The same, without ordering it where the cluster does that. */
  read(operation: Bytes, limits: { readonly timeoutMs: number }): Promise<ReadAnswer>;
}
