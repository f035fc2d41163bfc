/**
 * Replies: a correct replica that executes a request, or has it repeated, replies to it in the same step, or has before it was committed, unless its client itself has issued a
 * proof of that request which does not ask this replica. So nobody but a client silences a replica, whoever alters on the way who is asked.
 */
import type { Digest, ReplicaId } from '../../base/ids.ts';
import { replicaName } from '../../base/ids.ts';
import { EVERYBODY, askedBy, isInSet } from '../../messages/index.ts';
import type { AuthenticatedRequest, ReplicaSet } from '../../messages/index.ts';
import type { EventKind, ExecutedRequest } from '../../protocol/event.ts';
import type { Input } from '../../protocol/input.ts';
import type { Output } from '../../protocol/output.ts';
import { demand } from '../observer.ts';
import type { Checker, NodeView } from '../observer.ts';

const NOBODY = 'nobody';
/** A replica enters a view also without having left the one before by a VIEW-CHANGE. */
const ENDS_OF_VIEWS: ReadonlySet<EventKind> = new Set<EventKind>(['view-change-started', 'view-entered']);
/** {@link NOBODY}: there is no replica that each of them asks. */
type AskedByAll = ReplicaSet | typeof NOBODY;

export class RepliesChecker implements Checker {
  readonly judges = ['replies'];
  /** By request: whom all proofs ask that were issued so far. */
  readonly #asked = new Map<Digest, AskedByAll>();
  /** By replica: which requests it has told their clients of tentatively, in this life and view. */
  readonly #told = new Map<ReplicaId, Set<Digest>>();

  issued({ digest, proof }: AuthenticatedRequest): void {
    const asked = askedBy(proof);
    const before = this.#asked.get(digest);
    this.#asked.set(digest, before === undefined ? asked : bothOf(before, asked));
  }

  booted(node: NodeView): void {
    this.#told.delete(node.id);
  }

  stepped(node: NodeView, _input: Input | undefined, outputs: readonly Output[]): void {
    if (!node.isCorrect) return;
    this.#noteTold(node, outputs);
    let replied: Set<Digest> | undefined;
    for (const output of outputs) {
      if (output.kind !== 'event' || output.event.kind !== 'executed') continue;
      for (const request of output.event.requests) {
        const { requestDigest } = request;
        if (this.#told.get(node.id)?.delete(requestDigest) === true || !this.#owesReply(node, request)) continue;
        replied ??= repliesIn(outputs);
        demand(replied.has(requestDigest), 'replies', () => {
          return `${replicaName(node.id)} executes ${requestDigest.slice(0, 12)}… and keeps silent, though its client never left it out`;
        });
      }
    }
  }

  /** What is told before it is committed is not told again, unless the view ends in between: then it may not have come to be. */
  #noteTold({ id }: NodeView, outputs: readonly Output[]): void {
    for (const output of outputs) {
      if (output.kind === 'event' && ENDS_OF_VIEWS.has(output.event.kind)) this.#told.delete(id);
      if (output.kind !== 'reply' || output.reply.outcome !== 'tentative') continue;
      const told = this.#told.get(id) ?? new Set();
      this.#told.set(id, told.add(output.reply.requestDigest));
    }
  }

  #owesReply({ id }: NodeView, { outcome, requestDigest }: ExecutedRequest): boolean {
    if (outcome === 'ignored') return false;
    const asked = this.#asked.get(requestDigest);
    return asked !== undefined && asked !== NOBODY && isInSet(asked, id);
  }
}

function bothOf(left: AskedByAll, right: ReplicaSet): AskedByAll {
  if (left === NOBODY || right === EVERYBODY) return left;
  if (left === EVERYBODY) return right;
  const both = left & right;
  return both === 0 ? NOBODY : both;
}

function repliesIn(outputs: readonly Output[]): Set<Digest> {
  return new Set(outputs.flatMap((output) => (output.kind === 'reply' ? [output.reply.requestDigest] : [])));
}
