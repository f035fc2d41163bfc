/**
 * The replies to one request, and when they are enough [OSDI'99 §4.1]: f+1 of distinct replicas that match in everything but the view, one of
 * which is of a correct replica, and the full result from any of them. Where n ≤ 3, f+1 is one: that node is believed. Where there are read-only
 * requests, a quorum. Tentative replies count where a quorum matches, those among them that are tentative made in one view [TOCS §5.1.2]: if none of the others is
 * true, then all of the correct ones, f+1 or more, have prepared the batch in that view.
 */
import { asView } from '../base/ids.ts';
import { equalBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import type { Reply } from '../messages/index.ts';
import type { Quorums } from './quorum.ts';

/** How many matching replies make a result: f+1, or with read-only requests a quorum (read-only.ts). */
export function repliesNeeded(quorums: Quorums, cluster: { readonly readOnlyRequests: boolean }): number {
  return cluster.readOnlyRequests ? quorums.quorum : quorums.weak;
}

/** What enough replicas say came of a request. */
export interface ReplyCertificate {
  readonly outcome: Exclude<Reply['outcome'], 'read' | 'tentative'>;
  readonly sequence: Sequence;
  readonly digest: Digest;
  readonly resultDigest: Digest;
  readonly result: Bytes;
  /** The view that most of them name, the lowest of several such; nobody vouches for it. */
  readonly view: View;
  /** Those that match, in order of their names. */
  readonly replies: readonly Reply[];
  /** It takes some that are tentative. */
  readonly isTentative: boolean;
}

/** True when both say the same: all but view, replica, receipt, whether the result is there in full, and whether the execution is tentative. */
export function matches(left: ReplyClaim, right: ReplyClaim): boolean {
  return (
    left.sequence === right.sequence &&
    left.digest === right.digest &&
    onceCommitted(left.outcome) === onceCommitted(right.outcome) &&
    left.resultDigest === right.resultDigest
  );
}

/** What a tentative execution is once it is committed. */
function onceCommitted(outcome: Reply['outcome']): Exclude<Reply['outcome'], 'tentative'> {
  return outcome === 'tentative' ? 'executed' : outcome;
}

/** What a reply claims about a request that it names. */
export type ReplyClaim = Pick<Reply, 'sequence' | 'digest' | 'outcome' | 'resultDigest'>;

/** Of what no replica has sent. */
const NO_REPLIES: readonly Reply[] = [];

/**
 * Per replica its latest claim of an execution and its latest table error: a correct replica can truly have sent both (an error for a first
 * sending, an execution later), and each alone counts once. Hence at most 2n replies are held, whatever comes. A list of replies is never changed, but replaced
 * by another: where all that are held match, the very list is what was accepted.
 */
export class ReplyCollection {
  readonly #needed: number;
  readonly #quorum: number;
  /** In order of the replicas' names, one of each. */
  #executions = NO_REPLIES;
  #errors = NO_REPLIES;

  /** `needed`: how many must match; see {@link repliesNeeded}. `quorum`: how many, if some are tentative. */
  constructor(needed: number, quorum: number) {
    this.#needed = needed;
    this.#quorum = quorum;
  }

  /** True if exactly this, or something firmer, is already known of its sender: nothing has to be verified or counted again. */
  holds(reply: Reply): boolean {
    const held = replyOf(reply.replica, this.#kind(reply));
    if (held === undefined) return false;
    const isFirmer = reply.outcome === 'tentative' && held.outcome !== 'tentative';
    if (!matches(held, reply)) return isFirmer;
    if (!isFirmer && (held.outcome !== reply.outcome || held.view !== reply.view)) return false;
    return (
      (reply.result === undefined || held.result !== undefined) &&
      (isFirmer || reply.receipt === undefined || held.receipt !== undefined)
    );
  }

  /** Has another reply brought this result under this digest? Then it is known to hash to it. */
  knowsResult(digest: Digest, result: Bytes): boolean {
    for (const held of this.#executions)
      if (held.result !== undefined && held.resultDigest === digest) return equalBytes(held.result, result);
    return false;
  }

  /**
   * Adds an authentic reply to this request whose result, if it has one, hashes to its result digest.
   * Returns the certificate once it is complete.
   */
  add(reply: Reply): ReplyCertificate | undefined {
    const held = replyOf(reply.replica, this.#kind(reply));
    const kept = held !== undefined && matches(held, reply) ? merge(held, reply) : reply;
    if (kept.outcome === 'table-error') this.#errors = withReply(this.#errors, kept);
    else this.#executions = withReply(this.#executions, kept);
    return this.#certificate(kept);
  }

  /** Those of the most replicas that agree with each other, in order of their names. */
  leading(): readonly Reply[] {
    let leading: readonly Reply[] = [];
    for (const reply of this.all()) {
      const agreeing = this.#agreeing(reply);
      if (agreeing.length > leading.length) leading = agreeing;
    }
    return leading;
  }

  /** How many must agree on what {@link leading} says. */
  get needed(): number {
    return this.leading().some(isTentative) ? this.#quorum : this.#needed;
  }

  /** Do enough replicas agree on something? */
  get isAgreed(): boolean {
    if (Math.max(this.#executions.length, this.#errors.length) < this.#needed) return false;
    return this.#isAnyAgreed(this.#executions) || this.#isAnyAgreed(this.#errors);
  }

  /** Is there a reply of `replica`, whatever it claims? */
  hasHeard(replica: ReplicaId): boolean {
    return replyOf(replica, this.#executions) !== undefined || replyOf(replica, this.#errors) !== undefined;
  }

  /** Every claim held, in order of the replicas' names, executions first. */
  all(): readonly Reply[] {
    return this.#errors.length === 0 ? this.#executions : [...this.#executions, ...this.#errors];
  }

  #kind(reply: Reply): readonly Reply[] {
    return reply.outcome === 'table-error' ? this.#errors : this.#executions;
  }

  #isAnyAgreed(claims: readonly Reply[]): boolean {
    for (const claim of claims) if (this.#enough(claim) !== undefined) return true;
    return false;
  }

  /** Those whose claim makes a result: as many as are needed that speak of what is committed; or a quorum, with those that are tentative. */
  #enough(claim: Reply): readonly Reply[] | undefined {
    if (this.#support(claim) < this.#needed) return undefined;
    const matching = this.#matching(claim);
    if (!matching.some(isTentative)) return matching;
    const committed = matching.filter((reply) => !isTentative(reply));
    if (committed.length >= this.#needed) return committed;
    const agreeing = this.#agreeing(claim);
    return agreeing.length >= this.#quorum && agreeing.some(isTentative) ? agreeing : undefined;
  }

  /** How many replicas claim the same, tentatively or not: most come before there are enough. */
  #support(claim: Reply): number {
    let count = 0;
    for (const reply of this.#kind(claim)) if (matches(reply, claim)) count += 1;
    return count;
  }

  #matching(claim: Reply): readonly Reply[] {
    const held = this.#kind(claim);
    return this.#support(claim) === held.length ? held : held.filter((reply) => matches(reply, claim));
  }

  /** Of those that match, what is tentative in one view only: the one of the most. */
  #agreeing(claim: Reply): readonly Reply[] {
    const matching = this.#matching(claim);
    const tentative = matching.filter(isTentative);
    const [first, ...others] = tentative;
    if (first === undefined || others.every(({ view }) => view === first.view)) return matching;
    const view = commonView(tentative);
    return matching.filter((reply) => !isTentative(reply) || reply.view === view);
  }

  #certificate(claim: Reply): ReplyCertificate | undefined {
    if (claim.outcome === 'read') return undefined;
    const replies = this.#enough(claim);
    const result = replies?.find((reply) => reply.result !== undefined)?.result;
    if (replies === undefined || result === undefined) return undefined;
    const { sequence, digest, resultDigest } = claim;
    const outcome = claim.outcome === 'tentative' ? 'executed' : claim.outcome;
    const view = commonView(replies);
    return {
      outcome,
      sequence,
      digest,
      resultDigest,
      result,
      view,
      replies,
      isTentative: replies.some(isTentative),
    };
  }
}

function isTentative({ outcome }: Reply): boolean {
  return outcome === 'tentative';
}

/** What `replica` said, of replies of which each replica has one. */
function replyOf(replica: ReplicaId, replies: readonly Reply[]): Reply | undefined {
  for (const reply of replies) if (reply.replica === replica) return reply;
  return undefined;
}

/** With `reply` in its place, instead of what its replica said before. Mostly there are one or two, and a list that grows takes room for many more. */
function withReply(replies: readonly Reply[], reply: Reply): readonly Reply[] {
  const first = replies[0];
  if (first === undefined) return [reply];
  if (replies.length === 1 && first.replica !== reply.replica)
    return first.replica < reply.replica ? [first, reply] : [reply, first];
  return inserted(replies, reply);
}

function inserted(replies: readonly Reply[], reply: Reply): readonly Reply[] {
  const isBefore = (other: Reply): boolean => other.replica < reply.replica;
  const isBehind = (other: Reply): boolean => other.replica > reply.replica;
  return [...replies.filter(isBefore), reply, ...replies.filter(isBehind)];
}

/** Two copies of one claim: a later one without the result or the receipt takes neither away. The receipt covers the view beside it. */
function merge(held: Reply, later: Reply): Reply {
  if (isTentative(held) || isTentative(later)) return mergeTentative(held, later);
  const base = later.receipt === undefined && held.receipt !== undefined ? held : later;
  return { ...base, result: later.result ?? held.result };
}

/** Of a tentative reply and another one for the same claim the firmer, and the later; a receipt stays with what it covers. */
function mergeTentative(held: Reply, later: Reply): Reply {
  const base = later.outcome === 'tentative' && held.outcome !== 'tentative' ? held : later;
  return { ...base, result: later.result ?? held.result };
}

function commonView(replies: readonly Reply[]): View {
  const first = replies[0]?.view;
  if (first !== undefined && replies.every(({ view }) => view === first)) return first;
  const views = replies.map((reply) => reply.view).toSorted((left, right) => left - right);
  const countOf = (view: View): number => views.filter((other) => other === view).length;
  return views.reduce((best, view) => (countOf(view) > countOf(best) ? view : best), views[0] ?? asView(0));
}
