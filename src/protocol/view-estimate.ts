/**
 * Which view a client believes the cluster to be in, from the views that replies name. All sessions of a client may share one. At most f
 * replicas lie, so of the f+1 that named the highest views one is correct, and has been in a view at least as high as the lowest of those.
 */
import { VIEW_ZERO, asReplicaId } from '../base/ids.ts';
import type { ReplicaId, View } from '../base/ids.ts';
import type { Quorums } from './quorum.ts';

export class ViewEstimate {
  readonly #quorums: Quorums;
  /** The highest view that each replica has named. */
  readonly #named: View[];
  #view: View = VIEW_ZERO;
  #toPrimary: readonly ReplicaId[] = [asReplicaId(0)];

  constructor(quorums: Quorums) {
    this.#quorums = quorums;
    this.#named = Array.from({ length: quorums.replicaCount }, () => VIEW_ZERO);
  }

  /** A view that some correct replica has been in, the highest that f+1 replicas vouch for. Never falls. */
  get view(): View {
    return this.#view;
  }

  /** To whom requests go first. */
  get primary(): ReplicaId {
    return asReplicaId(this.#view % this.#quorums.replicaCount);
  }

  /** {@link primary}, as a list of receivers: one list for all requests of a view. */
  get toPrimary(): readonly ReplicaId[] {
    return this.#toPrimary;
  }

  /** An authentic reply of `replica` names `view`. Requires: a replica of the cluster. */
  observe(replica: ReplicaId, view: View): void {
    if (view <= (this.#named[replica] ?? VIEW_ZERO)) return;
    this.#named[replica] = view;
    this.#view = this.#named.toSorted((left, right) => right - left)[this.#quorums.weak - 1] ?? VIEW_ZERO;
    this.#toPrimary = [this.primary];
  }
}
