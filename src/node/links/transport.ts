/** The byte streams under the links: plain TCP. The one place that TLS would change; everything above sees a net.Socket. */
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The kernel asks a silent peer after so long whether it is there: a second line behind the links' own pings. */
const KEEP_ALIVE_MS = 10_000;

export function openServer(onSocket: (socket: Socket) => void): Server {
  return createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, onSocket);
}

export function dial({ host, port }: Address): Socket {
  return connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
}

/** What counts as one neighbour in fair sharing: an IPv4 address, or the /64 of an IPv6 one. */
export function neighbourhood(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const rest = tail === undefined ? [] : tail.split(':').filter((group) => group !== '');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0');
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':');
}
