/** What the process that makes the load is told, and what it tells. Everything in it is plain data: it goes over an IPC channel. */
import type { Row } from './row.ts';

export interface LoadPlan {
  readonly row: Row;
  /** `cluster.json` of the system. */
  readonly clusterFile: string;
  /** Processes whose CPU time is read at both ends of the measured window. */
  readonly servers: readonly number[];
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** What a load came to. */
export interface LoadReport {
  /** Operations that were acknowledged as executed, warm-up, drain and reading back included: every one of them must have been executed once. */
  readonly acknowledged: number;
  /** Reads that had to be ordered after all. */
  readonly readsOrdered: number;
  /** Of these, answered within the window. */
  readonly measured: number;
  /** Length of the window as it was, seconds. */
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU time within the window, µs. */
  readonly clientCpuUs: number;
  /** In the order of {@link LoadPlan.servers}. */
  readonly serverCpuUs: readonly number[];
}

/** `failed`: no figure; the reason is one line for people. */
export type LoadMessage =
  | { readonly kind: 'done'; readonly report: LoadReport }
  | { readonly kind: 'failed'; readonly reason: string };
