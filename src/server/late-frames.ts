/** Frames of a slow liar or on a slow link, held back until their time has come. Owns them and their timer; all others pass straight through. */
import type { Bytes } from '../base/bytes.ts';
import { DelayLine } from '../byzantine/index.ts';
import type { Message } from '../messages/index.ts';
import type { Party } from '../protocol/ports.ts';

export interface LateFramesOptions {
  /** Monotonic µs. */
  readonly clock: () => number;
  /** Called with each frame when it leaves, in order. Must not throw. */
  readonly send: (to: Party, frame: Bytes, message: Message) => void;
  /** What is held at most; beyond that frames are dropped, as from a link that is full. */
  readonly frames: number;
  readonly bytes: number;
}

interface Late {
  readonly to: Party;
  readonly frame: Bytes;
  readonly message: Message;
}

export class LateFrames {
  readonly #options: LateFramesOptions;
  readonly #line: DelayLine<Late>;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LateFramesOptions) {
    this.#options = options;
    this.#line = new DelayLine({ items: options.frames, bytes: options.bytes });
  }

  /** Sends it after `delayUs`; with 0 at once, and what is still held before it, so that no frame overtakes another. */
  send(to: Party, frame: Bytes, message: Message, delayUs: number): void {
    if (delayUs > 0) {
      this.#line.put(this.#options.clock() + delayUs, { to, frame, message }, frame.length);
      this.#arm();
      return;
    }
    if (!this.#line.isEmpty) this.#sendAll(this.#line.takeAll());
    this.#options.send(to, frame, message);
  }

  /** Drops what is held. */
  stop(): void {
    this.#line.takeAll();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    const due = this.#line.nextDue;
    if (due === undefined || this.#timer !== undefined) return;
    const delayMs = Math.max(0, Math.ceil((due - this.#options.clock()) / 1000));
    this.#timer = setTimeout(() => this.#onTimer(), delayMs);
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#sendAll(this.#line.takeDue(this.#options.clock()));
    this.#arm();
  }

  #sendAll(frames: readonly Late[]): void {
    for (const { to, frame, message } of frames) this.#options.send(to, frame, message);
  }
}
