import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Credentials } from './credentials.ts';
import { guardDoor, refuseUnrouted } from './door.ts';
import type { Door } from './door.ts';
import { OriginPolicy } from './origin.ts';
import { RateLimiter } from './rate-limit.ts';
import { refusalOf, sendRefusal } from './refused.ts';
import { apiError } from '../../api/index.ts';

const BURST = 5;
const HOST = 'localhost:1';

interface Call {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

describe('the door', () => {
  let server: FastifyInstance;
  let address: string;
  beforeEach(async () => {
    const door: Door = {
      origins: new OriginPolicy({ allowedHosts: [], clusterUrls: ['http://localhost:2'] }),
      credentials: Credentials.none(),
      rate: new RateLimiter({ perSecond: 1, burst: BURST, addresses: 10 }),
      nowMs: () => 0,
    };
    server = fastify({
      frameworkErrors: (_, request, reply) => void refuseUnrouted(door, apiError('not_found'), { request, reply }),
    });
    server.setErrorHandler((error, _, reply) => sendRefusal(reply, refusalOf(error) ?? apiError('internal_error')));
    guardDoor(server, door);
    server.get('/here', async () => ({}));
    address = await server.listen({ host: '127.0.0.1', port: 0 });
  });
  afterEach(async () => server.close());

  async function ask({ url, method = 'GET', headers = {} }: Call): Promise<[number | undefined, IncomingHttpHeaders]> {
    return new Promise((resolve, reject) => {
      const asking = request(`${address}${url}`, { method, headers: { host: HOST, ...headers }, agent: false });
      asking.on('response', (response) => resolve([response.resume().statusCode, response.headers]));
      asking.on('error', reject);
      asking.end();
    });
  }
  const statusOf = async (call: Call): Promise<number | undefined> => (await ask(call))[0];

  it.each([
    ['that is answered', 200, { url: '/here' }],
    ['about what is allowed', 204, { method: 'OPTIONS', url: '/here' }],
    ['to another host', 421, { url: '/here', headers: { host: 'evil.example' } }],
    ['of a page from elsewhere', 403, { method: 'POST', url: '/here', headers: { origin: 'http://evil.example' } }],
    ['of a method that is not', 405, { method: 'POST', url: '/here' }],
    ['to a path that is none', 404, { url: '/%zz' }],
    ['to a path that is none at another host', 421, { url: '/%zz', headers: { host: 'evil.example' } }],
  ] as const)('takes a token for each call %s', async (_, status, call: Call) => {
    for (let round = 0; round < BURST; round += 1) expect(await statusOf(call)).toBe(status);
    expect(await statusOf(call)).toBe(429);
    expect(await statusOf({ url: '/here' })).toBe(429);
  });

  it('lets a page of another node read that it asks too much', async () => {
    const origin = 'http://localhost:2';
    const preflight = { method: 'OPTIONS', url: '/here', headers: { origin } };
    for (let round = 0; round < BURST; round += 1) expect(await statusOf(preflight)).toBe(204);
    const [status, headers] = await ask(preflight);
    expect([status, headers['access-control-allow-origin']]).toEqual([429, origin]);
  });

  it('sends the security headers with what no route is asked about', async () => {
    const [, headers] = await ask({ url: '/%zz' });
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
  });
});
