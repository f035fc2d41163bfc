import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { findFreePorts, portProblem } from './ports.ts';

const HOST = '127.0.0.1';

describe('free ports', () => {
  test('are different, free, and not among those that outgoing connections take', async () => {
    const ports = await findFreePorts(HOST, 40);
    expect(new Set(ports).size).toBe(40);
    for (const port of ports) expect(await portProblem(HOST, port)).toBeUndefined();
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
    const first = Number(range.split('\t')[0]);
    expect(Math.max(...ports)).toBeLessThan(first > 10_000 ? first : 65_536);
  });

  test('whoever looks at the same time gets others, until this process ends', async () => {
    const mine = await findFreePorts(HOST, 20);
    const script = `import(${JSON.stringify(join(import.meta.dirname, 'ports.ts'))}).then(async ({ findFreePorts }) => {
      for (let round = 0; round < 40; round += 1) console.log((await findFreePorts('${HOST}', 20)).join(' '));
    })`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--eval', script]);
    const theirs = stdout.trim().split(/\s+/).map(Number);
    expect(new Set([...mine, ...theirs]).size).toBe(20 + 40 * 20);
    // Neither has listened on any of them yet.
    for (const port of mine) expect(await portProblem(HOST, port)).toBeUndefined();
  });

  test('a port in use has a problem with a name', async () => {
    const [port = 0] = await findFreePorts(HOST, 1);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ host: HOST, port }, resolve));
    expect(await portProblem(HOST, port)).toBe('EADDRINUSE');
    await new Promise((resolve) => server.close(resolve));
  });

  test('an address of nobody here is said so', async () => {
    await expect(findFreePorts('192.0.2.1', 1)).rejects.toThrow('no free port on 192.0.2.1: EADDRNOTAVAIL');
  });
});
