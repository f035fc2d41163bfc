// Castro & Liskov, Practical Byzantine Fault Tolerance, OSDI 1999, §4.1 "The Client": each sentence that states a rule.
import { describe, expect, test } from 'vitest';
import { asReplicaId, asView } from '../../src/base/ids.ts';
import {
  SESSION as SESSION_OF_KIT,
  OPERATION,
  T,
  bytes as bytesOf,
  give,
  newSession,
  outcomeOf,
  replyTo,
  sendingOf,
  signed,
  submit,
} from '../support/client-session-kit.ts';
import { Bench } from '../support/bench.ts';
import { ALICE, CoreKit, SESSION, bytes, replica, text } from '../support/core-kit.ts';
import { Rig } from '../support/rig.ts';
import { effectsOf, eventsOfKind, sentOf } from '../support/transcript.ts';
import { resultDigest } from '../../src/messages/index.ts';

describe('OSDI’99 §4.1: the request', () => {
  test('a client asks for an operation by sending REQUEST(operation, timestamp, client), authenticated by it, to the primary', () => {
    const sending = submit(newSession());
    expect(sending.to).toEqual([asReplicaId(0)]);
    expect(sending.request).toMatchObject({ operation: OPERATION, timestamp: 1, session: SESSION_OF_KIT });
    const kit = new CoreKit();
    const rig = new Rig({ self: 0 }, kit);
    expect(sentOf(rig.requests([kit.authenticated('x')], ALICE, 'mac')).map(({ type }) => type)).toEqual([
      'pre-prepare',
    ]);
    expect(sentOf(rig.requests([kit.authenticated('y', { session: SESSION + 1 })], ALICE, 'unverified'))).toEqual([]);
  });

  test('the timestamp gives exactly-once semantics: a request that comes twice, or is ordered twice, executes once', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batchOf('x'));
    rig.decide(2, rig.kit.batchOf('x'));
    const executed = rig.requests([rig.kit.signed('x')]);
    expect(effectsOf(executed)).toEqual(['reply n1 t1 executed x#1']);
  });

  test('timestamps of a client are totally ordered, later requests have higher ones (deviation: 1, 2, 3 … within a session; the clock only numbers the session)', () => {
    const session = newSession();
    const first = submit(session);
    expect(first.request.timestamp).toBe(1);
    give(session, replyTo(first, 0));
    give(session, replyTo(first, 1));
    expect(submit(session).request.timestamp).toBe(2);
    const rig = new Rig();
    rig.decide(1, rig.kit.batchOf('x'));
    const gap = eventsOfKind(rig.decide(2, rig.kit.batchOf('y', { timestamp: 3 })), 'executed');
    expect(gap[0]?.requests[0]?.outcome).toBe('table-error');
  });

  test('a client waits for one request to complete before it sends the next (deviation: one per session, and it may hold many sessions)', () => {
    const session = newSession();
    submit(session);
    expect(session.submit(1, OPERATION, { timeoutUs: 1000 })).toMatchObject({
      ok: false,
      error: { code: 'session_busy' },
    });
    const rig = new Rig({ self: 0 });
    const outputs = rig.requests([rig.kit.signed('x'), rig.kit.signed('y', { session: SESSION + 1 })]);
    expect(sentOf(outputs).filter(({ type }) => type === 'pre-prepare')).not.toEqual([]);
    expect(rig.status.queuedRequests).toBe(2);
  });
});

describe('OSDI’99 §4.1: the view', () => {
  test('every reply includes the current view number', () => {
    const rig = new Rig();
    const replies = rig
      .decide(1, rig.kit.batchOf('x'))
      .flatMap((output) => (output.kind === 'reply' ? [output.reply] : []));
    expect(replies.map(({ view }) => view)).toEqual([asView(0)]);
  });

  test('so that the client tracks the view, and with it the primary it sends to, point to point (deviation: f+1 replicas must name a view)', () => {
    const session = newSession();
    const first = submit(session);
    give(session, replyTo(first, 0, { view: asView(2) }));
    give(session, replyTo(first, 1, { view: asView(2) }));
    expect(submit(session).to).toEqual([asReplicaId(2)]);
    const stubborn = newSession();
    const again = submit(stubborn);
    give(stubborn, replyTo(again, 3, { view: asView(3) }));
    give(stubborn, replyTo(again, 0));
    give(stubborn, replyTo(again, 1));
    expect(submit(stubborn).to).toEqual([asReplicaId(0)]);
  });

  test('the primary multicasts the request to all the backups', () => {
    const rig = new Rig({ self: 0 });
    const lines = effectsOf(rig.requests([rig.kit.signed('x')]));
    expect(lines.at(-1)).toMatch(/^send pre-prepare v0 n1 \w+ → 1 2 3$/);
  });
});

describe('OSDI’99 §4.1: the reply', () => {
  test('each replica sends its reply directly to the client, with view, timestamp, client, replica and result', () => {
    const bench = new Bench({ tuning: { fullResultBytes: 1 } });
    const request = bench.kit.authenticated('x', { replier: 2 });
    bench.send([request]);
    bench.run();
    expect(bench.replies.map(({ from }) => from).toSorted((left, right) => left - right)).toEqual([0, 1, 2, 3]);
    for (const { from, reply } of bench.replies) {
      expect(reply).toMatchObject({ view: 0, timestamp: 1, client: ALICE, replica: from });
      expect(reply.resultDigest).toBe(resultDigest(bench.kit.codec, bytes('x#1')));
    }
    expect(bench.replies.filter(({ reply }) => reply.result !== undefined).map(({ from }) => from)).toEqual([2]);
  });

  test('[§5.1.1] a small result each of them returns in full', () => {
    const bench = new Bench({ tuning: { fullResultBytes: 3 } });
    bench.send([bench.kit.authenticated('x', { replier: 2 })]);
    bench.run();
    expect(bench.replies.map(({ reply }) => reply.result)).toEqual([0, 1, 2, 3].map(() => bytes('x#1')));
  });

  test('the client accepts a result on f+1 authentic replies of different replicas with the same timestamp and result', () => {
    const session = newSession();
    const sending = submit(session);
    expect(outcomeOf(give(session, replyTo(sending, 0)))).toBeUndefined();
    expect(outcomeOf(give(session, replyTo(sending, 2)))).toMatchObject({ kind: 'executed' });
  });

  test.each([
    [
      'one replica twice',
      [
        [0, {}],
        [0, {}],
      ],
    ],
    [
      'two different results',
      [
        [0, {}],
        [1, { result: bytesOf('{"ok":false}') }],
      ],
    ],
    [
      'two different timestamps',
      [
        [0, {}],
        [1, { timestamp: 2 }],
      ],
    ],
    [
      'another client’s',
      [
        [0, {}],
        [1, { client: 'cd'.repeat(32) }],
      ],
    ],
  ] as const)('not on %s', (_, replies) => {
    const session = newSession();
    const sending = submit(session);
    for (const [from, change] of replies) {
      const reply = replyTo(sending, from);
      const changed = Object.assign({}, reply, change);
      expect(outcomeOf(give(session, changed))).toBeUndefined();
    }
  });

  test('f faulty replicas alone never make a result', () => {
    const session = newSession({ replicaCount: 7 });
    const sending = submit(session);
    for (const from of [0, 1])
      expect(outcomeOf(give(session, replyTo(sending, from, { result: bytesOf('lie') })))).toBeUndefined();
    for (const from of [2, 3]) give(session, replyTo(sending, from));
    const outcome = outcomeOf(give(session, replyTo(sending, 4)));
    expect(outcome?.kind === 'executed' && text(outcome.result)).toBe('{"ok":true}');
  });

  test('signatures are checked where replies are signed', () => {
    const session = newSession({ authentication: 'signature' });
    const sending = submit(session, 0, { receipt: true });
    expect(outcomeOf(give(session, replyTo(sending, 0)))).toBeUndefined();
    expect(outcomeOf(give(session, signed(replyTo(sending, 1))))).toBeUndefined();
    expect(outcomeOf(give(session, signed(replyTo(sending, 2))))).toMatchObject({ kind: 'executed' });
  });
});

describe('OSDI’99 §4.1: retransmission', () => {
  test('a client without replies soon enough sends the request to all replicas (deviation: signed, since MACs convince one each)', () => {
    const session = newSession();
    submit(session);
    const again = sendingOf(session.onTimeout(T / 2));
    expect(again.to).toEqual([0, 1, 2, 3]);
    expect(again.signed).toBe(true);
  });

  test('a replica that has processed the request simply sends the reply again: it remembers the last one of each session', () => {
    const rig = new Rig();
    const before = rig.decide(1, rig.kit.batchOf('x')).find((output) => output.kind === 'reply');
    const after = rig.requests([rig.kit.signed('x')]).find((output) => output.kind === 'reply');
    expect(after).toEqual(before);
  });

  test('otherwise a backup relays the request to the primary', () => {
    const rig = new Rig();
    expect(effectsOf(rig.requests([rig.kit.signed('x')]))).toEqual(['send requests x → 0']);
    const bench = new Bench();
    bench.send([bench.kit.signed('x')], [2]);
    bench.run();
    expect(bench.nodes.map((node) => node.count('x'))).toEqual([1, 1, 1, 1]);
  });

  test('a primary that does not multicast it is suspected by the replicas that wait for it', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    const outputs = rig.pass(rig.kit.tuning.requestTimeoutUs);
    expect(eventsOfKind(outputs, 'request-timeout')).toHaveLength(1);
    expect(rig.status.suspicions.map(({ node, kind }) => [node, kind])).toEqual([[replica(0), 'unresponsive']]);
  });
});
