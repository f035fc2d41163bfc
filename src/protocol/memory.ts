/** What things take in memory, roughly: the measure of every budget. Owns nothing. */
import type { Batch, Bundle } from '../messages/index.ts';
import { bundleLength } from '../messages/packed.ts';
import { LIMITS } from '../messages/limits.ts';
import { windowSize } from './config.ts';
import type { ReplicaConfig } from './config.ts';

/** A request besides its operation. */
const ENTRY_BYTES = 512;
/** A digest or a MAC in a bundle. */
const BUNDLE_ITEM_BYTES = 96;

/** A body. A bundle counts once, with all digests that travel in it. */
export function batchBytes(batch: Batch | undefined): number {
  if (batch === undefined) return 0;
  const bundles = new Set<Bundle>();
  let last: Bundle | undefined;
  let bytes = ENTRY_BYTES;
  for (const { request, proof } of batch.requests) {
    bytes += request.operation.length + ENTRY_BYTES;
    if (proof.kind === 'signature' || proof.bundle === last) continue;
    last = proof.bundle;
    if (bundles.has(last)) continue;
    bundles.add(last);
    bytes += bundleMemory(last);
  }
  return bytes;
}

/** A bundle. */
export function bundleMemory(bundle: Bundle): number {
  return BUNDLE_ITEM_BYTES * (bundleLength(bundle) + bundle.macs.length);
}

/**
 * Bytes of bodies above h, at most: a window full of the largest batches that a primary with this configuration makes (what is encoded in one
 * byte takes up to three in memory). Less would stop a cluster with a correct primary: what frees memory is a checkpoint, and it lies behind
 * the slots that are refused. Half of it is open to what lies above the window.
 */
export function heldBytesLimit({ cluster, tuning }: ReplicaConfig): number {
  const largestRequest = LIMITS.operationBytes + LIMITS.requestsPerBundle * 32 + LIMITS.replicas * LIMITS.macMaxBytes;
  return windowSize(cluster) * (3 * (tuning.batchBytes + largestRequest) + (tuning.batchRequests + 1) * ENTRY_BYTES);
}
