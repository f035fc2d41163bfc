import { describe, expect, test } from 'vitest';
import {
  authentic,
  batch,
  codec,
  contextOf,
  isWellFormed,
  place,
  prePrepare,
  received,
  reply,
  rewrite,
  sending,
  SIGNATURE,
  vote,
} from '../../test/support/behaviour-kit.ts';
import { asReplicaId } from '../base/ids.ts';
import { askedBy, batchDigest, replicaSetOf } from '../messages/index.ts';
import type { AuthenticatedRequest, Message, RequestProof } from '../messages/index.ts';
import { ALTERATIONS, makeAlterAsked } from './alter-asked.ts';
import { Coverage } from './coverage.ts';
import { Random } from './random.ts';

const SOME = replicaSetOf([asReplicaId(1), asReplicaId(2)]);
const signed: RequestProof = { kind: 'signature', asked: SOME, signature: SIGNATURE };

function requestsOf(message: Message): readonly AuthenticatedRequest[] {
  if (message.type === 'requests') return message.requests;
  return message.type === 'pre-prepare' || message.type === 'batch' ? (message.batch?.requests ?? []) : [];
}

function withProof(message: Message, proof: RequestProof): Message {
  const requests = requestsOf(message).map((entry) => ({ ...entry, proof }));
  if (message.type === 'requests') return { ...message, requests };
  if (message.type !== 'pre-prepare' && message.type !== 'batch') return message;
  return message.batch === undefined ? message : { ...message, batch: { ...message.batch, requests } };
}

const body: Message = {
  type: 'batch',
  replica: asReplicaId(1),
  sequence: place.sequence,
  digest: batchDigest(codec, batch),
  batch,
};
const requests: Message = { type: 'requests', requests: [authentic] };

/** What leaves of so many messages, and what was counted. */
function lies(self: number, message: Message, signature?: Uint8Array): [ReturnType<typeof received>, Coverage] {
  const coverage = new Coverage();
  const liar = makeAlterAsked(contextOf(self), new Random(1, 'asked'), coverage);
  const outputs = Array.from({ length: 60 }, () => rewrite(liar, self, sending(self, message, signature))).flat();
  return [received(outputs), coverage];
}

describe.each([
  ['pre-prepare', 0, prePrepare],
  ['batch', 1, body],
  ['requests', 1, requests],
] as const)('in %s', (type, self, message) => {
  test.each([
    ['bundle', authentic.proof],
    ['signature', signed],
  ] as const)('the %s asks others, and nothing else is changed', (kind, proof) => {
    const [told, coverage] = lies(self, withProof(message, proof));
    const sets = told.map(([, lie]) => requestsOf(lie).map((entry) => askedBy(entry.proof)));
    expect(new Set(sets.flat()).size).toBeGreaterThan(3);
    expect(sets.flat()).toContain(replicaSetOf([asReplicaId(self)]));
    expect(told.every(([, lie]) => isWellFormed(lie))).toBe(true);
    const restored = told.map(([, lie]) => withProof(lie, proof));
    expect(restored.every((lie) => JSON.stringify(lie) === JSON.stringify(withProof(message, proof)))).toBe(true);
    expect(coverage.of('asked altered', `${type}: ${kind}`)).toBeGreaterThan(20);
  });

  test('everybody gets something each time', () => {
    const [told] = lies(self, message);
    for (const to of [0, 1, 2, 3].filter((index) => index !== self))
      expect(told.filter(([receiver]) => receiver === to).length).toBeGreaterThanOrEqual(60);
  });
});

test('a PRE-PREPARE of another primary keeps the seal that it has', () => {
  const liar = makeAlterAsked(contextOf(1), new Random(1, 'asked'), new Coverage());
  const output = sending(1, withProof(prePrepare, signed), SIGNATURE);
  const outputs = Array.from({ length: 20 }, () => rewrite(liar, 1, output)).flat();
  expect(outputs.every((lie) => lie.kind === 'send' && lie.signature === SIGNATURE)).toBe(true);
  expect(lies(1, prePrepare, SIGNATURE)[1].of('asked altered', "another primary's pre-prepare")).toBeGreaterThan(0);
});

test('two copies can each be true where the other one is not', () => {
  const two = { ...batch, requests: [authentic, { ...authentic, proof: signed }] };
  const liar = makeAlterAsked(contextOf(0), new Random(3, 'asked'), new Coverage());
  const message: Message = { type: 'requests', requests: two.requests };
  const truths = Array.from({ length: 60 }, () => rewrite(liar, 0, sending(0, message)))
    .flat()
    .map((output) => {
      const [first, second] = output.kind === 'send' ? requestsOf(output.message) : [];
      return `${first?.proof === authentic.proof} ${second?.proof === signed}`;
    });
  expect(new Set(truths)).toEqual(new Set(['true true', 'true false', 'false true', 'false false']));
});

test('what holds no requests is left alone, and what answers clients by an even variant', () => {
  const answer = { kind: 'reply', reply, isSigned: false } as const;
  const outputs = [sending(1, vote('prepare', 1)), answer];
  const even = makeAlterAsked(contextOf(1), new Random(1, 'asked'), new Coverage());
  const odd = makeAlterAsked(contextOf(1, 1), new Random(1, 'asked'), new Coverage());
  expect(rewrite(even, 1, ...outputs)).toEqual(outputs);
  expect(rewrite(odd, 1, ...outputs)).toEqual(outputs.slice(0, 1));
});

test('everything that is counted is listed', () => {
  const counted = [prePrepare, body, requests].flatMap((message) =>
    Object.keys(lies(1, message, SIGNATURE)[1].counts()['asked altered'] ?? {}),
  );
  expect(counted.filter((name) => !ALTERATIONS.includes(name))).toEqual([]);
});
