/** REPLIES in bytes: what replies share is written once, in one way only, and means what it means when each stands whole. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { context, repliesAlike } from '../../test/support/arbitrary-messages.ts';
import { must } from '../../test/support/must.ts';
import { plainReply } from '../../test/support/plain-reply.ts';
import { InvariantViolation } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { toHex } from '../base/bytes.ts';
import { asClientId, asDigest, asReplicaId, asSequence, asView } from '../base/ids.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { CodecContext } from './codec-context.ts';
import { decodeFrame, encodeFrame, encodeMessage } from './frame.ts';
import { fromJson, toJson } from './json.ts';
import type { DecodeRefusal } from './refusal.ts';
import type { Replies } from './replies.ts';
import { RepliesBefore, WRITTEN } from './reply-sharing.ts';
import type { Reply } from './reply.ts';
import { outcome, replySize, resultBytes, resultDigest } from './reply.ts';
import { client, count, digest, sender, sequence, view, writeLength } from './schema/scalars.ts';
import { Writer } from './schema/writer.ts';
import { LIMITS } from './limits.ts';
import { placeInTree, treeSignature } from './tree-signature.ts';

/** Tag, replica, client. */
const HEAD_BYTES = 1 + 1 + 32;
const COUNT_BYTES = 2;
const LEAST = 1 + 8 + 8 + 32;
const D = asDigest('d2'.repeat(32));
const RESULT = utf8('{"balance":100}');
const OTHER = utf8('{"balance":200}');
const TREE = { leaves: 3, position: 2, siblings: [D], signature: new Uint8Array(64).fill(7) };
const executed = (result: Bytes): Partial<Reply> => ({ resultDigest: resultDigest(context, result), result });

function utf8(text: string): Bytes {
  return encodeUtf8(text) ?? new Uint8Array(0);
}

function message(replies: readonly Reply[]): Replies {
  const { replica, client: of } = plainReply(1);
  return { type: 'replies', replica, client: of, replies };
}

/** Bytes of their list. */
function repliesSize(replies: readonly Reply[]): number {
  return encodeMessage(message(replies)).bytes.length - HEAD_BYTES;
}

/** What the decoder says of these bytes behind the tag. */
function refusalOf(bytes: Bytes): DecodeRefusal | undefined {
  const decoded = decodeFrame(
    encodeFrame({ type: 'replies', bytes, contentEnd: bytes.length }, { kind: 'none' }),
    context,
  );
  return decoded.ok ? undefined : decoded.error;
}

/** REPLIES in which this is written of each reply, shared or not. */
function rawReplies({ replica, client: of, replies }: Replies, written: readonly number[]): Bytes {
  const writer = new Writer(100_000);
  writer.u8(6);
  sender.write(writer, replica);
  client.write(writer, of);
  writeLength(writer, replies.length, LIMITS.requestsPerBatch);
  replies.forEach((reply, index) => {
    writeRaw(writer, reply, written[index] ?? 0);
  });
  return writer.copy();
}

function writeRaw(writer: Writer, reply: Reply, written: number): void {
  const has = (bit: number): boolean => (written & bit) !== 0;
  writer.u8(written);
  if (has(WRITTEN.place)) {
    view.write(writer, reply.view);
    sequence.write(writer, reply.sequence);
    digest.write(writer, reply.digest);
  }
  count().write(writer, reply.session);
  count().write(writer, reply.timestamp);
  digest.write(writer, reply.requestDigest);
  if (has(WRITTEN.outcome)) {
    outcome.write(writer, reply.outcome);
    digest.write(writer, reply.resultDigest);
  }
  if (has(WRITTEN.since)) sequence.write(writer, reply.since ?? asSequence(0));
  if (has(WRITTEN.result)) resultBytes.write(writer, reply.result ?? new Uint8Array(0));
  if (has(WRITTEN.receipt)) treeSignature.write(writer, reply.receipt ?? TREE);
  if (has(WRITTEN.placeInTree)) placeInTree.write(writer, reply.receipt ?? TREE);
}

function writtenOf(replies: readonly Reply[]): readonly number[] {
  const before = new RepliesBefore();
  return replies.map((reply) => {
    const written = before.writtenOf(reply);
    before.add(reply);
    return written;
  });
}

/** What more could be written of a reply of which this must be, and the field that is then named. */
function repetitions(reply: Reply, written: number): readonly (readonly [written: number, field: string])[] {
  const more: [number, string][] = [];
  if ((written & WRITTEN.place) === 0) more.push([written | WRITTEN.place, 'digest']);
  if ((written & WRITTEN.outcome) === 0) more.push([written | WRITTEN.outcome, 'resultDigest']);
  if ((written & WRITTEN.since) === 0 && reply.since !== undefined) more.push([written | WRITTEN.since, 'since']);
  if ((written & WRITTEN.lastResult) !== 0) more.push([written ^ WRITTEN.lastResult ^ WRITTEN.result, 'result']);
  if ((written & WRITTEN.placeInTree) !== 0) more.push([written ^ WRITTEN.placeInTree ^ WRITTEN.receipt, 'receipt']);
  return more;
}

describe('size', () => {
  test('is never above that of replies which stand alone', () => {
    fc.assert(
      fc.property(repliesAlike, (value) => {
        const size = encodeMessage(value).bytes.length - HEAD_BYTES;
        expect(size).toBeLessThanOrEqual(value.replies.reduce((sum, each) => sum + replySize(each), COUNT_BYTES));
      }),
    );
  });

  test('of replies of one batch: 49 bytes for each after the first', () => {
    for (const result of [undefined, new Uint8Array(0), RESULT]) {
      const first = { ...plainReply(1, result === undefined ? {} : executed(result)) };
      const more = Array.from({ length: 199 }, (_, i) => ({ ...first, session: i, requestDigest: D, timestamp: i }));
      expect(repliesSize([first, ...more]) - repliesSize([first])).toBe(199 * LEAST);
    }
  });

  const first = plainReply(1, { ...executed(RESULT), receipt: TREE });
  test.each<[string, Partial<Reply>, number]>([
    ['view', { view: asView(2) }, LEAST + 48],
    ['sequence number', { sequence: asSequence(8) }, LEAST + 48],
    ['batch', { digest: D }, LEAST + 48],
    ['whole place', { view: asView(2), sequence: asSequence(8), digest: D }, LEAST + 48],
    ['outcome', { outcome: 'replayed' }, LEAST + 33],
    ['result', executed(OTHER), LEAST + 33 + 4 + OTHER.length],
    ['result, left out', { ...executed(OTHER), result: undefined }, LEAST + 33],
    ['result left out', { result: undefined }, LEAST],
    ['time', { outcome: 'read', since: asSequence(3) }, LEAST + 33 + 8],
    ['receipt: none', { receipt: undefined }, LEAST - 41],
    ['receipt: another signature', { receipt: { ...TREE, signature: new Uint8Array(64) } }, LEAST - 41 + 113],
    ['receipt: another tree', { receipt: { ...TREE, leaves: 4 } }, LEAST - 41 + 113],
    ['receipt: another place in the tree', { receipt: { ...TREE, position: 0, siblings: [] } }, LEAST - 41 + 9],
    ['session and request', { session: 9, timestamp: 9, requestDigest: D }, LEAST],
  ])('of a reply with another %s', (_, change, size) => {
    // Position and hashes of a receipt are each reply's own.
    expect(repliesSize([first, { ...first, ...change }]) - repliesSize([first])).toBe(size + 41);
  });
});

describe('one encoding', () => {
  test('what is shared and written all the same is refused, by name', () => {
    const refused = new Map<string, number>();
    fc.assert(
      fc.property(repliesAlike, (value) => {
        const written = writtenOf(value.replies);
        expect(toHex(rawReplies(value, written))).toBe(toHex(encodeMessage(value).bytes));
        for (const [index, reply] of value.replies.entries()) {
          for (const [more, field] of repetitions(reply, written[index] ?? 0)) {
            const bytes = rawReplies(value, written.with(index, more));
            expect(refusalOf(bytes)).toEqual({ code: 'not-canonical', at: `replies[${index}].${field}` });
            refused.set(field, 1 + (refused.get(field) ?? 0));
          }
        }
      }),
      { numRuns: 400 },
    );
    expect([...refused.keys()].sort()).toEqual(['digest', 'receipt', 'result', 'resultDigest', 'since']);
    expect(Math.min(...refused.values())).toBeGreaterThan(10);
  });

  test('bytes and JSON accept the same, and mean the same', () => {
    fc.assert(
      fc.property(repliesAlike, (value) => {
        const ofBytes = must(decodeFrame(encodeFrame(encodeMessage(value), { kind: 'none' }), context));
        const ofJson = must(fromJson(JSON.parse(JSON.stringify(toJson(value))), context));
        expect(ofBytes.message).toStrictEqual(value);
        expect(ofJson).toStrictEqual(ofBytes);
      }),
    );
  });

  test('a reply of zeros at the beginning shares all of them', () => {
    const zero = asDigest('00'.repeat(32));
    const reply = plainReply(1, { view: asView(0), sequence: asSequence(0), digest: zero, resultDigest: zero });
    expect(repliesSize([reply])).toBe(COUNT_BYTES + LEAST);
    expect(refusalOf(encodeMessage(message([reply])).bytes)).toBeUndefined();
    expect(refusalOf(rawReplies(message([reply]), [WRITTEN.place]))).toEqual({
      code: 'not-canonical',
      at: 'replies[0].digest',
    });
  });
});

describe('what is read', () => {
  const decoded = (replies: readonly Reply[], codec = context): readonly Reply[] => {
    const { message: read } = must(decodeFrame(encodeFrame(encodeMessage(message(replies)), { kind: 'none' }), codec));
    return read.type === 'replies' ? read.replies : [];
  };

  test('has its fields in the order of a reply that stands alone', () => {
    const alone = must(decodeFrame(encodeFrame(encodeMessage(plainReply(1)), { kind: 'none' }), context)).message;
    for (const reply of decoded([plainReply(1), plainReply(2, executed(RESULT))]))
      expect(Object.keys(reply)).toEqual(Object.keys(alone));
  });

  test('one array for equal results, also with replies without one between them; hashed once', () => {
    let hashed = 0;
    const counting = new CodecContext(context.clusterId, (bytes) => {
      hashed += 1;
      return context.sha256(bytes);
    });
    const one = plainReply(1, executed(RESULT));
    const [first, , third, other, last] = decoded(
      [one, { ...one, result: undefined }, { ...one, result: RESULT.slice() }, { ...one, ...executed(OTHER) }, one],
      counting,
    );
    expect(third?.result).toBe(first?.result);
    expect(first?.result).toEqual(RESULT);
    expect([other?.result, last?.result]).toEqual([OTHER, RESULT]);
    expect(hashed).toBe(3);
  });

  test('a liar with two results for one digest is found out', () => {
    const one = plainReply(1, executed(RESULT));
    for (const replies of [
      [one, { ...one, result: OTHER }],
      [one, { ...one, ...executed(OTHER), result: RESULT }],
    ])
      expect(refusalOf(encodeMessage(message(replies)).bytes)).toEqual({
        code: 'digest-mismatch',
        at: 'replies[1].result',
      });
  });
});

describe('refusals', () => {
  const { place, outcome: ofOutcome, since, result, lastResult, receipt, placeInTree: inTree } = WRITTEN;
  const one = plainReply(1, executed(RESULT));
  const read = plainReply(1, { outcome: 'read', since: asSequence(3) });

  test.each<[string, readonly Reply[], readonly number[], DecodeRefusal]>([
    ['an unknown bit', [one], [0x80], { code: 'out-of-range', at: 'replies[0]' }],
    ['two results', [one, one], [11, result | lastResult], { code: 'out-of-range', at: 'replies[1]' }],
    ['two receipts', [one], [receipt | inTree], { code: 'out-of-range', at: 'replies[0]' }],
    ['the last result of none', [one], [3 | lastResult], { code: 'out-of-range', at: 'replies[0].result' }],
    [
      'the last result under another digest',
      [one, { ...one, resultDigest: D }],
      [11, ofOutcome | lastResult],
      { code: 'digest-mismatch', at: 'replies[1].result' },
    ],
    ['another result', [{ ...one, result: OTHER }], [11], { code: 'digest-mismatch', at: 'replies[0].result' }],
    ['the last tree of none', [one], [11 | inTree], { code: 'out-of-range', at: 'replies[0].receipt' }],
    [
      'a place beyond the last tree',
      [
        { ...one, receipt: TREE },
        { ...one, receipt: { ...TREE, position: 3 } },
      ],
      [11 | receipt, inTree],
      { code: 'inconsistent', at: 'replies[1].receipt.position' },
    ],
    ['a read without a time', [read], [place | ofOutcome], { code: 'inconsistent', at: 'replies[0].since' }],
    [
      'a read that shares the time of what is none',
      [one, read],
      [11, ofOutcome],
      { code: 'inconsistent', at: 'replies[1].since' },
    ],
    ['a time of what is no read', [one], [11 | since], { code: 'inconsistent', at: 'replies[0].since' }],
    [
      'a time after the state that was read',
      [{ ...read, since: asSequence(10) }],
      [place | ofOutcome | since],
      { code: 'inconsistent', at: 'replies[0].since' },
    ],
    [
      'a shared time after the state that was read',
      [read, { ...read, sequence: asSequence(2) }],
      [place | ofOutcome | since, place],
      { code: 'inconsistent', at: 'replies[1].since' },
    ],
  ])('%s', (_, replies, written, refusal) => {
    expect(refusalOf(rawReplies(message(replies), written))).toEqual(refusal);
  });

  test('more replies than what follows has room for, before one is read', () => {
    const head = encodeMessage(message([])).bytes;
    const zeros = (length: number): Bytes => {
      const bytes = new Uint8Array(head.length + length);
      bytes.set(head);
      bytes[head.length - 1] = 2;
      return bytes;
    };
    // The byte of the proof comes on top.
    expect(refusalOf(zeros(2 * LEAST - 2))).toEqual({ code: 'truncated', at: 'replies' });
    expect(refusalOf(zeros(2 * LEAST - 1))).toEqual({ code: 'truncated', at: 'proof' });
    expect(refusalOf(zeros(2 * LEAST))).toBeUndefined();
  });

  test('each field by its path', () => {
    const second = { ...read, digest: D, result: RESULT, resultDigest: one.resultDigest, receipt: TREE };
    const { bytes } = encodeMessage(message([one, second]));
    const fields: readonly (readonly [path: string, bytes: number])[] = [
      ['view', 8],
      ['sequence', 8],
      ['digest', 32],
      ['session', 8],
      ['timestamp', 8],
      ['requestDigest', 32],
      ['outcome', 1],
      ['resultDigest', 32],
      ['since', 8],
      ['receipt.leaves', 8],
      ['receipt.position', 8],
      ['receipt.siblings', 1 + 32],
      ['receipt.signature', 64],
    ];
    let end = HEAD_BYTES + repliesSize([one]) + 1;
    for (const [path, length] of fields) {
      end += length;
      expect(decodeFrame(bytes.subarray(0, end - 1), context)).toEqual({
        ok: false,
        error: { code: 'truncated', at: `replies[1].${path}` },
      });
    }
    expect(end).toBe(bytes.length);
    expect(refusalOf(bytes)).toBeUndefined();
  });
});

describe('bugs of ours', () => {
  const one = plainReply(1, { receipt: TREE });
  test.each<[string, readonly Reply[]]>([
    ['a reply of another replica', [one, { ...one, replica: asReplicaId(3) }]],
    ['a reply to another client', [{ ...one, client: asClientId('ac'.repeat(32)) }]],
    ['a read without a time', [{ ...one, outcome: 'read' }]],
    ['a time of what is no read', [{ ...one, since: asSequence(1) }]],
    ['a place beyond the last tree', [one, { ...one, receipt: { ...TREE, position: 3 } }]],
    ['a place beyond its tree', [{ ...one, receipt: { ...TREE, position: 3 } }]],
  ])('%s', (_, replies) => {
    expect(() => encodeMessage(message(replies))).toThrow(InvariantViolation);
  });
});
