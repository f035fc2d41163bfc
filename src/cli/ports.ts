/** TCP ports of this machine: whether one is free, and finding some. */
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

/** `count` different ports of `host` that were free just now. Rejects when there are none. */
export async function findFreePorts(host: string, count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  try {
    for (let found = 0; found < count; found += 1) {
      const listening = await listen(host, 0);
      if ('code' in listening) throw new Error(`no free port on ${host}: ${listening.code}`);
      servers.push(listening.server);
    }
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(servers.map(close));
  }
}
