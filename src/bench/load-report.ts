/** What the process that makes the load is told, and what it tells. Everything in it is plain data: it goes over an IPC channel. */
import type { ClientTiming } from '../protocol/client-session.ts';
import type { Row } from './row.ts';
import type { ViewChangeSeen } from './view-watch.ts';

export interface LoadPlan {
  readonly row: Row;
  /** `cluster.json` of the system. */
  readonly clusterFile: string;
  /** Processes whose CPU time is read at both ends of the measured window. */
  readonly servers: readonly number[];
  readonly timing: ClientTiming;
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
  /** As the answers named them, warm-up and drain included. */
  readonly viewChanges: readonly ViewChangeSeen[];
  /** What was answered within the window since the last view began, and in how many seconds of it; 0 in 0 s where that was after the window. */
  readonly lastView: { readonly answered: number; readonly seconds: number };
}

/** `opened`, `closed`: the window, at ms since 1970. `failed`: no figure; the reason is one line for people. */
export type LoadMessage =
  | { readonly kind: 'opened' | 'closed'; readonly atMs: number }
  | { readonly kind: 'done'; readonly report: LoadReport }
  | { readonly kind: 'failed'; readonly reason: string };
