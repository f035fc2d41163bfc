import { describe, expect, test } from 'vitest';
import { Bench } from '../../test/support/bench.ts';
import { bytes } from '../../test/support/core-kit.ts';
import type { RequestOptions } from '../../test/support/core-kit.ts';
import type { AuthenticatedRequest, Reply } from '../messages/index.ts';
import type { StateMachine } from './ports.ts';

/** Every reply to exactly this request, latest last. */
function repliesTo(bench: Bench, { digest }: AuthenticatedRequest): readonly Reply[] {
  return bench.replies.map(({ reply }) => reply).filter((reply) => reply.requestDigest === digest);
}

function claims(replies: readonly Reply[]): ReadonlySet<string> {
  return new Set(replies.map(({ outcome, sequence, resultDigest }) => `${outcome} ${sequence} ${resultDigest}`));
}

function execute(bench: Bench, operation: string, options: RequestOptions = {}): AuthenticatedRequest {
  const request = bench.kit.signed(operation, options);
  bench.execute(request);
  bench.until(() => bench.isConverged(), 'all have executed it');
  return request;
}

describe('G09: a repeat after a restart', () => {
  test('from a checkpoint is answered, not executed: the client table is under the root', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 1 } });
    const request = execute(bench, 'x');
    const before = claims(repliesTo(bench, request));
    bench.pass(3_000_000);
    for (const node of bench.nodes) node.crash();
    for (const node of bench.nodes) node.start();
    bench.replies.length = 0;
    bench.send([request], [0, 1, 2, 3]);
    bench.pass(3_000_000);
    expect(new Set(bench.replies.map(({ from }) => from)).size).toBe(4);
    expect(claims(repliesTo(bench, request))).toEqual(before);
    expect(bench.nodes.map((node) => node.count('x'))).toEqual([1, 1, 1, 1]);
  });

  test('evicts the same sessions as on the nodes that stayed up', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 2, sessionsPerClient: 2 } });
    const base = bench.kit.request('x').session;
    const node = bench.node(3);
    const steps = [
      [1, 1],
      [2, 1],
      [1, 2],
      [3, 1],
      [1, 3],
      [4, 1],
      [5, 1],
    ] as const;
    for (const [session, timestamp] of steps) {
      execute(bench, 'x', { session: base + session, timestamp });
      node.crash();
      node.start();
      bench.until(() => bench.isConverged(), 'it is back');
    }
    const evicted = node.events.flatMap((event) => (event.kind === 'session-evicted' ? [event.session - base] : []));
    expect(new Set(evicted)).toEqual(new Set([2, 3, 1]));
    bench.pass(5_000_000);
    expect(new Set(bench.up.map((node) => node.status.stateRoot)).size).toBe(1);
  });
});

describe('an idempotency key', () => {
  const key = { scope: 'alice', key: 'payment 7' };

  test('gives its first outcome again, to another request, at the sequence where that was executed', () => {
    const bench = new Bench();
    const session = bench.kit.request('x').session;
    const first = execute(bench, 'x', { idempotency: key });
    const again = execute(bench, 'x', { idempotency: key, session: session + 1 });
    expect(again.digest).not.toBe(first.digest);
    const [was] = repliesTo(bench, first);
    expect(repliesTo(bench, again)[0]).toMatchObject({
      outcome: 'replayed',
      sequence: was?.sequence,
      digest: was?.digest,
      resultDigest: was?.resultDigest,
    });
    expect(bench.nodes.map((node) => node.count('x'))).toEqual([1, 1, 1, 1]);
  });

  test('refuses another operation, which uses up its timestamp and changes nothing else', () => {
    const bench = new Bench();
    const session = bench.kit.request('x').session;
    execute(bench, 'x', { idempotency: key });
    const other = bench.kit.signed('y', { idempotency: key, session: session + 1 });
    bench.send([other]);
    bench.until(() => repliesTo(bench, other).length === 4, 'all have refused it');
    expect(new Set(repliesTo(bench, other).map(({ outcome }) => outcome))).toEqual(new Set(['table-error']));
    execute(bench, 'z', { session: session + 1, timestamp: 2 });
    expect(bench.nodes.map((node) => [node.count('y'), node.count('z')])).toEqual(Array(4).fill([0, 1]));
  });
});

test('an application may use one buffer for all results: what was answered stays as it was', () => {
  const shared = new Uint8Array(1);
  const application: StateMachine = {
    execute: (_state, operation) => {
      shared.set(operation.subarray(0, 1));
      return shared;
    },
  };
  const bench = new Bench({ n: 1, application });
  const session = bench.kit.request('a').session;
  const first = execute(bench, 'a', { replier: 0 });
  execute(bench, 'b', { session: session + 1 });
  bench.replies.length = 0;
  bench.send([first]);
  bench.run();
  expect(repliesTo(bench, first)[0]?.result).toEqual(bytes('a'));
});
