import { describe, expect, test } from 'vitest';
import { CoreKit, SESSION } from '../../test/support/core-kit.ts';
import { batchDigest, encodeMessage } from '../messages/index.ts';
import type { Batch, Message } from '../messages/index.ts';
import { asSequence, asView } from '../base/ids.ts';
import { Body } from './body.ts';
import { Slot } from './slot.ts';

const kit = new CoreKit();
const requests = [0, 1, 2].map((at) => kit.signed(`operation ${at}`, { session: SESSION + at }));

/** By the measure of budgets. */
const LARGE = 4096;

function proposal(batch: Batch): Message {
  return {
    type: 'pre-prepare',
    view: asView(0),
    sequence: asSequence(1),
    digest: batchDigest(kit.codec, batch),
    batch,
  };
}

describe('a body in the least memory', () => {
  test('is the same batch, to the last byte', () => {
    const batch = kit.batch(requests);
    const body = new Body(batch, LARGE);
    body.compact(kit.codec);
    expect(body.batch).not.toBe(batch);
    expect(body.batch).toEqual(batch);
    expect({ ...body.batch }).toEqual({ ...batch });
    expect(encodeMessage(proposal(body.batch))).toEqual(encodeMessage(proposal(kit.batch(requests))));
    expect(batchDigest(kit.codec, body.batch)).toBe(batchDigest(kit.codec, batch));
  });

  test('is left as it came where it is small', () => {
    const batch = kit.batch(requests);
    const body = new Body(batch, LARGE - 1);
    body.compact(kit.codec);
    expect(body.batch).toBe(batch);
  });

  test('made of one that was never encoded, and of one that was, and twice', () => {
    const fresh = new Body(kit.batch(requests), LARGE);
    fresh.compact(kit.codec);
    const sent = kit.batch(requests);
    encodeMessage(proposal(sent));
    const again = new Body(sent, LARGE);
    again.compact(kit.codec);
    again.compact(kit.codec);
    expect(again.batch).toEqual(fresh.batch);
    expect(again.requests.toArray()).toEqual(requests.map(({ digest }) => digest));
  });

  test('a batch made from one that was encoded is encoded anew', () => {
    const batch = kit.batch(requests);
    encodeMessage(proposal(batch));
    const later: Batch = { ...batch, timestamp: batch.timestamp + 1 };
    const fresh: Batch = { timestamp: batch.timestamp + 1, flags: batch.flags, requests: batch.requests };
    expect(encodeMessage(proposal(later))).toEqual(encodeMessage(proposal(fresh)));
    expect(encodeMessage(proposal(later))).not.toEqual(encodeMessage(proposal(batch)));
  });

  test('knows the digests of its requests, in order', () => {
    const body = new Body(kit.batch(requests), LARGE);
    const digests = requests.map(({ digest }) => digest);
    expect(body.requests.toArray()).toEqual(digests);
    body.compact(kit.codec);
    expect(body.requests.toArray()).toEqual(digests);
  });
});

describe('what a slot holds', () => {
  test('is counted once for each digest, by the body that is held', () => {
    const slot = new Slot(asSequence(1), 4);
    const batch = kit.batch(requests);
    const digest = batchDigest(kit.codec, batch);
    expect(slot.hold(digest, batch, 100)).toBe(100);
    expect(slot.hold(digest, batch, 100)).toBe(0);
    // The same batch with other proofs, which are not part of its digest.
    expect(slot.hold(digest, kit.batch(requests), 130)).toBe(30);
    expect(slot.hold(digest, kit.batch(requests), 90)).toBe(-40);
    expect([slot.sizeOf(digest), slot.bodyBytes]).toEqual([90, 90]);
    slot.compact(digest, kit.codec);
    expect(slot.bodyBytes).toBe(90);
    expect(slot.bodyOf(digest)).toEqual(batch);
    const other = kit.batch(requests.slice(1));
    slot.hold(batchDigest(kit.codec, other), other, 7);
    expect(slot.bodyBytes).toBe(97);
  });
});
