/** Agreement: one batch per sequence number at correct replicas, executed in order, and one prepared digest per (v, n). Votes never contradict. */
import type { ReplicaId } from '../../base/ids.ts';
import { replicaName } from '../../base/ids.ts';
import type { Message } from '../../messages/index.ts';
import type { Event } from '../../protocol/event.ts';
import type { Output } from '../../protocol/output.ts';
import { Demand } from '../observer.ts';
import type { Checker, NodeView } from '../observer.ts';

type Executed = Extract<Event, { kind: 'executed' }>;

/** Tells two executions of one slot apart: digest, agreed time, and what became of each request. */
function summaryOf(event: Executed): string {
  const requests = event.requests.map((request) => `${request.requestDigest}:${request.outcome}`);
  return `${event.digest}@${event.timestamp}[${requests.join(' ')}]`;
}

export class AgreementChecker implements Checker {
  readonly judges = ['agreement', 'one prepared digest', 'execution in order', 'no contradiction'];
  readonly #agreement = new Demand('agreement');
  readonly #onePrepared = new Demand('one prepared digest');
  readonly #order = new Demand('execution in order');
  readonly #noContradiction = new Demand('no contradiction');
  readonly #executed = new Map<number, string>();
  readonly #prepared = new Map<string, string>();
  /** Per node, kind, view and sequence: what it said. */
  readonly #said = new Map<string, string>();
  readonly #lastExecuted = new Map<ReplicaId, number>();

  /** The digest that correct replicas executed at `sequence`; undefined when none did. */
  digestAt(sequence: number): string | undefined {
    return this.#executed.get(sequence)?.slice(0, 64);
  }

  booted(node: NodeView): void {
    this.#lastExecuted.set(node.id, -1);
  }

  #onEvent(node: NodeView, event: Event): void {
    if (event.kind === 'prepared' || event.kind === 'committed') {
      const slot = `${event.view}/${event.sequence}`;
      const digest = this.#prepared.get(slot) ?? event.digest;
      this.#prepared.set(slot, digest);
      this.#onePrepared.check(digest === event.digest, () => {
        return `${replicaName(node.id)} ${event.kind} ${event.digest} at ${slot}, another correct replica ${digest}`;
      });
    } else if (event.kind === 'executed') {
      this.#onExecuted(node, event);
    } else if (event.kind === 'transferred') {
      this.#lastExecuted.set(node.id, event.sequence);
    }
  }

  #onExecuted(node: NodeView, event: Executed): void {
    const summary = summaryOf(event);
    const agreed = this.#executed.get(event.sequence) ?? summary;
    this.#executed.set(event.sequence, agreed);
    const last = this.#lastExecuted.get(node.id) ?? -1;
    this.#lastExecuted.set(node.id, event.sequence);
    this.#agreement.check(agreed === summary, () => {
      return `${replicaName(node.id)} executed ${summary} at ${event.sequence}, another correct replica ${agreed}`;
    });
    this.#order.check(last < 0 || event.sequence === last + 1, () => {
      return `${replicaName(node.id)} executed ${event.sequence} after ${last}`;
    });
  }

  released(node: NodeView, output: Output): void {
    if (!node.isCorrect) return;
    if (output.kind === 'event') this.#onEvent(node, output.event);
    if (output.kind !== 'send') return;
    const vote = voteOf(node, output.message);
    if (vote === undefined) return;
    const said = this.#said.get(vote.slot) ?? vote.value;
    this.#said.set(vote.slot, said);
    this.#noContradiction.check(said === vote.value, () => {
      return `${replicaName(node.id)} said ${vote.value} for ${vote.slot}, and ${said} before`;
    });
  }
}

/** The slot and the value that a message binds its own sender to; undefined for all others. */
function voteOf(node: NodeView, message: Message): { readonly slot: string; readonly value: string } | undefined {
  switch (message.type) {
    case 'pre-prepare':
      // One passed on in signature mode binds its primary, not the node that passes it on.
      if (message.view % node.status.quorums.replicaCount !== node.id) return undefined;
      return { slot: `${node.id} pre-prepare ${message.view}/${message.sequence}`, value: message.digest };
    case 'prepare':
    case 'commit':
      if (message.replica !== node.id) return undefined;
      return { slot: `${node.id} ${message.type} ${message.view}/${message.sequence}`, value: message.digest };
    case 'checkpoint':
      if (message.replica !== node.id) return undefined;
      return { slot: `${node.id} checkpoint ${message.sequence}`, value: message.root };
    default:
      return undefined;
  }
}
