import { Socket, connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readInto } from './reused-reads.ts';

const buffer = new Uint8Array(1024);
let server: Server;
let far: Socket;
let near: Socket;
let heard: string[] = [];

beforeEach(async () => {
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  far.on('error', () => undefined);
  [near] = (await accepted) as [Socket];
  heard = [];
});

afterEach(async () => {
  far.destroy();
  near.destroy();
  await new Promise((resolve) => void server.close(resolve));
});

const listen = (): boolean =>
  readInto(near, buffer, (count) => heard.push(Buffer.from(buffer.subarray(0, count)).toString()));
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => void setTimeout(resolve, 1));
};

describe('reading an accepted connection into one array', () => {
  it('is what this Node can do', () => {
    expect(listen()).toBe(true);
  });

  it('brings everything in order, in pieces that fit, and no data beside it', async () => {
    const data: unknown[] = [];
    near.on('data', (chunk) => data.push(chunk));
    listen();
    const sent = Array.from({ length: 20_000 }, (_, index) => `${index} `).join('');
    far.write(sent);
    await until(() => heard.join('').length >= sent.length);
    expect(heard.join('') === sent).toBe(true);
    expect(Math.max(...heard.map(({ length }) => length))).toBeLessThanOrEqual(buffer.length);
    expect(data).toEqual([]);
  });

  it('pauses, and goes on', async () => {
    listen();
    far.write('a');
    await until(() => heard.length === 1);
    near.pause();
    far.write('b');
    // What goes the other way shows that the loop has gone round, with b long there.
    const echo = once(far, 'data');
    near.write('c');
    await echo;
    await new Promise((resolve) => void setImmediate(resolve));
    expect(heard).toEqual(['a']);
    near.resume();
    await until(() => heard.length === 2);
    expect(heard).toEqual(['a', 'b']);
  });

  it('ends as a connection ends: with what came before, once each', async () => {
    listen();
    const events: string[] = [];
    for (const name of ['end', 'close', 'error']) near.on(name, () => events.push(name));
    far.end('last words');
    await once(near, 'close');
    expect([heard, events]).toEqual([['last words'], ['end', 'close']]);
  });

  it('tells of a connection that is torn', async () => {
    listen();
    const torn = once(near, 'error');
    far.resetAndDestroy();
    expect(((await torn) as [NodeJS.ErrnoException])[0].code).toBe('ECONNRESET');
  });

  it('leaves a socket alone that has no handle', () => {
    const plain = new Socket();
    const before = Object.getOwnPropertySymbols(plain).map((symbol) => String(Reflect.get(plain, symbol)));
    expect(readInto(plain, buffer, () => undefined)).toBe(false);
    expect(Object.getOwnPropertySymbols(plain).map((symbol) => String(Reflect.get(plain, symbol)))).toEqual(before);
  });
});
