import { describe, expect, test } from 'vitest';
import { ALICE, SESSION, bytes, replica, text } from '../../test/support/core-kit.ts';
import type { CoreKit } from '../../test/support/core-kit.ts';
import { DamageableState } from '../../test/support/damageable-state.ts';
import { Rig } from '../../test/support/rig.ts';
import type { RigOptions } from '../../test/support/rig.ts';
import { effectsOf, refusalsOf } from '../../test/support/transcript.ts';
import { asDigest, asSequence } from '../base/ids.ts';
import { REQUEST_READ_ONLY } from '../messages/index.ts';
import type { Reply } from '../messages/index.ts';
import type { Output } from './output.ts';
import type { Reader, StateMachine, Transaction } from './ports.ts';
import { isBarrier } from './record.ts';
import { applicationKey } from './state-layout.ts';

/** `set K V`, `drop K` change the state; `get K`, `list FROM TO`, `throw`, `nothing` and `big N` read it. */
const registers: StateMachine = {
  execute(state: Transaction, operation) {
    const [what = '', key = '', value = ''] = text(operation).split(' ');
    if (what === 'set') state.put(bytes(key), bytes(value));
    else if (what === 'drop') state.delete(bytes(key));
    return bytes(what);
  },
  query(state: Reader, operation) {
    const [what = '', key = '', to = ''] = text(operation).split(' ');
    if (what === 'throw') throw new Error('an application that throws');
    if (what === 'nothing') return JSON.parse('null') as Uint8Array;
    if (what === 'big') return new Uint8Array(Number(key));
    if (what === 'list')
      return bytes(
        state
          .range(bytes(key), bytes(to), 10)
          .map(({ key: each }) => text(each))
          .join(),
      );
    try {
      return state.get(bytes(key)) ?? bytes('none');
    } catch {
      return bytes('an application that goes on');
    }
  },
};

function rigWith({ cluster = {}, ...options }: RigOptions = {}): Rig {
  return new Rig({ application: registers, ...options, cluster: { readOnlyRequests: true, ...cluster } });
}

const asked = (rig: Rig, operation: string): ReturnType<CoreKit['signed']> =>
  rig.kit.signed(operation, { flags: REQUEST_READ_ONLY, session: 5, timestamp: 6, replier: 1 });

const repliesIn = (outputs: readonly Output[]): readonly Reply[] =>
  outputs.flatMap((output) => (output.kind === 'reply' ? [output.reply] : []));

/** What a read comes to: its result, and the numbers between which it is true. */
function read(rig: Rig, operation: string): readonly [string | undefined, number | undefined, number | undefined] {
  const [reply] = repliesIn(rig.requests([asked(rig, operation)]));
  return [reply?.result === undefined ? undefined : text(reply.result), reply?.since, reply?.sequence];
}

let sessions = 0;
/** Executes the operation as the next batch. */
function order(rig: Rig, sequence: number, operation: string): readonly Output[] {
  sessions += 1;
  return rig.decide(sequence, rig.kit.batch([rig.kit.signed(operation, { session: SESSION + sessions })]));
}

describe('a read-only request', () => {
  test('is answered at once, on the last executed state; nothing is ordered or written down', () => {
    const rig = rigWith();
    order(rig, 1, 'set a 1');
    const records = rig.records.length;
    const outputs = rig.requests([asked(rig, 'get a')]);
    expect(outputs.map(({ kind }) => kind)).toEqual(['reply']);
    expect(repliesIn(outputs)).toMatchObject([
      { outcome: 'read', client: ALICE, session: 5, timestamp: 6, sequence: 1, since: 1, result: bytes('1') },
    ]);
    expect([rig.records.length - records, rig.status.queuedRequests]).toEqual([0, 0]);
  });

  test('is answered in full by the replica that it names, by the others with the digest', () => {
    const rig = rigWith({ self: 2, tuning: { fullResultBytes: 1 } });
    const [reply] = repliesIn(rig.requests([asked(rig, 'get a')]));
    expect(reply?.result).toBeUndefined();
    expect(reply?.resultDigest).toMatch(/^[0-9a-f]{64}$/);
  });

  test('twice is answered twice: it leaves no trace in the client table', () => {
    const rig = rigWith();
    expect(read(rig, 'get a')).toEqual(['none', 0, 0]);
    order(rig, 1, 'set a 1');
    expect(read(rig, 'get a')).toEqual(['1', 1, 1]);
  });

  test('is to be signed where the mode is so', () => {
    const rig = rigWith({ cluster: { authentication: 'signature' } });
    const outputs = rig.requests([asked(rig, 'get a')]);
    expect(outputs.filter((output) => output.kind === 'reply')).toMatchObject([{ isSigned: true }]);
  });

  test.each<readonly [string, Rig, readonly string[]]>([
    ['where the cluster takes none', rigWith({ cluster: { readOnlyRequests: false } }), ['read-only-disabled']],
    ['where the application cannot', rigWith({ application: { execute: () => bytes('') } }), ['read-only-disabled']],
    ['of a client that is not admitted', rigWith({ cluster: { clients: [] } }), ['client-not-listed']],
  ])('is refused %s', (_, rig, codes) => {
    const outputs = rig.requests([asked(rig, 'get a')]);
    expect(refusalsOf(outputs)).toEqual(codes.map((code) => `requests ${code}`));
    expect(repliesIn(outputs)).toEqual([]);
  });

  test('is refused when another replica passes it on, and when nothing proves it', () => {
    const rig = rigWith();
    expect(refusalsOf(rig.requests([asked(rig, 'get a')], replica(2)))).toEqual(['requests not-asked-for']);
    expect(refusalsOf(rig.requests([asked(rig, 'get a')], ALICE, 'unverified'))).toEqual([
      'requests signature-required',
    ]);
    const signed = rigWith({ cluster: { authentication: 'signature' } });
    expect(refusalsOf(signed.requests([asked(signed, 'get a')], ALICE, 'mac'))).toEqual([
      'requests signature-required',
    ]);
    expect(effectsOf(rig.requests([asked(rig, 'get a')], ALICE, 'mac'))).toHaveLength(1);
  });

  test.each([
    ['throw', 'application_error'],
    ['nothing', 'application_error'],
    ['big 100', 'result_too_large'],
  ])('at which the application does "%s" is answered with an error that is the same everywhere', (operation, code) => {
    const answers = [1, 2].map((self) => {
      const rig = rigWith({ self, cluster: { storedReplyBytes: 99 } });
      return repliesIn(rig.requests([asked(rig, operation)]))[0];
    });
    expect(answers[0]?.resultDigest).toBe(answers[1]?.resultDigest);
    expect(text(answers[0]?.result ?? bytes(''))).toContain(code);
  });
});

describe('since when a result is true', () => {
  test('is when something of it was changed last: put, deleted, or put again the same', () => {
    const rig = rigWith({ cluster: { checkpointInterval: 64 } });
    order(rig, 1, 'set a 1');
    order(rig, 2, 'set b 1');
    order(rig, 3, 'set c 1');
    expect(read(rig, 'get a')).toEqual(['1', 1, 3]);
    expect(read(rig, 'list a c')).toEqual(['a,b', 2, 3]);
    order(rig, 4, 'drop a');
    expect(read(rig, 'get a')).toEqual(['none', 4, 4]);
    expect(read(rig, 'list a b')).toEqual(['', 4, 4]);
    order(rig, 5, 'set b 1');
    expect(read(rig, 'list a c')).toEqual(['b', 5, 5]);
    expect(read(rig, 'get z')).toEqual(['none', 0, 5]);
  });

  test('is at the latest the last checkpoint for what has not changed after it', () => {
    const rig = rigWith({ cluster: { checkpointInterval: 2 } });
    order(rig, 1, 'set a 1');
    order(rig, 2, 'set b 1');
    order(rig, 3, 'set b 2');
    expect(read(rig, 'get a')).toEqual(['1', 2, 3]);
    expect(read(rig, 'get b')).toEqual(['2', 3, 3]);
  });

  test('what an operation changed and took back by throwing has not changed', () => {
    const undone: StateMachine = {
      ...registers,
      execute(state, operation, context) {
        registers.execute(state, operation, context);
        throw new Error('an application that throws');
      },
    };
    const rig = rigWith({ application: undone });
    order(rig, 1, 'set a 1');
    expect(read(rig, 'get a')).toEqual(['none', 0, 1]);
  });
});

describe('no read is answered from a state below what may have been answered before', () => {
  test('after a restart with a slot that was prepared and not executed', () => {
    const rig = rigWith({ cluster: { checkpointInterval: 64 } });
    order(rig, 1, 'set a 1');
    const { kit } = rig;
    const batch = kit.batch([kit.signed('set a 2', { session: SESSION + 900 })]);
    rig.receive(kit.prePrepare(2, batch));
    rig.receiveAll([2, 3].map((from) => kit.prepare(from, 2, kit.digestOfBatch(batch))));
    expect(read(rig, 'get a')).toEqual(['1', 1, 1]);
    const again = rig.restarted(rig.records, { application: registers });
    expect(again.status.lastExecuted).toBe(1);
    expect(refusalsOf(again.requests([asked(again, 'get a')]))).toEqual(['requests state-behind']);
    again.receiveAll([0, 2, 3].map((from) => kit.commit(from, 2, kit.digestOfBatch(batch))));
    expect(read(again, 'get a')).toEqual(['2', 2, 2]);
  });

  test('after a restart whose durable state ends before the stable checkpoint: the records in between are gone', () => {
    const rig = rigWith({ cluster: { checkpointInterval: 1 } });
    order(rig, 1, 'set a 1');
    expect(read(rig, 'get a')).toEqual(['1', 1, 1]);
    const { kit } = rig;
    const root = asDigest('cd'.repeat(32));
    const proof = [0, 2, 3].map((from) => {
      const { message: checkpoint, signature } = kit.checkpoint(from, 2, root);
      return { checkpoint, signature };
    });
    const stable = { kind: 'stable', sequence: asSequence(2), root, proof, hasState: false } as const;
    const again = rig.restarted([...rig.records, stable], { application: registers });
    expect(again.status).toMatchObject({ lastExecuted: 1, lowWaterMark: 2, mayExecute: true });
    expect(refusalsOf(again.requests([asked(again, 'get a')]))).toEqual(['requests state-behind']);
  });

  test('what was executed without having been prepared here is on disk before it is answered for', () => {
    const rig = rigWith({ cluster: { checkpointInterval: 64 } });
    const { kit } = rig;
    const batch = kit.batch([kit.signed('set a 1', { session: SESSION + 901, replier: 1 })]);
    const digest = kit.digestOfBatch(batch);
    rig.receive(kit.prePrepare(1, batch));
    const decisions = [{ sequence: asSequence(1), digest }];
    const outputs = rig.receiveAll([0, 2].map((from) => ({ type: 'decided', replica: replica(from), decisions })));
    const records = outputs.map((output) => (output.kind === 'persist' ? output.record : undefined));
    const at = records.findIndex((record) => record?.kind === 'executed');
    expect(records[at] !== undefined && isBarrier(records[at])).toBe(true);
    expect(outputs.findIndex(({ kind }) => kind === 'reply')).toBeGreaterThan(at);
    const again = rig.restarted(rig.records, { application: registers });
    expect(read(again, 'get a')).toEqual(['1', 1, 1]);
  });

  test('a record of what was prepared and executed is no barrier, nor is any where there are no reads', () => {
    const barriers = (rig: Rig): readonly boolean[] =>
      rig.records.filter(({ kind }) => kind === 'executed').map((record) => isBarrier(record));
    const rig = rigWith();
    order(rig, 1, 'set a 1');
    expect(barriers(rig)).toEqual([false]);
  });

  test('after damage, until the state is repaired and as far as it was', () => {
    const state = new DamageableState();
    const rig = rigWith({ state, cluster: { checkpointInterval: 1 }, tuning: { pipeline: 1 } });
    order(rig, 1, 'set a 1');
    state.damage(applicationKey(bytes('a')));
    const outputs = rig.requests([asked(rig, 'get a')]);
    expect(repliesIn(outputs)).toEqual([]);
    expect(outputs.some((output) => output.kind === 'event' && output.event.kind === 'state-damaged')).toBe(true);
    expect(refusalsOf(rig.requests([asked(rig, 'get a')]))).toEqual(['requests state-behind']);
  });

  test('by a replica that has lost its log, before it is back', () => {
    const rig = rigWith({ lost: { nonce: asDigest('ab'.repeat(32)) } });
    expect(refusalsOf(rig.requests([asked(rig, 'get a')]))).toEqual(['requests recovering']);
  });
});
