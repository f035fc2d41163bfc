/**
 * The encoding of replies of one replica to one client, as it stands in REPLIES behind the two: their number, then of each what it does not share
 * with those before it (reply-sharing.ts says what that is, in one byte). Most are of one batch with one result: then 49 bytes each. Spelled out,
 * like the quick way of a reply: it is most of what a client reads.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, Digest, ReplicaId, Sequence } from '../base/ids.ts';
import { BatchReplies } from './batch-replies.ts';
import type { Answer } from './batch-replies.ts';
import { countParts, partsSize } from './gathered-replies.ts';
import type { RepliesPart } from './gathered-replies.ts';
import { LIMITS } from './limits.ts';
import { refuse, within } from './refusal.ts';
import type { Reply } from './reply.ts';
import { isSinceRight, number, outcome, replySize, resultBytes, resultDigest } from './reply.ts';
import { RepliesBefore, WRITTEN, isSharing } from './reply-sharing.ts';
import { ExpectedHex } from './schema/expected-hex.ts';
import { HEX_BYTES } from './schema/hex.ts';
import type { Reader } from './schema/reader.ts';
import { digest, lengthBytes, readLength, sequence, view, writeLength } from './schema/scalars.ts';
import type { Writer } from './schema/writer.ts';
import type { TreeSignature } from './tree-signature.ts';
import { placeInTree, treeSignature } from './tree-signature.ts';

/** The requests made in this process: it is their client that reads replies, several to each. */
export const expectedRequests = new ExpectedHex();

const HEAD_BYTES = lengthBytes(LIMITS.requestsPerBatch);
/** What is written of every reply. */
const LEAST_BYTES = 1 + 2 * number.maxBytes + digest.maxBytes;

/** What could have been shared. */
const ANEW = WRITTEN.place | WRITTEN.outcome | WRITTEN.since | WRITTEN.result | WRITTEN.receipt;

/** The field that a refusal names for what is written of it. */
const FIELDS: readonly (readonly [bits: number, field: string])[] = [
  [WRITTEN.place, 'digest'],
  [WRITTEN.outcome, 'resultDigest'],
  [WRITTEN.since, 'since'],
  [WRITTEN.result | WRITTEN.lastResult, 'result'],
  [WRITTEN.receipt | WRITTEN.placeInTree, 'receipt'],
];

/** Bytes of the replies, each whole: what they take when they are spelled out, which is what is limited. A short frame must not say much more than it holds. */
export function wholeRepliesSize(replies: readonly RepliesPart[]): number {
  return HEAD_BYTES + partsSize(replies);
}

/** Throws InvariantViolation unless all are of that replica to that client, and within their schema and the limits. */
export function writeReplies(
  writer: Writer,
  replica: ReplicaId,
  client: ClientId,
  replies: readonly RepliesPart[],
): void {
  assert(wholeRepliesSize(replies) <= LIMITS.batchBytes, 'replies that are within their limit when each is whole');
  const before = new RepliesBefore();
  writeLength(writer, countParts(replies), LIMITS.requestsPerBatch);
  for (const part of replies) {
    assert(part.replica === replica && part.client === client, 'replies of one replica to one client');
    if (part instanceof BatchReplies) {
      writeOfBatch(writer, part, before);
    } else {
      assert(part.type === 'reply', 'replies');
      writeNext(writer, part, before);
    }
  }
}

function writeNext(writer: Writer, reply: Reply, before: RepliesBefore): void {
  writeReply(writer, reply, before.writtenOf(reply));
  before.add(reply);
}

/**
 * The first is spelled out, for it is compared with one that may be anything; and the last, for what comes behind it. Of the others view, sequence
 * number, batch and outcome are those of the one before.
 */
function writeOfBatch(writer: Writer, replies: BatchReplies, before: RepliesBefore): void {
  const digests = replies.packedDigests();
  let last = replies.answer(0);
  writeNext(writer, replies.reply(0), before);
  for (let at = 1; at < replies.length; at += 1) {
    const answer = replies.answer(at);
    const written = writtenOfAnswer(answer, last, before);
    const { session, timestamp } = replies.request(at).request;
    writer.u8(written);
    number.write(writer, session);
    number.write(writer, timestamp);
    writer.digestOf(digests, HEX_BYTES * replies.indexOf(at));
    if (answer === last) continue;
    if ((written & WRITTEN.outcome) !== 0) {
      outcome.write(writer, 'executed');
      digest.write(writer, answer.resultDigest);
    }
    if ((written & WRITTEN.result) !== 0) resultBytes.write(writer, answer.result);
    if (answer.isReturned) before.addResult(answer.result, answer.resultDigest);
    last = answer;
  }
  before.add(replies.reply(replies.length - 1));
}

/** What is written of a reply with this answer behind one of the same batch with the answer `last`. */
function writtenOfAnswer(answer: Answer, last: Answer, before: RepliesBefore): number {
  const { result, resultDigest: hashed, isReturned } = answer;
  if (answer === last) return isReturned ? WRITTEN.lastResult : 0;
  return (
    (hashed === last.resultDigest ? 0 : WRITTEN.outcome) | (isReturned ? before.writtenOfResult(result, hashed) : 0)
  );
}

function writeReply(writer: Writer, value: Reply, written: number): void {
  assert(isSinceRight(value), 'a read, and nothing else, has a time since which it holds');
  writer.u8(written);
  if ((written & WRITTEN.place) !== 0) {
    view.write(writer, value.view);
    sequence.write(writer, value.sequence);
    digest.write(writer, value.digest);
  }
  number.write(writer, value.session);
  number.write(writer, value.timestamp);
  digest.write(writer, value.requestDigest);
  if ((written & WRITTEN.outcome) !== 0) {
    outcome.write(writer, value.outcome);
    digest.write(writer, value.resultDigest);
  }
  if ((written & WRITTEN.since) !== 0 && value.since !== undefined) sequence.write(writer, value.since);
  if ((written & WRITTEN.result) !== 0 && value.result !== undefined) resultBytes.write(writer, value.result);
  if ((written & WRITTEN.receipt) !== 0 && value.receipt !== undefined) treeSignature.write(writer, value.receipt);
  if ((written & WRITTEN.placeInTree) !== 0 && value.receipt !== undefined) {
    assert(value.receipt.position < value.receipt.leaves, 'a place within the tree');
    placeInTree.write(writer, value.receipt);
  }
}

/** All of them with that replica and client. Equal results are one array. */
export function readReplies(reader: Reader, replica: ReplicaId, client: ClientId): readonly Reply[] {
  let wholeBytes = HEAD_BYTES;
  const length = readLength(reader, 0, LIMITS.requestsPerBatch, LEAST_BYTES);
  const before = new RepliesBefore();
  const replies: Reply[] = [];
  while (replies.length < length) {
    const reply = readReply(reader, replica, client, before, replies.length);
    wholeBytes += replySize(reply);
    if (wholeBytes > LIMITS.batchBytes) refuse('oversized');
    replies.push(reply);
    before.add(reply);
  }
  return replies;
}

function readReply(reader: Reader, replica: ReplicaId, client: ClientId, before: RepliesBefore, index: number): Reply {
  // What is being read, for the path of a refusal.
  let step = '';
  try {
    const written = reader.u8();
    if (!isSharing(written)) refuse('out-of-range');
    const { previous } = before;
    const isPlaced = (written & WRITTEN.place) !== 0;
    step = 'view';
    const viewNumber = isPlaced ? view.read(reader) : previous.view;
    step = 'sequence';
    const sequenceNumber = isPlaced ? sequence.read(reader) : previous.sequence;
    step = 'digest';
    const batchDigest = isPlaced ? digest.read(reader) : previous.digest;
    step = 'session';
    const session = number.read(reader);
    step = 'timestamp';
    const timestamp = number.read(reader);
    step = 'requestDigest';
    const requestDigest = reader.expectedHex(expectedRequests) as Digest;
    const hasOutcome = (written & WRITTEN.outcome) !== 0;
    step = 'outcome';
    const word = hasOutcome ? outcome.read(reader) : previous.outcome;
    step = 'resultDigest';
    const hashed = hasOutcome ? digest.read(reader) : previous.resultDigest;
    step = 'since';
    const since = readSince(reader, written, word === 'read' ? previous.since : undefined);
    step = 'result';
    const result = readResult(reader, written, hashed, before);
    step = 'receipt';
    const receipt = readReceipt(reader, written, before.receipt);
    step = '';
    // In the order of the quick way of a reply: then the engine takes both for the same kind of object.
    const reply: Reply = {
      type: 'reply',
      view: viewNumber,
      sequence: sequenceNumber,
      digest: batchDigest,
      replica,
      client,
      session,
      timestamp,
      requestDigest,
      outcome: word,
      resultDigest: hashed,
      since,
      result,
      receipt,
    };
    if (!isSinceRight(reply)) refuse('inconsistent', 'since');
    if ((written & ANEW) !== 0) checkSharing(written, before.writtenOf(reply));
    return reply;
  } catch (thrown) {
    throw within(`[${index}]`, step === '' ? thrown : within(step, thrown));
  }
}

function readSince(reader: Reader, written: number, last: Sequence | undefined): Sequence | undefined {
  return (written & WRITTEN.since) === 0 ? last : sequence.read(reader);
}

/** Hashed when it is read, and only then: the same result under the same digest hashes to it again. */
function readResult(reader: Reader, written: number, hashed: Digest, before: RepliesBefore): Bytes | undefined {
  if ((written & (WRITTEN.result | WRITTEN.lastResult)) === 0) return undefined;
  if ((written & WRITTEN.result) !== 0) {
    const result = resultBytes.read(reader);
    return resultDigest(reader.context, result) === hashed ? result : refuse('digest-mismatch');
  }
  if (before.result === undefined) return refuse('out-of-range');
  return before.resultDigest === hashed ? before.result : refuse('digest-mismatch');
}

function readReceipt(reader: Reader, written: number, last: TreeSignature | undefined): TreeSignature | undefined {
  if ((written & WRITTEN.receipt) !== 0) return treeSignature.read(reader);
  if ((written & WRITTEN.placeInTree) === 0) return undefined;
  if (last === undefined) return refuse('out-of-range');
  const { position, siblings } = placeInTree.read(reader);
  if (position >= last.leaves) refuse('inconsistent', 'position');
  return { leaves: last.leaves, position, siblings, signature: last.signature };
}

/** Refuses what was written anew although it is shared. */
function checkSharing(written: number, needed: number): void {
  if (written === needed) return;
  refuse('not-canonical', FIELDS.find(([bits]) => ((written ^ needed) & bits) !== 0)?.[1]);
}
