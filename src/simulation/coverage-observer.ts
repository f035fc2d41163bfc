/** Counts what happens in a world: events, refusals, suspicions, behaviours, crash points, outcomes. */
import type { ReplicaId } from '../base/ids.ts';
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
    for (const output of outputs) {
      if (output.kind === 'event') this.#onEvent(output.event);
      else if (output.kind === 'persist') this.#coverage.count('record', output.record.kind);
      else if (output.kind === 'truncate') this.#coverage.count('record', 'truncate');
    }
  }

  #onEvent(event: Event): void {
    this.#coverage.count('event', event.kind);
    switch (event.kind) {
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
        return;
      default:
    }
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
