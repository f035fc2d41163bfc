/** TCP ports of this machine: whether one is free, and finding some. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

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
/** So many random ports are tried before the system is asked for any. */
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
 * `count` different ports of `host` that were free just now, if possible below those of outgoing connections: until somebody listens on
 * them, any connection that is opened meanwhile could take one of the others, the links of a starting cluster among them. Rejects when
 * there are none.
 */
export async function findFreePorts(host: string, count: number): Promise<readonly number[]> {
  const end = firstEphemeralPort();
  const servers: Server[] = [];
  try {
    for (let attempt = 0; servers.length < count; attempt += 1) {
      const port = attempt < ATTEMPTS && end > LEAST_PORT ? randomInt(LEAST_PORT, end) : 0;
      const listening = await listen(host, port);
      if ('server' in listening) servers.push(listening.server);
      else if (port === 0) throw new Error(`no free port on ${host}: ${listening.code}`);
    }
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(servers.map(close));
  }
}
