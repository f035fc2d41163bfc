/** TCP ports of this machine: whether one is free, and finding some. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { assert } from '../base/assert.ts';

/** Listens on `port` (0: any); undefined with the error's code when that fails. */
async function listen(host: string, port: number): Promise<{ readonly server: Server } | { readonly code: string }> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve({ code: error.code ?? error.message }));
    server.listen({ host, port, exclusive: true }, () => resolve({ server }));
  });
}

async function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

/** Why nothing can listen on `port` of `host` (`EADDRINUSE`, `EACCES`, …); undefined when it is free. */
export async function portProblem(host: string, port: number): Promise<string | undefined> {
  const listening = await listen(host, port);
  if ('code' in listening) return listening.code;
  await close(listening.server);
  return undefined;
}

const LEAST_PORT = 10_000;
const USUAL_EPHEMERAL_PORT = 32_768;
/** Ports are taken in blocks; the first one of a block is its guard. */
const BLOCK_PORTS = 32;
/** So many random blocks are tried before the system is asked for any ports. */
const ATTEMPTS = 1000;

/** The first port that the system gives to outgoing connections. */
function firstEphemeralPort(): number {
  try {
    const [first] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/);
    return Number(first);
  } catch {
    return USUAL_EPHEMERAL_PORT;
  }
}

/**
 * `count` different ports of `host` that were free just now. If possible they lie below those of outgoing connections: until somebody
 * listens on them, any connection that is opened meanwhile could take one of the others, the links of a starting cluster among them.
 * And they belong to this process until it ends, as far as other callers of this function go: two clusters that start at the same time
 * on one machine, each free of the other's ports still, would otherwise now and then wait on each other's. Rejects when there are none.
 */
export async function findFreePorts(host: string, count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  try {
    for (let attempt = 0; servers.length < count && attempt < ATTEMPTS; attempt += 1) {
      await listenInBlock(host, count, servers);
    }
    while (servers.length < count) {
      const listening = await listen(host, 0);
      if ('code' in listening) throw new Error(`no free port on ${host}: ${listening.code}`);
      servers.push(listening.server);
    }
    return servers.map(portOf);
  } finally {
    await Promise.all(servers.map(close));
  }
}

/** Listens on what is free in a random block that no other process guards, until `servers` are `count`. The guard stays to the end of this process. */
async function listenInBlock(host: string, count: number, servers: Server[]): Promise<void> {
  const blocks = Math.floor((firstEphemeralPort() - LEAST_PORT) / BLOCK_PORTS);
  if (blocks < 1) return;
  const guard = LEAST_PORT + BLOCK_PORTS * randomInt(blocks);
  const guarding = await listen(host, guard);
  if ('code' in guarding) return;
  guarding.server.on('connection', (socket) => socket.destroy());
  guarding.server.unref();
  for (let port = guard + 1; port < guard + BLOCK_PORTS && servers.length < count; port += 1) {
    const listening = await listen(host, port);
    if ('server' in listening) servers.push(listening.server);
  }
}

function portOf(server: Server): number {
  const address = server.address();
  assert(typeof address === 'object' && address !== null, 'a listening TCP server has an address');
  return address.port;
}
