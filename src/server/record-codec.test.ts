import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asClientId, asDigest, asReplicaId, asSequence, asView, NULL_DIGEST } from '../base/ids.ts';
import { batchDigest, CodecContext, requestDigest } from '../messages/index.ts';
import type { Batch, Request, SignedCheckpoint } from '../messages/index.ts';
import type { Record } from '../protocol/record.ts';
import { MemoryState } from '../state/index.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';

const sha256 = (bytes: Uint8Array) => asDigest(createHash('sha256').update(bytes).digest('hex'));
const codec = new CodecContext(asDigest('1'.repeat(64)), sha256);
const foreign = new CodecContext(asDigest('2'.repeat(64)), sha256);
const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

const request: Request = {
  type: 'request',
  client: asClientId('c'.repeat(64)),
  session: 1_700_000_000_000_000,
  timestamp: 1,
  flags: 0,
  idempotency: { scope: '', key: 'k' },
  operation: Uint8Array.from(Buffer.from('{"operation":"transfer","amount":100}')),
  replier: asReplicaId(2),
};
const batch: Batch = {
  timestamp: 1_700_000_000_000,
  flags: 0,
  requests: [{ request, digest: requestDigest(codec, request), proof: { kind: 'signature', signature: bytes(64, 7) } }],
};
const slot = { view: asView(3), sequence: asSequence(17), digest: batchDigest(codec, batch) };
const signed = (replica: number): SignedCheckpoint => ({
  checkpoint: {
    type: 'checkpoint',
    sequence: asSequence(128),
    root: asDigest('d'.repeat(64)),
    replica: asReplicaId(replica),
  },
  signature: bytes(64, replica),
});
const entries = [
  { key: bytes(1, 1), value: bytes(0, 0) },
  { key: bytes(1024, 2), value: bytes(5000, 9) },
];

const RECORDS: readonly Record[] = [
  { kind: 'accepted', ...slot, batch, signature: undefined },
  { kind: 'accepted', ...slot, batch, signature: bytes(64, 5) },
  { kind: 'accepted', ...slot, digest: NULL_DIGEST, batch: undefined, signature: undefined },
  { kind: 'prepared', ...slot },
  { kind: 'executed', ...slot, batch: undefined },
  { kind: 'executed', ...slot, batch },
  { kind: 'checkpoint', checkpoint: signed(1), state: { kind: 'entries', entries } },
  { kind: 'checkpoint', checkpoint: signed(1), state: { kind: 'entries', entries: [] } },
  {
    kind: 'stable',
    sequence: asSequence(128),
    root: asDigest('d'.repeat(64)),
    proof: [signed(0), signed(1), signed(2)],
  },
  {
    kind: 'suspicion',
    suspicion: {
      node: asReplicaId(1),
      kind: 'false-vote',
      certainty: 'certain',
      view: asView(3),
      sequence: asSequence(17),
      firstSeenMs: 1,
      lastSeenMs: 2,
      count: 3,
      evidence: { summary: 'it said “é”', frames: [bytes(10, 1), bytes(0, 0)] },
    },
  },
];

/** What these bytes mean, written again; the bytes themselves when they are refused. */
function reEncoded(some: Uint8Array): Uint8Array {
  const decoded = decodeRecord(some, codec);
  return decoded.ok ? encodeRecord(decoded.value) : some;
}

describe('records', () => {
  it.each(RECORDS.map((record) => [record.kind, record] as const))('a %s comes back as it was', (_, record) => {
    expect(decodeRecord(encodeRecord(record), codec)).toEqual({ ok: true, value: record });
  });

  it('a snapshot is written as its entries, over any number of pages', () => {
    const state = new MemoryState(sha256);
    const transaction = state.begin();
    for (let i = 0; i < 2500; i += 1) transaction.put(Uint8Array.from(Buffer.from(`key ${i}`)), bytes(3, i % 256));
    transaction.commit();
    const snapshot = state.snapshot();
    const decoded = decodeRecord(
      encodeRecord({ kind: 'checkpoint', checkpoint: signed(1), state: { kind: 'snapshot', snapshot } }),
      codec,
    );
    if (!decoded.ok || decoded.value.kind !== 'checkpoint' || decoded.value.state.kind !== 'entries')
      throw new Error('not a checkpoint');
    const restored = new MemoryState(sha256);
    restored.restore(decoded.value.state.entries);
    expect(restored.root()).toBe(snapshot.root);
  });

  it('a record of another cluster is refused', () => {
    expect(decodeRecord(encodeRecord({ kind: 'accepted', ...slot, batch, signature: undefined }), foreign).ok).toBe(
      false,
    );
  });

  it('a cut record is refused, wherever the cut', () => {
    for (const record of RECORDS) {
      const whole = encodeRecord(record);
      for (const length of [0, 1, 4, 5, Math.floor(whole.length / 2), whole.length - 1].filter(
        (cut) => cut < whole.length,
      )) {
        // Cut between two parts, it may be a whole record again; the log's checksum tells it from a cut one.
        expect(reEncoded(whole.slice(0, length))).toEqual(whole.slice(0, length));
      }
    }
  });

  it('any bytes are a record or are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (some) => {
        expect(reEncoded(some)).toEqual(some);
      }),
    );
  });
});
