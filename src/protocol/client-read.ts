/**
 * One read-only request of a client, without I/O [OSDI'99 §5.1.3; the rules: read-only.ts]: sent to all, answered by each on its own state, and done when a
 * quorum gives one result and their states have a sequence number in common at which it was true. It ends soon, with the result or undecided: then its
 * owner has the operation ordered like any other. Owns the answers; holds no clock and no keys.
 */
import type { Bytes } from '../base/bytes.ts';
import { asReplicaId } from '../base/ids.ts';
import type { ClientId, Digest, ReplicaId, Sequence } from '../base/ids.ts';
import { REQUEST_READ_ONLY, requestDigest, resultDigest } from '../messages/index.ts';
import type { CodecContext, Reply, Request } from '../messages/index.ts';
import type { ClusterConfig } from './config.ts';
import { makeQuorums } from './quorum.ts';
import type { Quorums } from './quorum.ts';

export interface ClientReadConfig {
  readonly cluster: Pick<ClusterConfig, 'replicaCount' | 'quorumRule' | 'authentication'>;
  readonly client: ClientId;
  /** Two random numbers from 1, in the place of session and timestamp: what tells this read from all others of the client. */
  readonly nonce: { readonly session: number; readonly timestamp: number };
  /** µs after which it is undecided. */
  readonly patienceUs: number;
}

export type ReadVerdict =
  | {
      readonly kind: 'read';
      readonly requestDigest: Digest;
      readonly result: Bytes;
      /** Where in the order of batches the result was true, after everything that had been answered before this read began. */
      readonly sequence: Sequence;
      /** Whose answers it is made of, a quorum or more. */
      readonly replies: readonly ReplicaId[];
    }
  /** `conflict`: the answers that came, and those that can still come, make no result. `timeout`: too few came. */
  | { readonly kind: 'undecided'; readonly why: 'conflict' | 'timeout' };

/** A reply to a read of which everything that concerns it alone was checked. */
interface Answer {
  readonly replica: ReplicaId;
  readonly resultDigest: Digest;
  readonly since: Sequence;
  readonly sequence: Sequence;
  readonly result: Bytes | undefined;
}

export class ClientRead {
  readonly request: Request;
  readonly digest: Digest;
  /** To whom it goes. */
  readonly to: readonly ReplicaId[];
  readonly isSigned: boolean;
  /** µs of the clock that `now` is of. */
  readonly deadline: number;
  readonly #quorums: Quorums;
  readonly #context: CodecContext;
  readonly #answers = new Map<ReplicaId, Answer>();

  constructor(
    { cluster, client, nonce, patienceUs }: ClientReadConfig,
    context: CodecContext,
    {
      now,
      operation,
      replier,
    }: { readonly now: number; readonly operation: Bytes; readonly replier?: ReplicaId | undefined },
  ) {
    this.#quorums = makeQuorums(cluster.replicaCount, cluster.quorumRule);
    this.#context = context;
    this.to = Array.from({ length: cluster.replicaCount }, (_, index) => asReplicaId(index));
    this.isSigned = cluster.authentication === 'signature';
    this.deadline = now + patienceUs;
    this.request = {
      type: 'request',
      client,
      session: nonce.session,
      timestamp: nonce.timestamp,
      flags: REQUEST_READ_ONLY,
      idempotency: undefined,
      operation: operation.slice(),
      replier: replier ?? asReplicaId(nonce.timestamp % cluster.replicaCount),
    };
    this.digest = requestDigest(context, this.request);
  }

  /** A reply whose MAC or signature was verified to be `from`'s. The first of each replica counts; what is no answer to this read is ignored. */
  onReply(reply: Reply, from: ReplicaId): ReadVerdict | undefined {
    const answer = this.#answerOf(reply, from);
    if (answer === undefined || this.#answers.has(from)) return undefined;
    this.#answers.set(from, answer);
    return this.#judge(answer.resultDigest);
  }

  /** Undecided when its time is up. */
  onTimeout(now: number): ReadVerdict | undefined {
    return now >= this.deadline ? { kind: 'undecided', why: 'timeout' } : undefined;
  }

  #answerOf(reply: Reply, from: ReplicaId): Answer | undefined {
    const { client, session, timestamp } = this.request;
    const isForThis =
      reply.replica === from &&
      from < this.#quorums.replicaCount &&
      reply.client === client &&
      reply.session === session &&
      reply.timestamp === timestamp &&
      reply.requestDigest === this.digest;
    const { outcome, since, sequence, result } = reply;
    if (!isForThis || outcome !== 'read' || since === undefined || since > sequence) return undefined;
    if (result !== undefined && resultDigest(this.#context, result) !== reply.resultDigest) return undefined;
    return { replica: from, resultDigest: reply.resultDigest, since, sequence, result };
  }

  #judge(latest: Digest): ReadVerdict | undefined {
    const { quorum, replicaCount } = this.#quorums;
    const outstanding = replicaCount - this.#answers.size;
    const agreed = this.#commonPoint(latest);
    if (agreed !== undefined) {
      const result = agreed.answers.find((answer) => answer.result !== undefined)?.result;
      if (result !== undefined) {
        const replies = agreed.answers.map(({ replica }) => replica).toSorted((left, right) => left - right);
        return { kind: 'read', requestDigest: this.digest, result, sequence: agreed.sequence, replies };
      }
    }
    const most = Math.max(...[...this.#answers.values()].map(({ resultDigest: of }) => this.#with(of).length));
    return outstanding === 0 || most + outstanding < quorum ? { kind: 'undecided', why: 'conflict' } : undefined;
  }

  #with(digest: Digest): readonly Answer[] {
    return [...this.#answers.values()].filter((answer) => answer.resultDigest === digest);
  }

  /** A number at which q replicas say that the result with this digest was true, the highest such; with those that say so. */
  #commonPoint(digest: Digest): { readonly sequence: Sequence; readonly answers: readonly Answer[] } | undefined {
    const same = this.#with(digest);
    let found: { readonly sequence: Sequence; readonly answers: readonly Answer[] } | undefined;
    // If there is one at all, the beginning of some answer's time is one.
    for (const { since } of same) {
      const answers = same.filter((answer) => answer.since <= since && since <= answer.sequence);
      if (answers.length >= this.#quorums.quorum && (found === undefined || since > found.sequence))
        found = { sequence: since, answers };
    }
    return found;
  }
}
