/**
 * The barrier of the write-ahead log: outputs leave in order, and nothing behind a `persist` leaves before that record is durable. Steps go
 * on meanwhile, and one sync covers all records that have gathered. Owns the outputs on hold and nothing else.
 */
import type { Bytes } from '../base/bytes.ts';
import type { StepOutput } from '../protocol/output.ts';
import { isBarrier } from '../protocol/record.ts';
import type { Record } from '../protocol/record.ts';

/** What the gate needs of a log (DurableLog of src/node has it). */
export interface GateLog {
  append(record: Bytes): void;
  /** Resolves when everything appended before the call is on disk; rejects when the disk fails, for good. */
  durable(): Promise<void>;
  /** Ordered with `append`: replaces everything before it. */
  rewrite(records: readonly Bytes[]): void;
  /** Set: it has no use for any record, and everything is as durable as it will ever be. It is then not called. */
  readonly keepsNothing?: boolean;
}

/** What may leave the process. */
export type Outbound = Exclude<StepOutput, { kind: 'persist' | 'truncate' }>;

export interface GateOptions {
  readonly log: GateLog;
  readonly encode: (record: Record) => Bytes;
  /** Called with what may leave now, in order. Must not throw. */
  readonly release: (outputs: readonly Outbound[]) => void;
  /** The log failed: nothing leaves any more. Called once. */
  readonly onFault: (error: unknown) => void;
  /** Called after each sync with the number of records it covered. */
  readonly onSync: (records: number) => void;
  /** Above either, {@link OutputGate.isFull}: whoever feeds the replica must stop until it is not. */
  readonly heldOutputs: number;
  readonly pendingBytes: number;
}

interface Held {
  /** Leaves when so many records are durable. */
  readonly after: number;
  readonly output: Outbound;
}

export class OutputGate {
  readonly #options: GateOptions;
  #held: Held[] = [];
  #appended = 0;
  #durable = 0;
  #pendingBytes = 0;
  #syncing = false;
  #closed = false;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** The disk does not keep up: take no more steps until it has. */
  get isFull(): boolean {
    return this.#held.length > this.#options.heldOutputs || this.#pendingBytes > this.#options.pendingBytes;
  }

  get heldOutputs(): number {
    return this.#held.length;
  }

  /** Takes the outputs of one step, in order. After {@link close} or a fault they are dropped. */
  put(outputs: readonly StepOutput[]): void {
    if (this.#closed) return;
    if (this.#options.log.keepsNothing === true) return this.#passAll(outputs);
    const free: Outbound[] = [];
    for (const output of outputs) {
      if (output.kind === 'persist') this.#append(output.record);
      else if (output.kind === 'truncate') this.#options.log.rewrite(output.records.map(this.#options.encode));
      else if (this.#appended === this.#durable) free.push(output);
      else this.#held.push({ after: this.#appended, output });
    }
    if (free.length > 0) this.#options.release(free);
    if (this.#appended > this.#durable) this.#startSync();
  }

  /** Nothing leaves from now on. */
  close(): void {
    this.#closed = true;
    this.#held = [];
  }

  /** Nothing is kept: no record need be encoded, and nothing waits. */
  #passAll(outputs: readonly StepOutput[]): void {
    const free: Outbound[] = [];
    let records = 0;
    for (const output of outputs) {
      if (output.kind === 'persist') records += isBarrier(output.record) ? 1 : 0;
      else if (output.kind !== 'truncate') free.push(output);
    }
    if (records > 0) this.#options.onSync(records);
    if (free.length > 0) this.#options.release(free);
  }

  #append(record: Record): void {
    const bytes = this.#options.encode(record);
    // What is no barrier is on disk with the next one that is; nothing waits for it.
    if (isBarrier(record)) this.#appended += 1;
    this.#pendingBytes += bytes.length;
    this.#options.log.append(bytes);
  }

  #startSync(): void {
    if (this.#syncing) return;
    this.#syncing = true;
    // At the end of this turn, so that everything that came in with one read of a socket shares a sync.
    queueMicrotask(() => void this.#sync());
  }

  async #sync(): Promise<void> {
    try {
      while (this.#durable < this.#appended && !this.#closed) {
        const target = this.#appended;
        const bytes = this.#pendingBytes;
        await this.#options.log.durable();
        this.#options.onSync(target - this.#durable);
        this.#durable = target;
        this.#pendingBytes -= bytes;
        this.#releaseDurable();
      }
      this.#syncing = false;
    } catch (error) {
      // Still "syncing": no further attempt, a log that failed once is not trusted again.
      if (this.#closed) return;
      this.close();
      this.#options.onFault(error);
    }
  }

  #releaseDurable(): void {
    if (this.#closed) return;
    let count = 0;
    while (count < this.#held.length && (this.#held[count]?.after ?? 0) <= this.#durable) count += 1;
    if (count === 0) return;
    const released = this.#held.slice(0, count).map(({ output }) => output);
    this.#held = this.#held.slice(count);
    this.#options.release(released);
  }
}
