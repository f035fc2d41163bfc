/** [G01, G02] What is hashed, MAC'd or signed for one purpose can stand for nothing else. */
import { EVERYBODY } from './replica-set.ts';
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLUSTER, MESSAGE_OF_TYPE, context, message, proof } from '../../test/support/arbitrary-messages.ts';
import { must } from '../../test/support/must.ts';
import { toHex } from '../base/bytes.ts';
import { asClientId, asDigest, asReplicaId, asSequence, asView } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import { DOMAINS } from './codec-context.ts';
import {
  CodecContext,
  MESSAGE_TYPES,
  authenticatedBytes,
  bundleBytes,
  checkpointBytes,
  decodeFrame,
  encodeFrame,
  encodeMessage,
  replyTreeBytes,
  requestSigningBytes,
} from './index.ts';
import type { Commit, Message, Prepare } from './index.ts';

const D = asDigest('ab'.repeat(32));
const E = asDigest('cd'.repeat(32));
const prepare: Prepare = {
  type: 'prepare',
  view: asView(7),
  sequence: asSequence(9),
  digest: D,
  replica: asReplicaId(1),
};
const commit: Commit = { ...prepare, type: 'commit' };

function covered(value: Message, of = context): string {
  return toHex(authenticatedBytes(of, encodeMessage(value)));
}

function ascii(text: string): string {
  return toHex(Uint8Array.from(text, (character) => character.charCodeAt(0)));
}

test('PREPARE and COMMIT with the same fields are authenticated by different bytes', () => {
  expect(covered(prepare)).not.toBe(covered(commit));
});

test('the bytes are: length of the domain, domain, cluster id, content', () => {
  const content = `${'0000000000000007'}${'0000000000000009'}${D}01`;
  expect(covered(prepare)).toBe(`0e${ascii('pbft/1/prepare')}${CLUSTER}${content}`);
  expect(covered(commit)).toBe(`0d${ascii('pbft/1/commit')}${CLUSTER}${content}`);
});

test('no two domains are equal, and none of a message serves another purpose', () => {
  const domains = [...MESSAGE_TYPES, ...Object.values(DOMAINS)];
  expect(new Set(domains).size).toBe(domains.length);
});

test('the bytes of two types never coincide, nor does one begin the other', () => {
  fc.assert(
    fc.property(message, message, (left, right) => {
      const one = covered(left);
      const other = covered(right);
      expect(one.startsWith(other) && left.type !== right.type).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test('a proof for one cluster is none for another', () => {
  const elsewhere = new CodecContext(E, context.sha256);
  fc.assert(
    fc.property(message, (value) => {
      expect(covered(value)).not.toBe(covered(value, elsewhere));
    }),
  );
});

test('a batch of one cluster does not hash to its digest in another', () => {
  const elsewhere = new CodecContext(E, context.sha256);
  fc.assert(
    fc.property(
      MESSAGE_OF_TYPE['pre-prepare'].filter((value) => value.batch !== undefined),
      proof,
      (value, evidence) => {
        const decoded = decodeFrame(encodeFrame(encodeMessage(value), evidence), elsewhere);
        // Bundles of digests that were computed for the other cluster fail first.
        expect(decoded.ok ? 'accepted' : decoded.error.code).toMatch(/^(digest|bundle)-mismatch$/);
      },
    ),
  );
});

describe('mix and match: another value in any field is another thing to authenticate', () => {
  test.each<[string, Message]>([
    ['view', { ...prepare, view: asView(8) }],
    ['sequence', { ...prepare, sequence: asSequence(10) }],
    ['digest', { ...prepare, digest: E }],
    ['sender', { ...prepare, replica: asReplicaId(2) }],
    ['type', { ...prepare, type: 'commit' }],
  ])('%s', (_, altered) => {
    expect(covered(altered)).not.toBe(covered(prepare));
  });
});

test('messages that differ in their content differ in the bytes, whatever is attached', () => {
  fc.assert(
    fc.property(MESSAGE_OF_TYPE.reply, (reply) => {
      const bare = covered({ ...reply, result: undefined, receipt: undefined });
      expect(covered(reply)).toBe(bare);
      const other = reply.outcome === 'executed' ? 'table-error' : 'executed';
      expect(covered({ ...reply, outcome: other, since: undefined })).not.toBe(bare);
      const read = { ...reply, outcome: 'read' as const, sequence: asSequence(9), since: asSequence(9) };
      expect(covered({ ...read, since: asSequence(8) })).not.toBe(covered(read));
    }),
  );
});

test('the batch of a PRE-PREPARE is bound by its digest only', () => {
  fc.assert(
    fc.property(MESSAGE_OF_TYPE['pre-prepare'], (value) => {
      const end = value.batch === undefined ? covered(value) : covered({ ...value });
      expect(end.endsWith(value.digest)).toBe(true);
      expect(end.length / 2).toBe(1 + 'pbft/1/pre-prepare'.length + 32 + 8 + 8 + 32);
    }),
  );
});

test('a PRE-PREPARE with another body than its digest says is refused with a code of its own', () => {
  const batches = MESSAGE_OF_TYPE.batch.filter((value) => value.batch.requests.length > 0);
  fc.assert(
    fc.property(batches, batches, proof, (one, other, evidence) => {
      fc.pre(one.digest !== other.digest);
      const lie = encodeFrame(encodeMessage({ ...one, digest: other.digest }), evidence);
      expect(decodeFrame(lie, context)).toEqual({ ok: false, error: { code: 'digest-mismatch', at: 'batch' } });
      const timestamp = one.batch.timestamp === 0 ? 1 : one.batch.timestamp - 1;
      const altered = encodeFrame(encodeMessage({ ...one, batch: { ...one.batch, timestamp } }), evidence);
      expect(decodeFrame(altered, context)).toEqual({ ok: false, error: { code: 'digest-mismatch', at: 'batch' } });
    }),
  );
});

describe('what is signed beside messages', () => {
  const client = asClientId('12'.repeat(32));

  test('a request: its digest, and who is asked unless all are', () => {
    const covered = `${(24).toString(16)}${ascii('pbft/1/request-signature')}${CLUSTER}${D}`;
    expect(toHex(requestSigningBytes(context, D))).toBe(covered);
    expect(toHex(requestSigningBytes(context, D, 6))).toBe(`${covered}00000006`);
  });

  test('a bundle: the client, who is asked, and the digests in order', () => {
    const bytes = toHex(bundleBytes(context, client, { asked: 5, digests: [D, E] }));
    expect(bytes).toBe(`0d${ascii('pbft/1/bundle')}${CLUSTER}${client}00000005${D}${E}`);
    expect(bytes).not.toBe(toHex(bundleBytes(context, client, { asked: 5, digests: [E, D] })));
    expect(bytes).not.toBe(toHex(bundleBytes(context, client, { asked: EVERYBODY, digests: [D, E] })));
  });

  test('a tree of replies: the number of its leaves and its root', () => {
    const bytes = toHex(replyTreeBytes(context, 5, D));
    expect(bytes).toBe(`11${ascii('pbft/1/reply-tree')}${CLUSTER}0000000000000005${D}`);
  });

  test('a checkpoint: what the proof of a frame with it covers', () => {
    fc.assert(
      fc.property(MESSAGE_OF_TYPE.checkpoint, proof, (checkpoint, evidence) => {
        const decoded = must(decodeFrame(encodeFrame(encodeMessage(checkpoint), evidence), context));
        expect(checkpointBytes(context, checkpoint)).toEqual(decoded.authenticated);
      }),
    );
  });
});

test('a context hashes the same bytes that it would have signed', () => {
  const seen: string[] = [];
  const spy = new CodecContext(CLUSTER, (bytes) => {
    seen.push(toHex(bytes));
    return hash('sha256', bytes, 'hex') as Digest;
  });
  for (const length of [0, 1, 200, 300, 10_000, 5]) {
    const content = Uint8Array.from({ length }, (_, i) => i);
    const digest = spy.digest('x', content);
    const bound = spy.bound('x', content);
    expect(seen.at(-1)).toBe(toHex(bound));
    expect(digest).toBe(hash('sha256', bound, 'hex'));
    expect(spy.bound('x', content, Math.min(1, length), length)).toHaveLength(bound.length - Math.min(1, length));
  }
});
