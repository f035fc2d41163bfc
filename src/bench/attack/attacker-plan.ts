/** What a process that attacks, or that only burns CPU, is told, and what it tells. Plain data: it goes over an IPC channel. */
import type { AttackerKind } from './attacks.ts';

export type AttackerPlan =
  | {
      readonly kind: AttackerKind;
      /** `cluster.json`. */
      readonly clusterFile: string;
      /** The folder of the node whose keys it has; only `replica-flood` uses them. */
      readonly directory: string;
      /** What the requests of `bad-macs` would do, base64url. */
      readonly operation: string;
    }
  /** Computes for so large a share of the time of one core: 0.2 is 200 ms of each second. */
  | { readonly kind: 'burn'; readonly share: number };

/** After the plan: to begin, and to end. */
export type AttackerOrder = { readonly kind: 'begin' } | { readonly kind: 'end' };

export type AttackerMessage =
  /** Its links stand. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'ended'; readonly report: AttackerReport };

/** From `begin` to `end`. */
export interface AttackerReport {
  readonly seconds: number;
  /** User and system time, µs. */
  readonly cpuUs: number;
  /** Frames that its links took. */
  readonly sent: number;
  /** Frames that they did not: too much waited for the other side already. */
  readonly dropped: number;
}
