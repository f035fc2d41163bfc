/**
 * What a reply in a list has in common with those before it, as the bits of one byte. What it shares is not written, so each bit follows from the
 * values alone: one list has one encoding. A reply is compared with the one before it; its result and its receipt with the last that was there at
 * all, since mostly only some replies bring one. Before the first stands, in thought, a reply of zeros.
 */
import type { Bytes } from '../base/bytes.ts';
import { equalBytes } from '../base/bytes.ts';
import { NULL_DIGEST, asSequence, asView } from '../base/ids.ts';
import type { Digest, Sequence, View } from '../base/ids.ts';
import type { Reply } from './reply.ts';
import type { TreeSignature } from './tree-signature.ts';

/** What is written of a reply, beside session, timestamp and request digest. */
export const WRITTEN = {
  /** View, sequence number and digest of the batch: one of them differs from the previous reply's. */
  place: 1,
  /** Outcome and result digest: one of them differs from the previous reply's. */
  outcome: 2,
  /** The time of a read that differs from the previous reply's. */
  since: 4,
  /** A result that differs from the last one. */
  result: 8,
  /** Nothing: it has the last result. Never with `result`. */
  lastResult: 16,
  /** A receipt under another signature than the last one. */
  receipt: 32,
  /** Of a receipt under the signature of the last one its own place in the tree. Never with `receipt`. */
  placeInTree: 64,
} as const;

const KNOWN = 0x7f;

/** Is there a reply of which just this is written? */
export function isSharing(bits: number): boolean {
  return (
    bits <= KNOWN &&
    !hasBoth(bits, WRITTEN.result, WRITTEN.lastResult) &&
    !hasBoth(bits, WRITTEN.receipt, WRITTEN.placeInTree)
  );
}

function hasBoth(bits: number, one: number, other: number): boolean {
  return (bits & one) !== 0 && (bits & other) !== 0;
}

/** Those fields of a reply that the next one may share. */
type Shared = Pick<Reply, 'view' | 'sequence' | 'digest' | 'outcome' | 'resultDigest' | 'since'>;

const ZEROS: Shared = {
  view: asView(0),
  sequence: asSequence(0),
  digest: NULL_DIGEST,
  outcome: 'executed',
  resultDigest: NULL_DIGEST,
  since: undefined,
};

/** The replies of one list that came so far, as far as the next one can share something with them. */
export class RepliesBefore {
  previous: Shared = ZEROS;
  /** The last result, and the digest beside it. */
  result: Bytes | undefined;
  resultDigest: Digest = NULL_DIGEST;
  /** The last receipt. */
  receipt: TreeSignature | undefined;

  /** What is written of the next reply: bits of {@link WRITTEN}. */
  writtenOf(next: Reply): number {
    const { previous } = this;
    let bits = 0;
    if (!isPlace(previous, next.view, next.sequence, next.digest)) bits |= WRITTEN.place;
    if (next.resultDigest !== previous.resultDigest || next.outcome !== previous.outcome) bits |= WRITTEN.outcome;
    if (next.since !== undefined && next.since !== previous.since) bits |= WRITTEN.since;
    if (next.result !== undefined) bits |= this.writtenOfResult(next.result, next.resultDigest);
    if (next.receipt !== undefined) bits |= this.#isLastTree(next.receipt) ? WRITTEN.placeInTree : WRITTEN.receipt;
    return bits;
  }

  /** Those of them that say what is written of a result with this digest beside it. */
  writtenOfResult(result: Bytes, digest: Digest): number {
    return this.#isLastResult(result, digest) ? WRITTEN.lastResult : WRITTEN.result;
  }

  /** Counts it among those before the next. */
  add(reply: Reply): void {
    this.previous = reply;
    if (reply.result !== undefined) this.addResult(reply.result, reply.resultDigest);
    if (reply.receipt !== undefined) this.receipt = reply.receipt;
  }

  /** As {@link add}, of the result alone. */
  addResult(result: Bytes, digest: Digest): void {
    this.result = result;
    this.resultDigest = digest;
  }

  /** A liar may put one digest beside two results: then both are written, for the receiver to see. */
  #isLastResult(result: Bytes, digest: Digest): boolean {
    return this.result !== undefined && this.resultDigest === digest && isEqual(this.result, result);
  }

  #isLastTree({ leaves, signature }: TreeSignature): boolean {
    return this.receipt !== undefined && this.receipt.leaves === leaves && isEqual(this.receipt.signature, signature);
  }
}

function isPlace(of: Shared, view: View, sequence: Sequence, digest: Digest): boolean {
  return of.sequence === sequence && of.view === view && of.digest === digest;
}

function isEqual(left: Bytes, right: Bytes): boolean {
  return left === right || equalBytes(left, right);
}
