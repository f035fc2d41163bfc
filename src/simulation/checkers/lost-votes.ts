/**
 * Lost votes: a replica that lost its log sends no vote before it is done, none at or below its mark, none in a view that one of its old VIEW-CHANGEs
 * speaks of; its mark is above everything it voted on; and it is done in the end.
 */
import type { ReplicaId } from '../../base/ids.ts';
import { replicaName } from '../../base/ids.ts';
import type { Message } from '../../messages/index.ts';
import type { Event } from '../../protocol/event.ts';
import type { Output } from '../../protocol/output.ts';
import { demand } from '../observer.ts';
import type { Checker, NodeView } from '../observer.ts';

/** What a message says for its sender for ever: about a number, about a view, or both. */
interface Vote {
  readonly sequence: number | undefined;
  readonly view: number | undefined;
  readonly isViewChange: boolean;
}

/** What one node said since its disk was new. */
interface Said {
  sequence: number;
  /** Highest view of a VIEW-CHANGE. */
  leftFor: number;
}

interface Loss {
  /** What it said before. */
  readonly before: Said;
  mark: number | undefined;
  /** Highest view in which it says nothing again; undefined until it is done. */
  barred: number | undefined;
  /** Since then it was in a view above that, or left one that a quorum was in. */
  isBack: boolean;
}

export class LostVotesChecker implements Checker {
  /** `liveness` at the end of a quiet run alone. */
  readonly judges = ['lost votes'];
  readonly #said = new Map<ReplicaId, Said>();
  readonly #losses = new Map<ReplicaId, Loss>();

  diskLost(node: ReplicaId): void {
    const said = this.#said.get(node) ?? { sequence: 0, leftFor: 0 };
    this.#losses.set(node, { before: { ...said }, mark: undefined, barred: undefined, isBack: false });
  }

  released(node: NodeView, output: Output): void {
    if (!node.isCorrect) return;
    const loss = this.#losses.get(node.id);
    if (output.kind === 'event' && loss !== undefined) this.#onEvent(node, loss, output.event);
    if (output.kind !== 'send') return;
    const vote = voteOf(node, output.message);
    if (vote === undefined) return;
    if (loss !== undefined) this.#judge(node, loss, { vote, type: output.message.type });
    const said = this.#said.get(node.id) ?? { sequence: 0, leftFor: 0 };
    said.sequence = Math.max(said.sequence, vote.sequence ?? 0);
    if (vote.isViewChange) said.leftFor = Math.max(said.leftFor, vote.view ?? 0);
    this.#said.set(node.id, said);
  }

  #onEvent(node: NodeView, loss: Loss, event: Event): void {
    if (event.kind === 'recovered') {
      loss.barred = event.barred;
      demand(event.barred >= loss.before.leftFor, 'lost votes', () => {
        return `${replicaName(node.id)} is barred up to view ${event.barred}, and sent a VIEW-CHANGE for ${loss.before.leftFor} before its disk was lost`;
      });
    }
    if (isReturn(event, loss.barred ?? Infinity)) loss.isBack = true;
    if (event.kind !== 'recovery-estimated') return;
    loss.mark = event.mark;
    demand(event.mark >= loss.before.sequence, 'lost votes', () => {
      return `${replicaName(node.id)} takes ${event.mark} for its mark, and voted on ${loss.before.sequence} before its disk was lost`;
    });
  }

  #judge(
    node: NodeView,
    { before, mark, barred }: Loss,
    { vote, type }: { readonly vote: Vote; readonly type: string },
  ): void {
    const name = replicaName(node.id);
    demand(barred !== undefined, 'lost votes', () => `${name} sends ${type} before it is done with its recovery`);
    const { sequence = Infinity, view = Infinity } = vote;
    demand(sequence > (mark ?? 0) && sequence > before.sequence, 'lost votes', () => {
      return `${name} sends ${type} for ${sequence}, its mark is ${mark ?? 0}, and it had voted on ${before.sequence}`;
    });
    demand(view > barred, 'lost votes', () => `${name} sends ${type} for view ${view}, and is barred up to ${barred}`);
  }

  /** The end of a quiet run: each is done, and has come back, if others are in a view. */
  checkDone(correct: readonly NodeView[]): void {
    const isAnyInView = correct.some(({ status }) => !status.inViewChange);
    for (const [node, { barred, isBack }] of this.#losses) {
      const name = replicaName(node);
      demand(barred !== undefined, 'liveness', () => `${name} has not recovered from the loss of its disk`);
      demand(isBack || !isAnyInView, 'liveness', () => `${name} has recovered, and came to no view above ${barred}`);
    }
  }
}

/**
 * Is this replica one like the others again? In a view above `barred`; or it has left one for another reason than its recovery, for which a quorum had
 * to follow it there. Where a network holds back one NEW-VIEW long enough, it then waits alone in a higher view for the next view change, as any
 * replica may (seed 1034249).
 */
function isReturn(event: Event, barred: number): boolean {
  if (event.kind === 'view-entered') return event.view > barred;
  return event.kind === 'view-change-started' && event.view > barred && event.reason !== 'recovery';
}

/** What a message binds its sender to; undefined for all others, and for what is passed on. */
function voteOf(node: NodeView, message: Message): Vote | undefined {
  switch (message.type) {
    case 'pre-prepare':
      if (message.view % node.status.quorums.replicaCount !== node.id) return undefined;
      return { sequence: message.sequence, view: message.view, isViewChange: false };
    case 'prepare':
    case 'commit':
      if (message.replica !== node.id) return undefined;
      return { sequence: message.sequence, view: message.view, isViewChange: false };
    case 'checkpoint':
      return message.replica === node.id
        ? { sequence: message.sequence, view: undefined, isViewChange: false }
        : undefined;
    case 'view-change':
      return message.replica === node.id ? { sequence: undefined, view: message.view, isViewChange: true } : undefined;
    case 'new-view':
      if (message.view % node.status.quorums.replicaCount !== node.id) return undefined;
      return { sequence: undefined, view: message.view, isViewChange: false };
    default:
      return undefined;
  }
}
