import { describe, expect, test } from 'vitest';
import { Bench } from '../../test/support/bench.ts';
import { contradictionsIn } from '../../test/support/contradictions.ts';

const MODES = ['mac', 'signature'] as const;

/** Runs a little load over two checkpoints; `cut`: which node loses its power after how many outputs. */
function runWithCrash(
  n: number,
  authentication: 'mac' | 'signature',
  cut: { node: number; after: number } | undefined,
): Bench {
  const bench = new Bench({ n, cluster: { authentication, checkpointInterval: 2 } });
  const victim = bench.node(cut?.node ?? 0);
  if (cut !== undefined) victim.cutAfter = victim.outputs + cut.after;
  const make = (timestamp: number): ReturnType<typeof bench.kit.signed> =>
    authentication === 'mac' ? bench.kit.authenticated('x', { timestamp }) : bench.kit.signed('x', { timestamp });
  for (let timestamp = 1; timestamp <= 5; timestamp += 1) {
    bench.send([make(timestamp)]);
    bench.run();
    if (!victim.isUp) victim.start();
    bench.execute(make(timestamp));
    if (!victim.isUp) victim.start();
  }
  victim.cutAfter = undefined;
  return bench;
}

describe.each(MODES)('a crash after any single output, %s mode', (authentication) => {
  test.each([
    [1, 0],
    [2, 0],
    [2, 1],
    [3, 1],
    [4, 0],
    [4, 2],
  ])('%i replicas, node index %i: it comes back, contradicts nothing it said, and all goes on', (n, node) => {
    const whole = runWithCrash(n, authentication, undefined);
    const total = whole.node(node).outputs;
    for (let after = 1; after < total; after += 1) {
      const bench = runWithCrash(n, authentication, { node, after });
      bench.until(() => bench.isConverged(), `cut after ${after}`);
      bench.pass(3_000_000);
      expect(contradictionsIn(bench), `cut after ${after}`).toEqual([]);
      expect(Math.max(...bench.replies.map(({ reply }) => reply.timestamp))).toBe(5);
      expect(bench.nodes.flatMap((each) => each.suspicions.filter((line) => line.startsWith('certain')))).toEqual([]);
      expect(bench.up.map((each) => each.count('x'))).toEqual(bench.up.map(() => 5));
      const roots = new Set(bench.up.map((each) => each.status.stateRoot));
      expect(roots.size, `cut after ${after}`).toBe(1);
    }
  });
});

test('the power goes everywhere at once, at any moment: nothing that was acknowledged is lost, nothing runs twice', () => {
  const make = (bench: Bench, timestamp: number): ReturnType<Bench['kit']['signed']> =>
    bench.kit.authenticated('x', { timestamp });
  for (let delivered = 0; delivered < 120; delivered += 1) {
    const bench = new Bench({ cluster: { checkpointInterval: 2 } });
    for (let timestamp = 1; timestamp <= 3; timestamp += 1) bench.execute(make(bench, timestamp));
    bench.send([make(bench, 4)]);
    for (let left = delivered; left > 0 && bench.packets.length > 0; left -= 1) {
      const [packet] = bench.packets.splice(0, 1);
      if (packet !== undefined) bench.deliver(packet);
    }
    const acknowledged = Math.max(...bench.replies.map(({ reply }) => reply.timestamp));
    for (const node of bench.nodes) node.crash();
    bench.take(() => true);
    for (const node of bench.nodes) node.start();
    bench.until(() => bench.isConverged(), 'all are back');
    expect(bench.node(0).count('x')).toBeGreaterThanOrEqual(acknowledged);
    bench.execute(make(bench, 4));
    bench.execute(make(bench, 5));
    bench.until(() => bench.isConverged(), `after ${delivered} frames`);
    expect(
      bench.nodes.map((node) => node.count('x')),
      `after ${delivered} frames`,
    ).toEqual([5, 5, 5, 5]);
    expect(contradictionsIn(bench)).toEqual([]);
  }
});
