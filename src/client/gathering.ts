/**
 * Calls of one turn that ask for nothing but their result, until the turn is over: then those that allow for the same time go out as one compound request.
 * Owns a copy of their operations.
 */
import type { Bytes } from '../base/bytes.ts';
import { COMPOUND_HEAD_BYTES, COMPOUND_OPERATION_BYTES, OperationList } from '../messages/index.ts';
import type { Call } from './call.ts';

/** What goes out as one request: a list of operations, or the only one. */
export interface Gathered {
  readonly calls: readonly Call[];
  readonly operation: Bytes;
}

export class Gathering {
  readonly #list = new OperationList();
  #calls: Call[] = [];
  #timeoutMs = 0;
  #ready: Gathered[] = [];
  #size = 0;

  /** Calls in it. */
  get size(): number {
    return this.#size;
  }

  add(call: Call): void {
    const { operation, timeoutMs } = call;
    if (timeoutMs !== this.#timeoutMs || !this.#list.hasRoom(operation.length)) this.#close();
    this.#timeoutMs = timeoutMs;
    this.#list.add(operation);
    this.#calls.push(call);
    this.#size += 1;
  }

  /** All of them, in order; nothing is left. */
  drain(): readonly Gathered[] {
    this.#close();
    const ready = this.#ready;
    this.#ready = [];
    this.#size = 0;
    return ready;
  }

  #close(): void {
    if (this.#calls.length === 0) return;
    const list = this.#list.take();
    const isOne = this.#calls.length === 1;
    const operation = isOne ? list.slice(COMPOUND_HEAD_BYTES + COMPOUND_OPERATION_BYTES) : list;
    this.#ready.push({ calls: this.#calls, operation });
    this.#calls = [];
  }
}
