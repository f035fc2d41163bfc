/**
 * The votes of one phase for one slot: at most one per sender, so that a certificate counts distinct authors and memory is bounded whatever
 * is sent [OSDI'99 §4.2]. The highest view wins; within a view the first digest stays.
 */
import type { Bytes } from '../base/bytes.ts';
import { asReplicaId } from '../base/ids.ts';
import type { Digest, ReplicaId, View } from '../base/ids.ts';

export interface Vote {
  readonly view: View;
  readonly digest: Digest;
  /** The sender's Ed25519 signature, where votes are signed. */
  readonly signature: Bytes | undefined;
}

/** `contradiction`: the sender voted for another digest in the same view before; the earlier vote is kept. */
export type VoteOutcome = 'added' | 'duplicate' | 'older-view' | 'contradiction';

export class Votes {
  readonly #bySender: (Vote | undefined)[];

  constructor(replicaCount: number) {
    this.#bySender = Array.from({ length: replicaCount }, () => undefined);
  }

  /** Requires: the vote's author is verified to be `sender`. */
  add(sender: ReplicaId, vote: Vote): VoteOutcome {
    const kept = this.#bySender[sender];
    if (kept !== undefined) {
      if (kept.view > vote.view) return 'older-view';
      if (kept.view === vote.view) return kept.digest === vote.digest ? 'duplicate' : 'contradiction';
    }
    this.#bySender[sender] = vote;
    return 'added';
  }

  of(sender: ReplicaId): Vote | undefined {
    return this.#bySender[sender];
  }

  /** How many distinct senders voted for exactly (view, digest). */
  count(view: View, digest: Digest): number {
    let count = 0;
    for (const vote of this.#bySender)
      if (vote !== undefined && vote.digest === digest && vote.view === view) count += 1;
    return count;
  }

  voters(view: View, digest: Digest): readonly ReplicaId[] {
    return this.entries()
      .filter(([, vote]) => vote.view === view && vote.digest === digest)
      .map(([sender]) => sender);
  }

  /** Who voted in `view` for another digest than `digest`. */
  dissenters(view: View, digest: Digest): readonly ReplicaId[] {
    return this.entries()
      .filter(([, vote]) => vote.view === view && vote.digest !== digest)
      .map(([sender]) => sender);
  }

  /** All votes by ascending sender. */
  entries(): readonly (readonly [ReplicaId, Vote])[] {
    const entries: (readonly [ReplicaId, Vote])[] = [];
    this.#bySender.forEach((vote, sender) => {
      if (vote !== undefined) entries.push([asReplicaId(sender), vote]);
    });
    return entries;
  }
}
