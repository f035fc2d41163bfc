/**
 * Authenticity: what bears another's seal over other bytes than were sealed is refused, by every correct replica; and what counts as a vote of a correct
 * replica is one that it gave.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { ReplicaId } from '../../base/ids.ts';
import { replicaName } from '../../base/ids.ts';
import type { Input } from '../../protocol/input.ts';
import type { Message } from '../../messages/index.ts';
import type { Output } from '../../protocol/output.ts';
import type { Party } from '../../protocol/ports.ts';
import { demand } from '../observer.ts';
import type { Checker, NodeView } from '../observer.ts';

export class AuthenticityChecker implements Checker {
  readonly judges = ['authenticity'];
  readonly #forged = new WeakSet<Bytes>();
  /** To whom a forged frame has just been delivered: what that replica does next is its answer to it. */
  #judging: ReplicaId | undefined;

  /** The votes that each replica gave, as long as it is correct. */
  readonly #given = new Map<ReplicaId, Set<string>>();
  readonly #correct = new Map<ReplicaId, boolean>();

  released(node: NodeView, output: Output): void {
    this.#correct.set(node.id, node.isCorrect);
    if (!node.isCorrect || output.kind !== 'send') return;
    const vote = voteOf(output.message);
    if (vote === undefined) return;
    const given = this.#given.get(node.id) ?? new Set();
    this.#given.set(node.id, given.add(vote));
  }

  #demandGiven(node: NodeView, author: ReplicaId, message: Message): void {
    const vote = voteOf(message);
    if (vote === undefined || !node.isCorrect || this.#correct.get(author) !== true) return;
    demand(this.#given.get(author)?.has(vote) === true, 'authenticity', () => {
      return `${replicaName(node.id)} takes ${vote} for a vote of ${replicaName(author)}, which never gave it`;
    });
  }

  /** `frame` was made from another one whose seal it keeps. */
  forged(frame: Bytes): void {
    this.#forged.add(frame);
  }

  delivered(_from: Party, to: Party, frame: Bytes): void {
    this.#judging = to.kind === 'replica' && this.#forged.has(frame) ? to.replica : undefined;
  }

  stepped(node: NodeView, input: Input | undefined): void {
    const { kind } = input ?? { kind: 'start' };
    demand(this.#judging !== node.id || !node.isCorrect || kind === 'refused', 'authenticity', () => {
      return `${replicaName(node.id)} takes a message whose seal was made for another one (${kind})`;
    });
    this.#judging = undefined;
    if (input?.kind === 'message') this.#demandGiven(node, input.author, input.message);
  }
}

function voteOf(message: Message): string | undefined {
  if (message.type !== 'prepare' && message.type !== 'commit') return undefined;
  return `${message.type} ${message.view}/${message.sequence} ${message.digest} of ${replicaName(message.replica)}`;
}
