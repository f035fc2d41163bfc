/**
 * One who listens: what it wants of the stream, and how far behind it is. It is never waited for: what it does not take is counted, and told to
 * it when it takes again.
 */
import type { StreamEventKind } from '../../api/index.ts';

/** Where the text goes. Nothing of it throws. */
export interface EventSink {
  write(text: Uint8Array): void;
  /** Bytes that were written and not yet taken. */
  readonly waitingBytes: number;
  /** Ends in order: what was written is still sent. */
  end(): void;
  /** Ends at once. */
  cut(): void;
}

export interface ConsumerLimits {
  /** Bytes that may wait; what comes beyond is lost for this consumer. */
  readonly waitingBytes: number;
  /** How long it may stay at its bound before it is cut off, ms. */
  readonly stalledMs: number;
}

export const DEFAULT_CONSUMER_LIMITS: ConsumerLimits = { waitingBytes: 1024 * 1024, stalledMs: 20_000 };

/** Events as they are sent, encoded once for all who want the same. */
export interface Parcel {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Of its last event. */
  readonly lastNumber: number;
}

export interface ConsumerOptions {
  readonly sink: EventSink;
  /** undefined: all. */
  readonly kinds: ReadonlySet<StreamEventKind> | undefined;
  readonly limits: ConsumerLimits;
  /** What tells it that `count` events are missing before the one after `lastNumber`. */
  readonly lost: (count: number, lastNumber: number) => Uint8Array;
  readonly nowMs: () => number;
}

export class Consumer {
  readonly kinds: ReadonlySet<StreamEventKind> | undefined;
  /** Consumers with the same key want the same. */
  readonly key: string;
  readonly #options: ConsumerOptions;
  /** Missing since it was at its bound, and the last of them. */
  #lost = 0;
  #lastLost = 0;
  #stalledSinceMs = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.kinds = options.kinds;
    this.key = options.kinds === undefined ? '' : [...options.kinds].toSorted().join(',');
  }

  wants(kind: StreamEventKind): boolean {
    return this.kinds === undefined || this.kinds.has(kind);
  }

  /** Sends them, or counts them; how many it has lost by that. */
  offer(parcel: Parcel): number {
    if (this.#lost > 0) this.tellLost();
    const { sink, limits, nowMs } = this.#options;
    const { waitingBytes } = sink;
    // An empty queue takes anything, else a large parcel would never get through.
    const fits = waitingBytes === 0 || waitingBytes + parcel.bytes.length <= limits.waitingBytes;
    if (this.#lost === 0 && fits) {
      sink.write(parcel.bytes);
      return 0;
    }
    if (this.#lost === 0) this.#stalledSinceMs = nowMs();
    this.#lost += parcel.count;
    this.#lastLost = parcel.lastNumber;
    return parcel.count;
  }

  /** A comment, which keeps the connection open. */
  keepAlive(comment: Uint8Array): void {
    if (this.#options.sink.waitingBytes === 0) this.#options.sink.write(comment);
  }

  /** Once everything before was taken: how many are missing here. */
  tellLost(): void {
    const { sink, lost } = this.#options;
    if (this.#lost === 0 || sink.waitingBytes > 0) return;
    sink.write(lost(this.#lost, this.#lastLost));
    this.#lost = 0;
  }

  /** It has been at its bound for too long. */
  isStalled(): boolean {
    const { limits, nowMs } = this.#options;
    return this.#lost > 0 && nowMs() - this.#stalledSinceMs > limits.stalledMs;
  }

  end(): void {
    this.#options.sink.end();
  }

  cut(): void {
    this.#options.sink.cut();
  }
}
