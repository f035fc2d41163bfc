/** The small untruths of which the behaviours are made. Pure; what comes in is never changed. */
import type { Bytes } from '../base/bytes.ts';
import { concatBytes, fromHex } from '../base/bytes.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import { asReplicaId } from '../base/ids.ts';
import { EMPTY } from '../base/bytes.ts';
import { batchDigest, checkpointBytes, requestDigest } from '../messages/index.ts';
import type { AuthenticatedRequest, Batch, Checkpoint, CodecContext, Request, State } from '../messages/index.ts';
import type { BehaviourContext, SendOutput } from './behaviour.ts';

const ALTERED = Uint8Array.of(0x78, 0x79, 0x7a);

/** Another digest, always the same one for the same `digest`: nobody holds a batch of it. */
export function alteredDigest(context: BehaviourContext, digest: Digest): Digest {
  return context.codec.sha256(concatBytes(ALTERED, fromHex(digest) ?? EMPTY));
}

/** The bytes with one bit of the last byte changed; a byte of 1 for no bytes at all. */
export function alteredBytes(bytes: Bytes): Bytes {
  if (bytes.length === 0) return Uint8Array.of(1);
  const altered = bytes.slice();
  altered[altered.length - 1] = (altered[altered.length - 1] ?? 0) ^ 1;
  return altered;
}

/** The request with other fields and the digest that belongs to them: well-formed, and not what its client issued. */
export function withChangedRequest(
  codec: CodecContext,
  original: AuthenticatedRequest,
  change: Partial<Pick<Request, 'operation' | 'flags'>>,
): AuthenticatedRequest {
  const request = { ...original.request, ...change };
  const digest = requestDigest(codec, request);
  if (original.proof.kind === 'signature') return { request, digest, proof: original.proof };
  const { bundle, position } = original.proof;
  const digests = bundle.digests.with(position, digest);
  return { request, digest, proof: { kind: 'authenticator', bundle: { ...bundle, digests }, position } };
}

/** The request with another operation. */
export function alteredRequest(context: BehaviourContext, original: AuthenticatedRequest): AuthenticatedRequest {
  return withChangedRequest(context.codec, original, { operation: alteredBytes(original.request.operation) });
}

/** The batch with its first request altered; an empty one with another timestamp. */
export function alteredBatch(context: BehaviourContext, batch: Batch): Batch {
  const [first, ...rest] = batch.requests;
  if (first === undefined) return { ...batch, timestamp: batch.timestamp + 1 };
  return { ...batch, requests: [alteredRequest(context, first), ...rest] };
}

/** The answer with the first of its subtrees altered: an entry with another value, or a node with another left side. */
export function withAlteredSubtree(context: BehaviourContext, message: State): State {
  const [first, ...rest] = message.subtrees;
  if (first === undefined) return message;
  const entries = first.entries.map((entry, at) => (at === 0 ? { ...entry, value: alteredBytes(entry.value) } : entry));
  const nodes = first.nodes.map((node, at) => (at === 0 ? { ...node, left: alteredDigest(context, node.left) } : node));
  return { ...message, subtrees: [{ ...first, entries, nodes }, ...rest] };
}

/** A valid batch of the same requests that differs: the other way round where there are several and `reorder` is set, else 1 ms later. */
export function twinBatch(batch: Batch, reorder: boolean): Batch {
  if (reorder && batch.requests.length > 1) return { ...batch, requests: batch.requests.toReversed() };
  return { ...batch, timestamp: batch.timestamp + 1 };
}

/** The digest of a batch in the liar's cluster. */
export function digestOfBatch(context: BehaviourContext, batch: Batch): Digest {
  return batchDigest(context.codec, batch);
}

/** The same sending of a CHECKPOINT with another root, signed by the liar itself where it is its own. */
export function withAlteredRoot(context: BehaviourContext, output: SendOutput, checkpoint: Checkpoint): SendOutput {
  const altered: Checkpoint = { ...checkpoint, root: alteredDigest(context, checkpoint.root) };
  if (checkpoint.replica !== context.self) return { ...output, message: altered };
  const signature = context.authenticator.sign(checkpointBytes(context.codec, altered));
  return { ...output, message: altered, signature };
}

/** All replicas but `self`, in order. */
export function othersOf({ self, cluster }: BehaviourContext): readonly ReplicaId[] {
  return Array.from({ length: cluster.replicaCount }, (_, index) => asReplicaId(index)).filter((id) => id !== self);
}

/** The same sending for the receivers that `chosen` holds of, and for all others: empty ones are left out. */
export function splitReceivers(
  output: SendOutput,
  chosen: ReadonlySet<ReplicaId>,
): { readonly chosen: SendOutput | undefined; readonly rest: SendOutput | undefined } {
  const some = output.to.filter((id) => chosen.has(id));
  const rest = output.to.filter((id) => !chosen.has(id));
  return {
    chosen: some.length > 0 ? { ...output, to: some } : undefined,
    rest: rest.length > 0 ? { ...output, to: rest } : undefined,
  };
}

/** What was said per sequence number; forgets what lies at or below a mark. Holds at most the window. */
export class PerSlot<Value> {
  readonly #values = new Map<Sequence, Value>();

  set(sequence: Sequence, value: Value): void {
    this.#values.set(sequence, value);
  }

  get(sequence: Sequence): Value | undefined {
    return this.#values.get(sequence);
  }

  forgetUpTo(mark: Sequence): void {
    for (const sequence of this.#values.keys()) if (sequence <= mark) this.#values.delete(sequence);
  }
}
