/** The body of a batch as a slot holds it: as it came while its requests are at work, and in the least memory once they were executed. */
import { DigestList, compactBatch } from '../messages/index.ts';
import type { Batch, CodecContext } from '../messages/index.ts';

/** Below this a body is left as it came: there is little to gain, and a batch of one request would be decoded and packed for nothing. */
const COMPACTED_BYTES = 4096;

export class Body {
  /** What counts in budgets, whatever form it has. */
  readonly sizeBytes: number;
  #batch: Batch;
  #requests: DigestList | undefined;

  constructor(batch: Batch, sizeBytes: number) {
    this.#batch = batch;
    this.sizeBytes = sizeBytes;
  }

  get batch(): Batch {
    return this.#batch;
  }

  /** Of its requests, in order. */
  get requests(): DigestList {
    this.#requests ??= DigestList.ofRequests(this.#batch.requests);
    return this.#requests;
  }

  /** From now on its requests are decoded when they are asked for, if it is large. */
  compact(context: CodecContext): void {
    if (this.sizeBytes < COMPACTED_BYTES) return;
    // Before they are gone.
    this.#requests = this.requests;
    this.#batch = compactBatch(context, this.#batch);
  }
}
