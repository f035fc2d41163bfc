// The behaviours that differ in when they speak, how often and to whom, and the one that is wrong about state.
import { describe, expect, test } from 'vitest';
import { asReplicaId, asSequence, asView, NULL_DIGEST } from '../base/ids.ts';
import type { Message, State, ViewChange } from '../messages/index.ts';
import { clientOfReplica } from '../protocol/replica-client.ts';
import type { Input } from '../protocol/input.ts';
import type { Output } from '../protocol/output.ts';
import {
  authentic,
  batch,
  CLIENT,
  cluster,
  contextOf,
  DIGEST,
  isWellFormed,
  make,
  NOW,
  OTHER_CLIENT,
  persist,
  place,
  received,
  reply,
  request,
  rewrite,
  sending,
  SIGNATURE,
  statusOf,
  TIMEOUT_US,
  vote,
} from '../../test/support/behaviour-kit.ts';
import { admitted, BEHAVIOUR_NAMES, makeBehaviour } from './index.ts';
import type { Behaviour } from './index.ts';

const SECOND_US = 1_000_000;
const hisRequest = { ...authentic, request: { ...request, client: OTHER_CLIENT } };

function message(author: number, signature?: Uint8Array): Extract<Input, { kind: 'message' }> {
  return {
    kind: 'message',
    message: { type: 'prepare', ...place, digest: DIGEST, replica: asReplicaId(author) },
    author: asReplicaId(author),
    signature,
    requests: [],
  };
}

function requests(
  from: Extract<Input, { kind: 'requests' }>['from'],
  ...entries: readonly (typeof authentic)[]
): Input {
  return { kind: 'requests', from, requests: entries.map((entry) => ({ request: entry, verified: 'signature' })) };
}

/** What it sends by itself from 0 to `us`, woken every 10 ms. */
function unasked(liar: Behaviour, us: number, self = 1): readonly Extract<Output, { kind: 'send' }>[] {
  const sent: Extract<Output, { kind: 'send' }>[] = [];
  for (let monotonic = 0; monotonic <= us; monotonic += 10_000) {
    for (const output of liar.rewrite({ ...NOW, monotonic }, [], statusOf(self)))
      if (output.kind === 'send') sent.push(output);
  }
  return sent;
}

test.each(BEHAVIOUR_NAMES)('%s never stops the clock of its replica', (name) => {
  expect(admitted(make(name, 1), { kind: 'timeout' })).toEqual({ kind: 'timeout' });
});

test('a correct replica hears everything', () => {
  expect(admitted(undefined, message(2))).toEqual(message(2));
});

test.each(BEHAVIOUR_NAMES.filter((name) => name !== 'slow'))('%s is late with nothing', (name) => {
  expect(make(name, 1).delayUs).toBe(0);
});

describe('slow', () => {
  test.each([0, 1, 2, 3])('variant %i is late by less than the timeout, and by half of it at least', (variant) => {
    const { delayUs } = make('slow', 1, variant);
    expect(delayUs).toBeLessThan(TIMEOUT_US);
    expect(delayUs).toBeGreaterThanOrEqual(TIMEOUT_US / 2);
    expect(Number.isInteger(delayUs)).toBe(true);
  });

  test('is as late as somebody says, whatever the timeout', () => {
    const slow = makeBehaviour('slow', { ...contextOf(1), delayUs: 10_000 });
    expect(slow.delayUs).toBe(10_000);
  });

  test('says what its replica says', () => {
    const outputs = [persist, sending(1, vote('commit', 1)), { kind: 'reply', reply, isSigned: false } as const];
    expect(rewrite(make('slow', 1), 1, ...outputs)).toEqual(outputs);
  });
});

describe('selective', () => {
  const { length: clients } = cluster.clients;

  test('node4 is sent nothing and not heard, all others are', () => {
    const liar = make('selective', 1);
    const told = received(rewrite(liar, 1, sending(1, vote('prepare', 1))));
    expect(told.map(([to]) => to)).toEqual([0, 2]);
    for (const input of [
      message(3),
      requests(asReplicaId(3), authentic),
      { kind: 'connected', peer: asReplicaId(3) } as const,
    ])
      expect(admitted(liar, input)).toBeUndefined();
    for (const input of [message(0), message(2), requests(CLIENT, authentic)])
      expect(admitted(liar, input)).toBe(input);
  });

  test('a CHECKPOINT of node4 is heard, whoever passes it on: its replica must be able to follow', () => {
    const checkpoint: Input = {
      ...message(3, SIGNATURE),
      message: { type: 'checkpoint', sequence: asSequence(8), root: DIGEST, replica: asReplicaId(3) },
    };
    expect(admitted(make('selective', 1), checkpoint)).toBe(checkpoint);
  });

  test('what was for node4 alone does not leave', () => {
    const output: Output = { kind: 'send', to: [asReplicaId(3)], message: vote('commit', 1), signature: undefined };
    expect(rewrite(make('selective', 1), 1, output)).toEqual([]);
  });

  test('the variants ignore each other replica, then each client, once', () => {
    const ignored = Array.from({ length: 3 + clients }, (_, variant) => {
      const liar = make('selective', 1, variant);
      const parties = [0, 2, 3].filter((author) => admitted(liar, message(author)) === undefined).map(String);
      return [...parties, ...cluster.clients.filter((id) => admitted(liar, requests(id, authentic)) === undefined)];
    });
    expect(ignored).toEqual([['3'], ['2'], ['0'], [OTHER_CLIENT], [CLIENT]]);
  });

  test('a client that is ignored gets no answer, and what a node passes on of it is heard', () => {
    const liar = make('selective', 1, 4);
    expect(rewrite(liar, 1, { kind: 'reply', reply, isSigned: false })).toEqual([]);
    expect(
      rewrite(liar, 1, { kind: 'reply', reply: { ...reply, client: OTHER_CLIENT }, isSigned: false }),
    ).toHaveLength(1);
    expect(admitted(liar, requests(asReplicaId(2), authentic))).toBeDefined();
  });
});

describe('wrong-state', () => {
  const checkpoint: Message = { type: 'checkpoint', sequence: asSequence(8), root: DIGEST, replica: asReplicaId(1) };
  const entries = ['a', 'b'].map((key) => ({ key: Uint8Array.from(Buffer.from(key)), value: Uint8Array.of(1, 2) }));
  const address = { path: NULL_DIGEST, depth: 0, hash: DIGEST };
  const leaves = { address, entries, nodes: [] };
  const inner = { address, entries: [], nodes: [0, 1].map((bit) => ({ bit, left: DIGEST, right: DIGEST })) };
  const answer: State = {
    type: 'state',
    replica: asReplicaId(1),
    sequence: asSequence(8),
    root: DIGEST,
    held: true,
    subtrees: [leaves, inner],
  };
  const told = (variant: number, original: Message): Message | undefined =>
    received(rewrite(make('wrong-state', 1, variant), 1, sending(1, original)))[0]?.[1];

  test('its own CHECKPOINT has another root, signed by itself; others keep theirs', () => {
    const [own] = rewrite(make('wrong-state', 1), 1, sending(1, checkpoint, new Uint8Array(64)));
    expect(own).toMatchObject({ signature: SIGNATURE, message: { sequence: 8, replica: 1 } });
    expect(own).not.toMatchObject({ message: { root: DIGEST } });
    const passedOn = sending(1, { ...checkpoint, replica: asReplicaId(2) }, new Uint8Array(64));
    expect(rewrite(make('wrong-state', 1), 1, passedOn)).toEqual([passedOn]);
  });

  const altered = { ...leaves, entries: [{ ...entries[0], value: Uint8Array.of(1, 3) }, entries[1]] };
  test.each([
    [0, { held: true, subtrees: [altered, inner] }],
    [1, { held: true, subtrees: [altered, inner] }],
    [2, { held: true, subtrees: [{ ...leaves, entries: [entries[1]] }, inner] }],
    [3, { held: false, subtrees: [] }],
    [4, { held: true, subtrees: [] }],
  ])('variant %i of an answer is wrong in its own way, and well-formed', (variant, expected) => {
    const wrong = told(variant, answer);
    expect(wrong).toEqual({ ...answer, ...expected });
    expect(wrong !== undefined && isWellFormed(wrong)).toBe(true);
  });

  test.each([0, 1, 2])('variant %i falsifies inner nodes too', (variant) => {
    const wrong = told(variant, { ...answer, subtrees: [inner] });
    expect(wrong).not.toEqual({ ...answer, subtrees: [inner] });
    expect(wrong !== undefined && isWellFormed(wrong)).toBe(true);
  });

  test.each([1, 2, 3, 4])('variant %i signs what is so: else nobody would ask it for state', (variant) => {
    expect(told(variant, checkpoint)).toEqual(checkpoint);
  });

  test('its own VIEW-CHANGE has a stable checkpoint that there never was, valid but for its proof', () => {
    const liar = make('wrong-state', 1);
    const original: ViewChange = {
      type: 'view-change',
      view: asView(1),
      lowWaterMark: asSequence(0),
      root: NULL_DIGEST,
      checkpoints: [],
      prepared: [],
      prePrepared: [{ sequence: asSequence(1), digest: DIGEST, view: asView(0) }],
      replica: asReplicaId(1),
      stableProof: [],
    };
    const [, told] = received(rewrite(liar, 1, sending(1, original, new Uint8Array(64))))[0] ?? [];
    expect(told).toMatchObject({ type: 'view-change', lowWaterMark: 128, prePrepared: [] });
    expect(told?.type === 'view-change' && told.stableProof.map(({ checkpoint }) => checkpoint.replica)).toEqual([
      0, 1, 2, 3,
    ]);
    expect(told !== undefined && isWellFormed(told)).toBe(true);
    const passedOn = sending(1, { ...original, replica: asReplicaId(2) }, new Uint8Array(64));
    expect(rewrite(liar, 1, passedOn)).toEqual([passedOn]);
  });

  test('votes and what it does not hold are told truly', () => {
    const none: State = { ...answer, held: false, subtrees: [] };
    for (const variant of [0, 1, 2, 3, 4]) {
      expect(told(variant, none)).toEqual(none);
      expect(told(variant, vote('commit', 1))).toEqual(vote('commit', 1));
    }
  });
});

describe('replay', () => {
  test('says again what it said, with its signature', () => {
    const liar = make('replay', 1);
    const commit = sending(1, vote('commit', 1), SIGNATURE);
    const [first, ...again] = rewrite(liar, 1, commit);
    expect(first).toEqual(commit);
    expect(again).toContainEqual(commit);
  });

  test('says again what others said, as they signed it, to all but themselves, and what clients asked', () => {
    const liar = make('replay', 1);
    admitted(liar, message(2, SIGNATURE));
    admitted(liar, requests(CLIENT, authentic));
    const sent = unasked(liar, SECOND_US);
    const theirs = sent.filter((output) => output.message.type === 'prepare');
    expect(theirs.length).toBeGreaterThan(1);
    for (const output of theirs)
      expect(output).toEqual({ kind: 'send', to: [0, 3], message: message(2).message, signature: SIGNATURE });
    const asked = sent.find((output) => output.message.type === 'requests');
    expect(asked?.message).toEqual({ type: 'requests', requests: [authentic] });
  });

  test('forgets neither its first nor its last words, and STATUS crowds nothing out', () => {
    const liar = make('replay', 1);
    const commitAt = (sequence: number): Output =>
      sending(1, { ...vote('commit', 1), sequence: asSequence(sequence) } as Message);
    const status: Message = {
      type: 'status',
      replica: asReplicaId(1),
      view: place.view,
      inViewChange: false,
      lowWaterMark: asSequence(0),
      lastExecuted: asSequence(0),
      slots: [],
    };
    for (let sequence = 1; sequence <= 500; sequence += 1) rewrite(liar, 1, commitAt(sequence));
    for (let count = 0; count < 500; count += 1) rewrite(liar, 1, sending(1, status));
    const sent = unasked(liar, 10 * SECOND_US).map((output) => output.message);
    const numbers = new Set(sent.map((told) => ('sequence' in told ? told.sequence : 0)));
    expect(numbers).toContain(1);
    expect(numbers).toContain(500);
    expect(numbers.size).toBeLessThanOrEqual(48);
  });

  test("a client's request is played eight times, then no more", () => {
    const liar = make('replay', 1);
    admitted(liar, requests(CLIENT, authentic));
    const sent = unasked(liar, 5 * SECOND_US).filter((output) => output.message.type === 'requests');
    expect(sent).toHaveLength(8);
    expect(unasked(liar, 5 * SECOND_US)).toEqual([]);
  });

  test('an odd variant plays to one after the other', () => {
    const liar = make('replay', 1, 1);
    rewrite(liar, 1, sending(1, vote('commit', 1)));
    const receivers = unasked(liar, SECOND_US).map((output) => output.to);
    expect(receivers.every((to) => to.length === 1)).toBe(true);
    expect(new Set(receivers.flat())).toEqual(new Set([0, 2, 3].map(asReplicaId)));
  });

  test('40 a second and 4 at once, whatever happens', () => {
    const liar = make('replay', 1);
    rewrite(liar, 1, sending(1, vote('commit', 1)));
    admitted(liar, message(2, SIGNATURE));
    expect(unasked(liar, 0).length).toBeLessThanOrEqual(4);
    expect(unasked(liar, 10 * SECOND_US).length).toBeLessThanOrEqual(404);
  });
});

describe('flood', () => {
  test('200 messages a second and 24 at once to every other node, beside what its replica says', () => {
    const liar = make('flood', 1);
    rewrite(liar, 1, persist);
    const sent = unasked(liar, 10 * SECOND_US);
    expect(sent.length).toBeGreaterThan(1900);
    expect(sent.length).toBeLessThanOrEqual(2024);
    for (const output of sent) expect(output.to).toEqual([0, 2, 3].map(asReplicaId));
    const commit = sending(1, vote('commit', 1));
    expect(rewrite(make('flood', 1), 1, commit)[0]).toEqual(commit);
  });

  test('a clock that starts anew gives nothing away', () => {
    const liar = make('flood', 1);
    const at = (monotonic: number): number => liar.rewrite({ ...NOW, monotonic }, [], statusOf(1)).length;
    at(5 * SECOND_US);
    expect(at(0)).toBe(0);
    expect(at(SECOND_US)).toBeLessThanOrEqual(24);
  });

  test('asks for what it could get, claims what nobody reached, and sends what nobody can use', () => {
    const liar = make('flood', 1);
    rewrite(liar, 1, persist);
    const sent = unasked(liar, SECOND_US).map((output) => output.message);
    expect(new Set(sent.map(({ type }) => type))).toEqual(
      new Set([
        'status',
        'fetch',
        'fetch-state',
        'prepare',
        'commit',
        'checkpoint',
        'decided',
        'complaint',
        'batch',
        'requests',
        'query-stable',
      ]),
    );
    const votes = sent.flatMap((told) => (told.type === 'prepare' || told.type === 'commit' ? [told.sequence] : []));
    expect(Math.min(...votes)).toBeGreaterThan(statusOf(1).highWaterMark);
    expect(sent).toContainEqual(expect.objectContaining({ type: 'commit', replica: 2 }));
    expect(sent.some((told) => told.type === 'batch' && !isWellFormed(told))).toBe(true);
    expect(sent.some((told) => told.type === 'batch' && isWellFormed(told))).toBe(true);
  });

  test.each([
    [1, true],
    [2, false],
  ])('variant %i: only what is well-formed and authentic: %s', (variant, isValid) => {
    const liar = make('flood', 1, variant);
    rewrite(liar, 1, persist);
    const sent = unasked(liar, SECOND_US).map((output) => output.message);
    expect(sent.length).toBeGreaterThan(0);
    for (const told of sent) {
      const isOwn =
        told.type === 'requests'
          ? told.requests.every(({ request }) => request.client === clientOfReplica(asReplicaId(1)))
          : 'replica' in told && told.replica === 1;
      expect([told.type, isOwn && isWellFormed(told)]).toEqual([told.type, isValid]);
    }
  });

  test('its own CHECKPOINTs are signed', () => {
    const sent = unasked(make('flood', 1), SECOND_US).filter((output) => output.message.type === 'checkpoint');
    expect(sent.length).toBeGreaterThan(0);
    for (const output of sent) expect(output).toMatchObject({ signature: SIGNATURE, message: { replica: 1 } });
  });
});

describe('censor', () => {
  test('the client with the lowest id is not heard, whoever passes it on; others in the same frame are', () => {
    const liar = make('censor', 0);
    expect(admitted(liar, requests(OTHER_CLIENT, hisRequest))).toBeUndefined();
    expect(admitted(liar, requests(asReplicaId(2), hisRequest, authentic))).toEqual(
      requests(asReplicaId(2), authentic),
    );
    expect(admitted(liar, requests(CLIENT, authentic))).toEqual(requests(CLIENT, authentic));
    expect(admitted(liar, message(2))).toBeDefined();
  });

  test('another variant censors another client', () => {
    const liar = make('censor', 0, 1);
    expect(admitted(liar, requests(CLIENT, authentic))).toBeUndefined();
    expect(admitted(liar, requests(OTHER_CLIENT, hisRequest))).toBeDefined();
  });

  test('nothing of that client is passed on or answered, and batches that hold it are voted on', () => {
    const liar = make('censor', 1);
    const his: Output = { kind: 'reply', reply: { ...reply, client: OTHER_CLIENT }, isSigned: false };
    const hers: Output = { kind: 'reply', reply, isSigned: false };
    const passedOn = (...entries: readonly (typeof authentic)[]): Output => ({
      kind: 'send',
      to: [asReplicaId(0)],
      message: { type: 'requests', requests: entries },
      signature: undefined,
    });
    const voted = sending(1, vote('prepare', 1));
    expect(rewrite(liar, 1, his, hers, passedOn(hisRequest), passedOn(hisRequest, authentic), voted)).toEqual([
      hers,
      passedOn(authentic),
      voted,
    ]);
    const proposal: Input = {
      kind: 'message',
      message: { type: 'pre-prepare', ...place, digest: DIGEST, batch: { ...batch, requests: [hisRequest] } },
      author: asReplicaId(0),
      signature: undefined,
      requests: ['mac'],
    };
    expect(admitted(liar, proposal)).toBe(proposal);
  });
});
