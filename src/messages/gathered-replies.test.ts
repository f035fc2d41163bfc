/** Replies that are gathered mean, and are on the wire, what they are one by one. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authenticatedRequests, context, repliesAlike } from '../../test/support/arbitrary-messages.ts';
import { must } from '../../test/support/must.ts';
import { plainReply } from '../../test/support/plain-reply.ts';
import type { Bytes } from '../base/bytes.ts';
import { asClientId } from '../base/ids.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { BatchReplies } from './batch-replies.ts';
import type { AuthenticatedRequest } from './bundle.ts';
import { decodeFrame, encodeFrame, encodeFrameWithMac, encodeMessage, authenticatedBytes } from './frame.ts';
import { GatheredReplies, countParts, partsSize, spelledOutParts } from './gathered-replies.ts';
import type { RepliesPart } from './gathered-replies.ts';
import type { Replies } from './replies.ts';
import { replySize } from './reply.ts';

const RESULTS = ['', '{"balance":100}', 'x'].map((text) => encodeUtf8(text) ?? new Uint8Array(0));

interface Row {
  readonly requests: readonly AuthenticatedRequest[];
  /** Of each request whether it is answered, with what, and whether that is returned. */
  readonly answers: readonly (readonly [isAnswered: boolean, result: number, isReturned: boolean])[];
}

const row: fc.Arbitrary<Row> = fc
  .array(authenticatedRequests, { minLength: 1, maxLength: 3 })
  .map((lists) => lists.flat())
  .filter((requests) => requests.length > 0)
  .chain((requests) =>
    fc.record({
      requests: fc.constant(requests),
      answers: fc.array(fc.tuple(fc.boolean(), fc.nat(RESULTS.length - 1), fc.boolean()), {
        minLength: requests.length,
        maxLength: requests.length,
      }),
    }),
  );

/** As a replica gathers them: for `client` where it is given. */
function gather(replies: Replies, { requests, answers }: Row): BatchReplies {
  const { view, sequence, digest } = plainReply(1);
  const { replica, client } = replies;
  const own = requests.map((entry) => ({ ...entry, request: { ...entry.request, client } }));
  const gathered = new BatchReplies({ view, sequence, digest, replica }, own);
  for (const [index, [isAnswered, result, isReturned]] of answers.entries())
    if (isAnswered) gathered.add(context, index, new Uint8Array(RESULTS[result] as Bytes), isReturned);
  return gathered;
}

const partsOf = (replies: Replies, rows: readonly Row[]): readonly RepliesPart[] =>
  rows.flatMap((each, at) => {
    const gathered = gather(replies, each);
    return [...(gathered.length > 0 ? [gathered] : []), ...replies.replies.slice(at, at + 2)];
  });

describe('REPLIES', () => {
  test('from parts are the bytes of what they spell out, and read as that', () => {
    fc.assert(
      fc.property(repliesAlike, fc.array(row, { maxLength: 3 }), (replies, rows) => {
        const { replica, client } = replies;
        const gathered = new GatheredReplies(replica, client, partsOf(replies, rows));
        const plain: Replies = { type: 'replies', replica, client, replies: spelledOutParts(gathered.parts) };
        expect(gathered.replies).toEqual(plain.replies);
        expect(gathered.replies).toBe(gathered.replies);
        expect(countParts(gathered.parts)).toBe(plain.replies.length);
        expect(partsSize(gathered.parts)).toBe(plain.replies.reduce((sum, each) => sum + replySize(each), 0));
        const encoded = encodeMessage(gathered);
        expect(encoded).toEqual(encodeMessage(plain));
        expect(must(decodeFrame(encodeFrame(encoded, { kind: 'none' }), context)).message).toEqual(plain);
      }),
    );
  });

  test('of another client than they are for are a mistake of ours', () => {
    fc.assert(
      fc.property(repliesAlike, row, (replies, of) => {
        const gathered = gather(replies, of);
        fc.pre(gathered.length > 0);
        const other = new GatheredReplies(replies.replica, asClientId('0e'.repeat(32)), [gathered]);
        expect(() => encodeMessage(other)).toThrow('replies of one replica to one client');
      }),
    );
  });
});

test('a batch of several clients has replies for none of them alone', () => {
  fc.assert(
    fc.property(row, ({ requests }) => {
      const { view, sequence, digest, replica } = plainReply(1);
      const gathered = new BatchReplies({ view, sequence, digest, replica }, requests);
      for (const index of requests.keys()) gathered.add(context, index, RESULTS[0] as Bytes, true);
      const clients = new Set(requests.map(({ request }) => request.client));
      expect(gathered.client).toBe(clients.size === 1 ? requests[0]?.request.client : undefined);
      expect(gathered.spelledOut().map(({ client }) => client)).toEqual(requests.map(({ request }) => request.client));
    }),
  );
});

test('a frame that is made in one go is the frame of the encoded message, and its MAC covers the same', () => {
  fc.assert(
    fc.property(repliesAlike, fc.uint8Array({ minLength: 16, maxLength: 32 }), (replies, mac) => {
      const encoded = encodeMessage(replies);
      let covered: Bytes | undefined;
      const frame = encodeFrameWithMac(context, replies, (bytes) => {
        covered = bytes.slice();
        return mac;
      });
      expect(frame).toEqual(encodeFrame(encoded, { kind: 'mac', mac }));
      expect(covered).toEqual(authenticatedBytes(context, encoded));
      expect(encodeFrameWithMac(context, replies, () => undefined)).toBeUndefined();
    }),
  );
});
