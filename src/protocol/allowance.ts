/**
 * How much a peer is sent because it asks: bodies and states are large, a request for them is small. Keeps the bound on resends and fetches per
 * peer [PROTOCOL: bounds].
 */
import type { ReplicaId } from '../base/ids.ts';
import type { Core } from './core.ts';

/** Bytes in one period, at most one answer more. Whoever asks for the rest is answered later, or asks again. */
export const SERVED_BYTES: number = 4 * 1024 * 1024;

/** Half a STATUS interval, µs. */
function period(core: Core): number {
  return core.config.tuning.statusIntervalUs / 2;
}

/** May this peer be sent something large now? */
export function hasAllowance(core: Core, replica: ReplicaId): boolean {
  const peer = core.peer(replica);
  if (core.now.monotonic - peer.servedSince >= period(core)) {
    peer.servedSince = core.now.monotonic;
    peer.servedBytes = 0;
  }
  return peer.servedBytes < SERVED_BYTES;
}

/** What an answer costs however little is in it. */
const ANSWER_BYTES = 4096;

/** Counts an answer that was sent. */
export function spend(core: Core, replica: ReplicaId, bytes: number): void {
  core.peer(replica).servedBytes += bytes + ANSWER_BYTES;
}

/** Monotonic µs at which the peer has allowance again. */
export function nextAllowance(core: Core, replica: ReplicaId): number {
  return Math.ceil(core.peer(replica).servedSince + period(core));
}
