/** The event stream of real nodes: what it tells, to whom, and what becomes of those who break off or do not read. */
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { afterEach, describe, expect, it } from 'vitest';
import { StreamEvent } from '../../src/api/index.ts';
import type { NodeOptions } from '../../src/server/index.ts';
import { EventReader } from '../support/event-reader.ts';
import { eventually, TestCluster } from '../support/nodes.ts';
import type { HttpAnswer, TestPlan } from '../support/nodes.ts';

const validator = Compile(StreamEvent);

const codeOf = ({ status, json }: HttpAnswer): readonly unknown[] => [
  status,
  (json as { error?: { code?: unknown } }).error?.code,
];

describe('GET /pbft/events', () => {
  let cluster: TestCluster | undefined;
  const readers: EventReader[] = [];
  const responses: IncomingMessage[] = [];
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.close();
    for (const response of responses.splice(0)) response.destroy();
    await cluster?.end();
    cluster = undefined;
  });

  async function start(plan: TestPlan = {}, options: Partial<NodeOptions> = {}): Promise<TestCluster> {
    cluster = await TestCluster.start(plan, options);
    return cluster;
  }

  async function read(
    at: TestCluster,
    name: string,
    wish: { readonly kinds?: readonly string[]; readonly lastEventId?: string } = {},
  ): Promise<EventReader> {
    const reader = await EventReader.open(at.node(name).httpUrl, wish);
    readers.push(reader);
    return reader;
  }

  const transfer = async (at: TestCluster, name = 'node1'): Promise<unknown> =>
    at.execute(name, { operation: 'transfer', amount: 1 });

  it('says who answers, then tells a request phase by phase, each event as its schema says', async () => {
    const at = await start();
    const reader = await read(at, 'node2');
    expect(reader.events[0]).toMatchObject({ kind: 'hello', node: 'node2', n: 4, f: 1, quorum: 3, view: 0, lab: true });
    await transfer(at);
    await eventually('node2 has executed it', () => reader.of('executed').length > 0);
    const [executed] = reader.of('executed');
    expect(executed).toMatchObject({ sequence: 1, view: 0, request_count: 1, requests: [{ outcome: 'executed' }] });
    const about = reader.events.filter((event) => 'sequence' in event && event.sequence === 1);
    expect(about.map(({ kind }) => kind).slice(0, 4)).toEqual(['pre-prepared', 'prepared', 'committed', 'executed']);
    expect(new Set(about.flatMap((event) => ('digest' in event ? [event.digest] : []))).size).toBe(1);
    for (const event of reader.events) expect([...validator.Errors(event)]).toEqual([]);
    const numbers = reader.events.map(({ id }) => Number(id.split('-')[1]));
    expect(numbers.slice(1)).toEqual(numbers.slice(1).toSorted((left, right) => left - right));
  });

  it('tells messages at both ends under one id, and of one broadcast under the same for all receivers', async () => {
    const at = await start();
    const sender = await read(at, 'node1', { kinds: ['message-sent'] });
    const receivers = await Promise.all(
      ['node2', 'node3', 'node4'].map(async (name) => read(at, name, { kinds: ['message-received'] })),
    );
    await transfer(at);
    const isProposal = ({ message }: { readonly message: { readonly type: string } }): boolean =>
      message.type === 'pre-prepare';
    const received = await eventually('all have the proposal', () => {
      const proposals = receivers.map((reader) => reader.of('message-received').find(isProposal));
      return proposals.every((proposal) => proposal !== undefined) && proposals;
    });
    const sent = await eventually('the sender has told of it', () => {
      const proposals = sender.of('message-sent').filter(isProposal);
      return proposals.length === 3 && proposals;
    });
    expect(sent.map(({ to }) => to).toSorted()).toEqual(['node2', 'node3', 'node4']);
    const ids = new Set([...sent, ...received].map(({ message }) => message.id));
    expect(ids.size).toBe(1);
    for (const { at_us: receivedAt, from } of received) {
      expect(from).toBe('node1');
      expect(receivedAt).toBeGreaterThan(Math.min(...sent.map(({ at_us: sentAt }) => sentAt)) - 1000);
    }
  });

  it('goes on after the last event that one got: nothing twice, nothing lost', async () => {
    const at = await start();
    const first = await read(at, 'node1');
    await transfer(at);
    await eventually('the first has seen it', () => first.of('executed').length === 1);
    first.close();
    await transfer(at);
    const again = await read(at, 'node1', { lastEventId: first.lastId });
    await transfer(at);
    await eventually('both of the others came', () => again.of('executed').length === 2);
    const sequences = [...first.of('executed'), ...again.of('executed')].map(({ sequence }) => sequence);
    expect(sequences).toEqual([1, 2, 3]);
    expect(again.of('lost')).toEqual([]);
    const ids = [...first.events, ...again.events].filter(({ kind }) => kind !== 'hello').map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('after a restart of the node begins anew under another boot', async () => {
    const at = await start();
    const before = await read(at, 'node3');
    await at.stopNode('node3');
    expect(await before.ended).toMatchObject({ kind: 'ended' });
    await at.startNode('node3');
    const after = await read(at, 'node3', { lastEventId: before.lastId });
    const [hello, lost] = after.events;
    expect(hello).toMatchObject({ kind: 'hello' });
    expect(hello?.id.split('-')[0]).not.toBe(before.lastId.split('-')[0]);
    // What it did before anybody listened was not written down, but counted.
    expect(lost).toMatchObject({ kind: 'lost' });
  });

  it('tells of links that go down and come up, and of a behaviour that is switched', async () => {
    const at = await start();
    const reader = await read(at, 'node1', { kinds: ['link', 'behaviour'] });
    await at.stopNode('node4');
    await eventually('node4 is gone', () =>
      reader.of('link').some(({ peer, state }) => peer === 'node4' && state === 'down'),
    );
    await at.startNode('node4');
    await eventually('node4 is back', () =>
      reader.of('link').some(({ peer, state }) => peer === 'node4' && state === 'up'),
    );
    await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node1', behaviour: 'silent' });
    await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node1', enabled: false });
    await eventually('both were told', () => reader.of('behaviour').length === 2);
    expect(reader.of('behaviour').map(({ behaviour }) => behaviour)).toEqual(['silent', null]);
  });

  it('says to one who comes later how it misbehaves and which links are down', async () => {
    const at = await start();
    // Ready is who has a link to a quorum; the last one may still be on its way.
    const sound = await eventually('all links are up', async () => {
      const [hello] = (await read(at, 'node1')).of('hello');
      return hello?.down_links.length === 0 && hello;
    });
    expect(sound.behaviour).toBeNull();
    const watcher = await read(at, 'node1', { kinds: ['link'] });
    for (const name of ['node4', 'node3']) await at.stopNode(name);
    await eventually('both are gone', () => watcher.of('link').filter(({ state }) => state === 'down').length === 2);
    await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node1', behaviour: 'silent' });
    const [hello] = (await read(at, 'node1', { kinds: ['executed'] })).of('hello');
    expect(hello).toMatchObject({ behaviour: 'silent', down_links: ['node3', 'node4'] });
    expect([...validator.Errors(hello)]).toEqual([]);
    await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node1', enabled: false });
    expect((await read(at, 'node1')).of('hello')).toMatchObject([{ behaviour: null }]);
  });

  it('gives only the kinds that were asked for', async () => {
    const at = await start();
    const reader = await read(at, 'node1', { kinds: ['executed', 'committed'] });
    await transfer(at);
    await eventually('it is executed', () => reader.of('executed').length > 0);
    expect(new Set(reader.events.map(({ kind }) => kind))).toEqual(new Set(['hello', 'committed', 'executed']));
  });

  it.each(['prepared,finished', 'PREPARED', ',', '%20', 'prepared;executed'])(
    'refuses the kinds "%s", and lists what there is',
    async (kinds) => {
      const at = await start({ nodes: 1 });
      const answer = await at.get('node1', `/pbft/events?kinds=${kinds}`);
      expect(codeOf(answer)).toEqual([400, 'invalid_request']);
      expect(answer.text).toContain('view-change-started');
    },
  );

  it('refuses what it does not know, and other methods', async () => {
    const at = await start({ nodes: 1 });
    expect(codeOf(await at.get('node1', '/pbft/events?kind=prepared'))).toEqual([400, 'invalid_request']);
    expect(codeOf(await at.post('node1', '/pbft/events', {}))).toEqual([405, 'method_not_allowed']);
    expect((await at.fetch('node1', '/pbft/events', { method: 'HEAD' })).status).toBe(405);
  });

  it('refuses one more than may read, until one has gone', async () => {
    const at = await start({ nodes: 1 }, { eventLimits: { consumers: 1 } });
    const only = await read(at, 'node1');
    const refused = await at.get('node1', '/pbft/events');
    expect(codeOf(refused)).toEqual([503, 'too_many_streams']);
    expect(refused.headers.get('retry-after')).toBe('5');
    only.close();
    await eventually('there is room again', async () => {
      const reader = new EventReader(at.node('node1').httpUrl);
      readers.push(reader);
      return Promise.race([
        reader.ended.then(() => false as const),
        eventually('it opens', () => reader.events.length > 0, 1000).catch(() => false as const),
      ]);
    });
  });

  it('lets a page come back every second, and nobody in a loop: opening counts as many requests', async () => {
    const at = await start({ nodes: 1 }, { httpLimits: { rate: { perSecond: 200, burst: 1000, addresses: 10 } } });
    const open = async (): Promise<number | undefined> => (await head(at, 'node1', {})).status;
    const statuses: (number | undefined)[] = [];
    for (let round = 0; round < 8; round += 1) statuses.push(await open());
    expect(statuses.slice(0, 3)).toEqual([200, 200, 200]);
    expect(statuses).toContain(429);
    await new Promise((resolve) => setTimeout(resolve, 1050));
    expect(await open()).toBe(200);
  });

  it('demands a token where the node does, and a host that it has', async () => {
    const at = await TestCluster.make({ nodes: 1 });
    cluster = at;
    writeFileSync(join(at.folder, 'tokens'), 'reader:0123456789abcdef0123\n');
    at.configure('node1', (config) => {
      config['http'] = { ...(config['http'] as object), tokens_file: join(at.folder, 'tokens') };
    });
    await at.startNode('node1');
    expect(codeOf(await at.get('node1', '/pbft/events'))).toEqual([401, 'unauthorized']);
    const { status, headers } = await head(at, 'node1', { authorization: 'Bearer 0123456789abcdef0123' });
    expect([status, headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect((await head(at, 'node1', { host: 'evil.example' })).status).toBe(421);
  });

  it('may be read by a page of another node, and by no page from elsewhere', async () => {
    const at = await start();
    const origin = at.node('node2').httpUrl;
    const own = await head(at, 'node1', { origin });
    expect([own.status, own.headers['access-control-allow-origin']]).toEqual([200, origin]);
    const foreign = await head(at, 'node1', { origin: 'http://evil.example' });
    expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
    for (const path of ['/pbft/events', '/pbft/lab/nodes/node1', '/pbft/lab/links', '/pbft/request']) {
      const preflight = await at.fetch('node1', path, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'last-event-id' },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('access-control-allow-headers')).toContain('last-event-id');
      expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    }
  });

  it('ends with the node, at once', async () => {
    const at = await start({ nodes: 1 });
    const reader = await read(at, 'node1');
    const began = performance.now();
    await at.stopNode('node1');
    expect(await reader.ended).toEqual({ kind: 'ended', reason: 'the node ended the stream' });
    expect(performance.now() - began).toBeLessThan(1400);
  });

  it('costs nothing while nobody reads, and counts what it costs when somebody does', async () => {
    const at = await start({ nodes: 1 });
    const seconds = async (): Promise<number> => {
      const { text } = await at.get('node1', '/metrics');
      return Number(/^pbft_event_stream_cpu_seconds_total (\S+)$/m.exec(text)?.[1]);
    };
    await transfer(at);
    expect(await seconds()).toBe(0);
    const reader = await read(at, 'node1');
    await transfer(at);
    await eventually('it is told', () => reader.of('executed').length > 0);
    expect(await seconds()).toBeGreaterThan(0);
    const { text } = await at.get('node1', '/metrics');
    expect(text).toContain('pbft_event_stream_readers 1\n');
  });

  /** The head of an answer; the stream behind it is ended. */
  async function head(at: TestCluster, name: string, headers: Readonly<Record<string, string>>) {
    const response = await open(at, name, headers);
    response.destroy();
    return { status: response.statusCode, headers: response.headers };
  }

  async function open(
    at: TestCluster,
    name: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const call = get(`${at.node(name).httpUrl}/pbft/events`, { headers, agent: false }, (response) => {
        responses.push(response);
        resolve(response);
      });
      call.on('error', reject);
    });
  }
});
