/**
 * Whom to ask for the full result: the replicas in turn, without those that are not linked or have fallen silent. One that does not answer costs
 * each request that names it half a timeout, so that one crashed replica of four would slow down every fourth request. Only a hint: whom the
 * client believes does not depend on it.
 */
import type { ReplicaId } from '../base/ids.ts';

/** A replica is silent when it was last heard so long before the others. */
const SILENT_US = 1_000_000;

export class ReplierChoice {
  /** When each was last heard, µs monotonic. */
  readonly #heard = new Map<ReplicaId, number>();
  #lastHeard = 0;
  #turn = 0;

  /** An authentic frame of `replica` came. */
  onHeard(replica: ReplicaId, now: number): void {
    this.#heard.set(replica, now);
    this.#lastHeard = now;
  }

  /** Its link came up: it may answer from now on. */
  onConnected(replica: ReplicaId, now: number): void {
    this.#heard.set(replica, now);
  }

  /** The next of `linked`; undefined when all that is known speaks against each of them. */
  next(linked: readonly ReplicaId[]): ReplicaId | undefined {
    let count = 0;
    for (const replica of linked) if (this.#isSpeaking(replica)) count += 1;
    if (count === 0) return undefined;
    this.#turn += 1;
    let before = this.#turn % count;
    for (const replica of linked) if (this.#isSpeaking(replica) && (before -= 1) < 0) return replica;
    return undefined;
  }

  #isSpeaking(replica: ReplicaId): boolean {
    return (this.#heard.get(replica) ?? 0) >= this.#lastHeard - SILENT_US;
  }
}
