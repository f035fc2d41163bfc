import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asClientId, asDigest, asReplicaId, asSequence, asView, NULL_DIGEST } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import { EVERYBODY, batchDigest, CodecContext, requestDigest } from '../messages/index.ts';
import type { Batch, Request, SignedCheckpoint } from '../messages/index.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';
import type { Record } from './record.ts';
import { SUSPICION_KINDS } from './suspicion.ts';

const sha256 = (bytes: Uint8Array): Digest => asDigest(createHash('sha256').update(bytes).digest('hex'));
const codec = new CodecContext(asDigest('1'.repeat(64)), sha256);
const otherCluster = new CodecContext(asDigest('2'.repeat(64)), sha256);

const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const anyBytes = (maxLength: number, minLength = 0): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength, size: 'max' });
const digest = hex.map(asDigest);
const view = fc.maxSafeNat().map(asView);
const sequence = fc.maxSafeNat().map(asSequence);
const replica = fc.nat({ max: 30 }).map(asReplicaId);
const signature = anyBytes(64, 64);

const request: fc.Arbitrary<Request> = fc.record({
  type: fc.constant('request' as const),
  client: hex.map(asClientId),
  session: fc.maxSafeNat(),
  timestamp: fc.maxSafeNat(),
  flags: fc.constant(0),
  idempotency: fc.constant(undefined),
  operation: anyBytes(300),
  replier: replica,
});
const batch: fc.Arbitrary<Batch> = fc
  .record({ timestamp: fc.nat(), requests: fc.array(fc.tuple(request, signature), { minLength: 1, maxLength: 4 }) })
  .map(({ timestamp, requests }) => ({
    timestamp,
    flags: 0,
    requests: requests.map(([value, proof]) => ({
      request: value,
      digest: requestDigest(codec, value),
      proof: { kind: 'signature', asked: EVERYBODY, signature: proof },
    })),
  }));
const slot = fc.record({ view, sequence });
const body = fc.option(batch, { nil: undefined });
const digestOf = (value: Batch | undefined): Digest => (value === undefined ? NULL_DIGEST : batchDigest(codec, value));

const accepted = fc
  .tuple(slot, body, fc.option(signature, { nil: undefined }))
  .map(([place, value, signed]): Record => ({
    kind: 'accepted',
    ...place,
    digest: digestOf(value),
    batch: value,
    signature: signed,
  }));
const prepared = fc.record({ kind: fc.constant('prepared' as const), view, sequence, digest });
const executed = fc.tuple(slot, body, digest).map(([place, value, other]): Record => ({
  kind: 'executed',
  ...place,
  digest: value === undefined ? other : digestOf(value),
  batch: value,
}));
const signedCheckpoint = fc
  .record({ sequence, root: digest, replica, signature })
  .map(({ signature: signed, ...fields }): SignedCheckpoint => ({
    checkpoint: { type: 'checkpoint', ...fields },
    signature: signed,
  }));
const stable = fc
  .tuple(sequence, digest, fc.array(fc.tuple(replica, signature), { minLength: 1, maxLength: 31 }), fc.boolean())
  .map(([at, root, proof, hasState]): Record => ({
    kind: 'stable',
    sequence: at,
    root,
    hasState,
    proof: proof.map(([from, signed]) => ({
      checkpoint: { type: 'checkpoint', sequence: at, root, replica: from },
      signature: signed,
    })),
  }));
const suspicion = fc
  .record({
    node: replica,
    kind: fc.constantFrom(...SUSPICION_KINDS),
    certainty: fc.constantFrom('certain' as const, 'uncertain' as const),
    view,
    sequence,
    firstSeenMs: fc.nat(),
    lastSeenMs: fc.nat(),
    count: fc.nat(),
    evidence: fc.record({
      summary: fc.string({ unit: 'grapheme' }),
      frames: fc.array(anyBytes(200), { maxLength: 5 }),
    }),
  })
  .map((value): Record => ({ kind: 'suspicion', suspicion: value }));

const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });
const recovery = fc.record({
  kind: fc.constant('recovery' as const),
  nonce: digest,
  mark: maybe(sequence),
  session: maybe(fc.nat()),
  barred: maybe(view),
});

const anyRecord: fc.Arbitrary<Record> = fc.oneof(accepted, prepared, executed, stable, suspicion, recovery);

const must = (record: Record): Record => {
  const decoded = decodeRecord(encodeRecord(record), codec);
  if (!decoded.ok) throw new Error(`${decoded.error.code} at ${decoded.error.at}`);
  return decoded.value;
};
const codeOf = (bytes: Uint8Array, context = codec): string => {
  const decoded = decodeRecord(bytes, context);
  return decoded.ok ? 'decoded' : decoded.error.code;
};

describe('stored records', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(must(record)).toEqual(record);
      }),
    );
  });

  it('have one encoding each: what decodes is encoded to the same bytes', () => {
    const altered = fc.tuple(anyRecord, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([record, at, change]) => {
      const bytes = encodeRecord(record);
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ change;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(altered, anyBytes(400)), (bytes) => {
        const decoded = decodeRecord(bytes, codec);
        expect(decoded.ok ? encodeRecord(decoded.value) : bytes).toEqual(bytes);
      }),
    );
  });

  it('are refused when cut or followed by anything', () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(), (record, at) => {
        const bytes = encodeRecord(record);
        expect(decodeRecord(bytes.subarray(0, at % bytes.length), codec).ok).toBe(false);
        expect(codeOf(Uint8Array.from([...bytes, 0]))).toBe('trailing-bytes');
      }),
      { numRuns: 50 },
    );
  });

  it('hold a body only under its own digest, in its own cluster', () => {
    fc.assert(
      fc.property(batch, slot, (value, place) => {
        const record: Record = { kind: 'executed', ...place, digest: digestOf(value), batch: value };
        const bytes = encodeRecord(record);
        expect(codeOf(bytes, otherCluster)).toBe('digest-mismatch');
        expect(codeOf(encodeRecord({ ...record, digest: NULL_DIGEST }))).toBe('digest-mismatch');
      }),
      { numRuns: 20 },
    );
  });

  it('are refused when empty or of an unknown kind', () => {
    expect(codeOf(new Uint8Array(0))).toBe('truncated');
    expect(codeOf(Uint8Array.of(0))).toBe('unknown-type');
    expect(codeOf(Uint8Array.of(99, 1, 2))).toBe('unknown-type');
    // 4 was a checkpoint with its state, which is kept elsewhere now.
    expect(codeOf(Uint8Array.of(4, 1, 2))).toBe('unknown-type');
  });

  it('are asserted to be whole before they are written', () => {
    const place = { view: asView(0), sequence: asSequence(1), digest: NULL_DIGEST };
    const proof = fc.sample(signedCheckpoint, 1);
    expect(() =>
      encodeRecord({
        kind: 'accepted',
        ...place,
        digest: NULL_DIGEST,
        batch: fc.sample(batch, 1)[0],
        signature: undefined,
      }),
    ).toThrow('fields that agree');
    expect(() =>
      encodeRecord({ kind: 'stable', sequence: asSequence(1), root: NULL_DIGEST, proof, hasState: true }),
    ).toThrow('fields that agree');
  });
});
