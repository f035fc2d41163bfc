/** REPLY: what a request led to. `[TOCS §4.1]`, with the digests that make replies comparable. */
import type { Bytes } from '../base/bytes.ts';
import type { Digest, Sequence } from '../base/ids.ts';
import { DOMAINS } from './codec-context.ts';
import type { CodecContext } from './codec-context.ts';
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import { option } from './schema/composites.ts';
import { readableBytes } from './schema/readable-bytes.ts';
import {
  client,
  count,
  digest,
  oneOf,
  repeatedBatchDigest,
  repeatedResultDigest,
  sender,
  sequence,
  silent,
  view,
} from './schema/scalars.ts';
import { named } from './schema/schema.ts';
import type { ValueOf } from './schema/schema.ts';
import type { TreeSignature } from './tree-signature.ts';
import { treeSignature, treeSignatureSize } from './tree-signature.ts';

const type = silent('reply');
const since = option(sequence);

/** Session, timestamp. */
export const number = count();
export const outcome = oneOf(['executed', 'replayed', 'table-error', 'read', 'tentative']);
export const resultBytes = readableBytes(LIMITS.resultBytes);

const result = option(resultBytes);
const receipt = option(treeSignature);

/**
 * The content names the request and the digest of its result. Attached: the result itself (from the replier only), bound by its digest, and
 * where it is a receipt the replica's signature, over a tree with this content in it. In JSON there is no `type`; `result` is the outcome, `output` the result.
 */
export const reply = message({
  type: 'reply',
  tag: 5,
  isTyped: false,
  content: {
    view,
    sequence,
    /** Of the batch. */
    digest: repeatedBatchDigest,
    replica: sender,
    client,
    session: number,
    timestamp: number,
    requestDigest: digest,
    /** Whether the application executed it, or the client table refused it; `read`: it answered a read-only request, and `sequence` is the state it read; `tentative`: executed, if the batch is committed. */
    outcome: named('result', outcome),
    resultDigest: repeatedResultDigest,
    /** Of a `read`: nothing that it read has changed after this sequence number; undefined for all others. */
    since,
  },
  attached: {
    result: named('output', result),
    /** With it the reply proves itself to anyone, alone. */
    receipt,
  },
  quick: {
    read(reader) {
      const content = {
        type: type.read(reader),
        view: view.read(reader),
        sequence: sequence.read(reader),
        digest: repeatedBatchDigest.read(reader),
        replica: sender.read(reader),
        client: client.read(reader),
        session: number.read(reader),
        timestamp: number.read(reader),
        requestDigest: digest.read(reader),
        outcome: outcome.read(reader),
        resultDigest: repeatedResultDigest.read(reader),
        since: since.read(reader),
        result: undefined as Bytes | undefined,
        receipt: undefined as TreeSignature | undefined,
      };
      const contentEnd = reader.at;
      content.result = result.read(reader);
      content.receipt = receipt.read(reader);
      reader.contentEnd = contentEnd;
      return content;
    },
    write(writer, value) {
      type.write(writer, value.type);
      view.write(writer, value.view);
      sequence.write(writer, value.sequence);
      repeatedBatchDigest.write(writer, value.digest);
      sender.write(writer, value.replica);
      client.write(writer, value.client);
      number.write(writer, value.session);
      number.write(writer, value.timestamp);
      digest.write(writer, value.requestDigest);
      outcome.write(writer, value.outcome);
      repeatedResultDigest.write(writer, value.resultDigest);
      since.write(writer, value.since);
      const contentEnd = writer.length;
      result.write(writer, value.result);
      receipt.write(writer, value.receipt);
      writer.contentEnd = contentEnd;
    },
  },
  rule: (value) => (isSinceRight(value) ? undefined : { code: 'inconsistent', at: 'since' }),
  verify: (value, context) =>
    value.result === undefined || resultDigest(context, value.result) === value.resultDigest
      ? undefined
      : { code: 'digest-mismatch', at: 'result' },
});

/** REPLY. */
export type Reply = ValueOf<typeof reply>;
/** Its content: what a receipt proves. */
export type ReplyContent = ValueOf<typeof reply.content>;

/** A read has a time since which it holds, not after it, and nothing else has one. */
export function isSinceRight(
  value: Readonly<{ outcome: string; since: Sequence | undefined; sequence: Sequence }>,
): boolean {
  if (value.outcome !== 'read') return value.since === undefined;
  return value.since !== undefined && value.since <= value.sequence;
}

/** SHA-256 of a result, in its own domain. */
export function resultDigest(context: CodecContext, value: Bytes): Digest {
  return context.repeatedDigest(DOMAINS.resultDigest, value);
}

/** Bytes before a result. */
const RESULT_HEAD_BYTES = resultBytes.minBytes;

/** Bytes of the encoded reply. */
export function replySize(value: Reply): number {
  return (
    reply.minBytes +
    sinceSize(value) +
    (value.result === undefined ? 0 : RESULT_HEAD_BYTES + value.result.length) +
    (value.receipt === undefined ? 0 : treeSignatureSize(value.receipt))
  );
}

/** Bytes of `count` replies without receipts and times of reading, of which so many return results of so many bytes in all. */
export function repliesSize(count: number, results: number, resultsBytes: number): number {
  return count * reply.minBytes + results * RESULT_HEAD_BYTES + resultsBytes;
}

/** Bytes of its encoded content, at most. */
export const REPLY_CONTENT_MAX_BYTES = reply.content.minBytes + sequence.maxBytes;

function sinceSize({ since }: ReplyContent): number {
  return since === undefined ? 0 : sequence.maxBytes;
}
