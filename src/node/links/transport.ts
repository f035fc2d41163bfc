/** The byte streams under the links: plain TCP. The one place that TLS would change; everything above sees a net.Socket. */
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Bytes } from '../../base/bytes.ts';
import { readInto } from './reused-reads.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The kernel asks a silent peer after so long whether it is there: a second line behind the links' own pings. */
const KEEP_ALIVE_MS = 10_000;

export function openServer(onSocket: (socket: Socket) => void): Server {
  return createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, onSocket);
}

/** Gives the stream, and all that comes on it to `onBytes`, which must not keep the array: it is used again. */
export type Opener = (onBytes: (bytes: Bytes) => void) => Socket;

/** What is read at once. One array for all: what came is cut into frames, which are copies, before anything else is read. */
const incoming = new Uint8Array(64 * 1024);

/** A connection to be made. Read without the machinery of a Readable and without an array for each read: most of what comes is small. */
export function dialled({ host, port }: Address): Opener {
  return (onBytes) =>
    connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      onread: {
        buffer: incoming,
        callback: (count) => {
          onBytes(incoming.subarray(0, count));
          return true;
        },
      },
    });
}

/** A connection that somebody made. */
export function given(socket: Socket): Opener {
  return (onBytes) => {
    const isRead = readInto(socket, incoming, (count) => onBytes(incoming.subarray(0, count)));
    return isRead ? socket : socket.on('data', onBytes);
  };
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
