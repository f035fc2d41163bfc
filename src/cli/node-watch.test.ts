/** Against nodes that lie about their own stream. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HELLO } from '../../test/support/stream-events.ts';
import type { StreamEvent } from '../api/index.ts';
import { readEventStream } from './event-stream.ts';
import { NodeWatch } from './node-watch.ts';

const BOOT = '0badcafe';

const hello = (node: string, id: unknown): object => ({ ...HELLO, boot: BOOT, kind: 'hello', node, at_us: 1, id });
const link = (node: string, id: unknown): object => ({ kind: 'link', node, at_us: 1, id, peer: 'node2', state: 'up' });

let server: Server;
let url: string;
/** What each connection is told, the last of them again and again; and what each asked for. */
let told: unknown[][];
let asked: (string | undefined)[];
let over: AbortController;

beforeEach(async () => {
  [told, asked, over] = [[], [], new AbortController()];
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    asked.push(request.headers['last-event-id'] as string | undefined);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const events = told.length > 1 ? told.shift() : told[0];
    for (const event of events ?? []) response.write(`data: ${JSON.stringify(event)}\n\n`);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  over.abort();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('NodeWatch', () => {
  let events: StreamEvent[];
  let news: string[];

  function watch(name: string | undefined): NodeWatch {
    [events, news] = [[], []];
    return new NodeWatch({
      node: { name, url },
      kinds: undefined,
      onEvent: (event) => void events.push(event),
      onNews: (text) => void news.push(text),
      signal: over.signal,
    });
  }

  const until = async (condition: () => boolean): Promise<void> =>
    void (await vi.waitUntil(condition, { timeout: 10_000, interval: 20 }));

  test('comes back with the id of the last event that has one', async () => {
    const ids = ['b\n-1', `${BOOT}-4\r\nx: y`, `${BOOT}-`, 7, null, undefined, 'ä'];
    told = [[hello('node1', `${BOOT}-3`), ...ids.map((id) => link('node1', id))], []];
    const watching = watch('node1');
    await until(() => asked.length === 2);
    expect(asked).toEqual([undefined, `${BOOT}-3`]);
    expect(events).toHaveLength(1 + ids.length);
    over.abort();
    await watching.ended;
  });

  test('leaves out what names another node than the one that is asked, and says so once', async () => {
    const own = [hello('node1', `${BOOT}-1`), link('node1', `${BOOT}-2`)];
    const foreign = [link('node3', `${BOOT}-3`), link('node2', `${BOOT}-4`)];
    told = [[...own, ...foreign], [...foreign, ...own], []];
    watch('node1');
    await until(() => asked.length === 3);
    expect(asked).toEqual([undefined, `${BOOT}-2`, `${BOOT}-2`]);
    expect(events).toEqual([...own, ...own]);
    const warnings = news.filter((text) => text.includes('node3'));
    expect(warnings).toEqual(['node1: it tells of node3 as if it were that node; such events are left out']);
    expect(news.join()).not.toContain('node2');
  });

  test('takes whatever node answers where only an address is known', async () => {
    told = [[hello('node4', `${BOOT}-1`)], []];
    watch(undefined);
    await until(() => asked.length === 2);
    expect(events).toMatchObject([{ node: 'node4' }]);
  });
});

describe('readEventStream', () => {
  test.each([
    ['a place that no header can hold', { lastEventId: 'one\ntwo' }],
    ['no address', { url: 'nonsense' }],
  ])('ends where it is given %s', async (_, wish) => {
    const nothing = (): void => undefined;
    const { signal } = over;
    const end = readEventStream({ url, kinds: undefined, lastEventId: undefined, onEvent: nothing, signal, ...wish });
    expect(await end).toMatchObject({ kind: 'ended' });
  });
});
