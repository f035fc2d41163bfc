import { describe, expect, test } from 'vitest';
import { ALICE, BOB, SESSION, STRANGER, WALL_MS, bytes, countingApp, seq, text } from '../../test/support/core-kit.ts';
import { DamageableState } from '../../test/support/damageable-state.ts';
import { Rig } from '../../test/support/rig.ts';
import { effectsOf, eventsOfKind } from '../../test/support/transcript.ts';
import { InvariantViolation } from '../base/assert.ts';
import { REQUEST_RECEIPT, resultDigest } from '../messages/index.ts';
import type { Reply } from '../messages/index.ts';
import type { Output } from './output.ts';
import type { StateMachine } from './ports.ts';
import { applicationReader } from './state-layout.ts';

const repliesOf = (outputs: readonly Output[]): readonly Reply[] =>
  outputs.flatMap((output) => (output.kind === 'reply' ? [output.reply] : []));
const outcomesOf = (outputs: readonly Output[]): readonly string[] =>
  eventsOfKind(outputs, 'executed').flatMap(({ requests }) => requests.map(({ outcome }) => outcome));
const countOf = (rig: Rig, operation: string): string =>
  text(applicationReader(rig.replica.reader).get(bytes(`count ${operation}`)));

describe('replies to one batch', () => {
  const repliesIn = (rig: Rig): readonly (readonly string[])[] =>
    rig.gathered.flatMap((output) => {
      if (output.kind === 'reply') return [[`reply ${output.reply.timestamp}`]];
      return output.kind === 'batch-replies'
        ? [output.replies.spelledOut().map(({ timestamp }) => `${timestamp}`)]
        : [];
    });

  test('come out together, and mean what each means for itself', () => {
    const rig = new Rig();
    const batch = rig.kit.batch([1, 2, 3].map((timestamp) => rig.kit.signed('x', { timestamp })));
    const outputs = rig.decide(1, batch);
    expect(repliesIn(rig)).toEqual([['1', '2', '3']]);
    expect(repliesOf(outputs).map(({ result }) => text(result ?? bytes('')))).toEqual(['x#1', 'x#2', 'x#3']);
    expect(outputs.findLastIndex(({ kind }) => kind === 'reply')).toBeLessThan(
      outputs.findIndex((output) => output.kind === 'event' && output.event.kind === 'executed'),
    );
  });

  test('in the order of the batch: what comes between them parts them', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batchOf('x'));
    const timestamps = [2, 3, 3, 4, 5];
    rig.decide(2, rig.kit.batch(timestamps.map((timestamp) => rig.kit.signed('x', { timestamp }))));
    expect(repliesIn(rig)).toEqual([['reply 1'], ['2', '3'], ['reply 3'], ['4', '5']]);
  });

  test.each([
    ['mac', REQUEST_RECEIPT],
    ['signature', 0],
  ] as const)('%s mode, flags %i: come out one by one, since they are to be signed', (authentication, flags) => {
    const rig = new Rig({ cluster: { authentication } });
    const batch = rig.kit.batch([1, 2].map((timestamp) => rig.kit.signed('x', { timestamp, flags })));
    expect(repliesOf(rig.decide(1, batch))).toHaveLength(2);
    expect(repliesIn(rig)).toEqual([['reply 1'], ['reply 2']]);
  });
});

describe('a reply', () => {
  test('names view, sequence, batch, request and result; the result itself from the replier alone', () => {
    const rig = new Rig({ tuning: { fullResultBytes: 1 } });
    const batch = rig.kit.batchOf('x');
    const [reply] = repliesOf(rig.decide(1, batch));
    expect(reply).toEqual({
      type: 'reply',
      view: 0,
      sequence: 1,
      digest: rig.kit.digestOfBatch(batch),
      replica: 1,
      client: ALICE,
      session: SESSION,
      timestamp: 1,
      requestDigest: batch.requests[0]?.digest,
      outcome: 'executed',
      resultDigest: resultDigest(rig.kit.codec, bytes('x#1')),
      result: bytes('x#1'),
      receipt: undefined,
    });
    const [other] = repliesOf(new Rig({ self: 2 }, rig.kit).decide(1, batch, [1, 3]));
    expect(other).toEqual({ ...reply, replica: 2, result: undefined });
  });

  test.each([
    [2, undefined],
    [3, 'x#1'],
  ])('with up to %i bytes of result in full from all', (fullResultBytes, expected) => {
    const rig = new Rig({ self: 2, tuning: { fullResultBytes } });
    const [reply] = repliesOf(rig.decide(1, rig.kit.batchOf('x'), [1, 3]));
    expect(reply?.result).toEqual(expected && bytes(expected));
  });

  test.each([
    ['mac', 0, false],
    ['mac', REQUEST_RECEIPT, true],
    ['signature', 0, true],
    ['signature', REQUEST_RECEIPT, true],
  ] as const)(
    'in %s mode, flags %d: to be signed is %s, and it is not signed yet',
    (authentication, flags, isSigned) => {
      const rig = new Rig({ cluster: { authentication } });
      const replies = rig.decide(1, rig.kit.batchOf('x', { flags })).filter((output) => output.kind === 'reply');
      expect(replies).toMatchObject([{ isSigned, reply: { receipt: undefined } }]);
    },
  );
});

describe('who replies', () => {
  const sequence = 1;
  const decided = (rig: Rig, verified: 'signature' | 'unverified', asked?: readonly number[]): readonly Reply[] => {
    const batch = rig.kit.batchOf('x', asked === undefined ? {} : { asked });
    const digest = rig.kit.digestOfBatch(batch);
    const outputs = rig.receive(rig.kit.prePrepare(sequence, batch), { verified: [verified] });
    const votes = [0, 2, 3].flatMap((sender) => [
      ...(sender === 0 ? [] : [rig.kit.prepare(sender, sequence, digest)]),
      rig.kit.commit(sender, sequence, digest),
    ]);
    return repliesOf([...outputs, ...rig.receiveAll(votes)]);
  };

  test('everybody, unless the client asks some', () => {
    expect(decided(new Rig(), 'signature')).toHaveLength(1);
    expect(decided(new Rig(), 'signature', [1, 3])).toHaveLength(1);
    expect(decided(new Rig(), 'signature', [2, 3])).toEqual([]);
  });

  test('a replica that could not verify who is asked: whoever altered that must not silence it', () => {
    const rig = new Rig();
    expect(decided(rig, 'unverified', [2, 3])).toHaveLength(1);
    expect(rig.status.lastExecuted).toBe(1);
  });

  test('nor whoever shows good proofs after forged ones: what is executed bears those that were verified', () => {
    const rig = new Rig();
    const forged = rig.kit.batchOf('x', { asked: [2, 3] });
    const honest = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(forged);
    rig.receive(rig.kit.prePrepare(sequence, forged), { verified: ['unverified'] });
    rig.receive(rig.kit.prePrepare(sequence, honest), { verified: ['signature'] });
    const votes = [0, 2, 3].flatMap((sender) => [
      ...(sender === 0 ? [] : [rig.kit.prepare(sender, sequence, digest)]),
      rig.kit.commit(sender, sequence, digest),
    ]);
    expect(repliesOf(rig.receiveAll(votes))).toHaveLength(1);
  });

  test('one that is asked later, before the execution or after it', () => {
    const rig = new Rig();
    const request = rig.kit.authenticated('x', { asked: [2, 3] });
    rig.requests([rig.kit.authenticated('x')], ALICE, 'mac');
    expect(decided(rig, 'signature', [2, 3])).toHaveLength(1);
    const other = new Rig();
    expect(decided(other, 'signature', [2, 3])).toEqual([]);
    expect(repliesOf(other.requests([request], ALICE, 'mac'))).toHaveLength(1);
  });
});

describe('while states wait for the disk', () => {
  const waiting = (): { readonly state: DamageableState; readonly rig: Rig } => {
    const state = new DamageableState('when-settled', undefined, 1);
    const rig = new Rig({ cluster: { checkpointInterval: 2 }, state });
    state.settle();
    for (const at of [1, 2, 3]) rig.decide(at, rig.kit.batchOf(`x${at}`, { session: SESSION + at }));
    return { state, rig };
  };

  test('what is decided is not executed, and is once there is room in memory', () => {
    const { state, rig } = waiting();
    expect(state.unsettled()).toEqual([2]);
    expect(rig.status.lastExecuted).toBe(2);
    expect(eventsOfKind(rig.settle(), 'executed').map(({ sequence }) => sequence)).toEqual([3]);
  });

  test('votes go on, the primary is not to blame, and explain says why', () => {
    const { rig } = waiting();
    const batch = rig.kit.batchOf('x4', { session: SESSION + 4 });
    const outputs = [...rig.receive(rig.kit.prePrepare(4, batch)), ...rig.pass(3_000_000)];
    expect(effectsOf(outputs)).toContain(`send prepare v0 n4 ${rig.kit.digestOfBatch(batch).slice(0, 6)} → 0 2 3`);
    expect(rig.status).toMatchObject({ view: 0, inViewChange: false, lastExecuted: 2, suspicions: [] });
    expect(rig.replica.waits().map(({ what, sequence }) => [what, sequence])).toContainEqual(['storage', 2]);
  });
});

describe('exactly once', () => {
  test('G09: the same batch decided at two slots executes once', () => {
    const rig = new Rig();
    const batch = rig.kit.batch([rig.kit.signed('x'), rig.kit.signed('y', { client: BOB })]);
    rig.decide(1, batch);
    expect(outcomesOf(rig.decide(2, batch))).toEqual(['repeated', 'repeated']);
    expect([countOf(rig, 'x'), countOf(rig, 'y')]).toEqual(['1', '1']);
  });

  test('G09: the same request twice in one batch executes once', () => {
    const rig = new Rig();
    const request = rig.kit.signed('x');
    expect(outcomesOf(rig.decide(1, rig.kit.batch([request, request])))).toEqual(['executed', 'repeated']);
  });

  test('a restart in between changes nothing of that', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batchOf('x'));
    const again = rig.restarted();
    expect(outcomesOf(again.decide(2, rig.kit.batchOf('x')))).toEqual(['repeated']);
    expect(countOf(again, 'x')).toBe('1');
  });

  test('what is below the last of its session is ignored: no reply', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batch([rig.kit.signed('x'), rig.kit.signed('y', { timestamp: 2 })]));
    const outputs = rig.decide(2, rig.kit.batchOf('x'));
    expect(outcomesOf(outputs)).toEqual(['ignored']);
    expect(repliesOf(outputs)).toEqual([]);
  });

  test.each([
    ['a timestamp ahead of its turn', { timestamp: 3 }, 'session_expired'],
    ['a session from too far ahead', { session: SESSION + 600_000_000 }, 'session_refused'],
    ['a session from too far back', { session: SESSION - 600_000_000 }, 'session_refused'],
  ] as const)('%s: an error of the client table, the same everywhere, and nothing changes', (_, options, code) => {
    const rig = new Rig();
    const outputs = rig.decide(1, rig.kit.batchOf('x', options));
    expect(outcomesOf(outputs)).toEqual(['table-error']);
    expect(text(repliesOf(outputs)[0]?.result)).toContain(code);
    expect(countOf(rig, 'x')).toBe('');
  });

  test('another request under the last timestamp is refused in order', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batchOf('x'));
    const outputs = rig.decide(2, rig.kit.batchOf('y'));
    expect(text(repliesOf(outputs)[0]?.result)).toContain('timestamp_reused');
    expect(countOf(rig, 'y')).toBe('');
  });

  test('an idempotency key gives its first outcome again, to another client too, and refuses another operation', () => {
    const rig = new Rig();
    const idempotency = { scope: '', key: 'k1' };
    rig.decide(1, rig.kit.batchOf('x', { idempotency }));
    const repeat = rig.decide(2, rig.kit.batchOf('x', { client: BOB, idempotency }));
    expect(outcomesOf(repeat)).toEqual(['replayed']);
    expect(repliesOf(repeat)[0]).toMatchObject({ outcome: 'replayed', sequence: 1, result: bytes('x#1') });
    const conflict = rig.decide(3, rig.kit.batchOf('y', { client: BOB, timestamp: 2, idempotency }));
    expect(text(repliesOf(conflict)[0]?.result)).toContain('idempotency_key_reused');
    expect([countOf(rig, 'x'), countOf(rig, 'y')]).toEqual(['1', '']);
  });
});

describe('what an application does wrong is a result, the same everywhere', () => {
  test.each([
    ['it throws: its changes are undone', 'throw', 'application_error'],
    ['it returns no bytes', 'nothing', 'application_error'],
    ['it returns more than can be stored', 'big 300000', 'result_too_large'],
  ])('%s', (_, operation, code) => {
    const rig = new Rig();
    const outputs = rig.decide(1, rig.kit.batchOf(operation));
    expect(outcomesOf(outputs)).toEqual(['executed']);
    expect(text(repliesOf(outputs)[0]?.result)).toContain(code);
    expect(countOf(rig, operation)).toBe('');
    expect(outcomesOf(rig.decide(2, rig.kit.batchOf('x', { timestamp: 2 })))).toEqual(['executed']);
  });

  test('a request that fails leaves what stood before it in the batch', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batch([rig.kit.signed('x'), rig.kit.signed('throw', { client: BOB })]));
    expect(countOf(rig, 'x')).toBe('1');
  });

  test('a broken rule of our own stops the replica', () => {
    const application: StateMachine = {
      execute() {
        throw new InvariantViolation('a rule of ours');
      },
    };
    const rig = new Rig({ application });
    expect(() => rig.decide(1, rig.kit.batchOf('x'))).toThrow(InvariantViolation);
  });

  test('what it sees: sequence, place in the batch, agreed time, client', () => {
    const seen: unknown[] = [];
    const application: StateMachine = {
      execute(state, operation, context) {
        seen.push(context);
        return countingApp.execute(state, operation, context);
      },
    };
    const rig = new Rig({ application });
    rig.decide(
      1,
      rig.kit.batch([rig.kit.signed('x'), rig.kit.signed('y', { client: BOB })], { timestamp: WALL_MS + 5 }),
    );
    const timestamp = (WALL_MS + 5) * 1000;
    expect(seen).toEqual([
      { sequence: 1, index: 0, timestamp, client: ALICE },
      { sequence: 1, index: 1, timestamp, client: BOB },
    ]);
  });
});

describe('agreed time', () => {
  test('is that of the batch, never falls, grows with every batch; the null batch leaves it', () => {
    const rig = new Rig();
    const at = (sequence: number, timestamp: number): number => {
      rig.decide(sequence, rig.kit.batch([rig.kit.signed('x', { session: SESSION + sequence })], { timestamp }));
      return rig.status.agreedTime;
    };
    expect(at(1, WALL_MS + 7)).toBe((WALL_MS + 7) * 1000);
    expect(at(2, WALL_MS)).toBe((WALL_MS + 7) * 1000 + 1);
    rig.decide(3, undefined);
    expect(rig.status.agreedTime).toBe((WALL_MS + 7) * 1000 + 1);
    expect(at(4, WALL_MS + 7)).toBe((WALL_MS + 7) * 1000 + 2);
    expect(rig.restarted().status.agreedTime).toBe(rig.status.agreedTime);
  });
});

describe('the record of an execution', () => {
  test('holds the body only where no accepted pre-prepare does', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batchOf('x'));
    expect(rig.records.find(({ kind }) => kind === 'executed')).toMatchObject({ sequence: seq(1), batch: undefined });
  });

  test('replayed at a restart it answers nobody', () => {
    const rig = new Rig();
    rig.decide(1, rig.kit.batchOf('x'));
    expect(effectsOf(rig.restarted().started).filter((line) => line.startsWith('reply'))).toEqual([]);
  });
});

test('a request of a client nobody knows is never executed, even if its batch was decided', () => {
  const rig = new Rig();
  const batch = rig.kit.batchOf('x', { client: STRANGER });
  const digest = rig.kit.digestOfBatch(batch);
  for (const from of [2, 3] as const) {
    const { replica: sender } = rig.kit.prepare(from, 1, digest);
    rig.receive({ type: 'decided', replica: sender, decisions: [{ sequence: seq(1), digest }] });
  }
  const { replica: sender } = rig.kit.prepare(2, 1, digest);
  const outputs = rig.receive({ type: 'batch', replica: sender, sequence: seq(1), digest, batch });
  expect(text(repliesOf(outputs)[0]?.result)).toContain('client_unknown');
  expect(countOf(rig, 'x')).toBe('');
});
