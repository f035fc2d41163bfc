/**
 * Orders of the lab between a node's process and the `pbft up` that started it, over the IPC channel they share. This file has the messages and the
 * node's side; lab-desk.ts is the other.
 */
import { apiError } from '../api/index.ts';
import type { ApiError, LabBody } from '../api/index.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import type { LabOrder, LabOutcome, LinkOrder, Supervision } from '../server/index.ts';

/** From a node: an order; and that whoever gave it has been answered. */
export type LabRequest =
  | { readonly kind: 'lab'; readonly id: number; readonly order: LabOrder }
  | { readonly kind: 'lab-answered'; readonly id: number };

/** To a node: what came of its order; and how its links are to be from now on. */
export type LabNotice =
  | { readonly kind: 'lab-outcome'; readonly id: number; readonly outcome: Result<LabBody, ApiError> }
  | { readonly kind: 'link'; readonly peer: ReplicaId; readonly order: LinkOrder };

/** Orders that may be under way at once. */
const MAX_ASKED = 64;
const ANSWER_WITHIN_MS = 5000;

/** The one end of an IPC channel: that of `process` in a child. */
export interface LabPort {
  readonly connected: boolean;
  send?(message: LabRequest): unknown;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
}

type LinkHandler = Parameters<Supervision['onLink']>[0];

/** Whoever started this process, as the node sees it. */
export class ParentSupervision implements Supervision {
  readonly #port: LabPort;
  readonly #asked = new Map<number, (outcome: Result<LabBody, ApiError>) => void>();
  #lastId = 0;
  #onLink: LinkHandler | undefined;

  constructor(port: LabPort) {
    this.#port = port;
    port.on('message', (message) => this.#onNotice(message as LabNotice));
    port.on('disconnect', () => {
      for (const answer of this.#asked.values()) answer(fail(apiError('no_supervisor')));
    });
  }

  async ask(order: LabOrder): Promise<Result<LabOutcome, ApiError>> {
    if (!this.#port.connected) return fail(apiError('no_supervisor'));
    if (this.#asked.size >= MAX_ASKED) return fail(apiError('overloaded', undefined, {}, 1));
    this.#lastId += 1;
    const id = this.#lastId;
    const outcome = await new Promise<Result<LabBody, ApiError>>((resolve) => {
      const timer = setTimeout(() => resolve(fail(apiError('supervisor_silent', undefined, {}, 1))), ANSWER_WITHIN_MS);
      this.#asked.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.#port.send?.({ kind: 'lab', id, order });
    });
    this.#asked.delete(id);
    if (!outcome.ok) return outcome;
    return ok({ body: outcome.value, answered: () => this.#tell({ kind: 'lab-answered', id }) });
  }

  onLink(handler: LinkHandler): void {
    this.#onLink = handler;
  }

  #tell(message: LabRequest): void {
    if (this.#port.connected) this.#port.send?.(message);
  }

  #onNotice(notice: LabNotice): void {
    if (notice.kind === 'link') this.#onLink?.(notice.peer, notice.order);
    else this.#asked.get(notice.id)?.(notice.outcome);
  }
}
