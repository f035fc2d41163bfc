/** Sends requests and keeps what came of the last one. */
import { signal } from '@preact/signals';
import type { ExecutedBody, ReadBody } from '../../src/api/index.ts';
import { trimMap } from '../model/bounded.ts';
import type { ApiFailure } from './api-client.ts';
import type { ClusterStore } from './cluster-store.ts';
import { labelOf } from './operations.ts';

export type Outcome =
  | { readonly kind: 'none' }
  | { readonly kind: 'waiting'; readonly label: string }
  | {
      readonly kind: 'answered';
      readonly label: string;
      readonly tookMs: number;
      readonly body: ExecutedBody | ReadBody;
    }
  | { readonly kind: 'failed'; readonly label: string; readonly why: ApiFailure };

export interface Order {
  readonly body: Readonly<Record<string, unknown>>;
  /** To which node; undefined: any that is there. */
  readonly node: string | undefined;
  /** Have a quorum answer it without ordering it. */
  readonly isReadOnly: boolean;
  /** Text that makes a repeat the same request; '' for none. */
  readonly idempotencyKey: string;
}

const WAIT_MS = 15_000;
const MAX_LABELS = 500;

export class RequestSender {
  readonly outcome = signal<Outcome>({ kind: 'none' });
  /** What requests ask for, by their digest, as far as they were sent from here. */
  readonly labels = signal<ReadonlyMap<string, string>>(new Map());
  /** How many have been executed for this page. */
  readonly executed = signal(0);
  readonly #store: ClusterStore;

  constructor(store: ClusterStore) {
    this.#store = store;
  }

  async send({ body, node, isReadOnly, idempotencyKey }: Order): Promise<Outcome> {
    const label = labelOf(body);
    this.outcome.value = { kind: 'waiting', label };
    const began = performance.now();
    const query = isReadOnly ? `read_only=true&timeout_ms=${WAIT_MS}` : `wait=true&timeout_ms=${WAIT_MS}`;
    const answer = await this.#store.call<ExecutedBody | ReadBody>(node, `/pbft/request?${query}`, {
      method: 'POST',
      body,
      headers: idempotencyKey === '' ? {} : { 'idempotency-key': idempotencyKey },
      timeoutMs: WAIT_MS + 2000,
    });
    const outcome: Outcome = answer.ok
      ? { kind: 'answered', label, tookMs: performance.now() - began, body: answer.body }
      : { kind: 'failed', label, why: answer.error };
    if (answer.ok) this.#remember(answer.body.request_digest, label);
    this.outcome.value = outcome;
    return outcome;
  }

  #remember(digest: string, label: string): void {
    const labels = new Map(this.labels.value).set(digest, label);
    trimMap(labels, MAX_LABELS);
    this.labels.value = labels;
    this.executed.value += 1;
  }
}
