/** The body of a batch as a slot holds it: as it came while its requests are at work, and in the least memory once they were executed. */
import { DigestList, compactBatch } from '../messages/index.ts';
import type { Batch, CodecContext } from '../messages/index.ts';

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

  /** From now on its requests are decoded when they are asked for. */
  compact(context: CodecContext): void {
    // Before they are gone.
    this.#requests = this.requests;
    this.#batch = compactBatch(context, this.#batch);
  }
}
