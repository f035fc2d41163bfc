/** The body of a batch as a slot holds it: as it came while its requests are at work, and in the least memory once they were executed. */
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import { compactBatch } from '../messages/index.ts';
import type { Batch, CodecContext } from '../messages/index.ts';
import { HEX_BYTES, hexOf, putHex } from '../messages/schema/hex.ts';

/** Digests in one array, for lists that are kept long and looked at seldom. */
export class DigestList {
  readonly #packed: Bytes;

  constructor(digests: readonly Digest[]) {
    this.#packed = new Uint8Array(digests.length * HEX_BYTES);
    digests.forEach((digest, index) => putHex(digest, this.#packed, index * HEX_BYTES));
  }

  toArray(): readonly Digest[] {
    const length = this.#packed.length / HEX_BYTES;
    return Array.from({ length }, (_, index) => hexOf(this.#packed, index * HEX_BYTES) as Digest);
  }

  /** Where `digest` stands first, from 0; -1 if it is not here. */
  indexOf(digest: Digest): number {
    const wanted = new Uint8Array(HEX_BYTES);
    if (!putHex(digest, wanted, 0)) return -1;
    for (let start = 0; start < this.#packed.length; start += HEX_BYTES) {
      let at = 0;
      while (at < HEX_BYTES && this.#packed[start + at] === wanted[at]) at += 1;
      if (at === HEX_BYTES) return start / HEX_BYTES;
    }
    return -1;
  }
}

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
    this.#requests ??= new DigestList(this.#batch.requests.map(({ digest }) => digest));
    return this.#requests;
  }

  /** From now on its requests are decoded when they are asked for. */
  compact(context: CodecContext): void {
    // Before they are gone.
    this.#requests = this.requests;
    this.#batch = compactBatch(context, this.#batch);
  }
}
