/** The log of a node that keeps nothing: for experiments, and where a node that ends is replaced and never started again. */
import type { Bytes } from '../../base/bytes.ts';

/** Everything counts as durable at once, and a restart has forgotten it. Same calls as DurableLog. */
export class MemoryLog {
  readonly keepsNothing = true;
  readonly pendingBytes = 0;

  append(_record: Bytes): void {}

  rewrite(_records: readonly Bytes[]): void {}

  async durable(): Promise<void> {}

  async close(): Promise<void> {}
}
