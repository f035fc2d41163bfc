/**
 * One TCP connection with frames in both directions: everything sent in one step goes out in one write, what waits is bounded, and it ends
 * exactly once with a reason that the other side is told where that is possible. It knows nothing of who the peer is.
 */
import type { Socket } from 'node:net';
import { InvariantViolation } from '../../base/assert.ts';
import { EMPTY } from '../../base/bytes.ts';
import type { Bytes } from '../../base/bytes.ts';
import { errorText } from '../error-text.ts';
import { FRAME, FRAME_HEADER_BYTES, FrameReader, joinFrames } from './framing.ts';
import type { FrameKind, OutgoingFrame } from './framing.ts';
import { describeRefusal, encodeRefusal } from './handshake.ts';
import type { LinkRefusal, LinkSettings } from './settings.ts';
import { Standstill } from './standstill.ts';
import { stepEnd } from './step-end.ts';
import type { Opener } from './transport.ts';

/** What goes into one write, at most (a larger frame goes alone), and what the socket may hold before the queue waits. */
const WRITE_BYTES = 256 * 1024;
const SOCKET_BYTES = 1024 * 1024;
/** Memory of a queued frame beside its payload, counted so that many tiny frames cannot outgrow the bound. */
const FRAME_OVERHEAD_BYTES = 128;

export interface ConnectionHandlers {
  /** Any frame but refusals. What it throws ends this connection only; an InvariantViolation is passed on and ends the process. */
  onFrame(kind: FrameKind, payload: Bytes): void;
  /** Once: no more frames come or go. */
  onEnded(refusal: LinkRefusal): void;
  /** Once, after `onEnded`: the socket and its memory are gone. */
  onGone(): void;
  /** After every change of what is held for this connection; at first nothing is. */
  onHeld?(outgoingBytes: number, incomingBytes: number): void;
}

/** Counters since the connection was made. */
export interface Traffic {
  sentFrames: number;
  sentBytes: number;
  droppedFrames: number;
  receivedFrames: number;
  receivedBytes: number;
}

export function noTraffic(): Traffic {
  return { sentFrames: 0, sentBytes: 0, droppedFrames: 0, receivedFrames: 0, receivedBytes: 0 };
}

export class Connection {
  readonly #socket: Socket;
  readonly #settings: LinkSettings;
  readonly #handlers: ConnectionHandlers;
  #traffic: Traffic;
  readonly #reader = new FrameReader(0);
  #queue: OutgoingFrame[] = [];
  #queuedBytes = 0;
  #queueLimit: number;
  #flushScheduled = false;
  #pongPending = false;
  #ended = false;
  readonly #silence = new Standstill(performance.now());
  readonly #writing = new Standstill(performance.now());
  readonly #reading = new Standstill(performance.now());
  #chunks = 0;
  #framesTaken = 0;
  #writtenBytes = 0;
  #heldOutgoing = 0;
  #heldIncoming = 0;
  /** Runs while nothing is read. */
  #rest: NodeJS.Timeout | undefined;

  readonly #taker = (kind: FrameKind, payload: Bytes): boolean => this.#take(kind, payload);

  constructor(open: Opener, settings: LinkSettings, traffic: Traffic, handlers: ConnectionHandlers) {
    const socket = open((bytes) => this.#onData(bytes));
    this.#socket = socket;
    this.#settings = settings;
    this.#traffic = traffic;
    this.#handlers = handlers;
    this.#queueLimit = settings.queueBytes;
    socket.on('drain', () => this.#flush());
    socket.on('end', () => this.#finish({ code: 'disconnected', reason: 'the other side closed the connection' }));
    socket.on('error', (error) => this.#finish({ code: 'disconnected', reason: errorText(error) }));
    socket.on('close', () => {
      this.#finish({ code: 'disconnected', reason: 'the connection closed' });
      this.#handlers.onGone();
    });
  }

  get isOpen(): boolean {
    return !this.#ended;
  }

  /** What waits here and in the socket, in bytes. */
  get queuedBytes(): number {
    return this.#queuedBytes + this.#socket.writableLength;
  }

  /** Effects: messages are taken from now on, at most `queueBytes` wait, and `traffic` counts. Requires: the peer is authenticated. */
  allowMessages(queueBytes: number, traffic: Traffic): void {
    this.#reader.allowMessages(this.#settings.frameBytes);
    this.#queueLimit = queueBytes;
    this.#traffic = traffic;
    // Whoever counts what is held counts from here.
    this.#heldOutgoing = 0;
    this.#heldIncoming = 0;
  }

  /** False: dropped, since the link has ended or too much waits already. The payload must not be changed afterwards. */
  send(kind: FrameKind, payload: Bytes): boolean {
    if (this.#ended) return false;
    const size = payload.length + FRAME_OVERHEAD_BYTES;
    if (payload.length > this.#settings.frameBytes || this.queuedBytes + size > this.#queueLimit) {
      this.#traffic.droppedFrames += 1;
      return false;
    }
    this.#queue.push({ kind, payload });
    this.#queuedBytes += size;
    this.#scheduleFlush();
    return true;
  }

  /** Asks whether the peer is there; the answer counts as something heard. */
  ping(): void {
    this.send(FRAME.ping, EMPTY);
  }

  /** Ends the link and tells the other side why, unless nothing gets through to it. */
  end(refusal: LinkRefusal): void {
    if (this.#ended) return;
    this.#flush();
    const tellable = this.#socket.writableLength < SOCKET_BYTES && this.#queue.length === 0;
    if (tellable) {
      // What still arrives is read and dropped: closing over unread data would reset the connection and lose the reason.
      this.#socket.end(joinFrames([{ kind: FRAME.refuse, payload: encodeRefusal(refusal) }]));
      this.#lingerBriefly();
    }
    this.#finish(refusal);
    if (!tellable) this.#socket.destroy();
  }

  /** Ends the link at once, without a word. */
  cut(refusal: LinkRefusal): void {
    this.#finish(refusal);
    this.#socket.destroy();
  }

  /** Reads nothing for as long as `waitMs` says, asked again when that is over; what comes meanwhile waits on the other side. */
  restWhile(waitMs: () => number): void {
    if (this.#ended || this.#rest !== undefined) return;
    const ms = waitMs();
    if (ms <= 0) return;
    this.#socket.pause();
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      this.restWhile(waitMs);
      if (this.#rest === undefined) this.#socket.resume();
    }, Math.ceil(ms));
  }

  /** Looks for a dead or stuck peer. `now`: ms, as performance.now(). It is called regularly: what stands still is timed from the first look that finds it so. */
  check(now: number): void {
    if (this.#ended) return;
    const { idleTimeoutMs, stallTimeoutMs } = this.#settings;
    const waiting = this.#socket.writableLength;
    if (this.#writing.look(now, waiting > 0 ? this.#writtenBytes - waiting : undefined) > stallTimeoutMs) {
      this.cut({
        code: 'slow-reader',
        reason: `took nothing of ${this.queuedBytes} waiting bytes for ${stallTimeoutMs} ms`,
      });
    } else if (this.#reading.look(now, this.#reader.isInsideFrame ? this.#framesTaken : undefined) > stallTimeoutMs) {
      this.end({ code: 'idle', reason: `a frame was begun and not finished within ${stallTimeoutMs} ms` });
    } else if (this.#silence.look(now, this.#chunks) > idleTimeoutMs) {
      this.end({ code: 'idle', reason: `nothing came for ${idleTimeoutMs} ms` });
    }
  }

  /** After a pause of this whole process: its own silence says nothing about peers. */
  forgive(now: number): void {
    for (const standstill of [this.#silence, this.#writing, this.#reading]) standstill.beginAnew(now);
  }

  #onData(chunk: Bytes): void {
    if (this.#ended) return;
    this.#chunks += 1;
    this.#traffic.receivedBytes += chunk.length;
    const refusal = this.#reader.push(chunk, this.#taker);
    if (refusal !== undefined) this.end(refusal);
    this.#reportHeld();
  }

  #take(kind: FrameKind, payload: Bytes): boolean {
    this.#framesTaken += 1;
    this.#traffic.receivedFrames += 1;
    if (kind === FRAME.refuse) {
      const { code, reason } = describeRefusal(payload);
      const said = code === 'shutting-down' ? 'disconnected' : 'refused-by-peer';
      this.#finish({ code: said, reason: `the other side ended the link: ${code}: ${reason}` });
      this.#socket.destroy();
    } else {
      this.#hand(kind, payload);
    }
    return !this.#ended;
  }

  #hand(kind: FrameKind, payload: Bytes): void {
    try {
      this.#handlers.onFrame(kind, payload);
    } catch (error) {
      if (error instanceof InvariantViolation) throw error;
      this.end({ code: 'handler-failed', reason: errorText(error) });
    }
  }

  /** Answers a ping, once per step however many came. */
  pong(): void {
    if (this.#pongPending) return;
    this.#pongPending = this.send(FRAME.pong, EMPTY);
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    stepEnd.put(this);
  }

  /** The step ends: what gathered in it goes out. */
  onStepEnd(): void {
    this.#flushScheduled = false;
    this.#flush();
  }

  #flush(): void {
    while (!this.#ended && this.#queue.length > 0 && this.#socket.writableLength < SOCKET_BYTES) this.#write();
    this.#reportHeld();
  }

  #write(): void {
    let count = 0;
    let bytes = 0;
    for (const { payload } of this.#queue) {
      const size = payload.length + FRAME_HEADER_BYTES;
      if (count > 0 && bytes + size > WRITE_BYTES) break;
      bytes += size;
      count += 1;
    }
    let frames = this.#queue;
    if (count === frames.length) this.#queue = [];
    else frames = frames.splice(0, count);
    this.#queuedBytes -= bytes - count * FRAME_HEADER_BYTES + count * FRAME_OVERHEAD_BYTES;
    this.#pongPending = false;
    this.#traffic.sentFrames += count;
    this.#traffic.sentBytes += bytes;
    this.#writtenBytes += bytes;
    this.#socket.write(joinFrames(frames));
  }

  #reportHeld(): void {
    const outgoing = this.queuedBytes;
    const incoming = this.#reader.heldBytes;
    if (this.#ended || (outgoing === this.#heldOutgoing && incoming === this.#heldIncoming)) return;
    this.#heldOutgoing = outgoing;
    this.#heldIncoming = incoming;
    this.#handlers.onHeld?.(outgoing, incoming);
  }

  #lingerBriefly(): void {
    const timer = setTimeout(() => this.#socket.destroy(), this.#settings.lingerMs);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #finish(refusal: LinkRefusal): void {
    if (this.#ended) return;
    this.#ended = true;
    // What comes still is read and dropped, so that the other side learns why.
    if (this.#rest !== undefined) this.#socket.resume();
    clearTimeout(this.#rest);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#handlers.onEnded(refusal);
  }
}
