/** The wire format and the JSON, written out. A change here is a change of protocol version. */
import { EVERYBODY } from './replica-set.ts';
import { describe, expect, test } from 'vitest';
import { CLUSTER, context } from '../../test/support/arbitrary-messages.ts';
import { must } from '../../test/support/must.ts';
import { toHex } from '../base/bytes.ts';
import { NULL_DIGEST, asClientId, asDigest, asReplicaId, asSequence, asView } from '../base/ids.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { hash } from 'node:crypto';
import {
  batchDigest,
  decodeFrame,
  encodeFrame,
  encodeMessage,
  fromJson,
  requestDigest,
  resultDigest,
  toJson,
} from './index.ts';
import type { Batch, Bundle, Message, PrePrepare, Proof, Reply, Request } from './index.ts';

const CLIENT = asClientId('ab'.repeat(32));
const D = asDigest('d1'.repeat(32));
const MAC: Proof = { kind: 'mac', mac: new Uint8Array(16).fill(0xff) };
const SIGNED: Proof = { kind: 'signature', signature: new Uint8Array(64).fill(0xff) };
const MAC_TEXT = 'mac:_____________________w';
const RECEIPT = { leaves: 3, position: 2, siblings: [D], signature: SIGNED.signature };
const SIGNATURE_TEXT = `ed25519:${'_'.repeat(85)}w`;

function utf8(text: string): Uint8Array {
  return encodeUtf8(text) ?? new Uint8Array(0);
}

const request: Request = {
  type: 'request',
  client: CLIENT,
  session: 1_703_401_234_567_000,
  timestamp: 1,
  flags: 0,
  idempotency: undefined,
  operation: utf8('{"operation":"transfer","amount":100}'),
  replier: asReplicaId(0),
};
const digest = requestDigest(context, request);
const bundle: Bundle = { asked: EVERYBODY, digests: [digest], macs: [new Uint8Array(16).fill(0xff)] };
const batch: Batch = {
  timestamp: 1_703_401_234_567,
  flags: 0,
  requests: [{ request, digest, proof: { kind: 'authenticator', bundle, position: 0 } }],
};
const prePrepare: PrePrepare = {
  type: 'pre-prepare',
  view: asView(0),
  sequence: asSequence(1),
  digest: batchDigest(context, batch),
  batch,
};
const reply: Reply = {
  type: 'reply',
  view: asView(0),
  sequence: asSequence(1),
  digest: D,
  replica: asReplicaId(0),
  client: CLIENT,
  session: 5,
  timestamp: 1,
  requestDigest: digest,
  outcome: 'executed',
  resultDigest: resultDigest(context, utf8('{"balance":100}')),
  since: undefined,
  result: utf8('{"balance":100}'),
  receipt: undefined,
};

function wire(message: Message): string {
  return toHex(encodeMessage(message).bytes);
}

function sha256(...hexParts: readonly string[]): string {
  return hash('sha256', Buffer.from(hexParts.join(''), 'hex'), 'hex');
}

function domain(name: string): string {
  return Buffer.from(name).length.toString(16).padStart(2, '0') + Buffer.from(name).toString('hex') + CLUSTER;
}

describe("the first document's four messages", () => {
  test('PRE-PREPARE', () => {
    expect(toJson(prePrepare, MAC)).toEqual({
      type: 'pre-prepare',
      view: 0,
      sequence: 1,
      digest: prePrepare.digest,
      request: { operation: 'transfer', amount: 100 },
      timestamp: 1703401234.567,
      signature: MAC_TEXT,
      request_headers: [
        {
          client: CLIENT,
          session: 1_703_401_234_567_000,
          timestamp: 1,
          replier: 'node1',
          request_digest: digest,
          bundle: 0,
          position: 0,
        },
      ],
      bundles: [{ digests: [digest], macs: [MAC_TEXT] }],
    });
  });

  test('PREPARE', () => {
    const message: Message = {
      type: 'prepare',
      view: asView(0),
      sequence: asSequence(1),
      digest: D,
      replica: asReplicaId(1),
    };
    expect(JSON.stringify(toJson(message, MAC))).toBe(
      `{"type":"prepare","view":0,"sequence":1,"digest":"${D}","node_id":"node2","signature":"${MAC_TEXT}"}`,
    );
  });

  test('COMMIT', () => {
    const message: Message = {
      type: 'commit',
      view: asView(0),
      sequence: asSequence(1),
      digest: D,
      replica: asReplicaId(2),
    };
    expect(JSON.stringify(toJson(message, SIGNED))).toBe(
      `{"type":"commit","view":0,"sequence":1,"digest":"${D}","node_id":"node3","signature":"${SIGNATURE_TEXT}"}`,
    );
  });

  test('REPLY', () => {
    expect(toJson({ ...reply, receipt: RECEIPT }, MAC)).toEqual({
      view: 0,
      sequence: 1,
      result: 'executed',
      node_id: 'node1',
      signature: MAC_TEXT,
      digest: D,
      client: CLIENT,
      session: 5,
      timestamp: 1,
      request_digest: digest,
      result_digest: reply.resultDigest,
      output: { balance: 100 },
      receipt: { leaves: 3, position: 2, siblings: [D], signature: SIGNATURE_TEXT },
    });
    expect(Object.keys(toJson(reply))).not.toContain('type');
    expect(Object.keys(toJson(reply))).not.toContain('signature');
  });
});

describe('batches in JSON', () => {
  test('several requests', () => {
    const second = { ...request, timestamp: 2, operation: utf8('{"operation":"balance"}'), flags: 3 };
    const proof = { kind: 'signature', asked: EVERYBODY, signature: SIGNED.signature } as const;
    const several: Batch = {
      timestamp: 1_500,
      flags: 1,
      requests: [
        { request, digest, proof },
        { request: second, digest: requestDigest(context, second), proof },
      ],
    };
    const json = toJson({ type: 'batch', replica: asReplicaId(3), sequence: asSequence(4), digest: D, batch: several });
    expect(json).toMatchObject({
      type: 'batch',
      timestamp: 1.5,
      flags: ['checkpoint'],
      requests: [{ operation: 'transfer', amount: 100 }, { operation: 'balance' }],
      request_headers: [{ signature: SIGNATURE_TEXT }, { signature: SIGNATURE_TEXT, flags: ['read-only', 'receipt'] }],
    });
    expect(json).not.toHaveProperty('request');
    expect(json).not.toHaveProperty('bundles');
  });

  test('a batch of one is read in either form', () => {
    const { request: only, ...rest } = toJson(prePrepare, MAC);
    expect(must(fromJson({ ...rest, requests: [only ?? null] }, context)).message).toStrictEqual(prePrepare);
  });

  test('the null batch has a digest and nothing else', () => {
    const message: PrePrepare = { ...prePrepare, digest: NULL_DIGEST, batch: undefined };
    const json = { type: 'pre-prepare', view: 0, sequence: 1, digest: NULL_DIGEST };
    expect(toJson(message)).toEqual(json);
    expect(must(fromJson(json, context)).message).toStrictEqual(message);
  });

  test.each<[string, object]>([
    ['a digest without a batch', { digest: D }],
    [
      'the null digest with a batch',
      { digest: NULL_DIGEST, timestamp: 1, requests: [], request_headers: [], flags: ['checkpoint'] },
    ],
  ])('%s is inconsistent', (_, members) => {
    expect(fromJson({ type: 'pre-prepare', view: 0, sequence: 1, ...members }, context)).toEqual({
      ok: false,
      error: { code: 'inconsistent', at: 'batch' },
    });
  });

  test('a batch without requests and flags is none', () => {
    const members = { timestamp: 1, requests: [], request_headers: [] };
    expect(fromJson({ type: 'batch', node_id: 'node1', sequence: 1, digest: D, ...members }, context)).toEqual({
      ok: false,
      error: { code: 'inconsistent', at: 'requests' },
    });
  });

  test.each([1703401234.5674, 0.0001, -1, 1e300, 253_402_300_800])('a time of %d s is refused', (timestamp) => {
    const refused = fromJson({ ...toJson(prePrepare), timestamp }, context);
    expect(refused).toEqual({ ok: false, error: { code: 'out-of-range', at: 'timestamp' } });
  });

  test('a time is part of what the digest covers', () => {
    const refused = fromJson({ ...toJson(prePrepare), timestamp: 1703401234.568 }, context);
    expect(refused).toEqual({ ok: false, error: { code: 'digest-mismatch', at: 'batch' } });
  });
});

describe('bytes', () => {
  const zeros = (count: number): string => '00'.repeat(count);
  const operation = toHex(request.operation);
  const covered = `${CLIENT}00060d3c017f0f58${'0000000000000001'}${'00'}${'00'}${'00000025'}${operation}`;

  test('a request digest', () => {
    expect(digest).toBe(sha256(domain('pbft/1/request-digest'), covered));
  });

  test('a batch digest', () => {
    const timestamp = (1_703_401_234_567).toString(16).padStart(16, '0');
    expect(prePrepare.digest).toBe(sha256(domain('pbft/1/batch-digest'), timestamp, '00', digest));
    expect(batchDigest(context, { ...batch, flags: 1 })).toBe(
      sha256(domain('pbft/1/batch-digest'), timestamp, '01', digest),
    );
  });

  test('a result digest', () => {
    expect(reply.resultDigest).toBe(sha256(domain('pbft/1/result-digest'), toHex(utf8('{"balance":100}'))));
  });

  test('PRE-PREPARE: content, then the batch', () => {
    const timestamp = (1_703_401_234_567).toString(16).padStart(16, '0');
    const list = `0001${covered}00${'02000000'}${zeros(4)}${'0001'}${'01'}${'10'}${'ff'.repeat(16)}`;
    expect(wire(prePrepare)).toBe(`01${zeros(8)}${'0000000000000001'}${prePrepare.digest}01${timestamp}00${list}`);
  });

  test('COMMIT and its proofs', () => {
    const message: Message = {
      type: 'commit',
      view: asView(2 ** 53 - 1),
      sequence: asSequence(2 ** 32),
      digest: D,
      replica: asReplicaId(255),
    };
    const bytes = `03001fffffffffffff0000000100000000${D}ff`;
    const encoded = encodeMessage(message);
    expect(toHex(encoded.bytes)).toBe(bytes);
    expect(toHex(encodeFrame(encoded, { kind: 'none' }))).toBe(`${bytes}00`);
    expect(toHex(encodeFrame(encoded, MAC))).toBe(`${bytes}0110${'ff'.repeat(16)}`);
    expect(toHex(encodeFrame(encoded, SIGNED))).toBe(`${bytes}02${'ff'.repeat(64)}`);
  });

  test('REPLY: content, then result and receipt', () => {
    const content = `05${zeros(8)}0000000000000001${D}00${CLIENT}00000000000000050000000000000001${digest}00${reply.resultDigest}00`;
    expect(wire(reply)).toBe(`${content}010000000f${toHex(utf8('{"balance":100}'))}00`);
    expect(encodeMessage(reply).contentEnd).toBe(content.length / 2);
    const receipt = `01${'0000000000000003'}${'0000000000000002'}01${D}${'ff'.repeat(64)}`;
    expect(wire({ ...reply, receipt: RECEIPT })).toBe(`${wire(reply).slice(0, -2)}${receipt}`);
    const read: Reply = { ...reply, outcome: 'read', sequence: asSequence(9), since: asSequence(7) };
    expect(wire(read)).toContain(`${digest}03${reply.resultDigest}010000000000000007`);
    expect(toJson(read)).toMatchObject({ result: 'read', sequence: 9, since: 7 });
  });

  const place = `${zeros(8)}0000000000000001${D}`;
  const own = `00000000000000050000000000000001${digest}`;

  test('REPLIES: what a reply shares with those before it is not written', () => {
    const other = { outcome: 'replayed', resultDigest: D, result: undefined } as const;
    const read = { outcome: 'read', sequence: asSequence(9), since: asSequence(7), result: undefined } as const;
    const replies = [
      { ...reply, result: undefined },
      { ...reply, result: undefined },
      reply,
      reply,
      { ...reply, ...other },
      { ...reply, receipt: RECEIPT },
      { ...reply, result: undefined, receipt: { ...RECEIPT, position: 1 } },
      { ...reply, ...read },
      { ...reply, ...read },
    ];
    const result = toHex(utf8('{"balance":100}'));
    expect(wire({ type: 'replies', replica: asReplicaId(0), client: CLIENT, replies })).toBe(
      [
        `0600${CLIENT}0009`,
        `03${place}${own}00${reply.resultDigest}`,
        `00${own}`,
        `08${own}0000000f${result}`,
        `10${own}`,
        `02${own}01${D}`,
        `32${own}00${reply.resultDigest}${'0000000000000003'}${'0000000000000002'}01${D}${'ff'.repeat(64)}`,
        `40${own}${'0000000000000001'}01${D}`,
        `07${place.replace('0000000000000001', '0000000000000009')}${own}03${reply.resultDigest}0000000000000007`,
        `00${own}`,
      ].join(''),
    );
  });

  test('REPLIES: under a MAC, or under the signature of a tree', () => {
    const replies: Message = { type: 'replies', replica: asReplicaId(0), client: CLIENT, replies: [reply] };
    const result = toHex(utf8('{"balance":100}'));
    const bytes = `0600${CLIENT}0001${'0b'}${place}${own}00${reply.resultDigest}0000000f${result}`;
    const encoded = encodeMessage(replies);
    expect(toHex(encodeFrame(encoded, MAC))).toBe(`${bytes}0110${'ff'.repeat(16)}`);
    expect(toHex(encodeFrame(encoded, { kind: 'tree', tree: RECEIPT }))).toBe(
      `${bytes}03${'0000000000000003'}${'0000000000000002'}01${D}${'ff'.repeat(64)}`,
    );
    const { receipt, ...json } = toJson({ ...reply, receipt: RECEIPT });
    expect(toJson(replies, { kind: 'tree', tree: RECEIPT })).toEqual({
      type: 'replies',
      node_id: 'node1',
      client: CLIENT,
      replies: [json],
      tree_signature: receipt,
    });
  });

  test('STATUS', () => {
    const status: Message = {
      type: 'status',
      replica: asReplicaId(1),
      view: asView(2),
      inViewChange: true,
      lowWaterMark: asSequence(3),
      lastExecuted: asSequence(4),
      slots: [{ sequence: asSequence(5), prepared: true, committed: false }],
    };
    expect(wire(status)).toBe(
      `0801${'0000000000000002'}01${'0000000000000003'}${'0000000000000004'}0001${'0000000000000005'}0100`,
    );
    expect(toJson(status)).toEqual({
      type: 'status',
      node_id: 'node2',
      view: 2,
      in_view_change: true,
      low_water_mark: 3,
      last_executed: 4,
      slots: [{ sequence: 5, prepared: true, committed: false }],
    });
  });
});

test('QUERY-STABLE and REPLY-STABLE', () => {
  const query: Message = { type: 'query-stable', replica: asReplicaId(3), nonce: D, recovered: asSequence(9) };
  expect(toHex(encodeMessage(query).bytes)).toBe(`1203${D}0000000000000009`);
  expect(toJson(query)).toEqual({ type: 'query-stable', node_id: 'node4', nonce: D, recovered: 9 });
  const answer: Message = {
    type: 'reply-stable',
    replica: asReplicaId(1),
    nonce: D,
    recovered: asSequence(0),
    taken: asSequence(4),
    prepared: asSequence(6),
    entered: asView(2),
    viewChange: undefined,
  };
  const content = `1301${D}${'0000000000000000'}${'0000000000000004'}${'0000000000000006'}${'0000000000000002'}`;
  const encoded = encodeMessage(answer);
  expect(toHex(encoded.bytes)).toBe(`${content}00`);
  expect(encoded.contentEnd).toBe(content.length / 2);
});

test('a reply whose result is not the one of its digest is refused', () => {
  const lie = encodeMessage({ ...reply, result: utf8('{"balance":999}') });
  expect(decodeFrame(encodeFrame(lie, MAC), context)).toEqual({
    ok: false,
    error: { code: 'digest-mismatch', at: 'result' },
  });
  expect(fromJson({ ...toJson(reply), output: { balance: 999 } }, context)).toEqual({
    ok: false,
    error: { code: 'digest-mismatch', at: 'result' },
  });
});

test('replies of another replica or client do not hide among others', () => {
  const json = toJson({ type: 'replies', replica: asReplicaId(0), client: CLIENT, replies: [reply, reply] });
  expect(fromJson(json, context).ok).toBe(true);
  const refused = { ok: false, error: { code: 'inconsistent', at: 'replies[0]' } };
  expect(fromJson({ ...json, node_id: 'node2' }, context)).toEqual(refused);
  expect(fromJson({ ...json, client: 'ac'.repeat(32) }, context)).toEqual(refused);
});
