/** What the lab orders of a cluster under `pbft up`: processes killed, restarted and paused, links cut and slowed down. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LabBody } from '../../src/api/index.ts';
import { EventReader } from '../support/event-reader.ts';
import { eventually, isAlive, Workplace } from './local-cluster.ts';
import type { CliProcess } from './local-cluster.ts';

type Action = 'kill' | 'restart' | 'pause' | 'resume';

describe('lab controls', () => {
  let place: Workplace;
  let up: CliProcess;
  const readers: EventReader[] = [];
  beforeEach(async () => {
    place = new Workplace();
    up = await place.up();
  });
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.close();
    await place.clear();
  });

  async function read(name: string, ...kinds: readonly string[]): Promise<EventReader> {
    const reader = await EventReader.open(place.url(name), { kinds });
    readers.push(reader);
    return reader;
  }

  /** Through the node `by`: how all stand after it. */
  async function order(by: string, node: string, action: Action): Promise<LabBody> {
    const { status, body } = await place.post(by, `/pbft/lab/nodes/${node}`, { action });
    expect([status, body]).toEqual([200, expect.objectContaining({ links: expect.any(Array) as unknown[] })]);
    return body as unknown as LabBody;
  }

  const look = async (by: string): Promise<LabBody> => (await place.get(by, '/pbft/lab')).body as unknown as LabBody;
  const stateIn = ({ nodes }: LabBody, name: string): string | undefined =>
    nodes.find(({ node_id: node }) => node === name)?.state;

  async function isServed(name: string): Promise<boolean> {
    return (await place.get(name, '/readyz')).status === 200;
  }

  async function transfer(by: string): Promise<void> {
    const { status, body } = await place.post(by, '/pbft/request?wait=true', { operation: 'transfer', amount: 1 });
    expect([status, body['consensus']]).toEqual([200, true]);
  }

  /** `T`: stopped by a signal. Linux only, as these tests are. */
  const isStopped = (pid: number): boolean => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

  test('kill: down until restart, the others see the link go and go on; then it comes back', async () => {
    const links = await read('node1', 'link');
    const pid = place.pid('node3');
    expect(stateIn(await order('node1', 'node3', 'kill'), 'node3')).toBe('killed');
    await eventually('it is gone', () => !isAlive(pid));
    await eventually('the stream tells of it', () =>
      links.of('link').some(({ peer, state }) => peer === 'node3' && state === 'down'),
    );
    await transfer('node1');
    // A node that died by itself would be back long before these.
    for (let round = 0; round < 20; round += 1) await transfer('node2');
    expect(stateIn(await look('node2'), 'node3')).toBe('killed');
    expect(isAlive(pid)).toBe(false);
    expect(['starting', 'running']).toContain(stateIn(await order('node2', 'node3', 'restart'), 'node3'));
    await eventually('it serves again', async () => isServed('node3'));
    expect(place.pid('node3')).not.toBe(pid);
    await eventually('the stream tells of it', () => links.of('link').at(-1)?.state === 'up');
    expect(stateIn(await look('node3'), 'node3')).toBe('running');
  });

  test('restart of a node that runs: killed and started again, and no death of its own', async () => {
    for (let round = 0; round < 6; round += 1) {
      const pid = place.pid('node2');
      await order('node1', 'node2', 'restart');
      await eventually('another process serves', async () => place.pid('node2') !== pid && (await isServed('node2')));
    }
    // Five deaths within a minute would have kept it down.
    expect(stateIn(await look('node1'), 'node2')).toBe('running');
    await transfer('node2');
  });

  test.each(['kill', 'restart', 'pause'] as const)(
    'the node that is asked answers before its own %s',
    async (action) => {
      const pid = place.pid('node1');
      const body = await order('node1', 'node1', action);
      expect(stateIn(body, 'node1')).toBe({ kill: 'killed', restart: 'starting', pause: 'paused' }[action]);
      if (action === 'pause') await eventually('it is stopped', () => isStopped(pid));
      else await eventually('it is gone', () => !isAlive(pid));
      if (action !== 'restart') await order('node2', 'node1', action === 'pause' ? 'resume' : 'restart');
      await eventually('it serves again', async () => isServed('node1'));
    },
  );

  test('pause and resume: it stands still, is counted as neither dead nor running, and goes on as the same process', async () => {
    const pid = place.pid('node4');
    await order('node1', 'node4', 'pause');
    await eventually('it is stopped', () => isStopped(pid));
    await transfer('node1');
    expect(stateIn(await look('node2'), 'node4')).toBe('paused');
    await order('node2', 'node4', 'resume');
    await eventually('it goes on', () => !isStopped(pid));
    await eventually('it has caught up', async () => (await place.status('node4')).last_executed >= 1);
    expect(place.pid('node4')).toBe(pid);
    expect(up.stderr).not.toContain('died');
  });

  test('up ends a paused node too', async () => {
    const pids = place.pids();
    await order('node1', 'node2', 'pause');
    await eventually('it is stopped', () => isStopped(place.pid('node2')));
    const began = performance.now();
    up.signal('SIGTERM');
    expect((await up.ended).code).toBe(0);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(pids.some(isAlive)).toBe(false);
  });

  test('cut: one direction is lost, and the link comes back by order or with a restart', async () => {
    const sent = await read('node1', 'message-sent');
    const received = await read('node2', 'message-received');
    const cut = await place.post('node3', '/pbft/lab/links', { from: 'node1', to: 'node2', state: 'cut' });
    const link = { from: 'node1', to: 'node2', state: 'cut', delay_ms: null };
    expect([cut.status, cut.body['links']]).toEqual([200, [link]]);
    // What is under way still comes, and node1 may hear of the order a moment later than we of its answer.
    await transfer('node1');
    const cutUs = Date.now() * 1000;
    for (let round = 0; round < 3; round += 1) await transfer('node1');
    await eventually('node1 says that it sent', () =>
      sent
        .of('message-sent')
        .some(({ to, message, at_us: at }) => to === 'node2' && message.type === 'commit' && at > cutUs),
    );
    const heardOf = (node: string, sinceUs: number): boolean =>
      received.of('message-received').some(({ from, at_us: at }) => from === node && at > sinceUs);
    await eventually('node2 hears node3', () => heardOf('node3', cutUs));
    expect(heardOf('node1', cutUs)).toBe(false);
    const restored = await place.post('node3', '/pbft/lab/links', { from: 'node1', to: 'node2', state: 'up' });
    expect(restored.body['links']).toEqual([]);
    const restoredUs = Date.now() * 1000;
    await eventually('node2 hears node1 again', async () => {
      await transfer('node1');
      return heardOf('node1', restoredUs);
    });
    await place.post('node3', '/pbft/lab/links', { from: 'node1', to: 'node2', state: 'cut' });
    expect((await order('node3', 'node1', 'restart')).links).toEqual([]);
  });

  test('slow: everything comes so much later', async () => {
    const sent = await read('node1', 'message-sent');
    const received = await read('node2', 'message-received');
    const delayMs = 300;
    const slow = await place.post('node1', '/pbft/lab/links', {
      from: 'node1',
      to: 'node2',
      state: 'slow',
      delay_ms: delayMs,
    });
    expect([slow.status, slow.body['links']]).toEqual([
      200,
      [{ from: 'node1', to: 'node2', state: 'slow', delay_ms: delayMs }],
    ]);
    await transfer('node1');
    const late = await eventually('a proposal arrived', () => {
      const proposals = sent
        .of('message-sent')
        .filter(({ to, message }) => to === 'node2' && message.type === 'pre-prepare');
      const [proposal] = proposals;
      const arrival = received.of('message-received').find(({ message }) => message.id === proposal?.message.id);
      return proposal !== undefined && arrival !== undefined && arrival.at_us - proposal.at_us;
    });
    expect(late / 1000).toBeGreaterThanOrEqual(delayMs - 2);
    expect(late / 1000).toBeLessThan(delayMs + 2000);
  });

  test('refuses what cannot be: a node that is not there or not running, a link to itself, half an order', async () => {
    const refused = async (path: string, body: unknown): Promise<readonly unknown[]> => {
      const answer = await place.post('node1', path, body);
      return [answer.status, (answer.body['error'] as { code?: unknown } | undefined)?.code];
    };
    expect(await refused('/pbft/lab/nodes/node5', { action: 'kill' })).toEqual([404, 'unknown_node']);
    expect(await refused('/pbft/lab/nodes/node2', { action: 'hang' })).toEqual([400, 'invalid_request']);
    expect(await refused('/pbft/lab/links', { from: 'node1', to: 'node1', state: 'cut' })).toEqual([
      400,
      'invalid_request',
    ]);
    expect(await refused('/pbft/lab/links', { from: 'node1', to: 'node2', state: 'slow' })).toEqual([
      400,
      'invalid_request',
    ]);
    await order('node1', 'node2', 'kill');
    expect(await refused('/pbft/lab/nodes/node2', { action: 'pause' })).toEqual([409, 'node_not_running']);
    expect(await refused('/pbft/lab/nodes/node2', { action: 'resume' })).toEqual([409, 'node_not_running']);
    expect(await refused('/pbft/lab/links', { from: 'node2', to: 'node1', state: 'cut' })).toEqual([
      409,
      'node_not_running',
    ]);
    expect((await look('node1')).links).toEqual([]);
  });
});
