/** Reads that wait for a tentative batch to be committed (read-only.ts): few of each client and bounded in bytes, so that nobody keeps others out. */
import type { ClientId } from '../base/ids.ts';
import type { AuthenticatedRequest } from '../messages/index.ts';

/** Of one client. */
const PER_CLIENT = 64;
/** Of all, by the measure below. */
const BYTES = 8 * 1024 * 1024;
/** A read besides its operation. */
const OVERHEAD_BYTES = 1024;

export class ParkedReads {
  #reads: AuthenticatedRequest[] = [];
  #perClient = new Map<ClientId, number>();
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#reads.length === 0;
  }

  /** False: there is no room. */
  add(read: AuthenticatedRequest): boolean {
    const { client, operation } = read.request;
    const bytes = operation.length + OVERHEAD_BYTES;
    const count = this.#perClient.get(client) ?? 0;
    if (count >= PER_CLIENT || this.#bytes + bytes > BYTES) return false;
    this.#reads.push(read);
    this.#perClient.set(client, count + 1);
    this.#bytes += bytes;
    return true;
  }

  /** All of them, in the order in which they came; nothing waits afterwards. */
  take(): readonly AuthenticatedRequest[] {
    const reads = this.#reads;
    this.#reads = [];
    this.#perClient = new Map();
    this.#bytes = 0;
    return reads;
  }
}
