/** The door of the HTTP API: what it refuses, by which name, and that nothing has happened behind it. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNode } from '../../src/server/index.ts';
import { TestCluster } from '../support/nodes.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const TRANSFER = '{"operation":"transfer","amount":100}';

/** Writes raw bytes to a node and reads until it ends the connection. */
async function raw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

describe('the HTTP door', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ nodes: 1 });
  });
  afterAll(async () => cluster.end());

  const codeOf = (answer: { json: unknown }): unknown =>
    (answer.json as { error?: { code?: unknown } } | undefined)?.error?.code;

  const bodies: readonly (readonly [string, string, number, string])[] = [
    ['no JSON', '{"operation":', 400, 'malformed_json'],
    ['an empty body', '', 400, 'malformed_json'],
    ['two documents', '{"operation":"a"}{"operation":"b"}', 400, 'malformed_json'],
    ['a byte order mark', `\uFEFF${TRANSFER}`, 400, 'malformed_json'],
    ['an array', '["operation"]', 400, 'missing_operation'],
    ['a bare string', '"operation"', 400, 'missing_operation'],
    ['null', 'null', 400, 'missing_operation'],
    ['no operation', '{"amount":100}', 400, 'missing_operation'],
    ['an operation that is a number', '{"operation":5}', 400, 'missing_operation'],
    ['an operation in a prototype', '{"__proto__":{"operation":"transfer"}}', 400, 'missing_operation'],
    ['more than 64 KiB', `{"operation":"put","value":"${'x'.repeat(65_536)}"}`, 413, 'body_too_large'],
  ];
  it.each(bodies)('refuses %s as a request', async (_, body, status, code) => {
    const answer = await cluster.post('node1', '/pbft/request', body);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });

  it('refuses a body that is not UTF-8', async () => {
    const body = Buffer.concat([Buffer.from('{"operation":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    const answer = await cluster.fetch('node1', '/pbft/request', { method: 'POST', headers: JSON_TYPE, body });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'malformed_json']);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'application/jsonx',
    'text/json',
  ])('refuses the content type %s', async (type) => {
    const answer = await cluster.fetch('node1', '/pbft/request', {
      method: 'POST',
      headers: { 'content-type': type },
      body: TRANSFER,
    });
    expect([answer.status, codeOf(answer)]).toEqual([415, 'unsupported_content_type']);
  });

  it.each([
    '?wait=maybe',
    '?wait=1',
    '?timeout_ms=0',
    '?timeout_ms=60001',
    '?timeout_ms=1.5',
    '?timeout_ms=1e3',
    '?timeout_ms=',
    '?wait=true&wait=false',
    '?unknown=1',
  ])('refuses the query %s and names the field', async (query) => {
    const answer = await cluster.post('node1', `/pbft/request${query}`, TRANSFER);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
    expect(answer.text).toContain('"in":"querystring"');
  });

  it.each([' ', 'x'.repeat(65), 'é'])('refuses the idempotency key %j', async (key) => {
    const headers = { ...JSON_TYPE, 'idempotency-key': key };
    const answer = await cluster.fetch('node1', '/pbft/request', { method: 'POST', headers, body: TRANSFER });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_idempotency_key']);
  });

  it('answers 404 for paths and 405 with Allow for methods that are not', async () => {
    expect(codeOf(await cluster.get('node1', '/pbft/nothing'))).toBe('not_found');
    expect(codeOf(await cluster.get('node1', '/%zz'))).toBe('not_found');
    const answer = await cluster.fetch('node1', '/pbft/status', { method: 'DELETE' });
    expect([answer.status, codeOf(answer), answer.headers.get('allow')]).toEqual([
      405,
      'method_not_allowed',
      'GET, HEAD, OPTIONS',
    ]);
    expect((await cluster.get('node1', '/pbft/request')).headers.get('allow')).toBe('OPTIONS, POST');
  });

  it.each([
    ['no Host', ''],
    ['two of them', 'Host: localhost\r\nHost: evil.example\r\n'],
  ])('refuses %s, with a body that says why', async (_, hosts) => {
    const { httpUrl } = cluster.node('node1');
    const answer = await raw(httpUrl, `GET /pbft/status HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    expect(answer).toContain('misdirected_host');
  });

  it('refuses a Host that is neither loopback nor configured: DNS rebinding', async () => {
    const { httpUrl } = cluster.node('node1');
    const answer = await raw(httpUrl, 'GET /pbft/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
    expect(answer).toContain('421');
    expect(answer).toContain('misdirected_host');
    const named = await raw(httpUrl, 'GET /healthz HTTP/1.1\r\nHost: localhost:1234\r\nConnection: close\r\n\r\n');
    expect(named).toContain('200 OK');
  });

  it.each(['http://evil.example', 'null', 'http://127.0.0.1:1'])(
    'refuses a change from a page of origin %s',
    async (origin) => {
      const answer = await cluster.post('node1', '/pbft/request', TRANSFER, { origin });
      expect([answer.status, codeOf(answer)]).toEqual([403, 'foreign_origin']);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  it("lets pages of the cluster's own nodes in, and answers their preflight", async () => {
    const { httpUrl } = cluster.node('node1');
    const preflight = await cluster.fetch('node1', '/pbft/request', {
      method: 'OPTIONS',
      headers: { origin: httpUrl },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(httpUrl);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('content-type');
    const stranger = await cluster.fetch('node1', '/pbft/request', {
      method: 'OPTIONS',
      headers: { origin: 'http://evil.example' },
    });
    expect(stranger.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('sends the security headers with every answer, refusals too', async () => {
    for (const path of ['/pbft/status', '/nothing', '/%zz']) {
      const { headers } = await cluster.get('node1', path);
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  it('answers bytes that are no HTTP, and headers that are too large, with a name', async () => {
    const { httpUrl } = cluster.node('node1');
    expect(await raw(httpUrl, 'GARBAGE\r\n\r\n')).toContain('malformed_http');
    for (const header of ['content-security-policy: default-src', 'x-content-type-options: nosniff'])
      expect(await raw(httpUrl, 'GARBAGE\r\n\r\n')).toContain(header);
    const large = await raw(httpUrl, `GET / HTTP/1.1\r\nHost: localhost\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`);
    expect(large).toContain('header_too_large');
  });

  it('refuses what no route is asked about like anything else: by host, and counted', async () => {
    const { httpUrl } = cluster.node('node1');
    const answer = await raw(httpUrl, 'GET /%zz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    const counted = async (): Promise<number> => {
      const { text } = await cluster.get('node1', '/metrics');
      return Number(/^pbft_http_requests_total\{.*route="unknown".*status="404".*\} (\d+)$/m.exec(text)?.[1] ?? 0);
    };
    const before = await counted();
    await cluster.get('node1', '/%zz');
    expect(await counted()).toBe(before + 1);
  });

  it('goes on serving, and nothing was ordered', async () => {
    expect(await cluster.status('node1')).toMatchObject({ sequence: 0, last_executed: 0 });
  });

  it('takes the operation byte for byte: duplicate keys and large numbers are for the application to judge', async () => {
    const doubled = await cluster.post(
      'node1',
      '/pbft/request?wait=true',
      '{"operation":"transfer","amount":1,"amount":2}',
    );
    expect(doubled.status).toBe(200);
    expect((doubled.json as { result: { error: { code: string } } }).result.error.code).toBe('duplicate_key');
    const deep = `{"operation":"put","key":"k","value":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    expect((await cluster.post('node1', '/pbft/request?wait=true', deep)).status).toBe(200);
  });
});

describe('slow and many callers', () => {
  it('are cut off: a body that does not come, a rate beyond the limit', async () => {
    const rate = { perSecond: 1, burst: 30, addresses: 10 };
    const cluster = await TestCluster.start(
      { nodes: 1 },
      { httpLimits: { requestTimeoutMs: 300, headersTimeoutMs: 300, rate } },
    );
    try {
      const head =
        'POST /pbft/request HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{';
      expect(await raw(cluster.node('node1').httpUrl, head)).toContain('request_timeout');
      const answers = await Promise.all(Array.from({ length: 40 }, async () => cluster.get('node1', '/pbft/status')));
      const limited = answers.filter(({ status }) => status === 429);
      expect(limited.length).toBeGreaterThan(0);
      expect(limited[0]?.headers.get('retry-after')).toMatch(/^[0-9]+$/);
    } finally {
      await cluster.end();
    }
  });
});

describe('credentials', () => {
  const TOKEN = 'a-token-of-some-length';

  it('are demanded beyond loopback', async () => {
    const cluster = await TestCluster.make({ nodes: 1 });
    try {
      cluster.configure('node1', (config) => Object.assign(config['http'] as object, { host: '0.0.0.0' }));
      const started = await startNode({ directory: cluster.directory('node1') });
      expect(started).toMatchObject({
        ok: false,
        error: { code: expect.stringMatching(/credentials-required|config-unusable/) as string },
      });
    } finally {
      await cluster.end();
    }
  });

  it('open the door to who has them, except for the probes, which need none', async () => {
    const cluster = await TestCluster.make({ nodes: 1 });
    try {
      const file = join(cluster.folder, 'tokens');
      writeFileSync(file, `alice:${TOKEN}\n`, { mode: 0o600 });
      cluster.configure('node1', (config) => Object.assign(config['http'] as object, { tokens_file: file }));
      await cluster.startNode('node1');
      await cluster.ready();
      const refused = await cluster.post('node1', '/pbft/request?wait=true', TRANSFER);
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
      expect(
        (await cluster.get('node1', '/pbft/status', { authorization: 'Bearer wrong-token-of-some-length' })).status,
      ).toBe(401);
      expect((await cluster.get('node1', '/healthz')).status).toBe(200);
      const authorization = `Bearer ${TOKEN}`;
      expect((await cluster.post('node1', '/pbft/request?wait=true', TRANSFER, { authorization })).status).toBe(200);
    } finally {
      await cluster.end();
    }
  });
});
