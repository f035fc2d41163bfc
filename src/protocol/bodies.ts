/** Asking for batches by their digests. Whoever holds one may answer: a body proves itself. */
import type { SlotDigest } from '../messages/index.ts';
import { LIMITS } from '../messages/limits.ts';
import type { Core } from './core.ts';

/** Asks everybody for these bodies. */
export function requestBodies(core: Core, wanted: readonly SlotDigest[]): void {
  if (wanted.length === 0) return;
  core.broadcast({ type: 'fetch', replica: core.self, wanted: wanted.slice(0, LIMITS.windowSlots) });
}
