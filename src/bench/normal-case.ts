/**
 * Settings under which a benchmark runs. It measures the normal case: on a machine that is overloaded, which is what a closed loop is for, no
 * backup may give up a correct primary, and no client repeat what is under way. And the end of a run is found soon.
 */
import type { ClientTiming } from '../protocol/client-session.ts';

/** As in the configuration of a node; a row may say otherwise. */
export const BENCH_TUNING: Readonly<Record<string, number>> = {
  request_timeout_ms: 20_000,
  slow_primary_ms: 20_000,
  // After the drain all nodes come to one checkpoint, which is what they are compared at.
  idle_checkpoint_ms: 500,
};

/** The client's side of it: repeats begin at half of T. */
export const BENCH_TIMING: ClientTiming = { requestTimeoutUs: 40_000_000, retryCapUs: 40_000_000 };

/** So long may one operation take; what takes longer has no known outcome, and fails its row. */
export const OPERATION_TIMEOUT_MS = 60_000;
