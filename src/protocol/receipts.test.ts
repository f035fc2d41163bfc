/** Receipts with real keys: what one signature for many replies proves, and how often it is verified. */
import { plainReply } from '../../test/support/plain-reply.ts';
import { describe, expect, test } from 'vitest';
import { RealKeys } from '../../test/support/real-keys.ts';
import { replica, seq } from '../../test/support/core-kit.ts';
import { asDigest } from '../base/ids.ts';
import type { Reply, TreeSignature } from '../messages/index.ts';
import type { Authenticator } from './ports.ts';
import { ReceiptVerifier, makeReceipts, signReplies } from './receipts.ts';

const D = asDigest('d1'.repeat(32));
const keys = new RealKeys();
const codec = keys.codec();

const reply = (timestamp: number, by = 2): Reply =>
  plainReply(timestamp, { replica: replica(by), client: keys.clientId });
const some = (count: number): readonly Reply[] => Array.from({ length: count }, (_, index) => reply(index + 1));

function verifier(): { readonly receipts: ReceiptVerifier; readonly checks: () => number } {
  let checks = 0;
  const authenticator = keys.authenticator('client');
  const counting: Pick<Authenticator, 'verifySignature'> = {
    verifySignature: (...of) => {
      checks += 1;
      return authenticator.verifySignature(...of);
    },
  };
  return { receipts: new ReceiptVerifier(codec, counting), checks: () => checks };
}

const signed = signReplies(codec, keys.authenticator(2), some(9));
const row = some(9).slice(3, 7);
const rowSignature = signed.signatureOf(3, 4);

describe('replies that stand in a row', () => {
  test('are opened with one verification, each as a receipt that needs none any more', () => {
    const { receipts, checks } = verifier();
    const opened = receipts.open(row, rowSignature) ?? [];
    expect(opened.map((one) => ({ ...one, receipt: undefined }))).toEqual(row);
    for (const one of opened) expect(receipts.isValid(one)).toBe(true);
    expect(checks()).toBe(1);
  });

  test('each alone convinces whoever was not there', () => {
    const opened = verifier().receipts.open(row, rowSignature) ?? [];
    expect(opened).toHaveLength(4);
    for (const [index, one] of opened.entries()) {
      expect(one.receipt).toEqual(signed.signatureOf(3 + index, 1));
      expect(verifier().receipts.isValid(one)).toBe(true);
    }
  });

  test.each<[string, readonly Reply[], TreeSignature]>([
    ['none', [], rowSignature],
    ['one less', row.slice(1), rowSignature],
    ['one more', [...row, reply(8)], rowSignature],
    ['in another order', row.toReversed(), rowSignature],
    ['one of them changed', row.map((each, at) => (at === 2 ? { ...each, sequence: seq(4) } : each)), rowSignature],
    ['elsewhere in the tree', row, { ...rowSignature, position: 4 }],
    ['in a larger tree', row, { ...rowSignature, leaves: 10 }],
    ['a hash less', row, { ...rowSignature, siblings: rowSignature.siblings.slice(1) }],
    ['a hash more', row, { ...rowSignature, siblings: [...rowSignature.siblings, D] }],
    ['another hash', row, { ...rowSignature, siblings: rowSignature.siblings.map(() => D) }],
    ['another signature', row, { ...rowSignature, signature: new Uint8Array(64) }],
    [
      'the signature of another tree',
      row,
      { ...rowSignature, signature: signReplies(codec, keys.authenticator(2), row).signatureOf(0, 4).signature },
    ],
    ['in the name of another replica', row.map((each) => ({ ...each, replica: replica(1) })), rowSignature],
  ])('not opened: %s', (_, replies, tree) => {
    expect(verifier().receipts.open(replies, tree)).toBeUndefined();
  });

  test('a replica cannot sign for another', () => {
    const replies = some(4).map((each) => ({ ...each, replica: replica(1) }));
    const tree = signReplies(codec, keys.authenticator(2), replies).signatureOf(0, 4);
    expect(verifier().receipts.open(replies, tree)).toBeUndefined();
  });

  test('signing again gives the same bytes', () => {
    expect(signReplies(codec, keys.authenticator(2), some(9)).signatureOf(3, 4)).toEqual(rowSignature);
  });
});

describe('one receipt', () => {
  const receipts = makeReceipts(codec, keys.authenticator(2), some(5));

  test('is valid, alone and among many', () => {
    const [alone] = makeReceipts(codec, keys.authenticator(2), [reply(1)]);
    for (const one of [...receipts, ...(alone === undefined ? [] : [alone])])
      expect(verifier().receipts.isValid(one)).toBe(true);
  });

  test('is none for another reply of the same tree, nor a reply without one', () => {
    const proves = (receipt: Reply['receipt']): readonly number[] =>
      receipts.filter((one) => verifier().receipts.isValid({ ...one, receipt })).map(({ timestamp }) => timestamp);
    for (const { receipt, timestamp } of receipts) expect(proves(receipt)).toEqual([timestamp]);
    expect(verifier().receipts.isValid(reply(1))).toBe(false);
  });

  test('the result is not part of it, only its digest', () => {
    for (const one of receipts) expect(verifier().receipts.isValid({ ...one, result: new Uint8Array(3) })).toBe(true);
  });
});
