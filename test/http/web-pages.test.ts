import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Credentials } from '../../src/server/http/credentials.ts';
import { guardDoor } from '../../src/server/http/door.ts';
import { OriginPolicy } from '../../src/server/http/origin.ts';
import { RateLimiter } from '../../src/server/http/rate-limit.ts';
import { refusalOf, sendRefusal } from '../../src/server/http/refused.ts';
import { apiError } from '../../src/api/index.ts';
import { addWebPages } from '../../src/server/http/web-pages.ts';

const CLUSTER = ['http://127.0.0.1:8001', 'http://127.0.0.1:8002'];
const TOKEN = 'correct-horse-battery-staple';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe('the pages', () => {
  let folder: string;
  let server: FastifyInstance;
  let port: number;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pbft-pages-'));
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  /** The door with a token on it, and behind it the pages of `files`. */
  const serve = async (files: Readonly<Record<string, string>>): Promise<void> => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, 'web', path, '..'), { recursive: true });
      writeFileSync(join(folder, 'web', path), text);
    }
    writeFileSync(join(folder, 'tokens'), `someone:${TOKEN}\n`);
    writeFileSync(join(folder, 'secret.html'), 'not for the web');
    const credentials = Credentials.load(join(folder, 'tokens'));
    if (!credentials.ok) throw new Error(credentials.error);
    server = fastify();
    const names = { allowedHosts: [], clusterUrls: CLUSTER };
    guardDoor(server, {
      origins: new OriginPolicy(names),
      credentials: credentials.value,
      rate: new RateLimiter({ perSecond: 1000, burst: 1000, addresses: 8 }),
      nowMs: () => performance.now(),
    });
    server.setErrorHandler((error, _, reply) => sendRefusal(reply, refusalOf(error) ?? apiError('internal_error')));
    server.setNotFoundHandler((_, reply) => sendRefusal(reply, apiError('not_found')));
    await addWebPages(server.withTypeProvider<TypeBoxTypeProvider>(), {
      directory: join(folder, 'web'),
      clusterUrls: CLUSTER,
    });
    await server.listen({ host: '127.0.0.1', port: 0 });
    port = Number(new URL(server.listeningOrigin).port);
  };

  const BUILT = {
    'index.html': '<title>dashboard</title>',
    'lab/index.html': '<title>lab</title>',
    'assets/index-Ab12.js': 'export {};',
    'assets/index-Ab12.css': 'main {}',
    'icon.svg': '<svg/>',
  };
  /** By hand: a client that knows HTTP better would tidy up the paths. */
  const get = async (path: string, method = 'GET', headers: Readonly<Record<string, string>> = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      });
      sent.on('error', reject);
      sent.end();
    });

  it.each([
    ['/', 'text/html', 'dashboard'],
    ['/lab', 'text/html', '<title>lab'],
    ['/lab/', 'text/html', '<title>lab'],
    ['/assets/index-Ab12.js', 'application/javascript', 'export'],
    ['/assets/index-Ab12.css', 'text/css', 'main'],
    ['/icon.svg', 'image/svg+xml', '<svg/>'],
  ])('%s comes without credentials, as %s', async (url, type, text) => {
    await serve(BUILT);
    const answer = await get(url);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toContain(type);
    expect(answer.body).toContain(text);
  });

  it('a page runs nothing but its own files, and talks to the nodes of the cluster alone', async () => {
    await serve(BUILT);
    const policy = String((await get('/')).headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain(`connect-src 'self' ${CLUSTER.join(' ')};`);
    expect(policy).not.toContain('unsafe');
  });

  it('a file with a hash in its name is kept for good, a page is asked for anew', async () => {
    await serve(BUILT);
    expect((await get('/assets/index-Ab12.js')).headers['cache-control']).toContain('immutable');
    const page = await get('/');
    expect(page.headers['cache-control']).toBe('no-cache');
    const again = await get('/', 'GET', { 'if-none-match': String(page.headers.etag) });
    expect(again.status).toBe(304);
  });

  it('HEAD is GET without the body', async () => {
    await serve(BUILT);
    const answer = await get('/lab', 'HEAD');
    expect(answer.status).toBe(200);
    expect(answer.body).toBe('');
    expect(answer.headers['content-length']).toBe(String(BUILT['lab/index.html'].length));
  });

  it.each([
    '/assets/../../secret.html',
    '/assets/..%2f..%2fsecret.html',
    '/..%2fsecret.html',
    '/assets/%2e%2e/%2e%2e/secret.html',
    '/assets',
    '/assets/',
    '/assets/other.js',
    '/lab/index.html/',
  ])('%s is none of the files', async (url) => {
    await serve(BUILT);
    const answer = await get(url, 'GET', { authorization: `Bearer ${TOKEN}` });
    expect(answer.status).toBe(404);
    expect(answer.body).not.toContain('not for the web');
  });

  it.each([
    ['another host', { host: 'evil.example' }, 'GET', 421],
    ['a method that no page has', { authorization: `Bearer ${TOKEN}` }, 'POST', 405],
  ] as const)('refuses %s', async (_, headers, method, status) => {
    await serve(BUILT);
    expect((await get('/', method, headers)).status).toBe(status);
  });

  it('without a build says how to make one', async () => {
    await serve({});
    const answer = await get('/');
    expect(answer.status).toBe(503);
    expect(answer.headers['content-type']).toContain('text/html');
    expect(answer.body).toContain('npm run build:web');
    expect((await get('/lab', 'GET', { authorization: `Bearer ${TOKEN}` })).status).toBe(404);
  });
});
