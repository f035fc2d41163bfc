/** Sums over all links, for metrics. Pure. */
import type { LinkStats } from '../node/index.ts';
import type { LinkCounts } from './metrics.ts';

export function linkCounts({ replicas, clients }: LinkStats): LinkCounts {
  const counts = { sentFrames: 0, sentBytes: 0, receivedFrames: 0, receivedBytes: 0, droppedFrames: 0, queuedBytes: 0 };
  for (const link of [...replicas, clients]) {
    counts.sentFrames += link.sentFrames;
    counts.sentBytes += link.sentBytes;
    counts.receivedFrames += link.receivedFrames;
    counts.receivedBytes += link.receivedBytes;
    counts.droppedFrames += link.droppedFrames;
    counts.queuedBytes += link.queuedBytes;
  }
  return counts;
}
