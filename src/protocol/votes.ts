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

const NOBODY: readonly ReplicaId[] = [];

export class Votes {
  readonly #bySender: (Vote | undefined)[];

  constructor(replicaCount: number) {
    this.#bySender = [];
    for (let sender = 0; sender < replicaCount; sender += 1) this.#bySender.push(undefined);
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

  /** By ascending sender. */
  voters(view: View, digest: Digest): readonly ReplicaId[] {
    return this.#senders((vote) => vote.view === view && vote.digest === digest);
  }

  /** Who voted in `view` for another digest than `digest`; by ascending sender. */
  dissenters(view: View, digest: Digest): readonly ReplicaId[] {
    // Asked for every slot, and nearly always nobody.
    return this.hasDissent(view, digest)
      ? this.#senders((vote) => vote.view === view && vote.digest !== digest)
      : NOBODY;
  }

  /** Did anybody vote in `view` for another digest than `digest`? */
  hasDissent(view: View, digest: Digest): boolean {
    for (const vote of this.#bySender)
      if (vote !== undefined && vote.view === view && vote.digest !== digest) return true;
    return false;
  }

  /** All votes by ascending sender. */
  entries(): readonly (readonly [ReplicaId, Vote])[] {
    const entries: (readonly [ReplicaId, Vote])[] = [];
    this.#bySender.forEach((vote, sender) => {
      if (vote !== undefined) entries.push([asReplicaId(sender), vote]);
    });
    return entries;
  }

  #senders(isMeant: (vote: Vote) => boolean): readonly ReplicaId[] {
    const senders: ReplicaId[] = [];
    for (let sender = 0; sender < this.#bySender.length; sender += 1) {
      const vote = this.#bySender[sender];
      if (vote !== undefined && isMeant(vote)) senders.push(asReplicaId(sender));
    }
    return senders;
  }
}
