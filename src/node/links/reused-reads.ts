/**
 * Reading an accepted connection into one array, again and again. Node offers that (`onread`) for connections that are made, and not for those that
 * are taken, though both are the same inside: each read of a taken one allocates 64 KiB and gives most of it back. So what `onread` sets is
 * set here. Where a Node has none of it, nothing is changed, and the socket is read as any other.
 */
import type { Socket } from 'node:net';
import type { Bytes } from '../../base/bytes.ts';

/** What of a socket's handle is needed here. */
interface ReadingHandle {
  useUserBuffer(buffer: Bytes): void;
}

/**
 * Has all that comes read into `buffer`, and `onRead` called with the number of bytes there: they are its until it returns. There is no `data`, and all other events
 * are as ever, but while it is paused: then nothing at all is read, so that its end, or that it was torn, is heard when it is resumed. False, and nothing changed, where this Node cannot. Requires: nothing was read yet.
 */
export function readInto(socket: Socket, buffer: Bytes, onRead: (count: number) => void): boolean {
  const handle: unknown = Reflect.get(socket, '_handle');
  const [place, callback] = [ownSymbol(socket, 'kBuffer'), ownSymbol(socket, 'kBufferCb')];
  if (!isReadingHandle(handle) || place === undefined || callback === undefined) return false;
  Reflect.set(socket, place, buffer);
  Reflect.set(socket, callback, (count: number): boolean => {
    onRead(count);
    return true;
  });
  handle.useUserBuffer(buffer);
  socket.resume();
  return true;
}

function ownSymbol(socket: Socket, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(socket).find((symbol) => symbol.description === description);
}

function isReadingHandle(handle: unknown): handle is ReadingHandle {
  return typeof handle === 'object' && handle !== null && 'useUserBuffer' in handle;
}
