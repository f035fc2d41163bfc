import { describe, expect, test } from 'vitest';
import { asDigest, asReplicaId, asSequence, asView } from '../base/ids.ts';
import { BATCH_CHECKPOINT, CodecContext, NO_PROOF, decodeFrame, encodeFrame } from '../messages/index.ts';
import type { Message } from '../messages/index.ts';
import { portableSha256 } from './ideal-authenticator.ts';
import {
  attempt,
  changedBytes,
  changedMessage,
  encodeAnything,
  fieldAt,
  fieldsOf,
  withField,
  withFreshDigests,
} from './mutations.ts';
import { Random } from './random.ts';

const codec = new CodecContext(asDigest('5e'.repeat(32)), portableSha256);
const digest = asDigest('ab'.repeat(32));
const prepare: Message = {
  type: 'prepare',
  view: asView(3),
  sequence: asSequence(7),
  digest,
  replica: asReplicaId(1),
};
const decided: Message = {
  type: 'decided',
  replica: asReplicaId(2),
  decisions: [1, 2, 3].map((sequence) => ({ sequence: asSequence(sequence), digest })),
};
const other: Message = { ...prepare, view: asView(90), sequence: asSequence(700), digest: asDigest('cd'.repeat(32)) };

function changes(message: Message, others: readonly Message[], count = 400): readonly unknown[] {
  const random = new Random(1, 'mutations');
  return Array.from({ length: count }, () => changedMessage(random, message, others));
}

describe('fields', () => {
  test('are found by their paths, in objects and lists', () => {
    expect(fieldsOf({ a: 1, b: [{ c: 2 }] })).toEqual([['a'], ['b'], ['b', 0], ['b', 0, 'c']]);
    expect(fieldAt(decided, ['decisions', 1, 'sequence'])).toBe(2);
    expect(fieldAt(decided, ['decisions', 9, 'sequence'])).toBeUndefined();
  });

  test('are replaced in a copy', () => {
    const before = structuredClone(decided);
    expect(fieldAt(withField(decided, ['decisions', 1, 'sequence'], 5), ['decisions', 1, 'sequence'])).toBe(5);
    expect(decided).toEqual(before);
  });
});

describe('changedMessage', () => {
  test('changes one member at a time, each of them in the end, never the type', () => {
    const changed = new Set<string>();
    for (const message of changes(prepare, [])) {
      const differing = Object.entries(prepare).filter(([name, value]) => fieldAt(message, [name]) !== value);
      expect(differing.length).toBeLessThanOrEqual(1);
      for (const [name] of differing) changed.add(name);
    }
    expect([...changed].toSorted()).toEqual(['digest', 'replica', 'sequence', 'view']);
  });

  test("takes another message's value for the same field", () => {
    const messages = changes(prepare, [other]);
    for (const name of ['view', 'sequence', 'digest']) {
      expect(messages.some((message) => fieldAt(message, [name]) === fieldAt(other, [name]))).toBe(true);
    }
  });

  test('cuts, doubles and turns round lists', () => {
    const lists = changes(decided, []).map((message) =>
      [0, 1, 2, 3].map((at) => fieldAt(message, ['decisions', at, 'sequence'])).filter((value) => value !== undefined),
    );
    expect(lists).toContainEqual([1, 3]);
    expect(lists).toContainEqual([1, 2]);
    expect(lists).toContainEqual([1, 1, 2, 3]);
    expect(lists).toContainEqual([3, 2, 1]);
  });
});

test('bytes differ afterwards, in a bit or in their length', () => {
  const random = new Random(1, 'bytes');
  const bytes = Uint8Array.of(1, 2, 3, 4);
  for (let round = 0; round < 200; round += 1) expect(changedBytes(random, bytes)).not.toEqual(bytes);
  expect(changedBytes(random, new Uint8Array(0))).toEqual(Uint8Array.of(1));
  expect(bytes).toEqual(Uint8Array.of(1, 2, 3, 4));
});

describe('encodeAnything', () => {
  test('gives what decodes, or nothing, and never throws', () => {
    let encodable = 0;
    for (const message of [...changes(prepare, [other]), ...changes(decided, [prepare])]) {
      const made = encodeAnything(message);
      if (made === undefined) continue;
      encodable += 1;
      expect(() => decodeFrame(encodeFrame(made.encoded, NO_PROOF), codec)).not.toThrow();
    }
    expect(encodable).toBeGreaterThan(200);
  });

  test('knows no unregistered type', () => {
    expect(encodeAnything({ ...prepare, type: 'gossip' })).toBeUndefined();
    expect(encodeAnything(undefined)).toBeUndefined();
  });

  test('an error that is none of the codec is not hidden', () => {
    const bug = new Error('a bug');
    expect(() =>
      attempt(() => {
        throw bug;
      }),
    ).toThrow(bug);
  });
});

test('a changed batch gets the digest that it has now', () => {
  const batch = { timestamp: 5, flags: BATCH_CHECKPOINT, requests: [] };
  const message = { type: 'batch', replica: asReplicaId(1), sequence: asSequence(1), digest, batch } as const;
  const fresh = withFreshDigests(codec, withField(message, ['batch', 'timestamp'], 6));
  const made = encodeAnything(fresh);
  expect(made).toBeDefined();
  if (made === undefined) return;
  const decoded = decodeFrame(encodeFrame(made.encoded, NO_PROOF), codec);
  expect(decoded.ok && fieldAt(decoded.value.message, ['batch', 'timestamp'])).toBe(6);
  expect(fieldAt(fresh, ['digest'])).not.toBe(digest);
});
