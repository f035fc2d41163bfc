import { describe, expect, test } from 'vitest';
import { asReplicaId, asSequence, asView } from '../base/ids.ts';
import { batchDigest, decodeFrame, encodeFrame, encodeMessage, resultDigest } from '../messages/index.ts';
import type { Message, Reply } from '../messages/index.ts';
import type { Output } from '../protocol/output.ts';
import {
  authentic,
  batch,
  codec,
  DIGEST,
  isWellFormed,
  make,
  NOW,
  persist,
  prePrepare,
  received,
  reply,
  rewrite,
  sending,
  SIGNATURE,
  vote,
} from '../../test/support/behaviour-kit.ts';
import { BEHAVIOUR_NAMES, isBehaviourName } from './index.ts';

describe('every behaviour', () => {
  const event: Output = { kind: 'event', event: { kind: 'view-entered', view: asView(0), primary: asReplicaId(0) } };
  const truncate: Output = { kind: 'truncate', records: [] };

  test.each(BEHAVIOUR_NAMES)('%s keeps the true log and the events', (name) => {
    const kept = rewrite(make(name, 1), 1, persist, truncate, event);
    expect(kept.filter(({ kind }) => kind !== 'send')).toEqual([persist, truncate, event]);
  });

  test.each(BEHAVIOUR_NAMES)('%s does the same for the same, and changes nothing that it was given', (name) => {
    const outputs = [
      persist,
      sending(1, vote('prepare', 1)),
      sending(1, vote('commit', 1)),
      { kind: 'reply', reply, isSigned: false } as const,
    ];
    const before = structuredClone(outputs);
    expect(rewrite(make(name, 1), 1, ...outputs)).toEqual(rewrite(make(name, 1), 1, ...outputs));
    expect(outputs).toEqual(before);
  });

  test('has a name that is known', () => {
    expect(BEHAVIOUR_NAMES.every(isBehaviourName)).toBe(true);
    expect(isBehaviourName('honest')).toBe(false);
  });
});

describe('corrupt', () => {
  test.each(['prepare', 'commit'] as const)('%s carries another digest, the same for all', (type) => {
    const told = received(rewrite(make('corrupt', 1), 1, sending(1, vote(type, 1))));
    const digests = new Set(told.map(([, message]) => ('digest' in message ? message.digest : undefined)));
    expect(told).toHaveLength(3);
    expect(digests.size).toBe(1);
    expect(digests).not.toContain(DIGEST);
  });

  test('as primary one backup gets an altered request under a digest that fits it', () => {
    const told = received(rewrite(make('corrupt', 0), 0, sending(0, prePrepare)));
    const altered = told.filter(([, message]) => message !== prePrepare);
    expect(altered.map(([to]) => to)).toEqual([3]);
    expect(told.every(([, message]) => isWellFormed(message))).toBe(true);
  });

  test('a body it hands out does not hash to its digest', () => {
    const body: Message = {
      type: 'batch',
      replica: asReplicaId(1),
      sequence: asSequence(1),
      digest: batchDigest(codec, batch),
      batch,
    };
    expect(isWellFormed(body)).toBe(true);
    expect(
      received(rewrite(make('corrupt', 1), 1, sending(1, body))).some(([, message]) => isWellFormed(message)),
    ).toBe(false);
  });

  test('its own CHECKPOINT has another root, signed by itself', () => {
    const checkpoint: Message = { type: 'checkpoint', sequence: asSequence(8), root: DIGEST, replica: asReplicaId(1) };
    const [output] = rewrite(make('corrupt', 1), 1, sending(1, checkpoint, new Uint8Array(64)));
    expect(output).toMatchObject({ kind: 'send', signature: SIGNATURE, message: { sequence: 8, replica: 1 } });
    expect(output).not.toMatchObject({ message: { root: DIGEST } });
  });
});

describe('equivocate', () => {
  test('as primary f backups get another valid batch, and the COMMIT that belongs to it', () => {
    const liar = make('equivocate', 0);
    const proposals = received(rewrite(liar, 0, sending(0, prePrepare)));
    const commits = received(
      rewrite(
        liar,
        0,
        sending(0, {
          ...prePrepare,
          type: 'commit',
          replica: asReplicaId(0),
          digest: batchDigest(codec, batch),
        } as Message),
      ),
    );
    const digestTold = (told: typeof proposals, index: number): unknown => {
      const message = told.find(([to]) => to === index)?.[1];
      return message !== undefined && 'digest' in message ? message.digest : undefined;
    };
    expect(proposals.every(([, message]) => isWellFormed(message))).toBe(true);
    expect([1, 2].map((index) => digestTold(proposals, index))).toEqual([
      batchDigest(codec, batch),
      batchDigest(codec, batch),
    ]);
    expect(digestTold(proposals, 3)).not.toBe(batchDigest(codec, batch));
    for (const index of [1, 2, 3]) expect(digestTold(commits, index)).toBe(digestTold(proposals, index));
  });

  test('as backup half of the nodes get a vote for another digest', () => {
    const told = received(rewrite(make('equivocate', 1), 1, sending(1, vote('prepare', 1))));
    const true_ = told.filter(([, message]) => 'digest' in message && message.digest === DIGEST);
    expect(true_).toHaveLength(1);
    expect(told).toHaveLength(3);
  });
});

describe('lie', () => {
  test('votes for what nobody proposed, once per number', () => {
    const liar = make('lie', 1);
    const first = received(rewrite(liar, 1, { kind: 'truncate', records: [] }));
    expect(new Set(first.map(([, { type }]) => type))).toEqual(new Set(['prepare', 'commit', 'decided']));
    expect(received(rewrite(liar, 1, { kind: 'truncate', records: [] }))).toEqual([]);
  });

  test('says nothing when its replica did nothing', () => {
    expect(rewrite(make('lie', 1), 1)).toEqual([]);
  });

  test('a primary sends no PREPARE, lying or not', () => {
    const told = received(rewrite(make('lie', 0), 0, { kind: 'truncate', records: [] }));
    expect(told.map(([, { type }]) => type)).not.toContain('prepare');
  });

  test('complains about what it accepted', () => {
    const told = received(rewrite(make('lie', 1), 1, persist)).map(([, message]) => message);
    expect(told).toContainEqual(expect.objectContaining({ type: 'complaint', requests: [authentic.digest] }));
  });
});

describe('alter-timestamps', () => {
  test.each([
    [0, 3_600_000],
    [1, -3_600_000],
    [2, 1000],
  ])('variant %i as primary shifts by %i ms, under the digest that belongs to it', (variant, shiftMs) => {
    const [, told] = received(rewrite(make('alter-timestamps', 0, variant), 0, sending(0, prePrepare)))[0] ?? [];
    expect(told).toMatchObject({ batch: { timestamp: NOW.wall + shiftMs } });
    expect(told !== undefined && isWellFormed(told)).toBe(true);
  });

  test('as backup it votes for the batch with another time', () => {
    const shifted = batchDigest(codec, { ...batch, timestamp: batch.timestamp + 3_600_000 });
    const told = received(rewrite(make('alter-timestamps', 1), 1, persist, sending(1, vote('prepare', 1))));
    for (const [, message] of told) expect(message).toMatchObject({ type: 'prepare', digest: shifted });
  });
});

test('silent: nothing leaves', () => {
  expect(
    rewrite(make('silent', 1), 1, sending(1, vote('prepare', 1)), { kind: 'reply', reply, isSigned: false }),
  ).toEqual([]);
});

describe('forge', () => {
  test('every frame has a spoilt proof', () => {
    const frame = encodeFrame(encodeMessage(vote('commit', 1)), { kind: 'mac', mac: new Uint8Array(32) });
    const forged = make('forge', 1).rewriteFrame(frame);
    const decoded = decodeFrame(forged, codec);
    expect(decoded.ok && decoded.value.proof).not.toEqual({ kind: 'mac', mac: new Uint8Array(32) });
    expect(decoded.ok && decoded.value.message).toEqual(vote('commit', 1));
  });

  test("its PREPAREs are told as the neighbour's", () => {
    const told = received(rewrite(make('forge', 3), 3, sending(3, vote('prepare', 3))));
    for (const [, message] of told) expect(message).toMatchObject({ replica: 0 });
  });
});

describe('wrong-reply', () => {
  const told = (original: Reply): unknown => {
    const [output] = rewrite(make('wrong-reply', 1), 1, { kind: 'reply', reply: original, isSigned: false });
    return output?.kind === 'reply' ? output.reply : undefined;
  };

  test('another result, with the digest that belongs to it', () => {
    const result = Uint8Array.of(8);
    expect(told(reply)).toEqual({ ...reply, result, resultDigest: resultDigest(codec, result) });
  });

  test('a digest alone is another digest', () => {
    expect(told({ ...reply, result: undefined })).not.toMatchObject({ resultDigest: reply.resultDigest });
  });

  test('what is to be a receipt stays one to be: it is signed when it leaves, as it is then', () => {
    const [output] = rewrite(make('wrong-reply', 1), 1, { kind: 'reply', reply, isSigned: true });
    expect(output).toMatchObject({ kind: 'reply', isSigned: true, reply: { receipt: undefined } });
  });

  test('what the client table said stays', () => {
    const error: Reply = { ...reply, outcome: 'table-error' };
    expect(told(error)).toEqual(error);
  });
});
