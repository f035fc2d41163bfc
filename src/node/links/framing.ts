/**
 * Frames on a byte stream: u32 length of the payload (big-endian), u8 kind, payload. The length is judged before a byte of the payload is
 * kept. Owns the bytes of at most one unfinished frame.
 */
import { EMPTY } from '../../base/bytes.ts';
import type { Bytes } from '../../base/bytes.ts';
import { copyBytes } from '../../messages/schema/copy-bytes.ts';
import { Slab } from '../../messages/schema/slab.ts';
import { CONTROL_FRAME_BYTES } from './settings.ts';
import type { LinkRefusal } from './settings.ts';

export const FRAME = { greeting: 1, hello: 2, accept: 3, refuse: 4, message: 16, ping: 17, pong: 18 } as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

export const FRAME_HEADER_BYTES = 5;
const KINDS: readonly (FrameKind | undefined)[] = Array.from({ length: 256 }, (_, code) =>
  Object.values(FRAME).find((kind) => kind === code),
);
/** The first memory an unfinished frame gets; it doubles as bytes really arrive, so a length alone costs nothing. */
const FIRST_BYTES = 4096;

/** Small payloads live for a turn, and those that somebody keeps are mostly kept together. */
const payloads = new Slab();

export interface OutgoingFrame {
  readonly kind: FrameKind;
  readonly payload: Bytes;
}

/** The frames one after the other in one buffer, ready for one write. */
export function joinFrames(frames: readonly OutgoingFrame[]): Buffer {
  let length = 0;
  for (const { payload } of frames) length += FRAME_HEADER_BYTES + payload.length;
  const joined = Buffer.allocUnsafe(length);
  let offset = 0;
  for (const { kind, payload } of frames) {
    const size = payload.length;
    joined[offset] = size >>> 24;
    joined[offset + 1] = size >>> 16;
    joined[offset + 2] = size >>> 8;
    joined[offset + 3] = size;
    joined[offset + 4] = kind;
    copyBytes(payload, 0, joined, offset + FRAME_HEADER_BYTES, size);
    offset += FRAME_HEADER_BYTES + size;
  }
  return joined;
}

/** Takes one whole frame; false = stop reading. The payload is the receiver's own: nobody else writes or reads it. */
export type FrameTaker = (kind: FrameKind, payload: Bytes) => boolean;

export class FrameReader {
  #messageLimit: number;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerFill = 0;
  #kind: FrameKind = FRAME.message;
  #length = 0;
  #body: Bytes = EMPTY;
  #bodyFill = 0;

  /** `messageLimit`: the longest message payload; 0 = no messages yet. Other frames have at most 1 KiB. */
  constructor(messageLimit: number) {
    this.#messageLimit = messageLimit;
  }

  /** Effects: messages up to `limit` bytes are taken from now on. */
  allowMessages(limit: number): void {
    this.#messageLimit = limit;
  }

  /** Memory held for an unfinished frame, in bytes. */
  get heldBytes(): number {
    return this.#body.length;
  }

  /** True when a frame has begun and not ended. */
  get isInsideFrame(): boolean {
    return this.#headerFill > 0;
  }

  /** Cuts `chunk` into frames; the caller may use it again afterwards. A refusal is final: nothing may be pushed after it. */
  push(chunk: Bytes, take: FrameTaker): LinkRefusal | undefined {
    // A subclass (a Node Buffer) cuts by its own rules, which cost more.
    const isPlain = Object.getPrototypeOf(chunk) === Uint8Array.prototype;
    const bytes = isPlain ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    let at = 0;
    while (at < bytes.length) {
      if (this.#headerFill < FRAME_HEADER_BYTES) {
        at = this.#fillHeader(bytes, at);
        if (this.#headerFill < FRAME_HEADER_BYTES) return undefined;
        const refusal = this.#judgeHeader();
        if (refusal !== undefined) return refusal;
      }
      const isWhole = this.#bodyFill === 0 && bytes.length - at >= this.#length;
      let payload: Bytes;
      if (isWhole) {
        payload = payloads.copyOf(bytes, at, this.#length);
        at += this.#length;
      } else {
        at = this.#fillBody(bytes, at);
        if (this.#bodyFill < this.#length) return undefined;
        payload = this.#body;
        this.#body = EMPTY;
        this.#bodyFill = 0;
      }
      this.#headerFill = 0;
      if (!take(this.#kind, payload)) return undefined;
    }
    return undefined;
  }

  #fillHeader(chunk: Bytes, start: number): number {
    const count = Math.min(FRAME_HEADER_BYTES - this.#headerFill, chunk.length - start);
    copyBytes(chunk, start, this.#header, this.#headerFill, count);
    this.#headerFill += count;
    return start + count;
  }

  #judgeHeader(): LinkRefusal | undefined {
    const header = this.#header;
    const length =
      (header[0] ?? 0) * 0x1000000 + (header[1] ?? 0) * 0x10000 + (header[2] ?? 0) * 0x100 + (header[3] ?? 0);
    const code = header[4] ?? 0;
    const kind = KINDS[code];
    if (kind === undefined)
      return {
        code: 'malformed',
        reason: `no frame has kind ${code}; is this the peer port, and does the other side speak pbft?`,
      };
    const isMessage = kind === FRAME.message;
    if (isMessage && this.#messageLimit === 0)
      return { code: 'unexpected-frame', reason: 'a message before both sides have proven who they are' };
    const limit = isMessage ? this.#messageLimit : CONTROL_FRAME_BYTES;
    if (length > limit)
      return { code: 'oversized', reason: `a frame of ${length} bytes, at most ${limit} are allowed` };
    this.#kind = kind;
    this.#length = length;
    return undefined;
  }

  #fillBody(chunk: Bytes, start: number): number {
    const count = Math.min(this.#length - this.#bodyFill, chunk.length - start);
    const needed = this.#bodyFill + count;
    if (needed > this.#body.length) this.#grow(needed);
    copyBytes(chunk, start, this.#body, this.#bodyFill, count);
    this.#bodyFill = needed;
    return start + count;
  }

  #grow(needed: number): void {
    const doubled = Math.max(FIRST_BYTES, needed, 2 * this.#body.length);
    const grown = new Uint8Array(Math.min(this.#length, doubled));
    grown.set(this.#body.subarray(0, this.#bodyFill));
    this.#body = grown;
  }
}
