import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CoreKit, replica } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { eventsOf } from '../../test/support/transcript.ts';
import { Metrics } from './metrics.ts';

const UNITS = /_(?:total|seconds|bytes|number|boolean|requests|slots|outputs|peers|clients|readers|suspicions)$/;

function setUp() {
  const rig = new Rig({ self: 1 }, new CoreKit());
  const metrics = new Metrics({
    status: () => rig.status,
    heldOutputs: () => 0,
    servingSeconds: () => 0,
    isDiskFull: () => true,
    gatewayPending: () => 7,
    openRequests: () => 0,
    connectedPeers: () => 3,
    connectedClients: () => 0,
    links: () => ({
      sentFrames: 5,
      sentBytes: 0,
      receivedFrames: 0,
      receivedBytes: 0,
      droppedFrames: 0,
      queuedBytes: 0,
    }),
    eventStream: () => ({ cpuSeconds: 0.5, sentEvents: 4, lostEvents: 3, leftOutEvents: 2, listeners: 1 }),
  });
  return { rig, metrics };
}

describe('Metrics', () => {
  it('have names that end in their unit, and docs/metrics.md lists each', () => {
    const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const documented = page.split('\n').filter((line) => line.startsWith('| `pbft_'));
    const own = setUp()
      .metrics.registry.getMetricsAsArray()
      .filter(({ name }) => name.startsWith('pbft_'));
    for (const { name } of own) expect(name).toMatch(UNITS);
    const listed = documented.map((line) => /`(?<name>[a-z_]+)`/.exec(line)?.groups?.['name']);
    expect(listed).toEqual(own.map(({ name }) => name));
  });

  it('count phases, requests and refusals, and read gauges when asked', async () => {
    const { rig, metrics } = setUp();
    const batch = rig.kit.batchOf('transfer 100');
    const outputs = [...rig.decide(1, batch), ...rig.receive(rig.kit.prepare(2, 100, rig.kit.digestOfBatch(batch)))];
    for (const event of eventsOf(outputs)) metrics.onEvent(event);
    metrics.onEvent({ kind: 'refused', type: 'frame', from: replica(2), code: 'malformed' });
    metrics.onSync(3);
    const text = await metrics.text();
    for (const line of [
      'pbft_slots_total{phase="executed"} 1',
      'pbft_executed_requests_total{outcome="executed"} 1',
      'pbft_refused_messages_total{type="frame",code="malformed"} 1',
      'pbft_log_records_total 3',
      'pbft_log_syncs_total 1',
      'pbft_executed_sequence_number 1',
      'pbft_gateway_pending_requests 7',
      'pbft_connected_peers 3',
      'pbft_link_sent_frames_total 5',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });

  it('tell how busy the event loop is, without waking to look at it', async () => {
    const { metrics } = setUp();
    const text = await metrics.text();
    expect(Number(/^pbft_event_loop_busy_seconds_total (\S+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
    expect(text.match(/^nodejs_eventloop_lag_\w+ /gm)).toEqual(['nodejs_eventloop_lag_seconds ']);
  });

  it('read totals of the links again and again without adding them up', async () => {
    const { metrics } = setUp();
    await metrics.text();
    expect(await metrics.text()).toContain('pbft_link_sent_frames_total 5\n');
  });
});
