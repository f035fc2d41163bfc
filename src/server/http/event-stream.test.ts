/** The route on a real socket, with a hub that is fed by hand: here one can make more than any kernel buffers. */
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventTextReader } from '../../api/index.ts';
import type { StreamEvent } from '../../api/index.ts';
import { asReplicaId, asView } from '../../base/ids.ts';
import { systemClocks } from '../events/event-clocks.ts';
import { EventHub } from '../events/event-hub.ts';
import type { EventHubLimits } from '../events/event-hub.ts';
import { addEventRoutes } from './event-stream.ts';
import { compileValidator } from './validation.ts';
import { HELLO } from '../../../test/support/stream-events.ts';

const BOUND = 100_000;
const LIMITS: Partial<EventHubLimits> = { flushMs: 1, consumer: { waitingBytes: BOUND, stalledMs: 60_000 } };

/** Collects what comes, as fast as it comes while it reads. */
class Reader {
  readonly response: IncomingMessage;
  readonly events: StreamEvent[] = [];
  isClosed = false;
  readonly #text = new EventTextReader();

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      for (const { data } of this.#text.read(chunk)) this.events.push(JSON.parse(data) as StreamEvent);
    });
    response.once('close', () => (this.isClosed = true));
    // What is cut off is an error to the one who reads.
    response.on('error', () => undefined);
  }

  get views(): readonly number[] {
    return this.events.flatMap((event) => (event.kind === 'view-entered' ? [event.view] : []));
  }

  get lost(): number {
    return this.events.reduce((sum, event) => (event.kind === 'lost' ? sum + event.count : sum), 0);
  }
}

describe('a reader that stops reading', () => {
  let hub: EventHub;
  let http: FastifyInstance;
  let url: string;

  async function serve(limits: Partial<EventHubLimits>): Promise<void> {
    hub = new EventHub({
      self: asReplicaId(0),
      boot: '0badcafe',
      hello: () => HELLO,
      clocks: systemClocks(),
      limits: { ...LIMITS, ...limits },
    });
    http = fastify();
    http.setValidatorCompiler(compileValidator);
    addEventRoutes(http.withTypeProvider<TypeBoxTypeProvider>(), { listen: (request) => hub.listen(request) });
    url = await http.listen({ host: '127.0.0.1', port: 0 });
  }

  beforeEach(async () => serve({}));
  afterEach(async () => {
    hub.close();
    http.server.closeAllConnections();
    await http.close();
  });

  async function read(): Promise<Reader> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${url}/pbft/events`, { agent: false }, resolve).on('error', reject);
    });
    const reader = new Reader(response);
    await expect.poll(() => reader.events.length).toBe(1);
    return reader;
  }

  /** Makes events until somebody has lost one; how many there were. */
  async function overwhelm(): Promise<number> {
    for (let view = 1; ; view += 1) {
      hub.onEvent({ kind: 'view-entered', view: asView(view), primary: asReplicaId(0) });
      // The socket takes what it can only between two turns of the event loop.
      if (view % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (hub.counts.lostEvents > 0) return view;
      if (view > 1_000_000) throw new Error('a million events, and none was lost');
    }
  }

  it('is told how many it lost, misses nothing else, and one beside it loses nothing', async () => {
    const [quick, slow] = [await read(), await read()];
    slow.response.pause();
    const made = await overwhelm();
    await expect.poll(() => quick.views.length, { timeout: 20_000 }).toBe(made);
    slow.response.resume();
    await expect.poll(() => slow.lost, { timeout: 20_000 }).toBeGreaterThan(0);
    hub.onEvent({ kind: 'view-entered', view: asView(made + 1), primary: asReplicaId(0) });
    await expect.poll(() => slow.views.at(-1), { timeout: 20_000 }).toBe(made + 1);
    expect(slow.views.length + slow.lost).toBe(made + 1);
    expect(slow.views).toEqual([...new Set(slow.views)].toSorted((left, right) => left - right));
    expect(quick.lost).toBe(0);
  });

  it('is cut off when it goes on like that', async () => {
    await http.close();
    await serve({ consumer: { waitingBytes: BOUND, stalledMs: 500 } });
    const slow = await read();
    slow.response.pause();
    await overwhelm();
    await expect.poll(() => hub.counts.listeners, { timeout: 10_000 }).toBe(0);
    slow.response.resume();
    await expect.poll(() => slow.isClosed, { timeout: 10_000 }).toBe(true);
  });

  it('that goes away is no listener any more', async () => {
    const reader = await read();
    expect(hub.counts.listeners).toBe(1);
    reader.response.destroy();
    await expect.poll(() => hub.counts.listeners).toBe(0);
  });
});
