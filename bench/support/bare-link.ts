/**
 * Frames over a connection for the bare exchange (bench/bare.ts): four bytes of length, a content, a MAC over it. What is sent in one turn of the event loop
 * leaves with one write, as with the real links. Owns its connection.
 */
import type { Socket } from 'node:net';
import { MAC_BYTES } from '../../src/node/mac-key.ts';
import { Blake2bKey } from '../../src/node/blake2b.ts';

const LENGTH_BYTES = 4;

/** All have one key: what it costs to make and check a MAC is the same. */
export const KEY = new Blake2bKey(new Uint8Array(32));

export class BareLink {
  readonly #socket: Socket;
  readonly #onContent: (content: Buffer, link: BareLink) => void;
  #waiting: Uint8Array[] = [];
  /** The beginning of a frame. */
  #rest: Buffer | undefined;

  /** `onContent`: called with what is in each frame, if its MAC is right. */
  constructor(socket: Socket, onContent: (content: Buffer, link: BareLink) => void) {
    this.#socket = socket;
    this.#onContent = onContent;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    // Whoever ends first resets what is under way.
    socket.on('error', () => socket.destroy());
  }

  send(content: Uint8Array): void {
    const length = Buffer.allocUnsafe(LENGTH_BYTES);
    length.writeUInt32BE(content.length + MAC_BYTES, 0);
    this.#waiting.push(length, content, KEY.mac(content));
    if (this.#waiting.length > 3) return;
    setImmediate(() => {
      this.#socket.write(Buffer.concat(this.#waiting));
      this.#waiting = [];
    });
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      const content = bytes.subarray(at + LENGTH_BYTES, end - MAC_BYTES);
      if (!KEY.verify(content, bytes.subarray(end - MAC_BYTES, end))) throw new Error('a frame with a bad MAC');
      at = end;
      this.#onContent(content, this);
    }
    this.#rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : undefined;
  }
}
