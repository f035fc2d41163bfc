/** Which peers are linked, and since when the others are not. Times: µs of the monotonic clock that the replica steps by. */
import type { ReplicaId } from '../base/ids.ts';

/** A peer without a link. */
export interface DownLink {
  readonly replica: ReplicaId;
  readonly sinceUs: number;
}

export class LinkWatch {
  readonly #nowUs: () => number;
  readonly #down: Map<ReplicaId, number>;
  readonly #up = new Set<ReplicaId>();

  /** No link is up yet. */
  constructor(peers: readonly ReplicaId[], nowUs: () => number) {
    this.#nowUs = nowUs;
    this.#down = new Map(peers.map((replica) => [replica, nowUs()]));
  }

  onConnected(replica: ReplicaId): void {
    this.#up.add(replica);
    this.#down.delete(replica);
  }

  onDisconnected(replica: ReplicaId): void {
    this.#up.delete(replica);
    if (!this.#down.has(replica)) this.#down.set(replica, this.#nowUs());
  }

  get upCount(): number {
    return this.#up.size;
  }

  /** In order of their names. */
  up(): readonly ReplicaId[] {
    return [...this.#up].toSorted((left, right) => left - right);
  }

  /** In order of their names. */
  down(): readonly DownLink[] {
    return [...this.#down]
      .map(([replica, sinceUs]) => ({ replica, sinceUs }))
      .toSorted((left, right) => left.replica - right.replica);
  }
}
