/**
 * Lab mode: what this replica sends to a peer is lost or comes late, as on a bad network. Owns what was ordered and the frames that are under way.
 * Only the replica's own frames are meant, and only one direction: the link itself stays up.
 */
import type { Bytes } from '../base/bytes.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { Message } from '../messages/index.ts';
import type { Party } from '../protocol/ports.ts';
import { LateFrames } from './late-frames.ts';

/** `slow`: everything comes `delayMs` late, in order. */
export type LinkOrder =
  | { readonly state: 'up' }
  | { readonly state: 'cut' }
  | { readonly state: 'slow'; readonly delayMs: number };

export interface LinkControlOptions {
  /** false: the frame was dropped. */
  readonly send: (to: Party, frame: Bytes) => boolean;
  /** Monotonic µs. */
  readonly clock: () => number;
}

/** What is under way on one slow link at most; beyond that frames are lost. */
const FRAMES = 16_384;
const BYTES = 16 * 1024 * 1024;

export class LinkControl {
  readonly #options: LinkControlOptions;
  readonly #cut = new Set<ReplicaId>();
  readonly #late = new Map<ReplicaId, { readonly frames: LateFrames; delayUs: number }>();

  constructor(options: LinkControlOptions) {
    this.#options = options;
  }

  /** From now on for what is sent to `peer`. A cut loses what is under way too. */
  order(peer: ReplicaId, order: LinkOrder): void {
    this.#cut.delete(peer);
    if (order.state === 'cut') {
      this.#cut.add(peer);
      this.#late.get(peer)?.frames.stop();
      this.#late.delete(peer);
      return;
    }
    const slow = this.#late.get(peer);
    const delayUs = order.state === 'slow' ? order.delayMs * 1000 : 0;
    if (slow !== undefined) slow.delayUs = delayUs;
    else if (delayUs > 0) this.#late.set(peer, { frames: this.#makeLine(), delayUs });
  }

  /** false: the frame was dropped, and the sender knows. What is lost on a cut link it does not. */
  send(to: Party, frame: Bytes, message: Message): boolean {
    if (to.kind === 'replica' && this.#cut.has(to.replica)) return true;
    const slow = to.kind === 'replica' ? this.#late.get(to.replica) : undefined;
    if (slow === undefined) return this.#options.send(to, frame);
    slow.frames.send(to, frame, message, slow.delayUs);
    return true;
  }

  /** Drops what is under way. */
  stop(): void {
    for (const { frames } of this.#late.values()) frames.stop();
  }

  #makeLine(): LateFrames {
    return new LateFrames({
      clock: this.#options.clock,
      send: (to, frame) => void this.#options.send(to, frame),
      frames: FRAMES,
      bytes: BYTES,
    });
  }
}
