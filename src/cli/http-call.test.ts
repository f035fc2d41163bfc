import { createServer as createHttpServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { callNode, errorOf } from './http-call.ts';
import { findFreePorts } from './ports.ts';

const servers: Server[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(servers.splice(0).map(async (server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = async (listener: RequestListener): Promise<string> => listen(createHttpServer(listener));

describe('a call', () => {
  test('brings status and JSON, and shows the token of the environment', async () => {
    vi.stubEnv('PBFT_TOKEN', 'secret-token');
    const url = await serve((request, response) => {
      response
        .writeHead(202)
        .end(JSON.stringify({ method: request.method, authorization: request.headers.authorization }));
    });
    const outcome = await callNode({ method: 'POST', url, body: '{}', timeoutMs: 2000 });
    expect(outcome).toMatchObject({
      kind: 'answer',
      status: 202,
      body: { method: 'POST', authorization: 'Bearer secret-token' },
    });
  });

  test('that nobody takes was not sent', async () => {
    const [port = 0] = await findFreePorts('127.0.0.1', 1);
    const outcome = await callNode({ method: 'GET', url: `http://127.0.0.1:${port}`, timeoutMs: 2000 });
    expect(outcome).toEqual({ kind: 'not-sent', reason: 'nothing listens there' });
  });

  test('that breaks off midway may have been taken', async () => {
    const url = await serve((request) => request.socket.destroy());
    expect(await callNode({ method: 'GET', url, timeoutMs: 2000 })).toMatchObject({ kind: 'no-answer' });
  });

  test('[G25] ends at its deadline, whatever the other side does', async () => {
    const silent = await listen(
      createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.pause())),
    );
    const outcome = await callNode({ method: 'GET', url: silent, timeoutMs: 100 });
    expect(outcome).toEqual({ kind: 'no-answer', reason: 'no answer within 100 ms' });
    const dripping = await serve((_, response) => {
      response.writeHead(200).write('{');
      const timer = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(timer));
    });
    expect(await callNode({ method: 'GET', url: dripping, timeoutMs: 100 })).toMatchObject({ kind: 'no-answer' });
  });
});

test.each([
  [{ error: { code: 'x', message: 'y', details: {} } }, { code: 'x', message: 'y', details: {} }],
  [{ error: 'text' }, undefined],
  ['text', undefined],
  [null, undefined],
])('the error in %j', (body, error) => {
  expect(errorOf(body)).toEqual(error);
});
