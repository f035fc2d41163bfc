/** A compound request: each of its operations as if it stood alone, all of them once, and one reply. */
import { describe, expect, test } from 'vitest';
import { SESSION, WALL_MS, bytes, text } from '../../test/support/core-kit.ts';
import type { CoreKit } from '../../test/support/core-kit.ts';
import { DamageableState } from '../../test/support/damageable-state.ts';
import { must } from '../../test/support/must.ts';
import { Rig } from '../../test/support/rig.ts';
import { eventsOfKind, refusalsOf, sentOf } from '../../test/support/transcript.ts';
import type { Bytes } from '../base/bytes.ts';
import { LIMITS, REQUEST_COMPOUND, decodeResults, encodeOperations } from '../messages/index.ts';
import type { AuthenticatedRequest } from '../messages/index.ts';
import type { Output } from './output.ts';
import type { ExecutionContext, StateMachine } from './ports.ts';
import { applicationKey, applicationReader } from './state-layout.ts';

type Options = Parameters<CoreKit['signed']>[1];

const compound = (kit: CoreKit, operations: readonly string[], options: Options = {}): AuthenticatedRequest =>
  kit.signed(encodeOperations(operations.map(bytes)), { flags: REQUEST_COMPOUND, ...options });

const resultIn = (outputs: readonly Output[]): Bytes => {
  const [reply] = outputs.flatMap((output) => (output.kind === 'reply' ? [output.reply] : []));
  return reply?.result ?? bytes('no result');
};
const resultsIn = (rig: Rig, outputs: readonly Output[]): readonly (string | undefined)[] =>
  must(decodeResults(resultIn(outputs), rig.kit.codec)).map((result) =>
    result === undefined ? undefined : text(result),
  );
const outcomesIn = (outputs: readonly Output[]): readonly string[] =>
  eventsOfKind(outputs, 'executed').flatMap(({ requests }) => requests.map(({ outcome }) => outcome));
const operationsIn = (outputs: readonly Output[]): readonly number[] =>
  eventsOfKind(outputs, 'executed').map(({ operations }) => operations);
const countOf = (rig: Rig, operation: string): string =>
  text(applicationReader(rig.replica.reader).get(bytes(`count ${operation}`)));

/** Says where it was run. */
const places: StateMachine = {
  execute: (_state, _operation, { sequence, index }: ExecutionContext) => bytes(`${sequence}.${index}`),
};

describe('a compound request', () => {
  test('has its operations run in order, and all their results in one reply', () => {
    const rig = new Rig();
    const outputs = rig.decide(1, rig.kit.batch([compound(rig.kit, ['x', 'y', 'x'])]));
    expect(outputs.filter(({ kind }) => kind === 'reply')).toHaveLength(1);
    expect(resultsIn(rig, outputs)).toEqual(['x#1', 'y#1', 'x#2']);
    expect([outcomesIn(outputs), operationsIn(outputs)]).toEqual([['executed'], [3]]);
  });

  test('is executed once, however often it is ordered, and answered again with the same', () => {
    const rig = new Rig();
    const request = compound(rig.kit, ['x', 'y']);
    const first = rig.decide(1, rig.kit.batch([request]));
    const again = rig.decide(2, rig.kit.batch([request]));
    expect([outcomesIn(again), operationsIn(again)]).toEqual([['repeated'], [0]]);
    expect(resultsIn(rig, again)).toEqual(resultsIn(rig, first));
    expect([countOf(rig, 'x'), countOf(rig, 'y')]).toEqual(['1', '1']);
    const restarted = rig.restarted();
    expect(outcomesIn(restarted.decide(3, rig.kit.batch([request])))).toEqual(['repeated']);
  });

  test('of which one operation fails undoes that one alone', () => {
    const rig = new Rig();
    const outputs = rig.decide(1, rig.kit.batch([compound(rig.kit, ['x', 'throw', 'nothing', 'y'])]));
    const results = resultsIn(rig, outputs);
    expect([results[0], results[3]]).toEqual(['x#1', 'y#1']);
    expect([results[1], results[2]]).toEqual([
      expect.stringContaining('application_error'),
      expect.stringContaining('application_error'),
    ]);
    expect(['x', 'throw', 'nothing', 'y'].map((operation) => countOf(rig, operation))).toEqual(['1', '', '', '1']);
  });

  test('gives each operation of a batch a place of its own', () => {
    const rig = new Rig({ application: places });
    const requests = [
      compound(rig.kit, ['a', 'b', 'c']),
      rig.kit.signed('d', { session: SESSION + 1 }),
      compound(rig.kit, ['e', 'f'], { session: SESSION + 2 }),
    ];
    const outputs = rig.decide(1, rig.kit.batch(requests));
    const replies = outputs.flatMap((output) => (output.kind === 'reply' ? [output.reply.result ?? bytes('')] : []));
    const [first, second, third] = replies;
    const list = (result: Bytes | undefined): readonly string[] =>
      must(decodeResults(result ?? bytes(''), rig.kit.codec)).map((each) => text(each ?? bytes('')));
    expect([list(first), text(second ?? bytes('')), list(third)]).toEqual([
      ['1.0', '1.1', '1.2'],
      '1.3',
      ['1.4', '1.5'],
    ]);
    expect(operationsIn(outputs)).toEqual([6]);
  });

  test('with results beyond what a reply can carry: those that do not fit are undone, and said to be', () => {
    const rig = new Rig({ cluster: { storedReplyBytes: 1000 } });
    const outputs = rig.decide(1, rig.kit.batch([compound(rig.kit, ['big 600', 'big 601', 'x', 'big 100'])]));
    expect(resultIn(outputs).length).toBeLessThanOrEqual(1000);
    expect(resultsIn(rig, outputs).map((result) => result?.length)).toEqual([600, undefined, 3, 100]);
    expect(['big 600', 'big 601', 'big 100'].map((operation) => countOf(rig, operation))).toEqual(['1', '', '1']);
    expect(operationsIn(outputs)).toEqual([3]);
  });

  test('also where an application says too much about what it does wrong', () => {
    const rig = new Rig({ cluster: { storedReplyBytes: 120 } });
    const outputs = rig.decide(1, rig.kit.batch([compound(rig.kit, ['big 90', 'throw', 'x'])]));
    expect(resultsIn(rig, outputs).map((result) => result?.length)).toEqual([90, undefined, 3]);
    expect(resultIn(outputs).length).toBeLessThanOrEqual(120);
  });

  test.each([
    ['no list', bytes('{"operation":"put"}'), 'malformed_compound'],
    ['no operations', encodeOperations([]), 'malformed_compound'],
    ['something behind them', Uint8Array.of(...encodeOperations([bytes('x')]), 0), 'malformed_compound'],
  ])('that is %s: an error as a whole, and nothing changes', (_, operation, code) => {
    const rig = new Rig();
    const outputs = rig.decide(1, rig.kit.batch([rig.kit.signed(operation, { flags: REQUEST_COMPOUND })]));
    expect(text(resultIn(outputs))).toContain(code);
    expect([outcomesIn(outputs), countOf(rig, 'x')]).toEqual([['executed'], '']);
  });

  test('with more operations than a result can speak of: an error as a whole', () => {
    const rig = new Rig({ cluster: { storedReplyBytes: 90 } });
    const many = Array.from({ length: 40 }, () => 'x');
    const outputs = rig.decide(1, rig.kit.batch([compound(rig.kit, many)]));
    expect(text(resultIn(outputs))).toContain('result_too_large');
    expect(countOf(rig, 'x')).toBe('');
  });

  test('that meets a damaged state is done again from the beginning', () => {
    const state = new DamageableState();
    const rig = new Rig({ state });
    rig.decide(1, rig.kit.batch([compound(rig.kit, ['x', 'y'])]));
    state.damage(applicationKey(bytes('count y')));
    const outputs = rig.decide(2, rig.kit.batch([compound(rig.kit, ['x', 'y'], { timestamp: 2 })]));
    expect([outcomesIn(outputs), eventsOfKind(outputs, 'state-damaged')]).toEqual([[], [expect.anything()]]);
    expect(countOf(rig, 'x')).toBe('1');
  });
});

describe('a batch', () => {
  const operations = (count: number): readonly string[] => Array.from({ length: count }, () => 'x');

  test('of a correct primary counts operations, not requests', () => {
    const rig = new Rig({ self: 0, tuning: { batchRequests: 8, pipeline: 4 } });
    const requests = [5, 3, 1, 9, 2].map((count, at) =>
      compound(rig.kit, operations(count), { session: SESSION + at }),
    );
    const proposals = sentOf(rig.requests(requests)).filter((message) => message.type === 'pre-prepare');
    expect(proposals.map(({ batch }) => batch?.requests.length)).toEqual([2, 1, 1, 1]);
  });

  test('with more operations than a batch may have is refused', () => {
    const rig = new Rig();
    const full = operations(LIMITS.operationsPerRequest);
    const count = LIMITS.requestsPerBatch / LIMITS.operationsPerRequest;
    const requests = Array.from({ length: count + 1 }, (_, at) => compound(rig.kit, full, { session: SESSION + at }));
    const refused = rig.receive(rig.kit.prePrepare(1, rig.kit.batch(requests, { timestamp: WALL_MS })));
    expect(refusalsOf(refused)).toEqual(['pre-prepare too-many-operations']);
    const accepted = rig.receive(rig.kit.prePrepare(1, rig.kit.batch(requests.slice(1), { timestamp: WALL_MS })));
    expect(refusalsOf(accepted)).toEqual([]);
    expect(sentOf(accepted).map(({ type }) => type)).toEqual(['prepare']);
  });
});
