import { describe, expect, it } from 'vitest';
import { Compile } from 'typebox/compile';
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { MESSAGE_OF_TYPE, context } from '../../test/support/arbitrary-messages.ts';
import { asClientId, asDigest, asReplicaId, asSequence, asView } from '../base/ids.ts';
import { DigestList, encodeFrame, encodeMessage, MESSAGE_TYPES } from '../messages/index.ts';
import type { Message } from '../messages/index.ts';
import type { Event, EventKind } from '../protocol/event.ts';
import { STREAM_EVENT_KINDS, STREAM_EVENTS, StreamEvent } from './events.ts';
import { frameSummary, messageId, messageSummary, toStreamEvent } from './stream-event.ts';

const [VIEW, NUMBER, DIGEST, OTHER] = [asView(3), asSequence(17), asDigest('ab'.repeat(32)), asDigest('cd'.repeat(32))];
const CLIENT = asClientId('0a1b2c3d'.repeat(8));
const NODE = asReplicaId(2);
const PREPARE: Message = { type: 'prepare', view: VIEW, sequence: NUMBER, digest: DIGEST, replica: NODE };
const FRAME = encodeFrame(encodeMessage(PREPARE), { kind: 'mac', mac: new Uint8Array(32).fill(7) });
const HEAD = { id: 'b00t-7', node: 'node1', at_us: 1_700_000_000_000_123 };
const EXECUTED = {
  client: CLIENT,
  session: 5,
  timestamp: 6,
  requestDigest: DIGEST,
  outcome: 'executed',
} as const;

const EVENTS: { readonly [Kind in EventKind]: Extract<Event, { kind: Kind }> } = {
  started: { kind: 'started', view: VIEW, lastExecuted: NUMBER, lowWaterMark: asSequence(0) },
  'view-entered': { kind: 'view-entered', view: VIEW, primary: NODE },
  'view-change-started': { kind: 'view-change-started', view: VIEW, reason: 'joined' },
  'new-view-made': { kind: 'new-view-made', view: VIEW, start: NUMBER, slots: 3, nulls: 1 },
  'request-received': { kind: 'request-received', client: CLIENT, requestDigest: DIGEST, queued: true },
  'pre-prepared': {
    kind: 'pre-prepared',
    view: VIEW,
    sequence: NUMBER,
    digest: DIGEST,
    requests: DigestList.of([OTHER]),
  },
  prepared: { kind: 'prepared', view: VIEW, sequence: NUMBER, digest: DIGEST },
  'tentatively-executed': { kind: 'tentatively-executed', view: VIEW, sequence: NUMBER, digest: DIGEST },
  committed: { kind: 'committed', view: VIEW, sequence: NUMBER, digest: DIGEST },
  decided: { kind: 'decided', sequence: NUMBER, digest: DIGEST, claims: [NODE] },
  executed: {
    kind: 'executed',
    view: VIEW,
    sequence: NUMBER,
    digest: DIGEST,
    timestamp: 1_700_000_000_000_000,
    requests: [EXECUTED],
    count: 1,
    operations: 1,
    outcomes: EXECUTED.outcome,
    digests: DigestList.of([EXECUTED.requestDigest]),
  },
  'checkpoint-taken': { kind: 'checkpoint-taken', sequence: NUMBER, root: DIGEST },
  'checkpoint-stable': { kind: 'checkpoint-stable', sequence: NUMBER, root: DIGEST, replicas: [NODE] },
  'body-missing': { kind: 'body-missing', sequence: NUMBER, digest: DIGEST },
  'body-fetched': { kind: 'body-fetched', sequence: NUMBER, digest: DIGEST },
  buffered: { kind: 'buffered', what: 'timestamp-ahead', sequence: NUMBER },
  complained: { kind: 'complained', view: VIEW, sequence: NUMBER, requests: [DIGEST] },
  'transfer-started': { kind: 'transfer-started', sequence: NUMBER, root: DIGEST, from: [NODE] },
  transferred: { kind: 'transferred', sequence: NUMBER, root: DIGEST, sizeBytes: 9 },
  'state-damaged': { kind: 'state-damaged', reason: 'a page does not hash to its parent' },
  'client-marked': { kind: 'client-marked', client: CLIENT },
  'request-timeout': { kind: 'request-timeout', view: VIEW, requestDigest: undefined, sequence: NUMBER },
  resent: { kind: 'resent', to: NODE, messages: 4 },
  'session-evicted': { kind: 'session-evicted', client: CLIENT, session: 5 },
  suspicion: {
    kind: 'suspicion',
    suspicion: {
      node: NODE,
      kind: 'equivocation',
      certainty: 'certain',
      view: VIEW,
      sequence: NUMBER,
      firstSeenMs: 1,
      lastSeenMs: 2,
      count: 3,
      evidence: { summary: 'two batches for one number', frames: [FRAME] },
    },
  },
  diverged: { kind: 'diverged', sequence: NUMBER, own: DIGEST, stable: OTHER },
  refused: { kind: 'refused', type: 'prepare', from: CLIENT, code: 'not-allowed-here' },
  'recovery-started': { kind: 'recovery-started', mark: undefined },
  'recovery-estimated': { kind: 'recovery-estimated', mark: NUMBER },
  'recovery-ordered': { kind: 'recovery-ordered', replica: NODE, sequence: NUMBER, target: NUMBER },
  recovered: { kind: 'recovered', sequence: NUMBER, barred: VIEW },
  'message-sent': { kind: 'message-sent', to: NODE, message: PREPARE, frame: FRAME },
  'message-received': { kind: 'message-received', from: NODE, message: PREPARE, frame: FRAME },
};

/** Kinds that no core makes. */
const OF_THE_NODE = ['behaviour', 'link', 'hello', 'lost', 'sampled'];

const validator = Compile(StreamEvent);

describe('toStreamEvent', () => {
  it.each(Object.values(EVENTS))('tells $kind as its schema says', (event) => {
    const told = toStreamEvent(event, HEAD);
    expect(told).toMatchObject({ ...HEAD, kind: event.kind });
    expect([...validator.Errors(told)]).toEqual([]);
    // Nothing is lost on the way through JSON: no undefined, no bytes.
    expect(JSON.parse(JSON.stringify(told))).toEqual(told);
  });

  it('knows exactly the kinds of the core and those of the node', () => {
    expect([...STREAM_EVENT_KINDS].toSorted()).toEqual([...Object.keys(EVENTS), ...OF_THE_NODE].toSorted());
  });

  it('lists at most 64 requests, and says how many there are', () => {
    const digests = Array.from({ length: 65 }, () => DIGEST);
    const executed = { ...EVENTS.executed, requests: digests.map(() => EXECUTED) };
    expect(toStreamEvent({ ...EVENTS['pre-prepared'], requests: DigestList.of(digests) }, HEAD)).toMatchObject({
      requests: digests.slice(1),
      request_count: 65,
    });
    const told = toStreamEvent(executed, HEAD);
    expect(told).toMatchObject({ request_count: 65 });
    expect(told.kind === 'executed' && told.requests.length).toBe(64);
  });

  it('names nodes and clients, and shows of a key only its beginning', () => {
    expect(toStreamEvent(EVENTS.refused, HEAD)).toMatchObject({ from: 'client:0a1b2c3d' });
    expect(toStreamEvent({ ...EVENTS.refused, from: NODE }, HEAD)).toMatchObject({ from: 'node3' });
    expect(JSON.stringify(Object.values(EVENTS).map((event) => toStreamEvent(event, HEAD)))).not.toContain(CLIENT);
  });
});

describe('StreamEvent', () => {
  const told = toStreamEvent(EVENTS.prepared, HEAD);

  it.each([
    ['another kind', { ...told, kind: 'finished' }],
    ['a field too many', { ...told, reason: 'x' }],
    ['a field too few', { ...HEAD, kind: 'prepared', view: 3, sequence: 17 }],
    ['a digest that is none', { ...told, digest: 'ab' }],
    ['a node that is none', { ...told, node: 'node0' }],
    ['a negative time', { ...told, at_us: -1 }],
    ['a whole key for a client', { ...toStreamEvent(EVENTS['client-marked'], HEAD), client: `client:${CLIENT}` }],
    ['a sampling of nothing', { ...HEAD, kind: 'sampled', kept: 0, of: 0, since_us: 0 }],
    ['a link that is neither up nor down', { ...HEAD, kind: 'link', peer: 'node2', state: 'slow' }],
  ])('refuses %s', (_, event) => {
    expect(validator.Check(event)).toBe(false);
  });

  it('has a description for every kind', () => {
    for (const schema of STREAM_EVENTS) expect(schema).toHaveProperty('description');
  });
});

describe('messageSummary', () => {
  it.each(MESSAGE_TYPES)('sums up a %s as its schema says, from the message or from its frame', (type) => {
    fc.assert(
      fc.property(MESSAGE_OF_TYPE[type] as Arbitrary<Message>, (message) => {
        const frame = encodeFrame(encodeMessage(message), { kind: 'none' });
        const summary = messageSummary(message, frame);
        expect(summary).toMatchObject({ type, size_bytes: frame.length });
        expect(frameSummary(frame, context)).toEqual(summary);
        expect(validator.Check({ ...HEAD, kind: 'message-sent', to: 'node2', message: summary })).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('is undefined for bytes that are no frame', () => {
    expect(frameSummary(new Uint8Array([255, 1, 2]), context)).toBeUndefined();
    expect(frameSummary(new Uint8Array(0), context)).toBeUndefined();
  });
});

describe('messageId', () => {
  const encoded = encodeMessage(PREPARE);
  const withMac = (byte: number) => encodeFrame(encoded, { kind: 'mac', mac: new Uint8Array(32).fill(byte) });

  it('is the same for every receiver of a message', () => {
    expect(messageId(withMac(1))).toBe(messageId(withMac(2)));
    expect(messageId(withMac(1))).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is another one where the view, the number, the digest, the sender or the type is another', () => {
    const others: Message[] = [
      { ...PREPARE, view: asView(4) },
      { ...PREPARE, sequence: asSequence(18) },
      { ...PREPARE, digest: OTHER },
      { ...PREPARE, replica: asReplicaId(3) },
      { ...PREPARE, type: 'commit' },
    ];
    const ids = [PREPARE, ...others].map((message) =>
      messageId(encodeFrame(encodeMessage(message), { kind: 'mac', mac: new Uint8Array(32) })),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('tells a hundred thousand votes apart', () => {
    const ids = new Set<string>();
    for (let number = 1; number <= 100_000; number += 1) {
      const vote = encodeMessage({ ...PREPARE, sequence: asSequence(number) });
      ids.add(messageId(encodeFrame(vote, { kind: 'none' })));
    }
    expect(ids.size).toBe(100_000);
  });

  it('takes any bytes, a MAC alone among them', () => {
    expect(messageId(new Uint8Array(0))).toMatch(/^[0-9a-f]{16}$/);
    expect(messageId(withMac(1).slice(-34))).not.toBe(messageId(withMac(2).slice(-34)));
  });
});
