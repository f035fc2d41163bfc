/** Counts what happens in a world: events, refusals, suspicions, behaviours, crash points, outcomes. */
import { NULL_DIGEST } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { NewView } from '../messages/index.ts';
import { ClaimIndex } from '../protocol/decision-rules.ts';
import type { Event } from '../protocol/event.ts';
import type { Input } from '../protocol/input.ts';
import type { Output } from '../protocol/output.ts';
import type { Party } from '../protocol/ports.ts';
import type { Refusal } from '../protocol/refusal.ts';
import type { Coverage } from './coverage.ts';
import type { NodeView, Observer } from './observer.ts';

export class CoverageObserver implements Observer {
  readonly #coverage: Coverage;

  constructor(coverage: Coverage) {
    this.#coverage = coverage;
  }

  stepped(node: NodeView, input: Input | undefined, outputs: readonly Output[]): void {
    if (input?.kind === 'message') {
      this.#coverage.count('event', 'message-received');
      this.#coverage.count('message', input.message.type);
    }
    if (input?.kind === 'requests') {
      this.#coverage.count('event', 'message-received');
      this.#coverage.count('message', 'requests');
    }
    if (!node.isCorrect) return;
    let isChosen = false;
    for (const output of outputs) {
      if (output.kind === 'event' && output.event.kind === 'new-view-made') isChosen = true;
      else if (isChosen && output.kind === 'send' && output.message.type === 'new-view') {
        this.#onChoice(node, output.message);
        isChosen = false;
      }
      if (output.kind === 'event') this.#onEvent(output.event);
      else if (output.kind === 'persist') this.#coverage.count('record', output.record.kind);
      else if (output.kind === 'truncate') this.#coverage.count('record', 'truncate');
    }
  }

  #onEvent(event: Event): void {
    this.#coverage.count('event', event.kind);
    switch (event.kind) {
      case 'view-change-started':
        this.#coverage.count('view change', event.reason);
        return;
      case 'refused':
        this.#coverage.count(event.type === 'frame' ? 'intake refusal' : 'refusal', event.code);
        return;
      case 'suspicion':
        this.#coverage.count('suspicion', event.suspicion.kind);
        this.#coverage.count('certainty', `${event.suspicion.certainty}: ${event.suspicion.kind}`);
        return;
      case 'buffered':
        this.#coverage.count('buffered', event.what);
        return;
      case 'executed':
        for (const request of event.requests) this.#coverage.count('outcome', request.outcome);
        if (event.operations > event.count) this.#coverage.count('executed request', 'with several operations');
        return;
      default:
    }
  }

  /** What a correct primary chose, and which of the rules decided it. */
  #onChoice(node: NodeView, newView: NewView): void {
    const { slots } = newView;
    const claims = newView.viewChanges.map(({ viewChange }) => viewChange);
    const { quorums } = node.status;
    const count = (name: string): void => this.#coverage.count('new view', name);
    count(slots.length > 0 ? 'with batches' : 'without batches');
    if (slots.some(({ digest }) => digest === NULL_DIGEST)) count('with a null batch');
    const proven = Math.max(...claims.map(({ lowWaterMark }) => lowWaterMark));
    if (newView.start.sequence > proven) count('starts at a checkpoint that f+1 list');
    const index = new ClaimIndex(claims, newView.start.sequence, quorums);
    if (slots.some(({ sequence }) => index.refusedByA1(sequence).length > 0)) count('A1 decisive');
    if (slots.some(({ sequence }) => index.refusedByA2(sequence).length > 0)) count('A2 decisive');
  }

  released(_node: NodeView, output: Output): void {
    if (output.kind === 'send') this.#coverage.count('event', 'message-sent', output.to.length);
    else if (output.kind === 'reply') this.#coverage.count('message', 'reply');
  }

  held(by: 'clog' | 'pause', hasRoom: boolean): void {
    this.#coverage.count('fault effect', hasRoom ? `${by}: held back` : `${by}: buffer full`);
  }

  crashed(_node: ReplicaId, point: string): void {
    this.#coverage.count('crash point', point);
  }

  refused(_node: NodeView, link: Party, refusal: Refusal): void {
    if (link.kind === 'client') this.#coverage.count('intake refusal', refusal.code);
  }
}
