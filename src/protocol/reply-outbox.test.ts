/** What gathers until the end of a turn, and how it leaves: frames per client, and one signature for all. */
import { plainReply } from '../../test/support/plain-reply.ts';
import { describe, expect, test } from 'vitest';
import { RealKeys } from '../../test/support/real-keys.ts';
import { CoreKit, clientId, replica, seq } from '../../test/support/core-kit.ts';
import { asDigest } from '../base/ids.ts';
import type { Bytes } from '../base/bytes.ts';
import { BatchReplies, LIMITS, encodeMessage, replySize } from '../messages/index.ts';
import type { Reply } from '../messages/index.ts';
import type { AuthenticationMode } from './config.ts';
import { ReceiptVerifier } from './receipts.ts';
import { ReplyOutbox } from './reply-outbox.ts';
import type { Letter } from './reply-outbox.ts';

const D = asDigest('d1'.repeat(32));
const D_RESULT = Uint8Array.of(1);
const keys = new RealKeys();
const codec = keys.codec();
const receipts = (): ReceiptVerifier => new ReceiptVerifier(codec, keys.authenticator('client'));

function reply(client: number, timestamp: number, result?: Bytes): Reply {
  return plainReply(timestamp, { client: clientId(client), result });
}

/** Of requests of these clients with these timestamps. */
function gathered(...requests: readonly (readonly [client: number, timestamp: number])[]): BatchReplies {
  const { view, sequence, digest } = plainReply(1);
  const kit = new CoreKit();
  const replies = new BatchReplies(
    { view, sequence, digest, replica: replica(2) },
    requests.map(([client, timestamp]) => kit.signed('x', { client: clientId(client), timestamp })),
  );
  for (const index of requests.keys()) replies.add(codec, index, D_RESULT, true);
  return replies;
}

function outbox(mode: AuthenticationMode): { readonly box: ReplyOutbox; readonly signings: () => number } {
  let signings = 0;
  const own = keys.authenticator(2);
  const authenticator = {
    sha256: (bytes: Bytes) => own.sha256(bytes),
    sign: (bytes: Bytes) => {
      signings += 1;
      return own.sign(bytes);
    },
    verifySignature: () => false,
    mac: () => undefined,
    verifyMac: () => false,
  };
  return { box: new ReplyOutbox(replica(2), keys.cluster(mode), authenticator), signings: () => signings };
}

const timestampsOf = (letters: readonly Letter[]): readonly (readonly number[])[] =>
  letters.map(({ message }) => message.replies.map(({ timestamp }) => timestamp));

test('nothing waits: nothing leaves, and nothing is signed', () => {
  for (const mode of ['mac', 'signature'] as const) {
    const { box, signings } = outbox(mode);
    expect(box.isEmpty).toBe(true);
    expect([box.drain(), signings()]).toEqual([[], 0]);
  }
});

describe('mac mode', () => {
  test('one frame per client, in the order in which each came first; nothing is signed', () => {
    const { box, signings } = outbox('mac');
    for (const one of [reply(1, 1), reply(2, 2), reply(1, 3)]) box.add(one, false);
    expect(box.isEmpty).toBe(false);
    const letters = box.drain();
    expect(letters.map(({ message, tree }) => [message.client, message.replica, tree])).toEqual([
      [clientId(1), 2, undefined],
      [clientId(2), 2, undefined],
    ]);
    expect(timestampsOf(letters)).toEqual([[1, 3], [2]]);
    expect([signings(), box.isEmpty, box.drain()]).toEqual([0, true, []]);
  });

  test('what is gathered of a batch leaves in its place among the others, with each client its own', () => {
    const { box } = outbox('mac');
    box.add(reply(1, 1), false);
    box.addBatch(gathered([1, 2], [1, 3]));
    box.addBatch(gathered([2, 4], [1, 5]));
    box.add(reply(2, 6), false);
    const letters = box.drain();
    expect(letters.map(({ message }) => message.client)).toEqual([clientId(1), clientId(2)]);
    expect(timestampsOf(letters)).toEqual([
      [1, 2, 3, 5],
      [4, 6],
    ]);
  });

  test('receipts that were asked for: one signature for all, in their places, and none for the others', () => {
    const { box, signings } = outbox('mac');
    const asked = [2, 3, 5];
    for (const timestamp of [1, 2, 3, 4, 5]) box.add(reply(timestamp % 2, timestamp), asked.includes(timestamp));
    const letters = box.drain();
    expect(timestampsOf(letters)).toEqual([
      [1, 3, 5],
      [2, 4],
    ]);
    for (const { timestamp, receipt, ...rest } of letters.flatMap(({ message }) => message.replies)) {
      expect(receipt?.leaves).toBe(asked.includes(timestamp) ? 3 : undefined);
      expect(receipts().isValid({ ...rest, timestamp, receipt })).toBe(asked.includes(timestamp));
    }
    expect([signings(), letters.map(({ tree }) => tree)]).toEqual([1, [undefined, undefined]]);
    box.add(reply(1, 6), false);
    expect([box.drain().length, signings()]).toEqual([1, 1]);
  });

  test('more receipts than one signature may cover: two signatures', () => {
    const { box, signings } = outbox('mac');
    for (let timestamp = 0; timestamp <= LIMITS.repliesPerTree; timestamp += 1) box.add(reply(1, timestamp), true);
    const leaves = box.drain().flatMap(({ message }) => message.replies.map(({ receipt }) => receipt?.leaves));
    expect([signings(), leaves.length, leaves.at(0), leaves.at(-1)]).toEqual([
      2,
      LIMITS.repliesPerTree + 1,
      LIMITS.repliesPerTree,
      1,
    ]);
  });
});

describe('signature mode', () => {
  test('one signature for all clients; each frame proves itself, and every reply of it', () => {
    const { box, signings } = outbox('signature');
    for (let timestamp = 1; timestamp <= 11; timestamp += 1) box.add(reply(timestamp % 3, timestamp), true);
    const letters = box.drain();
    expect(letters).toHaveLength(3);
    for (const { message, tree } of letters) {
      expect(tree?.leaves).toBe(11);
      expect(message.replies.every(({ receipt }) => receipt === undefined)).toBe(true);
      const opened = tree === undefined ? undefined : receipts().open(message.replies, tree);
      expect(opened).toHaveLength(message.replies.length);
      for (const one of opened ?? []) expect(receipts().isValid(one)).toBe(true);
    }
    expect(signings()).toBe(1);
  });

  test('no frame under the place or the hashes of another', () => {
    const { box } = outbox('signature');
    for (let timestamp = 1; timestamp <= 6; timestamp += 1) box.add(reply(timestamp % 2, timestamp), true);
    const [first, second] = box.drain();
    if (first?.tree === undefined || second?.tree === undefined) throw new Error('two letters');
    expect(receipts().open(first.message.replies, second.tree)).toBeUndefined();
    expect(receipts().open(second.message.replies, first.tree)).toBeUndefined();
  });

  test('as many frames and signatures as limits make necessary', () => {
    const { box, signings } = outbox('signature');
    const result = new Uint8Array(LIMITS.resultBytes);
    for (let timestamp = 1; timestamp <= 20; timestamp += 1) box.add(reply(1, timestamp, result), true);
    for (let timestamp = 1; timestamp <= LIMITS.repliesPerTree; timestamp += 1) box.add(reply(2, timestamp), true);
    const letters = box.drain();
    expect(letters.map(({ message, tree }) => [message.replies.length, tree?.leaves])).toEqual([
      [15, 20],
      [5, 20],
      [LIMITS.repliesPerTree, LIMITS.repliesPerTree],
    ]);
    expect(signings()).toBe(2);
    for (const { message, tree } of letters)
      expect(tree === undefined ? undefined : receipts().open(message.replies, tree)).toBeDefined();
  });
});

test('the size of a reply counts its time and its receipt', () => {
  const receipt = { leaves: 3, position: 2, siblings: [D, D], signature: new Uint8Array(64) };
  const read: Partial<Reply> = { outcome: 'read', since: seq(2) };
  for (const one of [reply(1, 1), { ...reply(1, 1), receipt }, { ...reply(1, 1), ...read, receipt }])
    expect(1 + replySize(one)).toBe(encodeMessage(one).bytes.length);
});
